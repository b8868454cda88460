package endpoint_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// A server whose clients can ask about their tokens, and take them back.
func Example() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	server, err := avouch.New(avouch.Config{
		Issuer:     "https://as.example.com",
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}},
		Clients: avouch.ClientList{{
			ID: "batch", AuthMethod: "client_secret_basic", Grants: []string{"client_credentials"},
			Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte("a secret that nobody can guess"))}},
		}},
		Endpoints: []avouch.Endpoint{
			endpoint.Introspection(),
			endpoint.Revocation(),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	as := httptest.NewServer(server.Handler())
	defer as.Close()

	post := func(path string, form url.Values) map[string]any {
		req, err := http.NewRequest(http.MethodPost, as.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			log.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("batch", url.QueryEscape("a secret that nobody can guess"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			log.Fatal(err)
		}
		says := map[string]any{}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &says); err != nil {
				log.Fatal(err)
			}
		}
		return says
	}
	access := fmt.Sprint(post("/oauth/token", url.Values{"grant_type": {"client_credentials"}})["access_token"])

	about := url.Values{"token": {access}}
	says := post("/oauth/introspect", about)
	fmt.Println(says["active"], says["client_id"], says["sub"])
	fmt.Println(post("/oauth/revoke", about))
	fmt.Println(post("/oauth/introspect", about))
	// Output:
	// true batch batch
	// map[]
	// map[active:false]
}
