package avouch_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// typed is what a grant returns that knows nothing of consents: a PIN, good once, for a user.
func typed(req *avouch.Request) *avouch.Authorization {
	z := &avouch.Authorization{Subject: req.Param("user"), Refresh: true}
	for _, name := range []string{"nonce", "pin"} {
		if id := req.Param(name); id != "" {
			z.Uses = append(z.Uses, replay.Use{Purpose: name, Party: "lobby", ID: id, Until: req.Now.Add(time.Hour)})
		}
	}
	return z
}

// namingSite offers it, and refresh tokens.
func namingSite(t *testing.T, store handle.Store) *site {
	return hookedSite(t, typed, func(c *avouch.Config) {
		c.Handles, c.Refresh = store, &grant.RefreshToken{}
		for _, client := range c.Clients.(avouch.ClientList) {
			client.Grants = append(client.Grants, grant.RefreshTokenType)
		}
	})
}

// TestConsentNamed: the server names the consent of a grant that has named none, and ends it on a second use.
func TestConsentNamed(t *testing.T) {
	store := &endingStore{Store: handle.NewMemory(0)}
	s := namingSite(t, store)

	// What is refused for another reason has no consent: neither log nor event has a word that is made of the PIN.
	askHooked(t, s, "pin", "271828", "user", "ann", "scope", "nonsense").want(t, 400, avouch.InvalidScope)
	if e := s.lastEvent(); e.Consent != "" || strings.Contains(s.logs.String(), "consent") {
		t.Errorf("a request that spent nothing has the consent %q; the log: %s", e.Consent, s.logs.String())
	}

	askHooked(t, s, "pin", "271828", "user", "ann").want(t, 200, "")
	first := s.lastEvent().Consent
	if first == "" || s.minter.last.Origin.Family != first {
		t.Fatalf("the consent is %q, the token has %q", first, s.minter.last.Origin.Family)
	}
	if askHooked(t, s, "pin", "314159", "user", "ann").want(t, 200, ""); s.lastEvent().Consent == first {
		t.Error("two PINs have one consent")
	}

	askHooked(t, s, "pin", "271828", "user", "ann").want(t, 400, avouch.InvalidGrant)
	if e := s.lastEvent(); !e.Reused || e.Consent != first || !store.ended(t, first) {
		t.Errorf("after a second use: %+v", e)
	}
	if logs := s.logs.String(); !strings.Contains(logs, "has to sign in again") || strings.Contains(logs, "271828") {
		t.Errorf("the log: %s", logs)
	}
	askHooked(t, s, "pin", "271828", "user", "ann").want(t, 400, avouch.InvalidGrant)
	if e := s.lastEvent(); e.Reused || e.Consent != first {
		t.Errorf("after a third use: %+v", e)
	}
}

// TestConsentNamedOnce: of many requests at the same moment one is answered, and its consent is the one that is ended,
// wherever in Uses the thing stands that all of them use.
func TestConsentNamedOnce(t *testing.T) {
	store := &endingStore{Store: handle.NewMemory(0)}
	s := namingSite(t, store)
	for round := range 10 {
		pin := strings.Repeat("7", round+1)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				r, err := http.NewRequest("POST", s.URL+"/oauth/token", strings.NewReader(form("grant_type", hooked(typed).Type(), "nonce", pin+string(rune('a'+i)), "pin", pin, "user", "ann").Encode()))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.SetBasicAuth("basic", url.QueryEscape(secret))
				answer, err := s.Client().Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = answer.Body.Close()
			})
		}
		all.Wait()
		s.mu.Lock()
		var given []string
		for _, e := range s.events {
			if e.Err == nil {
				given = append(given, e.Consent)
			}
		}
		s.events = nil
		s.mu.Unlock()
		if len(given) != 1 || !store.ended(t, given[0]) {
			t.Fatalf("%d requests were answered; their consents %q are to be ended", len(given), given)
		}
	}
}

// TestConsentNamedAnew: when a PIN is not remembered any longer it may be given to somebody else, whose consent has
// nothing to do with the first one's.
func TestConsentNamedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &endingStore{Store: handle.NewMemory(0)}
		var consents []string
		refused := error(nil)
		server, err := avouch.New(avouch.Config{
			Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{hooked(typed)}, ClientAuth: []avouch.ClientAuth{clientauth.None{}},
			Clients: avouch.ClientList{{ID: "public", AuthMethod: "none", Grants: []string{hooked(typed).Type(), grant.RefreshTokenType}}},
			Handles: store, Refresh: &grant.RefreshToken{},
			Observe: func(_ context.Context, e avouch.Event) { consents, refused = append(consents, e.Consent), e.Err },
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(user string) string {
			r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form("grant_type", hooked(typed).Type(), "client_id", "public", "pin", "271828", "user", user).Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			server.TokenEndpoint().ServeHTTP(httptest.NewRecorder(), r)
			return consents[len(consents)-1]
		}
		ann := ask("ann")
		if err := server.EndConsent(t.Context(), time.Now(), ann); err != nil {
			t.Fatal(err)
		}
		for _, wait := range []time.Duration{2 * time.Hour, 40 * 24 * time.Hour} { // the record of the first one is there, then gone
			time.Sleep(wait)
			bob := ask("bob")
			if refused != nil || bob == "" || bob == ann || store.ended(t, bob) {
				t.Fatalf("after %v: %v; the consent is %q, that of the first one was %q", wait, refused, bob, ann)
			}
			if ask("bob") != bob || !store.ended(t, bob) {
				t.Errorf("after %v, a second use has ended another consent", wait)
			}
		}
	})
}

// TestConsentNotNamed: where the name cannot be kept nothing is spent.
func TestConsentNotNamed(t *testing.T) {
	store := &unwritable{Store: handle.NewMemory(0), failure: errors.New("the disk is full")}
	s := namingSite(t, store)
	askHooked(t, s, "pin", "1", "user", "ann").want(t, 503, avouch.TemporarilyUnavailable)
	store.failure = handle.ErrExists // of a record that has expired and has not been dropped yet
	askHooked(t, s, "pin", "1", "user", "ann").want(t, 503, avouch.TemporarilyUnavailable)
	store.failure = nil
	askHooked(t, s, "pin", "1", "user", "ann").want(t, 200, "")
}

// unwritable is a store that may fail to keep a record.
type unwritable struct {
	handle.Store
	failure error
}

func (u *unwritable) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if u.failure != nil {
		return u.failure
	}
	return u.Store.PutHandle(ctx, now, r)
}

// TestImpossibleUse: what no guard could remember is a mistake of the grant, which no retry repairs.
func TestImpossibleUse(t *testing.T) {
	for name, until := range map[string]time.Time{"zero": {}, "past": time.Now().Add(-time.Minute), "far": time.Now().AddDate(5, 0, 0)} {
		s := hookedSite(t, func(*avouch.Request) *avouch.Authorization {
			return &avouch.Authorization{Uses: []replay.Use{{Purpose: "p", Party: "p", ID: "1", Until: until}}}
		}, nil)
		askHooked(t, s).want(t, 500, avouch.ServerError)
		if !strings.Contains(s.logs.String(), "replay.Use.Until") {
			t.Errorf("%s: the log does not say what to mend: %s", name, s.logs.String())
		}
	}
}
