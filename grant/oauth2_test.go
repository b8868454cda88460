package grant_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/resource"
)

// TestXOauth2 has somebody else's client do all of it: the request with an S256 challenge, the exchange, a call to a
// guarded API, and the refresh when the token is about to end.
func TestXOauth2(t *testing.T) {
	for _, test := range []struct {
		name   string
		config oauth2.Config
	}{
		{"confidential", oauth2.Config{ClientID: "app", ClientSecret: secretOf, RedirectURL: appURI, Scopes: []string{"read", "write"}}},
		{"public", oauth2.Config{ClientID: "native", RedirectURL: "http://127.0.0.1:43210/cb", Scopes: []string{"read"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			clients := codeClients()
			s := newCodeSite(t, false, func(s *codeSite) {
				for _, c := range clients {
					c.TokenLifetime = 5 * time.Second // within the ten that x/oauth2 takes for the end
				}
				s.config.Clients = clients
			})
			test.config.Endpoint = oauth2.Endpoint{
				AuthURL: s.server.URL("authorization"), TokenURL: s.issuer + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
			}
			verifier := oauth2.GenerateVerifier()
			resp, err := s.browser.Get(test.config.AuthCodeURL("a state", oauth2.S256ChallengeOption(verifier)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			back, err := resp.Location()
			if err != nil || back.Query().Get("state") != "a state" || back.Query().Get("iss") != s.issuer {
				t.Fatalf("%v %v", back, err)
			}
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, s.browser)
			if _, err := test.config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
				t.Fatal("another verifier passes")
			}
			first, err := test.config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			source := test.config.TokenSource(ctx, first)
			second, err := source.Token()
			if err != nil || second.AccessToken == first.AccessToken || second.RefreshToken == "" {
				t.Fatalf("%v %v", second, err)
			}
			if rotated := second.RefreshToken != first.RefreshToken; rotated != (test.name == "public") {
				t.Errorf("rotated: %t", rotated)
			}

			guard, err := resource.New(resource.Config{Issuer: s.issuer, Audience: api, Keys: set(ownKey())})
			if err != nil {
				t.Fatal(err)
			}
			called := inProcess{guard.Require("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(r.Header)
			}))}
			for _, token := range []*oauth2.Token{first, second} {
				r, err := http.NewRequest("GET", api+"/orders", nil)
				if err != nil {
					t.Fatal(err)
				}
				token.SetAuthHeader(r)
				resp, err := called.RoundTrip(r)
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("%v %v", resp, err)
				}
			}
		})
	}
}
