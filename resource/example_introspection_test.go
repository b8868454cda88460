package resource_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

// An API for which a revoked token is not good for ten minutes more: it asks the authorization server.
func ExampleIntrospection() {
	key := exampleKey() // of the API, which is a client of the server
	issuer, revoke, access := exampleServer(key)

	guard, err := resource.New(resource.Config{
		Issuer:   issuer,
		Audience: "https://orders.example.com",
		Introspect: &resource.Introspection{
			ClientID: "orders-api", // registered with introspects: the audience above
			Key:      key,
			MaxAge:   -1, // every request asks; zero would let an answer count for 10 seconds
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ask := func() {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+access)
		w := httptest.NewRecorder()
		guard.WhoAmI().ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	ask()
	revoke()
	ask()
	// Output:
	// 200
	// 401
}

// exampleServer is an authorization server that has issued an access token, and can revoke it.
func exampleServer(apiKey *keys.Private) (issuer string, revoke func(), access string) {
	h := httptest.NewUnstartedServer(nil)
	issuer = "http://" + h.Listener.Addr().String()
	minter, store := &token.Minter{Key: exampleKey()}, handle.NewMemory(0)
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: minter, Handles: store,
		Grants:     []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}},
		Clients: avouch.ClientList{
			{ID: "shop"},
			{ID: "orders-api", Keys: apiKey.PublicKeys(time.Now()), Introspects: []string{"https://orders.example.com"}},
		},
		Endpoints: []avouch.Endpoint{endpoint.Introspection()},
	})
	if err != nil {
		log.Fatal(err)
	}
	h.Config.Handler = server.Handler()
	h.Start()
	now := time.Now()
	access, err = minter.Mint(context.Background(), &token.Claims{
		Issuer: issuer, Subject: "alice", ClientID: "shop", Audience: []string{"https://orders.example.com"}, ID: "t-1",
		IssuedAt: now, Expires: now.Add(10 * time.Minute),
	})
	if err != nil {
		log.Fatal(err)
	}
	revoke = func() {
		if err := store.Revoke(context.Background(), now, now.Add(time.Hour), handle.TokenID("t-1")); err != nil {
			log.Fatal(err)
		}
	}
	return issuer, revoke, access
}
