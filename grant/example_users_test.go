package grant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// userTable stands for the users of your program: who has linked which login of which partner.
type userTable map[[2]string]string

func (t userTable) IDByLogin(_ context.Context, issuer, login string) (string, error) {
	return t[[2]string{issuer, login}], nil // "" for nobody we know
}

// A token endpoint in a program with users of its own: the partner says who somebody is, the program says which of its
// users that is.
func ExampleJWTBearer() {
	partner, err := keys.Generate(keys.ES256) // the partner's, who gives us the public half
	if err != nil {
		fmt.Println(err)
		return
	}
	partnerKeys := partner.PublicKeys(time.Now())
	key, err := keys.Generate(keys.ES256) // ours
	if err != nil {
		fmt.Println(err)
		return
	}
	users := userTable{{"https://idp.partner.example", "alice"}: "user-1"}
	mux := http.NewServeMux()

	server, err := avouch.New(avouch.Config{
		Issuer: "https://api.example.com",
		Minter: &token.Minter{Key: key}, // TokenURL defaults to Issuer + "/oauth/token"
		Grants: []avouch.Grant{
			avouch.ClientOptional(&grant.JWTBearer{
				Trust: trust.List{{Issuer: "https://idp.partner.example", Keys: partnerKeys}},
				Subject: func(ctx context.Context, a *assertion.Assertion) (string, error) {
					return users.IDByLogin(ctx, a.Issuer, a.Subject) // never by a mutable claim such as e-mail
				},
			}),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux.Handle("POST /oauth/token", server.TokenEndpoint())

	site := httptest.NewServer(mux)
	defer site.Close()
	for _, login := range []string{"alice", "mallory"} {
		signed, err := assertion.Sign(assertion.Claims{
			Issuer: "https://idp.partner.example", Subject: login, Audience: "https://api.example.com",
		}, partner)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := http.PostForm(site.URL+"/oauth/token", url.Values{"grant_type": {grant.JWTBearerType}, "assertion": {signed}})
		if err != nil {
			fmt.Println(err)
			return
		}
		var answer struct {
			AccessToken string `json:"access_token"`
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err != nil || answer.Error != "" {
			fmt.Println(login, "is refused:", answer.Error, "-", answer.Description)
			continue
		}
		api := &token.Verifier{Issuer: "https://api.example.com", Audience: "https://api.example.com", Keys: key.PublicKeys(time.Now())}
		claims, err := api.Verify(context.Background(), time.Now(), answer.AccessToken)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(login, "is", claims.Subject, "by way of", claims.ClientID)
	}
	// Output:
	// alice is user-1 by way of https://idp.partner.example
	// mallory is refused: invalid_grant - the assertion is not accepted here
}
