package endpoint_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// ofServer are the members that a client must not send back.
var ofServer = []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}

// without returns a body without members.
func without(body map[string]any, members ...string) map[string]any {
	rest := maps.Clone(body)
	for _, m := range members {
		delete(rest, m)
	}
	return rest
}

func TestReadRegistration(t *testing.T) {
	e := openTo(t, nil)
	c := e.enrol(t, web("client_name", "A", "client_name#de", "B", "contacts", []string{"c"}, "jwks", jwksOf(t, enrolmentKey(t, keys.ES256)), "require_pushed_authorization_requests", true))
	a := e.of(t, c, http.MethodGet, nil)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", a.status, a.header)
	}
	// All that was answered to the registration, but the secret, which nobody here knows any more.
	if want := without(c.body, "client_secret"); !reflect.DeepEqual(a.body, want) {
		t.Errorf("read\n%v\nregistered\n%v", a.body, want)
	}
	// What was read may be sent back, and changes nothing.
	if put := e.of(t, c, http.MethodPut, without(a.body, ofServer...)); put.status != http.StatusOK || !reflect.DeepEqual(put.body, a.body) {
		t.Errorf("put %d\n%v\nread\n%v", put.status, put.body, a.body)
	}
}

// TestChangesAreBounded: who holds a registration does not keep the server busy with it, and spoils nothing for others.
func TestChangesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &endpoint.MemoryRegistrar{}
		r := &endpoint.Registration{Registrar: m, OpenRegistration: true}
		server, err := avouch.New(avouch.Config{
			Issuer: "https://as.example", Minter: &token.Minter{Key: enrolmentKey(t, keys.ES256)}, Grants: []avouch.Grant{codeGrant{}},
			ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}}, Clients: m, Endpoints: []avouch.Endpoint{r.Endpoint(), r.Management()},
		})
		if err != nil {
			t.Fatal(err)
		}
		send := func(method, address, token, body string) (int, map[string]any) {
			req := httptest.NewRequest(method, address, strings.NewReader(body))
			req.Header.Set("Content-Type", "application/json")
			if token != "" {
				req.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			server.Handler().ServeHTTP(w, req)
			var said map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
				t.Fatal(err)
			}
			return w.Code, said
		}
		type client struct{ id, address, token string }
		var two []client
		for range 2 {
			_, said := send("POST", server.URL("registration"), "", `{"redirect_uris":["https://a.example/cb"]}`)
			two = append(two, client{said["client_id"].(string), said["registration_client_uri"].(string), said["registration_access_token"].(string)})
		}
		put := func(c client, more string) int {
			status, _ := send("PUT", c.address, c.token, `{"client_id":"`+c.id+`","redirect_uris":["https://a.example/cb"]`+more+`}`)
			return status
		}
		for range 200 { // which change nothing
			put(two[0], `,"scope":"admin"`)
		}
		good := 0
		for put(two[0], "") == http.StatusOK {
			if good++; good > 1000 {
				t.Fatal("there is no end to it")
			}
		}
		if status := put(two[0], ""); status != http.StatusTooManyRequests || good != 100 {
			t.Errorf("%d after %d changes", status, good)
		}
		if status := put(two[1], ""); status != http.StatusOK {
			t.Errorf("another client: %d", status)
		}
		time.Sleep(time.Minute)
		if status := put(two[0], ""); status != http.StatusOK {
			t.Errorf("a minute later: %d", status)
		}
	})
}

