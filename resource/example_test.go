package resource_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

// An API takes orders from callers whose token has the scope for it.
func ExampleGuard_Require() {
	key := exampleKey()
	guard, err := resource.New(resource.Config{
		Issuer:   "https://as.example.com",
		Audience: "https://orders.example.com",
		Keys:     key.PublicKeys(time.Now()), // without it the guard finds the issuer's keys by itself
	})
	if err != nil {
		log.Fatal(err)
	}
	createOrder := func(w http.ResponseWriter, r *http.Request) {
		caller, _ := resource.FromContext(r.Context())
		fmt.Fprintf(w, "an order of %s", caller.Subject)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /orders", guard.Require("orders:write")(http.HandlerFunc(createOrder)))

	for _, scopes := range [][]string{{"orders:write"}, {"orders:read"}, nil} {
		r := httptest.NewRequest(http.MethodPost, "/orders", nil)
		if scopes != nil {
			r.Header.Set("Authorization", "Bearer "+exampleToken(key, scopes))
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Println(w.Code, w.Body)
		} else {
			fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
	// Output:
	// 200 an order of alice
	// 403 Bearer error="insufficient_scope", error_description="the access token lacks a scope that this request needs", scope="orders:write", resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"
	// 401 Bearer scope="orders:write", resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"
}

// Clients that know only the API's URL find its authorization server by the metadata.
func ExampleGuard_Metadata() {
	guard, err := resource.New(resource.Config{
		Issuer:   "https://as.example.com",
		Audience: "https://api.example.com/orders",
		Scopes:   []string{"orders:read", "orders:write"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+guard.MetadataPath(), guard.Metadata())

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-protected-resource/orders", nil))
	fmt.Print(w.Body)
	// Output: {"resource":"https://api.example.com/orders","authorization_servers":["https://as.example.com"],"scopes_supported":["orders:read","orders:write"],"bearer_methods_supported":["header"]}
}

// Whoever sets up a client asks /whoami who its token speaks for.
func ExampleGuard_WhoAmI() {
	key := exampleKey()
	guard, err := resource.New(resource.Config{
		Issuer:   "https://as.example.com",
		Audience: "https://orders.example.com",
		Keys:     key.PublicKeys(time.Now()),
	})
	if err != nil {
		log.Fatal(err)
	}
	api := httptest.NewServer(guard.WhoAmI())
	defer api.Close()

	req, err := http.NewRequest(http.MethodGet, api.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+exampleToken(key, []string{"orders:read"}))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Print(string(body))
	// Output: {"iss":"https://as.example.com","sub":"alice","client_id":"shop","scope":"orders:read","aud":["https://orders.example.com"],"exp":4102444800}
}

// Another framework asks for a function that judges tokens: here as the MCP Go SDK wants it, which must be told when
// the token expires, and whether a failure is the token's.
func ExampleGuard_Verify() {
	key := exampleKey()
	guard, err := resource.New(resource.Config{
		Issuer:   "https://as.example.com",
		Audience: "https://mcp.example.com",
		Keys:     key.PublicKeys(time.Now()),
	})
	if err != nil {
		log.Fatal(err)
	}
	verify := func(ctx context.Context, raw string) (scopes []string, expires time.Time, err error) {
		caller, err := guard.Verify(ctx, raw)
		switch {
		case errors.Is(err, resource.ErrInvalidToken):
			return nil, time.Time{}, errors.New("invalid token") // auth.ErrInvalidToken there
		case err != nil:
			return nil, time.Time{}, err // our outage: not the caller's fault
		}
		return caller.Scopes, caller.Expires, nil
	}

	_, _, err = verify(context.Background(), exampleToken(key, nil)) // made for orders.example.com
	fmt.Println(err)
	// Output: invalid token
}

func exampleKey() *keys.Private {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func exampleToken(key *keys.Private, scopes []string) string {
	minter := token.Minter{Key: key}
	raw, err := minter.Mint(context.Background(), &token.Claims{
		Issuer: "https://as.example.com", Subject: "alice", ClientID: "shop", ID: "t-1",
		Audience: []string{"https://orders.example.com"}, Scopes: scopes,
		IssuedAt: time.Now(), Expires: time.Unix(4102444800, 0),
	})
	if err != nil {
		log.Fatal(err)
	}
	return raw
}
