package grant_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"golang.org/x/oauth2/jwt"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// A service account is a client that is its own issuer. Clients written for Google's, such as golang.org/x/oauth2/jwt,
// sign for an hour, without a jti, with the scopes in a claim, and without a sub where they act for themselves: each of
// these is a word in the entry.
func ExampleJWTBearer_serviceAccount() {
	account, err := keys.Generate(keys.RS256)
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := avouch.New(avouch.Config{
		Issuer: "https://as.example.com",
		Minter: &token.Minter{Key: key},
		Grants: []avouch.Grant{avouch.ClientOptional(&grant.JWTBearer{
			Trust: trust.List{{
				Issuer:          "billing@acme.example",
				SelfIssued:      true,
				Name:            "billing",
				Keys:            account.PublicKeys(time.Now()),
				SubjectOptional: true,
				ScopeClaim:      true,
				Rules: []trust.Rule{
					{Name: "itself", Nobody: true, Scopes: []string{"invoices:write"}},
					{Name: "for alice", Subject: "alice@acme.example", Scopes: []string{"invoices:read"}},
				},
			}},
		})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := httptest.NewServer(server.TokenEndpoint())
	defer site.Close()

	pem, err := account.MarshalPEM()
	if err != nil {
		fmt.Println(err)
		return
	}
	api := &token.Verifier{Issuer: "https://as.example.com", Audience: "https://as.example.com", Keys: key.PublicKeys(time.Now())}
	for _, subject := range []string{"", "alice@acme.example"} {
		client := &jwt.Config{
			Email:        "billing@acme.example",
			PrivateKey:   pem,
			PrivateKeyID: account.ID,
			Subject:      subject,
			Scopes:       []string{"invoices:read", "invoices:write"},
			TokenURL:     site.URL,
			Audience:     "https://as.example.com/oauth/token",
		}
		t, err := client.TokenSource(context.Background()).Token()
		if err != nil {
			fmt.Println(err)
			return
		}
		claims, err := api.Verify(context.Background(), time.Now(), t.AccessToken)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(claims.Subject, claims.Scopes)
	}
	// Output:
	// billing@acme.example [invoices:write]
	// billing/alice@acme.example [invoices:read]
}