func TestReplaceRegistration(t *testing.T) {
	e := openTo(t, nil)
	c := e.enrol(t, web("client_name", "A", "client_name#de", "B", "contacts", []string{"c"}, "logo_uri", "https://a.example/l", "scope", "orders:read orders:write"))
	id := c.get("client_id")

	a := e.of(t, c, http.MethodPut, map[string]any{
		"client_id": id, "client_secret": c.get("client_secret"), "redirect_uris": []string{"https://new.example/cb"}, "client_name": "C", "contacts": nil,
	})
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	want := without(c.body, "client_secret", "client_name#de", "contacts", "logo_uri")
	want["redirect_uris"], want["client_name"], want["scope"] = []any{"https://new.example/cb"}, "C", "orders:read"
	if !reflect.DeepEqual(a.body, want) {
		t.Errorf("put\n%v\nwant\n%v", a.body, want)
	}
	if a := e.of(t, c, http.MethodGet, nil); !reflect.DeepEqual(a.body, want) {
		t.Errorf("read\n%v\nwant\n%v", a.body, want)
	}
	client, err := e.memory.Client(t.Context(), id)
	if err != nil || client.Name != "C" || !slices.Equal(client.Scopes, []string{"orders:read"}) || !slices.Equal(client.RedirectURIs, []string{"https://new.example/cb"}) {
		t.Errorf("the server sees %+v, %v", client, err)
	}

	// A refused one changes nothing.
	for name, test := range map[string]struct {
		body any
		code string
	}{
		"no client_id":             {web(), "invalid_client_metadata"},
		"another client_id":        {web("client_id", e.enrol(t, web()).get("client_id")), "invalid_client_metadata"},
		"client_id in upper case":  {web("client_id", strings.ToUpper(id)), "invalid_client_metadata"},
		"client_id of a number":    {web("client_id", 1), "invalid_client_metadata"},
		"client_id in an array":    {web("client_id", []string{id}), "invalid_client_metadata"},
		"another secret":           {web("client_id", id, "client_secret", strings.Repeat("a", 43)), "invalid_client_metadata"},
		"an empty secret":          {web("client_id", id, "client_secret", ""), "invalid_client_metadata"},
		"a secret of a number":     {web("client_id", id, "client_secret", 1), "invalid_client_metadata"},
		"null for a secret":        {web("client_id", id, "client_secret", nil), "invalid_client_metadata"},
		"bad redirect URI":         {map[string]any{"client_id": id, "redirect_uris": []string{"javascript:alert(1)"}}, "invalid_redirect_uri"},
		"no redirect URI":          {map[string]any{"client_id": id}, "invalid_redirect_uri"},
		"more scopes":              {web("client_id", id, "scope", "admin"), "invalid_client_metadata"},
		"no JSON":                  {"{", "invalid_client_metadata"},
		"client_id twice":          {`{"client_id":"` + id + `","client_id":"` + id + `","redirect_uris":["https://a.example/cb"]}`, "invalid_client_metadata"},
		ofServer[0]:                {web("client_id", id, ofServer[0], c.get(ofServer[0])), "invalid_client_metadata"},
		ofServer[1]:                {web("client_id", id, ofServer[1], c.get(ofServer[1])), "invalid_client_metadata"},
		ofServer[2]:                {web("client_id", id, ofServer[2], 0), "invalid_client_metadata"},
		ofServer[3]:                {web("client_id", id, ofServer[3], 1), "invalid_client_metadata"},
		ofServer[0] + " as null":   {web("client_id", id, ofServer[0], nil), "invalid_client_metadata"},
		"a software statement":     {web("client_id", id, "software_statement", "e30.e30."), "unapproved_software_statement"},
		"an unknown auth method":   {web("client_id", id, "token_endpoint_auth_method", "x"), "invalid_client_metadata"},
		"a grant it may not have":  {web("client_id", id, "grant_types", []string{"password"}), "invalid_client_metadata"},
		"a jwks_uri of loopback":   {web("client_id", id, "jwks_uri", "https://127.0.0.1/"), "invalid_client_metadata"},
		"keys without method none": {web("client_id", id, "token_endpoint_auth_method", "private_key_jwt"), "invalid_client_metadata"},
	} {
		e.of(t, c, http.MethodPut, test.body).refused(t, name, http.StatusBadRequest, test.code)
	}
	if a := e.of(t, c, http.MethodGet, nil); !reflect.DeepEqual(a.body, want) {
		t.Errorf("after refused changes\n%v\nwant\n%v", a.body, want)
	}
	req, err := http.NewRequest(http.MethodPut, c.get("registration_client_uri"), strings.NewReader("client_id="+id))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+c.get("registration_access_token"))
	e.do(t, req).refused(t, "a form", http.StatusBadRequest, "invalid_request")
}

