package avouch_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// counting is a method and a grant that count what is done with them, as strangers' may.
type counting struct {
	authenticated, counted atomic.Int64 // Authenticate; Count of either
}

func (*counting) Method() string                     { return "counting" }
func (*counting) Presented(req *avouch.Request) bool { return req.Param("badge") != "" }
func (c *counting) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	c.authenticated.Add(1)
	client, err := req.FindClient(ctx, req.Param("client_id"))
	if err != nil {
		return nil, err
	}
	count := func() *avouch.Error { c.counted.Add(1); return nil }
	switch req.Param("badge") {
	case "good":
		return &avouch.Authentication{Client: client, Count: count}, nil
	case "too many":
		return &avouch.Authentication{Client: client, Count: func() *avouch.Error {
			return &avouch.Error{Code: avouch.InvalidClient, Status: 429, Description: "too many"}
		}}, nil
	}
	return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Count: count}
}

// patient is a grant that counts how often it says "not yet".
type patient struct{ *counting }

func (patient) Type() string { return "urn:example:patient" }
func (p patient) Authorize(context.Context, *avouch.Request) (*avouch.Authorization, error) {
	return nil, &avouch.Error{Code: avouch.AuthorizationPending, Count: func() *avouch.Error {
		if p.counted.Add(1) > 1 {
			return &avouch.Error{Code: avouch.SlowDown}
		}
		return nil
	}}
}

// untouched is a guard that must not be asked.
type untouched struct{ t *testing.T }

func (u untouched) FirstUse(context.Context, time.Time, ...replay.Use) error {
	u.t.Error("a dry run has asked the replay guard")
	return errors.New("not asked")
}

// decided makes a server of a configuration and asks it about a form.
func decided(t *testing.T, change func(*avouch.Config), form url.Values) (*avouch.Decision, error) {
	t.Helper()
	c := &counting{}
	config := avouch.Config{
		Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(voucher{}), patient{c}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}, &clientauth.SecretBasic{}, clientauth.None{}, c},
		Clients: append(clients(), &avouch.Client{
			ID: "badged", AuthMethod: "counting", Grants: []string{voucherType, patient{}.Type()}, Scopes: []string{"read"}, DefaultScopes: []string{"read"},
		}),
		Replay: untouched{t}, Handles: handle.NewMemory(0),
	}
	if change != nil {
		change(&config)
	}
	server, err := avouch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	req, err := server.Request(form, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	d, err := server.Decide(t.Context(), req)
	if c.authenticated.Load() != 0 || c.counted.Load() != 0 {
		t.Errorf("a dry run has tried the secret of a stranger's method %d times, and counted %d", c.authenticated.Load(), c.counted.Load())
	}
	return d, err
}

// way is how far a decision has come: the outcomes of its steps that are not "passed" and not "skipped".
func way(d *avouch.Decision) string {
	var all []string
	for _, s := range d.Steps() {
		if s.Outcome != avouch.StepPassed && s.Outcome != avouch.StepSkipped {
			all = append(all, s.Name+" "+string(s.Outcome))
		}
	}
	return strings.Join(all, ", ")
}

