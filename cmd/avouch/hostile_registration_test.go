package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

const (
	registerPath = "/oauth/register"
	managePath   = "/oauth/register/client"
)

// register makes a request to register a client.
func (h *hostile) register(t testing.TB, body string, token string) *http.Request {
	t.Helper()
	req := h.at(t, registerPath, nil)
	setBody(req, body)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
		h.keep(token)
	}
	return req
}

// manage makes a request about a registration.
func (h *hostile) manage(t testing.TB, method, id, token, body string) *http.Request {
	t.Helper()
	req := h.register(t, body, token)
	req.Method, req.URL.Path, req.URL.RawQuery = method, managePath, url.Values{"client_id": {id}}.Encode()
	return req
}

// registered is a client that has registered itself.
type registered struct{ id, secret, token string }

func (h *hostile) registered(t testing.TB, got answer) registered {
	t.Helper()
	text := func(name string) string { s, _ := got.body[name].(string); return s }
	c := registered{text("client_id"), text("client_secret"), text("registration_access_token")}
	h.keep(c.secret, c.token)
	if got.status != 201 || c.id == "" || c.token == "" {
		t.Fatalf("%d %s", got.status, got.text)
	}
	return c
}

const goodMetadata = `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code","refresh_token"],"scope":"orders:read"}`

var (
	invalidMetadata = verdict{400, "invalid_client_metadata"}
	invalidRedirect = verdict{400, "invalid_redirect_uri"}
	invalidToken    = verdict{401, "invalid_token"}
)

