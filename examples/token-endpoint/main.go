// Command token-endpoint is a program with users of its own that gives access tokens for the signed assertions of a
// partner: a JWT bearer token endpoint (RFC 7523) in its mux.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// userTable is what the program has anyway: its users, by the partner's name for them.
type userTable map[[2]string]string

// IDByLogin returns our id of a user. Issuer and subject together name him: never a claim he could change.
func (u userTable) IDByLogin(_ context.Context, issuer, subject string) (string, error) {
	return u[[2]string{issuer, subject}], nil // "" means that we know nobody by that name
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	partnerJWKS := flag.String("partner-keys", "partner.jwks.json", "the partner's public keys, a JWK set")
	flag.Parse()

	text, err := os.ReadFile(*partnerJWKS)
	if err != nil {
		log.Fatal(err)
	}
	partnerKeys, err := keys.ParseSet(text)
	if err != nil {
		log.Fatal(err)
	}
	mux, err := newMux("http://"+*listen, partnerKeys, userTable{{"https://idp.partner.example", "4711"}: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("token endpoint: http://%s/oauth/token", *listen)
	log.Fatal(http.ListenAndServe(*listen, mux))
}

func newMux(issuer string, partnerKeys keys.Source, users userTable) (*http.ServeMux, error) {
	key, err := keys.Generate(keys.ES256) // keep it in a file, or tokens end when the program does
	if err != nil {
		return nil, err
	}
	server, err := avouch.New(avouch.Config{
		Issuer: issuer,
		Minter: &token.Minter{Key: key}, // TokenURL defaults to Issuer + "/oauth/token"
		Grants: []avouch.Grant{
			avouch.ClientOptional(&grant.JWTBearer{
				Trust: trust.List{{Issuer: "https://idp.partner.example", Keys: partnerKeys}},
				Subject: func(ctx context.Context, a *assertion.Assertion) (string, error) {
					return users.IDByLogin(ctx, a.Issuer, a.Subject) // never by a mutable claim such as e-mail
				},
				Scopes: func(context.Context, string, string, *assertion.Assertion) ([]string, error) {
					return []string{"orders:read", "orders:write"}, nil // what the partner may have
				},
			}),
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/oauth/token", server.TokenEndpoint())
	mux.Handle("GET /oauth/jwks", server.JWKS())
	paths, err := avouch.MetadataPaths(issuer)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		mux.Handle("GET "+path, server.Metadata())
	}
	return mux, nil
}
