package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/avouchtest"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// answer is what comes back from the token endpoint.
type answer struct {
	Status      int
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// ask sends a request to the token endpoint. It goes the whole way, without a network.
func ask(t *testing.T, server *avouch.Server, pairs ...string) answer {
	t.Helper()
	form := url.Values{"grant_type": {(*kioskPIN)(nil).Type()}}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	server.TokenEndpoint().ServeHTTP(w, r)
	a := answer{Status: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// lobby is a server with one good PIN, 271828, for five minutes.
func lobby(t *testing.T) *avouch.Server {
	t.Helper()
	server, err := newServer("http://127.0.0.1", &kioskPIN{pins: map[string]pin{"271828": {"lobby", time.Now().Add(5 * time.Minute)}}})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// TestAnswers is a table of requests, each to a server of its own: what the grant decides, and what it refuses.
func TestAnswers(t *testing.T) {
	for _, try := range []struct {
		name   string
		form   []string
		status int
		code   string // error, "" for none
		scope  string
	}{
		{"good", []string{"pin", "271828"}, 200, "", "display:show"},
		{"its client", []string{"pin", "271828", "client_id", "kiosks"}, 200, "", "display:show"},
		{"another client", []string{"pin", "271828", "client_id", "billing"}, 400, "invalid_grant", ""},
		{"another PIN", []string{"pin", "271829"}, 400, "invalid_grant", ""},
		{"a PIN and more", []string{"pin", "271828 "}, 400, "invalid_grant", ""},
		{"no PIN", nil, 400, "invalid_grant", ""},
		{"an empty PIN", []string{"pin", ""}, 400, "invalid_grant", ""},
		{"two PINs", []string{"pin", "000000", "pin", "271828"}, 400, "invalid_request", ""},
		{"more than the ceiling", []string{"pin", "271828", "scope", "display:show display:off"}, 400, "invalid_scope", ""},
		{"an API that is not its own", []string{"pin", "271828", "resource", "https://elsewhere.example.com"}, 400, "invalid_target", ""},
	} {
		t.Run(try.name, func(t *testing.T) {
			a := ask(t, lobby(t), try.form...)
			if a.Status != try.status || a.Error != try.code || a.Scope != try.scope {
				t.Errorf("got %+v, want %d %s %s", a, try.status, try.code, try.scope)
			}
			if (a.AccessToken != "") != (try.status == 200) {
				t.Errorf("status %d and the access token %q", a.Status, a.AccessToken)
			}
		})
	}
}

// TestExpiry waits five minutes, which take no time in a bubble.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		early, late := lobby(t), lobby(t)
		time.Sleep(5*time.Minute - time.Second)
		if a := ask(t, early, "pin", "271828"); a.Status != 200 {
			t.Errorf("before the end: %+v", a)
		}
		time.Sleep(2 * time.Second)
		if a := ask(t, late, "pin", "271828"); a.Error != "invalid_grant" {
			t.Errorf("after the end: %+v", a)
		}
	})
}

// TestRefusedIsNotSpent: a request that is refused for another reason leaves the PIN as it was.
func TestRefusedIsNotSpent(t *testing.T) {
	server := lobby(t)
	if a := ask(t, server, "pin", "271828", "scope", "display:off"); a.Error != "invalid_scope" {
		t.Fatalf("%+v", a)
	}
	if a := ask(t, server, "pin", "271828"); a.Status != 200 {
		t.Errorf("the next good request: %+v", a)
	}
	if a := ask(t, server, "pin", "271828"); a.Error != "invalid_grant" {
		t.Errorf("and one more: %+v", a)
	}
}

// TestAtOnce lets 64 requests with one PIN arrive at the same moment. Run it with -race.
func TestAtOnce(t *testing.T) {
	server := lobby(t)
	var passed atomic.Int32
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range 64 {
		all.Go(func() {
			<-begin
			switch a := ask(t, server, "pin", "271828"); {
			case a.Status == 200:
				passed.Add(1)
			case a.Error != "invalid_grant":
				t.Errorf("%+v", a)
			}
		})
	}
	close(begin)
	all.Wait()
	if n := passed.Load(); n != 1 {
		t.Errorf("%d of 64 got a token, want one", n)
	}
}

// TestContract has the library judge the grant. Each request has a PIN of its own.
func TestContract(t *testing.T) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	pins := &kioskPIN{pins: map[string]pin{}}
	config := avouch.Config{
		Issuer: "http://127.0.0.1", Minter: &token.Minter{Key: key}, Grants: []avouch.Grant{avouch.ClientOptional(pins)},
	}
	avouchtest.RunGrant(t, config, func(testing.TB) url.Values {
		number := rand.Text()
		pins.mu.Lock()
		defer pins.mu.Unlock()
		pins.pins[number] = pin{"lobby", time.Now().Add(time.Minute)}
		return url.Values{"grant_type": {pins.Type()}, "pin": {number}}
	})
}
