package endpoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// A partner gets an initial access token, registers with it, and manages its registration from then on.
func ExampleRegistration() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	registrar := &endpoint.MemoryRegistrar{} // a Registrar of your own keeps them longer
	registration := &endpoint.Registration{
		Registrar:     registrar,
		GrantTypes:    []string{"client_credentials"},
		Scopes:        []string{"orders:read", "orders:write"},
		DefaultScopes: []string{"orders:read"},
	}
	server, err := avouch.New(avouch.Config{
		Issuer:     "https://as.example.com",
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}},
		Clients:    registrar,
		Endpoints:  []avouch.Endpoint{registration.Endpoint(), registration.Management()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := func(method, address, bearer, body string) (answer map[string]any) {
		r := httptest.NewRequest(method, address, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, r)
		fmt.Println(method, w.Code)
		_ = json.Unmarshal(w.Body.Bytes(), &answer)
		return answer
	}

	initial := registrar.NewInitialToken(1, time.Now().Add(24*time.Hour)) // handed to the partner

	me := ask(http.MethodPost, "https://as.example.com/oauth/register", initial,
		`{"client_name": "Partner", "grant_types": ["client_credentials"]}`)
	fmt.Println(me["client_name"], me["token_endpoint_auth_method"], me["scope"], len(me["client_secret"].(string)))

	address, bearer := me["registration_client_uri"].(string), me["registration_access_token"].(string)
	me = ask(http.MethodPut, address, bearer,
		`{"client_id": "`+me["client_id"].(string)+`", "grant_types": ["client_credentials"], "scope": "orders:read orders:write"}`)
	fmt.Println(me["client_name"], me["scope"])

	ask(http.MethodDelete, address, bearer, "")
	fmt.Println(ask(http.MethodGet, address, bearer, "")["error"])
	fmt.Println(ask(http.MethodPost, "https://as.example.com/oauth/register", initial, `{}`)["error"])

	// Output:
	// POST 201
	// Partner client_secret_basic orders:read 43
	// PUT 200
	// <nil> orders:read orders:write
	// DELETE 204
	// GET 401
	// invalid_token
	// POST 401
	// invalid_token
}
