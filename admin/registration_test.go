package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/token"
)

// registration is a server at which clients register themselves, over the operations.
type registration struct {
	*Admin
	live *Live
	url  string

	mu   sync.Mutex
	told []Change
}

func newRegistration(t *testing.T, open bool) *registration {
	t.Helper()
	s := &registration{}
	s.Admin = newAdmin(openStore(t), newTestSealer(t), Options{Observe: func(_ context.Context, c Change) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, c)
	}})
	live, err := s.Live(t.Context(), LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.live = live
	r := &endpoint.Registration{
		Registrar: s.Registrar(), OpenRegistration: open,
		GrantTypes: []string{grantClientCredentials, grantAuthorizationCode, grantRefreshToken},
		Scopes:     []string{"orders:read", "orders:write"}, DefaultScopes: []string{"orders:read"},
	}
	web := httptest.NewServer(nil)
	t.Cleanup(web.Close)
	server, err := avouch.New(avouch.Config{
		Issuer: web.URL, Minter: &token.Minter{Key: live}, Clients: live, Subjects: live,
		Grants:     []avouch.Grant{&grant.ClientCredentials{}, codeGrant{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}, &clientauth.SecretPost{}, &clientauth.SecretJWT{Policy: live.ClientPolicy}, &clientauth.PrivateKeyJWT{Policy: live.ClientPolicy}, &clientauth.None{}},
		Endpoints:  []avouch.Endpoint{r.Endpoint(), r.Management()},
	})
	if err != nil {
		t.Fatal(err)
	}
	web.Config.Handler = server.Handler()
	s.url = web.URL
	return s
}

// codeGrant stands for the grant of that name, which needs a browser.
type codeGrant struct{}

func (codeGrant) Type() string { return grantAuthorizationCode }
func (codeGrant) Authorize(context.Context, *avouch.Request) (*avouch.Authorization, error) {
	return nil, &avouch.Error{Code: avouch.InvalidGrant}
}

func (s *registration) ask(t *testing.T, method, address, bearer, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	if res.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode, answer
}

func (s *registration) register(t *testing.T, bearer, body string) map[string]any {
	t.Helper()
	status, answer := s.ask(t, http.MethodPost, s.url+"/oauth/register", bearer, body)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	return answer
}

