package avouch_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// kioskPIN lets a kiosk trade the PIN that a visitor types for a token that speaks for the visitor, once.
type kioskPIN struct {
	visitors map[string]string // by PIN
}

func (kioskPIN) Type() string { return "urn:example:grant-type:kiosk-pin" }

func (k kioskPIN) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	if req.DryRun() { // a PIN can be guessed, and nothing counts the guesses of a dry run
		return nil, avouch.ErrNotTried
	}
	pin := req.Param("pin")
	visitor, ok := k.visitors[pin]
	if !ok {
		return nil, &avouch.Error{Code: avouch.InvalidGrant, Description: "the PIN is not valid"}
	}
	return &avouch.Authorization{
		Subject:       "visitor/" + visitor,
		Scopes:        []string{"tickets:print"},
		DefaultScopes: []string{"tickets:print"},
		Lifetime:      time.Minute,
		Uses:          []replay.Use{{Purpose: "kiosk-pin", Party: "pins", ID: pin, Until: req.Now.Add(24 * time.Hour)}},
	}, nil
}

// A grant of your own stands in the same slice as the built-in ones. Client authentication, scopes, single use, the
// token and the answer are the server's work.
func Example_customGrant() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	secret := sha256.Sum256([]byte("the-secret-of-kiosk-7-is-long-and-random"))
	server, err := avouch.New(avouch.Config{
		Issuer:     "https://as.example.com",
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{kioskPIN{visitors: map[string]string{"4711": "ann"}}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}},
		Clients: avouch.ClientList{{
			ID: "kiosk-7", AuthMethod: "client_secret_basic", Secrets: []avouch.Secret{{SHA256: secret}},
			Grants: []string{kioskPIN{}.Type()}, Scopes: []string{"tickets:print", "tickets:sell"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ask := func(pin, scope string) {
		form := url.Values{"grant_type": {kioskPIN{}.Type()}, "pin": {pin}, "scope": {scope}}
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("kiosk-7", "the-secret-of-kiosk-7-is-long-and-random")
		w := httptest.NewRecorder()
		server.TokenEndpoint().ServeHTTP(w, r)
		show(w)
	}
	ask("0000", "")
	ask("4711", "tickets:sell") // refused, but not spent
	ask("4711", "")
	ask("4711", "")
	// Output:
	// 400 invalid_grant: the PIN is not valid
	// 400 invalid_scope: the client may not have one of the scopes it asks for
	// 200 token for 60 seconds, scope "tickets:print"
	// 400 invalid_grant: the grant was used before; get a new one for each request
}