// TestHostileRegistration: who registers shows a token that was given to him, and what he says of himself is read strictly
// (RFC 7591 §3, §5). A refusal uses nothing.
func TestHostileRegistration(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, func(c *config.Config) {
		c.Registration.Mode, c.Registration.Scopes = "token", []string{"orders:read"}
	})
	initial := func(uses int64) string {
		made, err := h.admin.CreateInitialToken(t.Context(), admin.InitialTokenInput{Uses: uses})
		if err != nil {
			t.Fatal(err)
		}
		h.keep(made.Token)
		return made.Token
	}
	token := initial(1)
	text := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Content-Type"] = values }
	}
	header := authorization
	for _, a := range []struct {
		name, body string
		with       func(*http.Request)
		want       verdict
	}{
		{"no token", goodMetadata, header(), invalidToken},
		{"a made up token", goodMetadata, header("Bearer " + strings.Repeat("A", 43)), invalidToken},
		{"half a token", goodMetadata, header("Bearer " + token[:42]), invalidToken},
		{"Basic", goodMetadata, header("Basic " + token), invalidToken},
		{"the token alone", goodMetadata, header(token), invalidToken},
		{"two tokens", goodMetadata, header("Bearer "+token, "Bearer "+token), invalidToken},
		{"a token and more", goodMetadata, header("Bearer " + token + ", Bearer x"), invalidToken},
		{"a huge token", goodMetadata, header("Bearer " + strings.Repeat("A", 5000)), invalidToken},
		{"in the query", goodMetadata, both(header(), func(r *http.Request) { r.URL.RawQuery = "access_token=" + token }), invalidToken},
		{"in the body", strings.Replace(goodMetadata, "{", `{"access_token":"`+token+`",`, 1), header(), invalidToken},
		{"a secret of a client", goodMetadata, header("Bearer " + h.secret["post"]), invalidToken},
		{"an access token", goodMetadata, header("Bearer " + h.accessToken(t)), invalidToken},

		{"a form", "redirect_uris=x", text("application/x-www-form-urlencoded"), invalidRequest},
		{"no type", goodMetadata, text(), invalidRequest},
		{"two types", goodMetadata, text("application/json", "text/plain"), invalidRequest},
		{"zipped", goodMetadata, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, invalidRequest},
		{"too long", `{"client_name":"` + strings.Repeat("a", 70_000) + `"}`, nil, tooLarge},
		{"endless", strings.Repeat("[", 1<<20), nil, tooLarge},
		{"nothing", "", nil, invalidMetadata},
		{"null", "null", nil, invalidMetadata},
		{"an array", "[" + goodMetadata + "]", nil, invalidMetadata},
		{"more behind it", goodMetadata + goodMetadata, nil, invalidMetadata},
		{"not UTF-8", "{\"client_name\":\"\xff\"}", nil, invalidMetadata},
		{"deep", strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), nil, invalidMetadata},
		{"twice the same", strings.Replace(goodMetadata, "{", `{"scope":"orders:read",`, 1), nil, invalidMetadata},
		{"a wrong type", strings.Replace(goodMetadata, `["https://app.example/cb"]`, `{"0":"https://app.example/cb"}`, 1), nil, invalidRedirect},
		{"a hole", strings.Replace(goodMetadata, `["https://app.example/cb"]`, `["https://app.example/cb",null]`, 1), nil, invalidRedirect},
		{"javascript", strings.Replace(goodMetadata, "https://app.example/cb", "javascript:alert(1)", 1), nil, invalidRedirect},
		{"a fragment", strings.Replace(goodMetadata, "https://app.example/cb", "https://app.example/cb#x", 1), nil, invalidRedirect},
		{"a wildcard", strings.Replace(goodMetadata, "https://app.example/cb", "https://*.example/cb", 1), nil, invalidRedirect},
		{"a user in it", strings.Replace(goodMetadata, "https://app.example/cb", "https://user@app.example/cb", 1), nil, invalidRedirect},
		{"http", strings.Replace(goodMetadata, "https://app.example/cb", "http://app.example/cb", 1), nil, invalidRedirect},
		{"more scope", strings.Replace(goodMetadata, "orders:read", "orders:read admin", 1), nil, invalidMetadata},
		{"a grant for machines", strings.Replace(goodMetadata, `"refresh_token"`, `"client_credentials"`, 1), nil, invalidMetadata},
		{"the password grant", strings.Replace(goodMetadata, `"refresh_token"`, `"password"`, 1), nil, invalidMetadata},
		{"the implicit flow", strings.Replace(goodMetadata, "{", `{"response_types":["token"],`, 1), nil, invalidMetadata},
		{"keys and their address", strings.Replace(goodMetadata, "{", `{"jwks":{"keys":[]},"jwks_uri":"https://app.example/jwks",`, 1), nil, invalidMetadata},
		{"keys at an inner address", strings.Replace(goodMetadata, "{", `{"jwks_uri":"https://169.254.169.254/jwks",`, 1), nil, invalidMetadata},
		{"keys in a file", strings.Replace(goodMetadata, "{", `{"jwks_uri":"file:///etc/passwd",`, 1), nil, invalidMetadata},
		{"a logo that runs", strings.Replace(goodMetadata, "{", `{"logo_uri":"javascript:alert(1)",`, 1), nil, invalidMetadata},
		{"a name that turns round", strings.Replace(goodMetadata, "{", `{"client_name":"a\u202eb",`, 1), nil, invalidMetadata},
		{"a statement of nobody", strings.Replace(goodMetadata, "{", `{"software_statement":"a.b.c",`, 1), nil, verdict{400, "unapproved_software_statement"}},
	} {
		t.Run(a.name, func(t *testing.T) {
			req := h.register(t, a.body, token)
			if a.with != nil {
				a.with(req)
			}
			h.want(t, h.knock(t, req, ""), a.want)
		})
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "OPTIONS", "X"} {
		req := h.register(t, goodMetadata, token)
		req.Method = method
		if got := h.knock(t, req, ""); got.status != 405 || got.header.Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	// The token was good all the while: for one, and no more.
	var mu sync.Mutex
	var all sync.WaitGroup
	done := 0
	for range 16 {
		all.Go(func() {
			got := h.knock(t, h.register(t, goodMetadata, token), "")
			mu.Lock()
			defer mu.Unlock()
			if got.status == 201 {
				h.registered(t, got)
				done++
			} else {
				h.want(t, got, invalidToken)
			}
		})
	}
	all.Wait()
	if done != 1 {
		t.Errorf("a token for one has registered %d", done)
	}
	// Nobody chooses his own name, or what only the server says.
	got := h.knock(t, h.register(t, strings.Replace(goodMetadata, "{", `{"client_id":"post","client_secret":"chosen by a stranger, and long","registration_access_token":"x","introspects":["`+h.url+`"],`, 1), initial(1)), "")
	if c := h.registered(t, got); c.id == "post" || strings.Contains(got.text, "stranger") || c.token == "x" || got.body["introspects"] != nil {
		t.Errorf("%s", got.text)
	}
}