// TestReplaceMethod follows a client from one method to the next: it gets a secret where it needs another one, and the old
// one is of no use any more.
func TestReplaceMethod(t *testing.T) {
	e := openTo(t, nil)
	c := e.enrol(t, machine("client_secret_basic"))
	id, first := c.get("client_id"), c.get("client_secret")
	put := func(method string, more ...any) told {
		a := e.of(t, c, http.MethodPut, machine(method, append(more, "client_id", id)...))
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", method, a.status, a.text)
		}
		return a
	}
	if a := put("client_secret_post"); a.get("client_secret") != "" {
		t.Error("a new secret, where the old one will do")
	}
	if a := e.tokenBy(t, url.Values{"client_id": {id}, "client_secret": {first}}); a.status != http.StatusOK {
		t.Errorf("the old secret by the new method: %d %s", a.status, a.text)
	}
	if a := put("client_secret_jwt"); len(a.get("client_secret")) != 43 || a.get("client_secret") == first {
		t.Errorf("no new secret for another way to keep it: %s", a.text)
	}
	if a := put("private_key_jwt", "jwks", jwksOf(t, enrolmentKey(t, keys.ES256))); a.get("client_secret") != "" || a.body["client_secret_expires_at"] != nil {
		t.Errorf("a secret for a method that has none: %s", a.text)
	}
	if r, err := e.memory.RegisteredClient(t.Context(), id); err != nil || len(r.Secrets) != 0 {
		t.Errorf("secrets that are left: %v %v", r, err)
	}
	again := put("client_secret_basic")
	if len(again.get("client_secret")) != 43 || again.body["jwks"] != nil {
		t.Errorf("back again: %s", again.text)
	}
	e.tokenBy(t, url.Values{}, id, first).refused(t, "the first secret", http.StatusUnauthorized, "invalid_client")
	if a := e.tokenBy(t, url.Values{}, id, again.get("client_secret")); a.status != http.StatusOK {
		t.Errorf("the new secret: %d %s", a.status, a.text)
	}
}

