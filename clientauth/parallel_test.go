package clientauth_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// gated is a list of clients in which every search waits.
type gated struct {
	avouch.ClientList
	asked chan<- struct{}
	open  <-chan struct{}
}

func (g gated) Client(ctx context.Context, id string) (*avouch.Client, error) {
	g.asked <- struct{}{}
	<-g.open
	return g.ClientList.Client(ctx, id)
}

// TestGuessedMACSecretsInParallel: guesses that are all on their way before the first is found wrong get no more tries
// than one after the other.
func TestGuessedMACSecretsInParallel(t *testing.T) {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	const guesses = 30
	asked, open := make(chan struct{}), make(chan struct{})
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &token.Minter{Key: key}, Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretJWT{Throttle: &clientauth.Throttle{PerClient: clientauth.Limit{Every: time.Hour}}}},
		Clients: gated{avouch.ClientList{{
			ID: "mac", AuthMethod: "client_secret_jwt", Grants: []string{"client_credentials"}, Secrets: []avouch.Secret{{Value: macSecret}},
		}}, asked, open},
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := mac(t, "HS256", bytes.Repeat([]byte("x"), 40), good("mac"))
	status := make(chan int)
	for range guesses {
		go func() {
			form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {kind}, "client_assertion": {wrong}}
			r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			server.TokenEndpoint().ServeHTTP(w, r)
			status <- w.Code
		}()
	}
	for range guesses {
		<-asked
	}
	close(open)
	count := map[int]int{}
	for range guesses {
		count[<-status]++
	}
	if count[401] != 10 || count[429] != guesses-10 {
		t.Errorf("answers %v", count)
	}
}