// TestDecide is about what a dry run says.
func TestDecide(t *testing.T) {
	ask := func(pairs ...string) url.Values {
		return form(append([]string{"grant_type", voucherType, "subject", "alice", "voucher", "v"}, pairs...)...)
	}
	for _, test := range []struct {
		name   string
		form   url.Values
		change func(*avouch.Config)
		code   avouch.Code
		way    string
	}{
		{name: "a good request", form: ask("client_id", "post", "client_secret", secret), way: "client authentication not tried, first use not asked"},
		{name: "a wrong secret looks the same", form: ask("client_id", "post", "client_secret", "wrong"), way: "client authentication not tried, first use not asked"},
		{name: "a stranger's method", form: ask("client_id", "badged", "badge", "bad"), way: "client authentication not tried, first use not asked"},
		{name: "a stranger's method, no client named", form: ask("badge", "bad"), code: avouch.InvalidClient, way: "client authentication failed"},
		{name: "a stranger's method, unknown client", form: ask("client_id", "nobody", "badge", "bad"), code: avouch.InvalidClient, way: "client authentication failed"},
		{name: "a stranger's method, a client of another", form: ask("client_id", "post", "badge", "bad"), code: avouch.InvalidClient, way: "client authentication failed"},
		{name: "a secret of no client", form: ask("client_id", "nobody", "client_secret", "x"), code: avouch.InvalidClient, way: "client authentication failed"},
		{name: "a secret of a disabled client", form: ask("client_id", "off", "client_secret", "x"), code: avouch.InvalidClient, way: "client authentication failed"},
		{name: "two kinds of credentials", form: ask("client_id", "post", "client_secret", "x", "badge", "y"), code: avouch.InvalidRequest, way: "client authentication failed"},
		{name: "a public client", form: ask("client_id", "public"), way: "first use not asked"},
		{name: "nobody authenticates", form: ask("for", "shop"), way: "first use not asked"},
		{name: "nothing to be used once", form: form("grant_type", voucherType, "for", "shop"), way: ""},
		{name: "no grant type", form: form("client_id", "public"), code: avouch.InvalidRequest, way: "grant type failed"},
		{name: "unknown grant type", form: form("grant_type", "x", "client_id", "public"), code: avouch.UnsupportedGrantType, way: "grant type failed"},
		{name: "a grant it may not use", form: ask("client_id", "idle", "client_secret", "x"), code: avouch.InvalidClient, way: "client authentication failed"}, // registered for Basic
		{name: "the grant refuses", form: ask("client_id", "public", "fault", "refuse"), code: avouch.InvalidGrant, way: "grant failed"},
		{name: "the grant panics", form: ask("client_id", "public", "fault", "panic"), code: avouch.ServerError, way: "grant failed"},
		{name: "not yet", form: form("grant_type", patient{}.Type(), "client_id", "badged", "badge", "x"), code: avouch.AuthorizationPending, way: "client authentication not tried, grant failed"},
		{name: "for another client", form: ask("client_id", "public", "for", "shop"), code: avouch.InvalidGrant, way: "client failed"},
		{name: "a disabled subject", form: ask("client_id", "public"), change: func(c *avouch.Config) { c.Subjects = disabled{"alice"} }, code: avouch.InvalidGrant, way: "standing failed"},
		{name: "the hook says no", form: ask("client_id", "public"), change: func(c *avouch.Config) {
			c.Lapsed = func(context.Context, *token.Claims) (*avouch.Lapse, error) {
				return &avouch.Lapse{Of: avouch.BasisRule, Reason: "is disabled"}, nil
			}
		}, code: avouch.InvalidGrant, way: "standing failed"},
		{name: "the hook cannot tell", form: ask("client_id", "public"), change: func(c *avouch.Config) {
			c.Lapsed = func(context.Context, *token.Claims) (*avouch.Lapse, error) { return nil, errors.New("no idea") }
		}, code: avouch.TemporarilyUnavailable, way: "standing failed"},
		{name: "a scope too many", form: ask("client_id", "public", "scope", "admin"), code: avouch.InvalidScope, way: "scope failed"},
		{name: "a resource too many", form: ask("client_id", "public", "resource", "https://x.example"), code: avouch.InvalidTarget, way: "resource failed"},
		{name: "no time to live", form: ask("client_id", "public"), change: func(c *avouch.Config) {
			c.Clients = avouch.ClientList{{ID: "public", AuthMethod: "none", Grants: []string{voucherType}, TokenLifetime: time.Millisecond}}
		}, code: avouch.ServerError, way: "lifetime failed"},
		{name: "claims that no token may have", form: ask("client_id", "public", "fault", "claims"), code: avouch.ServerError, way: "token failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := decided(t, test.change, test.form)
			var code avouch.Code
			if err != nil {
				code = avouch.ServerError
				if e, ok := errors.AsType[*avouch.Error](err); ok {
					code = e.Code
				}
			}
			if code != test.code || way(d) != test.way || (d.Claims == nil) != (err != nil) {
				t.Errorf("%v, way %q, claims %v; want %q, %q", err, way(d), d.Claims, test.code, test.way)
			}
		})
	}
}