// token asks for a token with a secret, and returns the status.
func (s *registration) token(t *testing.T, id, secret string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// TestRegistration registers a client, lets it get a token, change and delete itself; the operator sees it all the while.
func TestRegistration(t *testing.T) {
	s, ctx := newRegistration(t, false), t.Context()
	initial, err := s.CreateInitialToken(ctx, InitialTokenInput{Label: "partner", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	me := s.register(t, initial.Token, `{"client_name":"Partner","client_name#de":"Partnerin","grant_types":["client_credentials"],"contacts":["a@b.example"],
		"logo_uri":"https://p.example/logo.png","software_id":"sw-1"}`)
	id, secret := me["client_id"].(string), me["client_secret"].(string)
	address, bearer := me["registration_client_uri"].(string), me["registration_access_token"].(string)
	if status := s.token(t, id, secret); status != http.StatusOK {
		t.Errorf("a token for the client that has registered: %d", status)
	}
	shown, err := s.Client(ctx, id)
	if err != nil || !shown.Itself || shown.Name != "Partner" || shown.LogoURL != "https://p.example/logo.png" || shown.SoftwareID != "sw-1" || shown.Scope != "orders:read" {
		t.Errorf("the operator sees %+v, %v", shown, err)
	}
	record, err := s.store.Client(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"the secret": secret, "the registration access token": bearer, "the initial access token": initial.Token} {
		if all := fmt.Sprintf("%s %v", asJSON(t, record), s.told); strings.Contains(all, text) {
			t.Errorf("%s is kept or told: %s", what, all)
		}
	}

	// What the operator sets stays; what is known of its keys and secrets too.
	m := shown.ClientMetadata
	m.Audiences = []string{"https://orders.example.com"}
	if _, err := s.UpdateClient(ctx, id, 0, m); err != nil {
		t.Fatal(err)
	}
	status, read := s.ask(t, http.MethodGet, address, bearer, "")
	if status != http.StatusOK || read["client_name#de"] != "Partnerin" || read["software_id"] != "sw-1" {
		t.Errorf("%d %v", status, read)
	}
	status, changed := s.ask(t, http.MethodPut, address, bearer, `{"client_id":"`+id+`","grant_types":["client_credentials"],"scope":"orders:write"}`)
	if status != http.StatusOK || changed["client_name"] != nil || changed["scope"] != "orders:write" {
		t.Errorf("%d %v", status, changed)
	}
	if status := s.token(t, id, secret); status != http.StatusOK {
		t.Errorf("a token after the change: %d", status)
	}
	shown, err = s.Client(ctx, id)
	if err != nil || shown.Name != "" || shown.LogoURL != "" || shown.Scope != "orders:write" || !slices.Equal(shown.Audiences, m.Audiences) || len(shown.Secrets) != 1 {
		t.Errorf("after the change the operator sees %+v, %v", shown, err)
	}

	// Disabled by the operator, it is locked out, and does not come back by itself.
	if _, err := s.DisableClient(ctx, id); err != nil {
		t.Fatal(err)
	}
	if status := s.token(t, id, secret); status != http.StatusUnauthorized {
		t.Errorf("a token for a disabled client: %d", status)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		body := ""
		if method == http.MethodPut {
			body = `{"client_id":"` + id + `","grant_types":["client_credentials"]}`
		}
		if status, _ := s.ask(t, method, address, bearer, body); status < 400 || status >= 500 {
			t.Errorf("%s of a disabled client: %d", method, status)
		}
	}
	if shown, err := s.Client(ctx, id); err != nil || !shown.Disabled {
		t.Errorf("%+v, %v", shown, err)
	}
	if _, err := s.EnableClient(ctx, id); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.ask(t, http.MethodDelete, address, bearer, ""); status != http.StatusNoContent {
		t.Errorf("DELETE: %d", status)
	}
	if status := s.token(t, id, secret); status != http.StatusUnauthorized {
		t.Errorf("a token for a client that has deleted itself: %d", status)
	}
	if lapse, err := standing(t, s.live).Lapsed(ctx, time.Now(), &token.Claims{ClientID: id, Subject: id}); err != nil || lapse == nil {
		t.Errorf("its token stands: %v", err)
	}
	var actions []string
	for _, c := range s.told {
		if by := c.Caller; by.Via == "registration" || by.Via == "management" {
			actions = append(actions, by.Via+" "+strings.NewReplacer(id, "ID", initial.ID, "TOKEN").Replace(by.Name+" "+c.Action+" "+c.ID))
		}
	}
	want := []string{"registration TOKEN initial_token.use TOKEN", "registration TOKEN client.register ID", "management ID client.update ID", "management ID client.remove ID"}
	if !slices.Equal(actions, want) {
		t.Errorf("told %v", actions)
	}
}

// TestRegistrationOfKeys registers keys, changes them, and does not bring a revoked one back.
func TestRegistrationOfKeys(t *testing.T) {
	s, ctx := newRegistration(t, true), t.Context()
	first, second := publicJWK(t), publicJWK(t)
	body := func(id string, jwks []byte) string {
		return `{` + id + `"token_endpoint_auth_method":"private_key_jwt","grant_types":["client_credentials"],"jwks":` + string(jwks) + `}`
	}
	me := s.register(t, "", body("", first))
	id := me["client_id"].(string)
	own := `"client_id":"` + id + `",`
	address, bearer := me["registration_client_uri"].(string), me["registration_access_token"].(string)
	before, err := s.Client(ctx, id)
	if err != nil || len(before.Keys) != 1 || before.Keys[0].State != KeyActive {
		t.Fatalf("%+v, %v", before, err)
	}
	stands := func(kid string) bool {
		lapse, err := s.live.Lapsed(ctx, &token.Claims{ClientID: id, Subject: id, Origin: token.Origin{KeyIDs: []string{kid}}})
		if err != nil {
			t.Fatal(err)
		}
		return lapse == nil
	}
	if !stands(before.Keys[0].ID) {
		t.Error("the key does not stand")
	}
	if status, answer := s.ask(t, http.MethodPut, address, bearer, body(own, second)); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	after, err := s.Client(ctx, id)
	if err != nil || len(after.Keys) != 2 || after.Keys[0].State != KeyRevoked || after.Keys[1].State != KeyActive {
		t.Errorf("%+v, %v", after, err)
	}
	if stands(before.Keys[0].ID) {
		t.Error("a key that the client has taken away stands")
	}
	status, answer := s.ask(t, http.MethodPut, address, bearer, body(own, first))
	if status != http.StatusBadRequest || answer["error"] != "invalid_client_metadata" {
		t.Errorf("a revoked key comes back: %d %v", status, answer)
	}
	status, answer = s.ask(t, http.MethodGet, address, bearer, "")
	jwks, _ := json.Marshal(answer["jwks"])
	if keys := answer["jwks"].(map[string]any)["keys"].([]any); status != http.StatusOK || len(keys) != 1 || bytes.Contains(jwks, []byte(before.Keys[0].ID)) {
		t.Errorf("%d %s", status, jwks)
	}
	// A secret that has to be read again is sealed.
	me = s.register(t, "", `{"token_endpoint_auth_method":"client_secret_jwt","grant_types":["client_credentials"]}`)
	record, err := s.store.Client(ctx, me["client_id"].(string))
	if err != nil || len(record.Secrets) != 1 || record.Secrets[0].Sealed == nil || bytes.Contains(record.Secrets[0].Sealed, []byte(me["client_secret"].(string))) {
		t.Errorf("%+v, %v", record, err)
	}
	address, bearer = me["registration_client_uri"].(string), me["registration_access_token"].(string)
	if status, answer := s.ask(t, http.MethodPut, address, bearer, `{"client_id":"`+me["client_id"].(string)+`","token_endpoint_auth_method":"client_secret_jwt","grant_types":["client_credentials"]}`); status != http.StatusOK {
		t.Errorf("%d %v", status, answer)
	}
	again, err := s.store.Client(ctx, me["client_id"].(string))
	if err != nil || len(again.Secrets) != 1 || again.Secrets[0].ID != record.Secrets[0].ID {
		t.Errorf("the secret is another one: %+v, %v", again, err)
	}
}

// TestRegistrationAndRules: a client that an operator has rules for does not vanish under them.
func TestRegistrationAndRules(t *testing.T) {
	s, ctx := newRegistration(t, true), t.Context()
	me := s.register(t, "", `{"grant_types":["client_credentials"]}`)
	id := me["client_id"].(string)
	shown, err := s.Client(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	m := shown.ClientMetadata
	m.GrantTypes = append(m.GrantTypes, grantJWTBearer)
	if _, err := s.UpdateClient(ctx, id, 0, m); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", JWKS: publicJWK(t)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddRule(ctx, RuleMetadata{Name: "r", Issuer: "ci", Subject: "job:1", AsClient: id}); err != nil {
		t.Fatal(err)
	}
	if status, answer := s.ask(t, http.MethodDelete, me["registration_client_uri"].(string), me["registration_access_token"].(string), ""); status != http.StatusBadRequest {
		t.Errorf("%d %v", status, answer)
	}
	// A document that does not name it leaves it alone; one that was exported carries its registration.
	d, err := s.Export(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Clients) != 1 || len(d.Clients[0].RegistrationSHA256) != 64 {
		t.Errorf("%+v", d.Clients)
	}
	plan, err := s.Plan(ctx, &Document{Issuers: d.Issuers, Rules: d.Rules}, PlanOptions{Prune: true})
	if err != nil || len(plan.Steps) != 0 {
		t.Errorf("%+v, %v", plan, err)
	}
	plan, err = s.Plan(ctx, d, PlanOptions{Prune: true})
	if err != nil || len(plan.Steps) != 0 {
		t.Errorf("%+v, %v", plan, err)
	}
	other := newRegistration(t, true)
	if plan, err = other.Plan(ctx, d, PlanOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Apply(ctx, plan, nil); err != nil {
		t.Fatal(err)
	}
	moved, err := url.Parse(me["registration_client_uri"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := other.ask(t, http.MethodGet, other.url+moved.RequestURI(), me["registration_access_token"].(string), ""); status != http.StatusOK {
		t.Errorf("the registration has not moved: %d %v", status, answer)
	}
}

// TestInitialTokens are used as often as they say, by whoever comes first.
func TestInitialTokens(t *testing.T) {
	s, ctx := newRegistration(t, false), t.Context()
	body := `{"grant_types":["client_credentials"]}`
	create := func(in InitialTokenInput) *InitialTokenResult {
		t.Helper()
		made, err := s.CreateInitialToken(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	once, many := create(InitialTokenInput{}), create(InitialTokenInput{Uses: -5, Label: "for all"})
	s.register(t, once.Token, body)
	for range 3 {
		s.register(t, many.Token, body)
	}
	revoked := create(InitialTokenInput{Uses: 3})
	s.register(t, revoked.Token, body)
	if err := s.RevokeInitialToken(ctx, revoked.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeInitialToken(ctx, revoked.ID); code(err) != NotFound {
		t.Error(err)
	}
	short := create(InitialTokenInput{Expires: time.Now().Add(50 * time.Millisecond)})
	time.Sleep(60 * time.Millisecond)
	for name, bearer := range map[string]string{"used": once.Token, "revoked": revoked.Token, "expired": short.Token, "none": "", "an id": many.ID, "another case": strings.ToUpper(many.Token)} {
		if status, answer := s.ask(t, http.MethodPost, s.url+"/oauth/register", bearer, body); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	for _, in := range []InitialTokenInput{{Expires: time.Now().Add(-time.Second)}, {Label: "a\nb"}} {
		if _, err := s.CreateInitialToken(ctx, in); code(err) != Invalid {
			t.Errorf("%+v: %v", in, err)
		}
	}
	// A registration that is refused uses nothing.
	spare := create(InitialTokenInput{})
	if status, _ := s.ask(t, http.MethodPost, s.url+"/oauth/register", spare.Token, `{"grant_types":["authorization_code"],"redirect_uris":["javascript:alert(1)"]}`); status != http.StatusBadRequest {
		t.Error(status)
	}
	s.register(t, spare.Token, body)

	five := create(InitialTokenInput{Uses: 5})
	registrar, digest := s.Registrar(), handle.Digest(five.Token)
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 32 {
		all.Go(func() {
			c := &endpoint.RegisteredClient{ID: fmt.Sprint("racer-", i), Issued: time.Now(), Metadata: endpoint.Metadata{AuthMethod: methodNone, GrantTypes: []string{grantDeviceCode}}}
			err := registrar.RegisterClient(ctx, time.Now(), c, &digest)
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, endpoint.ErrInitialToken) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 5 {
		t.Errorf("a token for 5 registered %d", won)
	}
	list, err := s.InitialTokens(ctx)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int64{}
	for _, token := range list {
		left[token.ID] = token.Uses
	}
	if left[once.ID] != 0 || left[many.ID] != -1 || left[five.ID] != 0 || left[short.ID] != 1 {
		t.Errorf("%+v", list)
	}
	if text := asJSON(t, list); strings.Contains(text, many.Token) {
		t.Errorf("a list shows a token: %s", text)
	}
}

// TestRegistrarRefusesTheLate: of two who change one registration the second is told, and names that are taken stay.
func TestRegistrarRefusesTheLate(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "app"})
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", Discovery: true}); err != nil {
		t.Fatal(err)
	}
	r := a.Registrar()
	public := endpoint.Metadata{AuthMethod: methodNone, GrantTypes: []string{grantDeviceCode}}
	for _, taken := range []string{"app", "https://ci.example.com", "ci/alice", "https://as.example.com"} {
		if err := r.RegisterClient(ctx, time.Now(), &endpoint.RegisteredClient{ID: taken, Metadata: public}, nil); !errors.Is(err, endpoint.ErrClientExists) {
			t.Errorf("%s: %v", taken, err)
		}
	}
	for _, id := range []string{"app", "nobody", "", strings.Repeat("a", 5000)} {
		if c, err := r.RegisteredClient(ctx, id); err != nil || c != nil {
			t.Errorf("%.20q has registered itself: %+v, %v", id, c, err)
		}
	}
	if err := r.RegisterClient(ctx, time.Now(), &endpoint.RegisteredClient{ID: "me", Metadata: public}, nil); err != nil {
		t.Fatal(err)
	}
	read := func() *endpoint.RegisteredClient {
		c, err := r.RegisteredClient(ctx, "me")
		if err != nil || c == nil {
			t.Fatalf("%+v, %v", c, err)
		}
		return c
	}
	stale := read()
	if err := r.ReplaceClient(ctx, time.Now(), read()); err != nil {
		t.Fatal(err)
	}
	app, err := a.store.Client(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"a stale change":          r.ReplaceClient(ctx, time.Now(), stale),
		"a stale removal":         r.UnregisterClient(ctx, time.Now(), "me", stale.Revision),
		"a client that is gone":   r.ReplaceClient(ctx, time.Now(), &endpoint.RegisteredClient{ID: "nobody", Revision: 1, Metadata: public}),
		"a client of an operator": r.ReplaceClient(ctx, time.Now(), &endpoint.RegisteredClient{ID: "app", Revision: app.Revision, Metadata: public}),
	} {
		if !errors.Is(err, endpoint.ErrClientChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.UnregisterClient(ctx, time.Now(), "app", app.Revision); err != nil {
		t.Errorf("removal of a client that did not register itself: %v", err)
	}
	if _, err := a.Client(ctx, "app"); err != nil {
		t.Errorf("a client of an operator was removed: %v", err)
	}
	if err := r.UnregisterClient(ctx, time.Now(), "me", read().Revision); err != nil {
		t.Error(err)
	}
	if err := r.UnregisterClient(ctx, time.Now(), "me", 1); err != nil {
		t.Errorf("removal of what is gone: %v", err)
	}
}