// TestWhoMayManage: whoever is not the client is told the same, whatever exists.
func TestWhoMayManage(t *testing.T) {
	e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) {
		r.Registrar.(*endpoint.MemoryRegistrar).Others = avouch.ClientList{{ID: "billing"}}
	})
	c, other := e.enrol(t, web()), e.enrol(t, web())
	disabled := e.enrol(t, machine("client_secret_basic"))
	if !e.memory.SetDisabled(disabled.get("client_id"), true) {
		t.Fatal("there is no client to disable")
	}
	token, address := c.get("registration_access_token"), c.get("registration_client_uri")
	at := func(id string) string { return "/oauth/register/client?client_id=" + url.QueryEscape(id) }
	seen := map[string]bool{}
	for name, test := range map[string]struct{ address, token string }{
		"wrong token":         {address, strings.Repeat("a", 43)},
		"another's token":     {address, other.get("registration_access_token")},
		"its secret":          {address, c.get("client_secret")},
		"an initial token":    {address, e.memory.NewInitialToken(1, time.Time{})},
		"a token cut short":   {address, token[:42]},
		"a token with a tail": {address, token + "="},
		"unknown client":      {at("nobody"), token},
		"no client":           {at(""), token},
		"client of others":    {at("billing"), token},
		"in upper case":       {at(strings.ToUpper(c.get("client_id"))), token},
		"with a space":        {at(c.get("client_id") + " "), token},
		"with NUL":            {at(c.get("client_id") + "\x00"), token},
		"long":                {at(strings.Repeat("a", 5000)), token},
		"disabled":            {disabled.get("registration_client_uri"), disabled.get("registration_access_token")},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			a := e.send(t, method, test.address, test.token, web("client_id", c.get("client_id")))
			a.refused(t, method+" "+name, http.StatusUnauthorized, "invalid_token")
			delete(a.body, "refusal_id")
			a.header.Del("Date")
			seen[fmt.Sprint(a.body, a.header)] = true
		}
	}
	if len(seen) != 1 {
		t.Errorf("refusals can be told apart: %q", slices.Sorted(maps.Keys(seen)))
	}
	// Who shows no token at all learns that one is wanted, whatever exists too (RFC 6750 §3.1).
	for _, address := range []string{address, at("nobody"), disabled.get("registration_client_uri")} {
		a := e.send(t, http.MethodGet, address, "", nil)
		a.refused(t, "no token", http.StatusUnauthorized, "invalid_token")
		if challenge := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Bearer realm=") || strings.Contains(challenge, "error") {
			t.Errorf("no token: the challenge is %q", challenge)
		}
	}
	for _, query := range []string{"", "?", "?client_id=a&client_id=b", "?client_id=" + c.get("client_id") + "&access_token=" + token, "?Client_id=a", "?client_id=%zz", "?a;client_id=b"} {
		e.send(t, http.MethodGet, "/oauth/register/client"+query, token, nil).refused(t, "query "+query, http.StatusBadRequest, "invalid_request")
	}
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodOptions} {
		a := e.send(t, method, address, token, nil)
		a.refused(t, method, http.StatusMethodNotAllowed, "invalid_request")
		if a.header.Get("Allow") != "GET, PUT, DELETE" {
			t.Errorf("%s: Allow is %q", method, a.header.Get("Allow"))
		}
	}
	if a := e.of(t, c, http.MethodGet, nil); a.status != http.StatusOK {
		t.Errorf("the next good one: %d %s", a.status, a.text)
	}
	if strings.Contains(e.logs.String(), token) || strings.Contains(e.logs.String(), c.get("client_secret")) {
		t.Error("the log has a token or a secret")
	}
	// The disabled one is as it was, and enabled again by nobody but the administrator.
	r, err := e.memory.RegisteredClient(t.Context(), disabled.get("client_id"))
	if err != nil || r == nil || !r.Disabled {
		t.Errorf("the disabled client is %+v, %v", r, err)
	}
	secret := []string{disabled.get("client_id"), disabled.get("client_secret")}
	e.tokenBy(t, url.Values{}, secret...).refused(t, "a token for the disabled client", http.StatusUnauthorized, "invalid_client")
	e.memory.SetDisabled(disabled.get("client_id"), false)
	if a := e.tokenBy(t, url.Values{}, secret...); a.status != http.StatusOK {
		t.Errorf("enabled again: %d %s", a.status, a.text)
	}
	if e.memory.SetDisabled("nobody", true) {
		t.Error("nobody was disabled")
	}
}

// disabling disables the client between the question whose it is and the change.
type disabling struct{ *endpoint.MemoryRegistrar }

func (d disabling) ReplaceClient(ctx context.Context, now time.Time, c *endpoint.RegisteredClient) error {
	d.SetDisabled(c.ID, true)
	c.Disabled = false
	return d.MemoryRegistrar.ReplaceClient(ctx, now, c)
}

func (d disabling) UnregisterClient(ctx context.Context, now time.Time, id string, revision int64) error {
	d.SetDisabled(id, true)
	return d.MemoryRegistrar.UnregisterClient(ctx, now, id, revision)
}

