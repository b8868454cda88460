package avouch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// TestEndToEnd goes the whole way: what a client signs becomes a token that an API believes, which knows no more of
// the server than its JWK set.
func TestEndToEnd(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256} {
		t.Run(string(alg), func(t *testing.T) {
			signing, err := keys.Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			clientKey, err := keys.Generate(keys.ES256)
			if err != nil {
				t.Fatal(err)
			}
			partnerKey, err := keys.Generate(keys.EdDSA)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			s := newSite(t, func(c *avouch.Config) {
				c.Minter = &token.Minter{Key: signing}
				c.Grants = []avouch.Grant{grant.ClientCredentials{}, avouch.ClientOptional(&grant.JWTBearer{
					Trust: trust.List{{Issuer: "https://idp.example.com", Name: "idp", Keys: partnerKey.PublicKeys(now), Rules: []trust.Rule{
						{Name: "ann", Subject: "ann", ClientID: "batch", Scopes: []string{"read"}, DefaultScopes: []string{"read"}},
					}}},
				})}
				c.ClientAuth = []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}}
				c.Clients = avouch.ClientList{{
					ID: "batch", Keys: clientKey.PublicKeys(now), Audiences: []string{orders}, Scopes: []string{"read", "write"},
					Grants: []string{"client_credentials", grant.JWTBearerType},
				}}
			})
			sign := func(c assertion.Claims, key *keys.Private) string {
				c.Audience = issuer
				raw, err := assertion.Sign(c, key)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			}
			client := func() []string {
				return []string{"client_assertion_type", jwtAssertion, "client_assertion", sign(assertion.Claims{Issuer: "batch", Subject: "batch"}, clientKey)}
			}
			grant := []string{"grant_type", grant.JWTBearerType, "assertion", sign(assertion.Claims{Issuer: "https://idp.example.com", Subject: "ann"}, partnerKey)}

			_, set := get(t, s, "/oauth/jwks")
			published, err := keys.ParseSet(set)
			if err != nil {
				t.Fatal(err)
			}
			api := token.Verifier{Issuer: issuer, Audience: orders, Keys: published}
			for _, test := range []struct {
				form    []string
				subject string
			}{
				{append(client(), "grant_type", "client_credentials", "scope", "read"), "batch"},
				{append(client(), append(grant, "scope", "read")...), "idp/ann"},
			} {
				a := s.post(t, form(test.form...))
				a.want(t, 200, "")
				c, err := api.Verify(t.Context(), time.Now(), a.AccessToken)
				if err != nil {
					t.Fatal(err)
				}
				if c.Subject != test.subject || c.ClientID != "batch" || len(c.Scopes) != 1 || c.Scopes[0] != "read" {
					t.Errorf("claims %+v", c)
				}
				s.post(t, form(test.form...)).want(t, 401, avouch.InvalidClient) // the client assertion again
			}
			s.post(t, form(append(client(), grant...)...)).want(t, 400, avouch.InvalidGrant) // the grant again
			s.post(t, form(append(client(), "grant_type", "client_credentials", "scope", "admin")...)).want(t, 400, avouch.InvalidScope)

			// Who is paged reads by name why, and whose assertion it was.
			bad := sign(assertion.Claims{Issuer: "https://idp.example.com", Subject: "ann", ID: "0123456789abcdef", IssuedAt: now.Add(-time.Hour)}, partnerKey)
			s.post(t, form("grant_type", grant[1], "assertion", bad)).want(t, 400, avouch.InvalidGrant)
			logged := s.logs.String()
			for _, want := range []string{
				`"cause":{"reason":"replayed","purpose":"grant",`, `"cause":{"reason":"expired","check":"expiry",`,
				`"party":"https://idp.example.com","sub":"ann","jti":"012345678...","verified":true}`,
			} {
				if !strings.Contains(logged, want) {
					t.Errorf("the log lacks %s:\n%s", want, logged)
				}
			}
			if strings.Contains(logged, bad) || strings.Contains(logged, "abcdef") {
				t.Error("the log has an assertion, or the whole id of one")
			}
		})
	}
}
