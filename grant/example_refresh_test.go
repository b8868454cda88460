package grant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// pairing lets a television be signed in by the code that it shows: whoever types it at home has consented.
type pairing struct {
	typed map[string]string // who typed a code
}

func (pairing) Type() string { return "urn:example:grant-type:pairing" }

func (p pairing) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	user, ok := p.typed[req.Param("code")]
	if !ok {
		return nil, &avouch.Error{Code: avouch.InvalidGrant, Description: "nobody has typed this code"}
	}
	return &avouch.Authorization{
		Subject: user, Scopes: []string{"watch", "rate"}, DefaultScopes: []string{"watch"},
		Refresh: true, // the server makes the refresh token, and ends the consent if one is used twice
	}, nil
}

// A grant of your own with refresh tokens. The television is a public client, so each of them is valid once; one that
// comes again ends all of them.
func ExampleRefreshToken() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := avouch.New(avouch.Config{
		Issuer:     "https://as.example.com",
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{pairing{map[string]string{"WDJB": "ann"}}},
		Refresh:    &grant.RefreshToken{},
		ClientAuth: []avouch.ClientAuth{clientauth.None{}},
		Clients: avouch.ClientList{{
			ID: "television", AuthMethod: "none",
			Grants: []string{pairing{}.Type(), grant.RefreshTokenType}, Scopes: []string{"watch", "rate", "buy"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ask := func(form url.Values) (refreshToken string) {
		form.Set("client_id", "television")
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		server.TokenEndpoint().ServeHTTP(w, r)
		var answer struct {
			RefreshToken string `json:"refresh_token"`
			Scope, Error string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			fmt.Println(err)
		}
		fmt.Println(w.Code, answer.Scope+answer.Error)
		return answer.RefreshToken
	}
	again := func(text, scope string) string {
		return ask(url.Values{"grant_type": {grant.RefreshTokenType}, "refresh_token": {text}, "scope": {scope}})
	}
	first := ask(url.Values{"grant_type": {pairing{}.Type()}, "code": {"WDJB"}})
	second := again(first, "watch rate")
	again(second, "buy") // never consented to: refused, and not used up
	third := again(second, "")
	again(second, "") // who has kept a copy of it?
	again(third, "")  // nobody's any more
	// Output:
	// 200 watch
	// 200 watch rate
	// 400 invalid_scope
	// 200 watch
	// 400 invalid_grant
	// 400 invalid_grant
}