// TestHostileManagement: a registration is in the hands of who holds its token, and of nobody else (RFC 7592 §2); what an
// administrator has disabled stays so (CVE-2026-9705).
func TestHostileManagement(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	made := func() registered {
		return h.registered(t, h.knock(t, h.register(t, `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"client_secret_post"}`, ""), ""))
	}
	mine, other, off := made(), made(), made()
	if _, err := h.admin.DisableClient(t.Context(), off.id); err != nil {
		t.Fatal(err)
	}
	update := func(more string) string {
		return fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"client_secret_post"%s}`, mine.id, more)
	}
	before := h.knock(t, h.manage(t, "GET", mine.id, mine.token, ""), "")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		for name, test := range map[string]struct {
			id, token string
			with      func(*http.Request)
			want      verdict
		}{
			"no token":                 {mine.id, "", nil, invalidToken},
			"token of another":         {mine.id, other.token, nil, invalidToken},
			"token for another":        {other.id, mine.token, nil, invalidToken},
			"half a token":             {mine.id, mine.token[:42], nil, invalidToken},
			"its secret":               {mine.id, mine.secret, nil, invalidToken},
			"an access token":          {mine.id, h.accessToken(t), nil, invalidToken},
			"Basic":                    {mine.id, "", basicAuth(mine.id, mine.secret), invalidToken},
			"two tokens":               {mine.id, "", authorization("Bearer "+mine.token, "Bearer "+mine.token), invalidToken},
			"in the query":             {mine.id, "", func(r *http.Request) { r.URL.RawQuery += "&access_token=" + mine.token }, invalidRequest},
			"two clients":              {mine.id, mine.token, func(r *http.Request) { r.URL.RawQuery += "&client_id=" + other.id }, invalidRequest},
			"no client":                {mine.id, mine.token, func(r *http.Request) { r.URL.RawQuery = "" }, invalidRequest},
			"nobody":                   {"nobody", mine.token, nil, invalidToken},
			"one of an administrator":  {"post", mine.token, nil, invalidToken},
			"in capitals":              {strings.ToUpper(mine.id), mine.token, nil, invalidToken},
			"a long name":              {strings.Repeat("a", 5000), mine.token, nil, invalidToken},
			"line breaks":              {mine.id + "\r\nX: 1", mine.token, nil, invalidToken},
			"disabled":                 {off.id, off.token, nil, invalidToken},
			"a query that is not":      {mine.id, mine.token, func(r *http.Request) { r.URL.RawQuery += ";x=%zz" }, invalidRequest},
			"a client, but in capital": {mine.id, mine.token, func(r *http.Request) { r.URL.RawQuery = "Client_id=" + mine.id }, invalidRequest},
		} {
			t.Run(method+" "+name, func(t *testing.T) {
				req := h.manage(t, method, test.id, test.token, update(""))
				if test.with != nil {
					test.with(req)
				}
				h.want(t, h.knock(t, req, ""), test.want)
			})
		}
	}
	for name, test := range map[string]struct {
		body string
		want verdict
	}{
		"no client_id":         {goodMetadata, invalidMetadata},
		"client_id of another": {strings.Replace(update(""), mine.id, other.id, 1), invalidMetadata},
		"its own token":        {update(`,"registration_access_token":"x"`), invalidMetadata},
		"a secret of its own":  {update(`,"client_secret":"chosen by a stranger, and long"`), invalidMetadata},
		"secret for ever":      {update(`,"client_secret_expires_at":0`), invalidMetadata},
		"issued at":            {update(`,"client_id_issued_at":0`), invalidMetadata},
		"twice":                {update(`,"client_id":"` + other.id + `"`), invalidMetadata},
		"more scope":           {update(`,"scope":"admin"`), invalidMetadata},
		"javascript":           {strings.Replace(update(""), "https:", "javascript:", 1), invalidRedirect},
		"too long":             {update(`,"client_name":"` + strings.Repeat("a", 70_000) + `"`), tooLarge},
	} {
		t.Run("PUT "+name, func(t *testing.T) {
			h.want(t, h.knock(t, h.manage(t, "PUT", mine.id, mine.token, test.body), ""), test.want)
		})
	}
	for _, method := range []string{"POST", "PATCH", "HEAD", "OPTIONS", "X"} {
		if got := h.knock(t, h.manage(t, method, mine.id, mine.token, update("")), ""); got.status != 405 || got.header.Get("Allow") != "GET, PUT, DELETE" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	after := h.knock(t, h.manage(t, "GET", mine.id, mine.token, ""), "")
	if after.status != 200 || !bytes.Equal([]byte(before.text), []byte(after.text)) {
		t.Errorf("the refusals have changed something: %s, and then %s", before.text, after.text)
	}
	if c, err := h.admin.Client(t.Context(), off.id); err != nil || !c.Disabled {
		t.Errorf("the disabled client: %+v %v", c, err)
	}
}
