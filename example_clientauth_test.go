package avouch_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// apiKey authenticates clients by a key in a header of its own: for clients that had one before there was OAuth.
type apiKey struct {
	owners map[[32]byte]string // client ids by SHA-256 of the key
}

func (apiKey) Method() string { return "api_key" }

func (apiKey) Presented(req *avouch.Request) bool {
	return req.HTTP != nil && req.HTTP.Header.Get("X-Api-Key") != ""
}

func (k apiKey) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	owner := k.owners[sha256.Sum256([]byte(req.HTTP.Header.Get("X-Api-Key")))]
	client, err := req.FindClient(ctx, owner)
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed"}
	}
	return &avouch.Authentication{Client: client}, nil
}

// A client authentication method of your own stands in the same slice as the built-in ones. That the client is enabled
// and registered for the method, and that nothing else was presented beside it, is seen to by the server.
func Example_customClientAuth() {
	signing, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := avouch.New(avouch.Config{
		Issuer:     "https://as.example.com",
		Minter:     &token.Minter{Key: signing},
		Grants:     []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{apiKey{owners: map[[32]byte]string{sha256.Sum256([]byte("k-1")): "reports"}}},
		Clients:    avouch.ClientList{{ID: "reports", AuthMethod: "api_key", Grants: []string{"client_credentials"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"k-1", "k-2"} {
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader("grant_type=client_credentials"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Api-Key", key)
		w := httptest.NewRecorder()
		server.TokenEndpoint().ServeHTTP(w, r)
		show(w)
	}
	// Output:
	// 200 token for 900 seconds, scope ""
	// 401 invalid_client: client authentication failed
}

// show prints an answer without what differs each time.
func show(w *httptest.ResponseRecorder) {
	var a struct {
		ExpiresIn   int    `json:"expires_in"`
		Scope       string `json:"scope"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		fmt.Println(err)
	}
	if a.Error != "" {
		fmt.Printf("%d %s: %s\n", w.Code, a.Error, a.Description)
		return
	}
	fmt.Printf("%d token for %d seconds, scope %q\n", w.Code, a.ExpiresIn, a.Scope)
}
