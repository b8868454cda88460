package clientauth_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// Every method at one server, and a client for each.
func Example() {
	// A client that signs. GeneratePairs makes the pairs; the private halves go to the client and nowhere else.
	private, public, err := keys.GeneratePairs(2, keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	signing, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}

	// A secret is made by the server, long and random, and shown once. What is kept of it is a hash.
	secret := rand.Text() + rand.Text()
	hash := sha256.Sum256([]byte(secret))

	throttle := &clientauth.Throttle{} // one for both: who guesses at one method is slowed down at the other
	server, err := avouch.New(avouch.Config{
		Issuer: "https://as.example.com",
		Minter: &token.Minter{Key: signing},
		Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{
			&clientauth.PrivateKeyJWT{Policy: func(c *avouch.Client) clientauth.Policy {
				if c.ID == "old-reports" { // its library writes the token endpoint into aud: a relaxation, for this one
					return clientauth.Policy{Audience: clientauth.AudienceLegacy}
				}
				return clientauth.Policy{} // strict
			}},
			&clientauth.SecretBasic{Throttle: throttle},
			&clientauth.SecretPost{Throttle: throttle},
			clientauth.None{}, // for clients that can keep no secret
		},
		Clients: avouch.ClientList{
			{ID: "billing", Keys: public, Grants: []string{"client_credentials"}}, // private_key_jwt
			{ID: "old-reports", Keys: public, Grants: []string{"client_credentials"}},
			{ID: "legacy", AuthMethod: "client_secret_basic", Secrets: []avouch.Secret{{SHA256: hash}}, Grants: []string{"client_credentials"}},
			{ID: "app", AuthMethod: "none", Grants: []string{"client_credentials"}}, // which will not help it: see below
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ask := func(form url.Values, basic ...string) {
		form.Set("grant_type", "client_credentials")
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if len(basic) == 2 {
			r.SetBasicAuth(basic[0], basic[1])
		}
		w := httptest.NewRecorder()
		server.TokenEndpoint().ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	signed := func(client, audience string) url.Values {
		raw, err := assertion.Sign(assertion.Claims{Issuer: client, Subject: client, Audience: audience}, private[0])
		if err != nil {
			fmt.Println(err)
		}
		return url.Values{
			"client_assertion":      {raw},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		}
	}
	ask(signed("billing", "https://as.example.com"))
	ask(signed("billing", "https://as.example.com/oauth/token")) // RFC 10070 forbids it
	ask(signed("old-reports", "https://as.example.com/oauth/token"))
	ask(url.Values{}, "legacy", secret)
	ask(url.Values{"client_id": {"legacy"}, "client_secret": {secret}}) // right, and not by its method
	ask(url.Values{"client_id": {"app"}})                               // a name is no credential
	// Output:
	// 200
	// 401
	// 200
	// 200
	// 401
	// 400
}
