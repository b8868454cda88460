package endpoint_test

import (
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/token"
)

// BenchmarkIntrospection is what the endpoint adds to the authentication of its caller: verifying a token and asking what it
// rests on.
func BenchmarkIntrospection(b *testing.B) {
	minter := &token.Minter{Key: ownKey()}
	e := endpoint.Introspection()
	client := &avouch.Client{ID: "web", AuthMethod: "client_secret_post"}
	server, err := avouch.New(avouch.Config{
		Issuer: "https://as.example", Minter: minter, Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{everybody{}}, Clients: avouch.ClientList{client},
	})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	raw, err := minter.Mint(b.Context(), &token.Claims{
		Issuer: "https://as.example", Subject: "alice", ClientID: "web", Audience: []string{orders}, ID: "t", IssuedAt: now, Expires: now.Add(time.Hour),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		req, err := server.Request(map[string][]string{"token": {raw}}, now)
		if err != nil {
			b.Fatal(err)
		}
		req.Client = client
		if answer, err := e.Answer(b.Context(), req); err != nil || answer.Body == nil {
			b.Fatal(answer, err)
		}
	}
}