// TestDecision: what a decision holds.
func TestDecision(t *testing.T) {
	d, err := decided(t, nil, form("grant_type", voucherType, "client_id", "post", "client_secret", "x", "subject", "alice", "voucher", "v", "scope", "read"))
	if err != nil {
		t.Fatal(err)
	}
	if d.GrantType != voucherType || d.Client.ID != "post" || !d.Authentication.Untried || d.Authorization.Subject != "alice" || d.Authorization.ClientID != "post" {
		t.Errorf("%+v", d)
	}
	c := d.Claims
	if d.Token != avouch.AccessToken || d.Lifetime != 15*time.Minute || d.Refresh || c.Subject != "alice" || !slices.Equal(c.Scopes, []string{"read"}) ||
		!slices.Equal(c.Audience, []string{issuer}) || c.Expires.Sub(c.IssuedAt) != 15*time.Minute {
		t.Errorf("%+v", d)
	}
	if scopes, resources := d.MayAsk(); !slices.Equal(scopes, []string{"read", "write"}) || !slices.Equal(resources, []string{issuer}) {
		t.Errorf("may ask for %q at %q", scopes, resources)
	}
	// Of a request that is refused it says how far it came.
	d, err = decided(t, nil, form("grant_type", voucherType, "client_id", "public", "subject", "alice", "scope", "admin"))
	if err == nil || d.Authorization == nil || d.Client.ID != "public" || d.Claims != nil {
		t.Errorf("%+v, %v", d, err)
	}
	if scopes, _ := d.MayAsk(); !slices.Equal(scopes, []string{"read", "write"}) {
		t.Errorf("may ask for %q", scopes)
	}
	d, err = decided(t, nil, form("grant_type", voucherType, "client_id", "nobody", "client_secret", "x"))
	if scopes, resources := d.MayAsk(); err == nil || scopes != nil || resources != nil || d.Authorization != nil {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestDecideOfAnother: a request belongs to the server that made it.
func TestDecideOfAnother(t *testing.T) {
	server := func() *avouch.Server {
		s, err := avouch.New(avouch.Config{Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(voucher{})}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	req, err := server().Request(form("grant_type", voucherType, "for", "shop"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, req := range []*avouch.Request{req, {}} {
		if d, err := server().Decide(t.Context(), req); err == nil || d.Claims != nil {
			t.Errorf("%+v, %v", d, err)
		}
	}
}

// TestSupposed: a client whose credentials are not in the form.
func TestSupposed(t *testing.T) {
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{voucher{}}, ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}}, Clients: clients(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients() {
		req, err := server.Request(form("grant_type", voucherType), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		req.Client = c
		d, err := server.Decide(t.Context(), req)
		switch {
		case c.Disabled || !slices.Contains(c.Grants, voucherType):
			if err == nil {
				t.Errorf("%s: %+v", c.ID, d)
			}
		case err != nil || !d.Authentication.Untried || d.Authentication.Client.ID != c.ID || d.Client != c:
			t.Errorf("%s: %+v, %v", c.ID, d, err)
		}
	}
}

// TestCount: what counts is called when a request is answered, once, and has the last word.
func TestCount(t *testing.T) {
	c := &counting{}
	s := newSite(t, func(config *avouch.Config) {
		config.Grants = append(config.Grants, patient{c})
		config.ClientAuth = append(config.ClientAuth, c)
		config.Clients = append(clients(), &avouch.Client{ID: "badged", AuthMethod: "counting", Grants: []string{"client_credentials", patient{}.Type()}})
	})
	ask := func(grantType, badge string) *answer {
		return s.post(t, form("grant_type", grantType, "client_id", "badged", "badge", badge))
	}
	ask("client_credentials", "good").want(t, 200, "")
	ask("client_credentials", "bad").want(t, 401, avouch.InvalidClient)
	if c.authenticated.Load() != 2 || c.counted.Load() != 2 {
		t.Errorf("tried %d times, counted %d", c.authenticated.Load(), c.counted.Load())
	}
	a := ask("client_credentials", "too many")
	if a.want(t, 429, avouch.InvalidClient); a.Description != "too many" {
		t.Errorf("%s", a.raw)
	}
	c.counted.Store(0)
	p := &counting{}
	paced := newSite(t, func(config *avouch.Config) {
		config.Grants = append(config.Grants, avouch.ClientOptional(patient{p}))
	})
	paced.post(t, form("grant_type", patient{}.Type())).want(t, 400, avouch.AuthorizationPending)
	paced.post(t, form("grant_type", patient{}.Type())).want(t, 400, avouch.SlowDown)
	if p.counted.Load() != 2 {
		t.Errorf("counted %d times", p.counted.Load())
	}
}
