package endpoint_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// FuzzRegistration registers whatever comes. It is refused as the client's fault, or it is registered, and then what was
// answered is what is read, what is read may be sent back, and nothing of a private key or of a scheme that browsers run
// has come through.
func FuzzRegistration(f *testing.F) {
	key := enrolmentKey(f, keys.ES256)
	private, err := key.MarshalJWK()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"redirect_uris":["https://app.example.com/cb"]}`,
		`{"redirect_uris":["com.example.app:/cb","http://127.0.0.1:1/cb"],"client_name":"A","client_name#de":"B","contacts":["c"],"software_id":"x","scope":"orders:read","require_pushed_authorization_requests":true}`,
		`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"ES256","jwks":` + string(jwksOf(f, key)) + `}`,
		`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + string(private) + `]}}`,
		`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://app.example.com/jwks"}`,
		`{"redirect_uris":["javascript:alert(1)"],"logo_uri":"https://app.example.com/l","tos_uri#fr":"http://a.example/","response_types":["code"]}`,
		`{"redirect_uris":[null,{}],"grant_types":[],"token_endpoint_auth_method":null,"software_statement":"a.b.c"}`,
	} {
		f.Add([]byte(seed))
	}
	m := &endpoint.MemoryRegistrar{}
	r := &endpoint.Registration{
		Registrar: m, OpenRegistration: true, PerAddress: 1 << 40,
		GrantTypes: []string{"authorization_code", "client_credentials"}, Scopes: []string{"orders:read"},
	}
	server, err := avouch.New(avouch.Config{
		Issuer: "https://as.example.com", Minter: &token.Minter{Key: key}, Clients: m,
		Grants:     []avouch.Grant{codeGrant{}, grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}, &clientauth.SecretJWT{}, &clientauth.PrivateKeyJWT{}, clientauth.None{}},
		Endpoints:  []avouch.Endpoint{r.Endpoint(), r.Management()},
	})
	if err != nil {
		f.Fatal(err)
	}
	handler := server.Handler()
	ask := func(t *testing.T, method, address, bearer string, body []byte) told {
		req := httptest.NewRequest(method, address, bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		if bearer != "" {
			req.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		return toldOf(t, w)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := ask(t, http.MethodPost, "/oauth/register", "", body)
		if a.status != http.StatusCreated {
			if a.status != http.StatusBadRequest && a.status != http.StatusRequestEntityTooLarge || a.code() == "" {
				t.Fatalf("%d %s", a.status, a.text)
			}
			return
		}
		address, bearer := a.get("registration_client_uri"), a.get("registration_access_token")
		got := ask(t, http.MethodGet, address, bearer, nil)
		if want := without(a.body, "client_secret"); got.status != http.StatusOK || !reflect.DeepEqual(got.body, want) {
			t.Fatalf("read %d\n%v\nregistered\n%v", got.status, got.body, want)
		}
		back, err := json.Marshal(without(got.body, ofServer...))
		if err != nil {
			t.Fatal(err)
		}
		if put := ask(t, http.MethodPut, address, bearer, back); put.status != http.StatusOK || !reflect.DeepEqual(put.body, got.body) {
			t.Fatalf("sent back: %d %s\nread\n%s", put.status, put.text, got.text)
		}
		harmless(t, a.body)
		if gone := ask(t, http.MethodDelete, address, bearer, nil); gone.status != http.StatusNoContent {
			t.Fatalf("delete: %d %s", gone.status, gone.text)
		}
	})
}

// harmless looks at what was registered with other eyes than the code's.
func harmless(t *testing.T, body map[string]any) {
	uris, _ := body["redirect_uris"].([]any)
	grants, _ := body["grant_types"].([]any)
	if slices.Contains(grants, any("authorization_code")) && len(uris) == 0 {
		t.Errorf("no redirect URI: %v", body)
	}
	for _, uri := range uris {
		u, err := url.Parse(uri.(string))
		if err != nil || u.Fragment != "" || u.User != nil || strings.ContainsAny(uri.(string), "#*\\ \t\r\n") {
			t.Errorf("redirect URI %q, %v", uri, err)
		} else if u.Scheme != "https" && u.Scheme != "http" && !strings.Contains(u.Scheme, ".") {
			t.Errorf("redirect URI %q", uri)
		}
	}
	for name, value := range body {
		base, _, _ := strings.Cut(name, "#")
		if text, ok := value.(string); ok && strings.HasSuffix(base, "_uri") && !strings.HasPrefix(strings.ToLower(text), "http") {
			t.Errorf("%s is %q", name, text)
		}
	}
	jwks, _ := body["jwks"].(map[string]any)
	list, _ := jwks["keys"].([]any)
	for _, key := range list {
		for member := range key.(map[string]any) {
			if slices.Contains([]string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"}, member) {
				t.Errorf("a private member comes back: %s", member)
			}
		}
	}
}