// TestDisabledMeanwhile: a change that began before an administrator disabled the client does not undo it.
func TestDisabledMeanwhile(t *testing.T) {
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		e := openTo(t, func(r *endpoint.Registration, _ *avouch.Config) {
			r.Registrar = disabling{r.Registrar.(*endpoint.MemoryRegistrar)}
		})
		c := e.enrol(t, web())
		e.of(t, c, method, web("client_id", c.get("client_id"), "client_name", "B")).refused(t, method, http.StatusUnauthorized, "invalid_token")
		r, err := e.memory.RegisteredClient(t.Context(), c.get("client_id"))
		if err != nil || r == nil || !r.Disabled || r.Metadata.Name != "" {
			t.Errorf("%s: the client is %+v, %v", method, r, err)
		}
	}
}

// TestReplaceRaces has many replace, read and one delete a registration: each change is whole, and nothing comes back
// after the deletion.
func TestReplaceRaces(t *testing.T) {
	e := openTo(t, nil)
	c := e.enrol(t, web())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				name := fmt.Sprintf("%d-%d", i, j)
				a := e.of(t, c, http.MethodPut, web("client_id", c.get("client_id"), "client_name", name, "client_name#de", name))
				switch {
				case a.status == http.StatusOK && (a.get("client_name") != name || a.get("client_name#de") != name):
					t.Errorf("put %s: %s", name, a.text)
				case a.status != http.StatusOK && a.status != http.StatusUnauthorized && a.status != http.StatusServiceUnavailable:
					t.Errorf("put %s: %d %s", name, a.status, a.text)
				}
				if a := e.of(t, c, http.MethodGet, nil); a.status == http.StatusOK && a.get("client_name") != a.get("client_name#de") {
					t.Errorf("halves of two changes: %s", a.text)
				}
			}
		})
	}
	wg.Go(func() {
		for {
			switch a := e.of(t, c, http.MethodDelete, nil); a.status {
			case http.StatusNoContent:
				return
			case http.StatusServiceUnavailable:
			default:
				t.Errorf("delete: %d %s", a.status, a.text)
				return
			}
		}
	})
	wg.Wait()
	e.of(t, c, http.MethodGet, nil).refused(t, "after it was deleted", http.StatusUnauthorized, "invalid_token")
	e.of(t, c, http.MethodDelete, nil).refused(t, "delete again", http.StatusUnauthorized, "invalid_token")
}

// inMemory is a server of its own, without a network, for tests of what time does.
func inMemory(t *testing.T, r *endpoint.Registration, clients avouch.Clients) func(method, address, from, bearer, body string) told {
	server, err := avouch.New(avouch.Config{
		Issuer: "https://as.example.com", Minter: &token.Minter{Key: enrolmentKey(t, keys.ES256)}, Clients: clients,
		Grants:     []avouch.Grant{codeGrant{}, grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}, clientauth.None{}},
		Endpoints:  []avouch.Endpoint{r.Endpoint(), r.Management()},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := server.Handler()
	return func(method, address, from, bearer, body string) told {
		req := httptest.NewRequest(method, address, strings.NewReader(body))
		req.RemoteAddr = from
		req.Header.Set("Content-Type", "application/json")
		if strings.HasPrefix(body, "grant_type") {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		return toldOf(t, w)
	}
}

func TestSecretsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &endpoint.MemoryRegistrar{}
		ask := inMemory(t, &endpoint.Registration{
			Registrar: m, OpenRegistration: true, GrantTypes: []string{"client_credentials"}, SecretLifetime: 24 * time.Hour,
		}, m)
		const from = "192.0.2.1:1"
		c := ask(http.MethodPost, "/oauth/register", from, "", `{"token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"]}`)
		id, first := c.get("client_id"), c.get("client_secret")
		if got := c.body["client_secret_expires_at"]; got != float64(time.Now().Add(24*time.Hour).Unix()) {
			t.Errorf("%s", c.text)
		}
		put := func() told {
			a := ask(http.MethodPut, "/oauth/register/client?client_id="+id, from, c.get("registration_access_token"),
				`{"client_id":"`+id+`","token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"]}`)
			if a.status != http.StatusOK {
				t.Fatalf("put: %d %s", a.status, a.text)
			}
			return a
		}
		works := func(secret string) bool {
			return ask(http.MethodPost, "/oauth/token", from, "", "grant_type=client_credentials&client_id="+id+"&client_secret="+secret).status == http.StatusOK
		}
		time.Sleep(11 * time.Hour)
		if a := put(); a.get("client_secret") != "" {
			t.Error("a new secret in the first half of the old one's life")
		}
		time.Sleep(2 * time.Hour)
		a := put()
		second := a.get("client_secret")
		if second == "" || second == first || a.body["client_secret_expires_at"] != float64(time.Now().Add(24*time.Hour).Unix()) {
			t.Fatalf("no new secret in the second half: %s", a.text)
		}
		if !works(first) || !works(second) {
			t.Error("both secrets should serve for a while")
		}
		kept := func(want int) {
			t.Helper()
			if r, err := m.RegisteredClient(t.Context(), id); err != nil || len(r.Secrets) != want {
				t.Errorf("%d secrets are wanted: %+v, %v", want, r, err)
			}
		}
		kept(2)
		if a := put(); a.get("client_secret") != "" {
			t.Error("another secret at once")
		}
		time.Sleep(11*time.Hour + time.Second)
		if works(first) || !works(second) {
			t.Error("the first secret should have ended, and the second one not")
		}
		time.Sleep(48 * time.Hour)
		if works(second) {
			t.Error("the second secret should have ended")
		}
		if a := put(); a.get("client_secret") == "" || !works(a.get("client_secret")) {
			t.Error("no new secret where all have ended")
		}
		kept(1)
	})
}

func TestOpenRegistrationRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &endpoint.MemoryRegistrar{}
		ask := inMemory(t, &endpoint.Registration{Registrar: m, OpenRegistration: true, PerAddress: 3}, m)
		const good, bad = `{"token_endpoint_auth_method":"none","redirect_uris":["https://app.example.com/cb"]}`, `{}`
		post := func(from, bearer, body string) told {
			return ask(http.MethodPost, "/oauth/register", from, bearer, body)
		}
		is := func(what string, a told, status int) {
			t.Helper()
			if a.status != status {
				t.Errorf("%s: %d %s", what, a.status, a.text)
			}
		}
		for range 20 {
			is("a bad one, which does not count", post("192.0.2.1:1", "", bad), http.StatusBadRequest)
		}
		for i := range 3 {
			is("one of three", post(fmt.Sprint("192.0.2.1:", i), "", good), http.StatusCreated)
		}
		a := post("192.0.2.1:9", "", good)
		a.refused(t, "the fourth", http.StatusTooManyRequests, "invalid_request")
		if a.header.Get("Retry-After") != "1200" {
			t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
		}
		is("the same as IPv6", post("[::ffff:192.0.2.1]:9", "", good), http.StatusTooManyRequests)
		is("another address", post("192.0.2.2:1", "", good), http.StatusCreated)
		is("one with a token", post("192.0.2.1:1", m.NewInitialToken(1, time.Time{}), good), http.StatusCreated)
		for i := range 3 {
			is("an IPv6 network", post(fmt.Sprintf("[2001:db8::%d]:1", i), "", good), http.StatusCreated)
		}
		is("the fourth of an IPv6 network", post("[2001:db8::ffff]:1", "", good), http.StatusTooManyRequests)
		is("another IPv6 network", post("[2001:db8:0:1::1]:1", "", good), http.StatusCreated)
		time.Sleep(20 * time.Minute)
		is("after a third of an hour", post("192.0.2.1:1", "", good), http.StatusCreated)
		is("and one more", post("192.0.2.1:1", "", good), http.StatusTooManyRequests)
		time.Sleep(24 * time.Hour)
		for range 3 {
			is("the next day", post("192.0.2.1:1", "", good), http.StatusCreated)
		}
		is("and no more than three", post("192.0.2.1:1", "", good), http.StatusTooManyRequests)
	})
}
