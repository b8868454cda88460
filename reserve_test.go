package avouch_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/replay"
)

// trail is an audit trail with places, each of which must be used exactly once.
type trail struct {
	full      error
	places    int
	reserved  int
	events    []avouch.Event
	inReserve func()
}

func (t *trail) reserve(context.Context) error {
	if t.inReserve != nil {
		t.inReserve()
	}
	if t.full != nil {
		return t.full
	}
	t.places++
	t.reserved++
	return nil
}

func (t *trail) observe(_ context.Context, e avouch.Event) {
	if e.Reserved {
		t.places--
	}
	t.events = append(t.events, e)
}

const consentType = "urn:example:consent"

// consentGrant issues on a consent, and fails as the test says.
type consentGrant struct {
	record func() error
}

func (*consentGrant) Type() string { return consentType }

func (g *consentGrant) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	a := &avouch.Authorization{
		Subject: "alice", Family: "family-1", Issuer: "https://idp.example", Scopes: []string{"read"},
		Uses: []replay.Use{{Purpose: "code", Party: "basic", ID: req.Param("code"), Until: req.Now.Add(time.Hour)}},
	}
	a.Record = func(context.Context, *avouch.Issued) error {
		if g.record != nil {
			return g.record()
		}
		return nil
	}
	return a, nil
}

func newTrailSite(t *testing.T) (*site, *trail, *consentGrant) {
	t.Helper()
	kept, grant := &trail{}, &consentGrant{}
	s := newSite(t, func(c *avouch.Config) {
		c.Grants = append(c.Grants, grant)
		list := clients()
		for i := range list {
			list[i].Grants = append(list[i].Grants, consentType)
		}
		c.Clients = list
		c.Reserve = kept.reserve
		watch := c.Observe
		c.Observe = func(ctx context.Context, e avouch.Event) {
			watch(ctx, e)
			kept.observe(ctx, e)
		}
	})
	return s, kept, grant
}

// TestReserve: a request that finds no place is refused with nothing spent, and each place that was taken is used once,
// whatever becomes of the request.
func TestReserve(t *testing.T) {
	s, kept, grant := newTrailSite(t)
	send := func(code string, more ...string) *answer {
		return s.post(t, form(append([]string{"grant_type", consentType, "code", code}, more...)...), basic("basic", secret))
	}
	kept.full = errors.New("the buffer is full")
	a := send("1")
	a.want(t, 503, avouch.TemporarilyUnavailable)
	if a.header.Get("Retry-After") == "" || s.guard.calls != 0 || kept.events[0].Reserved || strings.Contains(a.raw, "buffer") {
		t.Errorf("%v %s; the guard was asked %d times; %+v", a.header, a.raw, s.guard.calls, kept.events[0])
	}
	kept.full = nil
	send("1").want(t, 200, "")
	if e := s.lastEvent(); !e.Reserved || e.Reused || e.Consent != "family-1" || e.Issuer != "https://idp.example" || e.Subject != "alice" {
		t.Errorf("%+v", e)
	}

	// Refused before it is decided: nothing was reserved.
	reserved := kept.reserved
	send("2", "scope", "admin").want(t, 400, avouch.InvalidScope)
	if e := s.lastEvent(); e.Reserved || kept.reserved != reserved || e.Consent != "family-1" || e.Subject != "alice" {
		t.Errorf("%+v", e)
	}
	s.post(t, form("grant_type", consentType), basic("basic", "wrong")).want(t, 401, avouch.InvalidClient)

	// Refused after: a guard that is down, a signature that fails, a grant that cannot keep what it must.
	s.guard.mu.Lock()
	s.guard.err = errors.New("down")
	s.guard.mu.Unlock()
	send("3").want(t, 503, avouch.TemporarilyUnavailable)
	s.guard.mu.Lock()
	s.guard.err = nil
	s.guard.mu.Unlock()
	s.minter.err = errors.New("no key")
	send("4").want(t, 500, avouch.ServerError)
	s.minter.err = nil
	for _, fail := range []func() error{func() error { return errors.New("full") }, func() error { panic("x") }} {
		grant.record = fail
		send(time.Now().String()).want(t, 500, avouch.ServerError)
		if e := s.lastEvent(); !e.Reserved {
			t.Errorf("%+v", e)
		}
	}
	if kept.places != 0 || kept.reserved < 5 {
		t.Errorf("%d of %d places were not used", kept.places, kept.reserved)
	}
}

// TestReserveAborted: a hook that aborts the connection does not keep the place.
func TestReserveAborted(t *testing.T) {
	kept, grant := &trail{}, &consentGrant{}
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &minter{}, Clients: avouch.ClientList{{ID: "c", AuthMethod: "stamp", Grants: []string{consentType}}},
		Grants: []avouch.Grant{grant}, ClientAuth: []avouch.ClientAuth{stamp{}},
		Reserve: kept.reserve, Observe: kept.observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	grant.record = func() error { panic(http.ErrAbortHandler) }
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("got %v", p)
			}
		}()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form("grant_type", consentType, "code", "1", "stamp", "1", "stamped_by", "c").Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		server.TokenEndpoint().ServeHTTP(httptest.NewRecorder(), r)
	}()
	if kept.reserved != 1 || kept.places != 0 || len(kept.events) != 1 || kept.events[0].Err == nil {
		t.Errorf("%d reserved, %d left, %+v", kept.reserved, kept.places, kept.events)
	}
}

// TestReservePanics: no token leaves if the trail is broken, and nothing is spent.
func TestReservePanics(t *testing.T) {
	s, kept, _ := newTrailSite(t)
	kept.inReserve = func() { panic("broken") }
	a := s.post(t, form("grant_type", consentType, "code", "1"), basic("basic", secret))
	a.want(t, 500, avouch.ServerError)
	if s.guard.calls != 0 || s.lastEvent().Reserved {
		t.Errorf("the guard was asked %d times; %+v", s.guard.calls, s.lastEvent())
	}
}

func TestReserveNeedsObserve(t *testing.T) {
	_, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(voucher{})}, Reserve: (&trail{}).reserve,
	})
	if err == nil || !strings.Contains(err.Error(), "Reserve is set and Observe is not") {
		t.Errorf("got %v", err)
	}
}
