package avouch_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// hooked is a grant whose authorization the test makes.
type hooked func(req *avouch.Request) *avouch.Authorization

func (hooked) Type() string { return "urn:example:hooked" }
func (h hooked) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	return h(req), nil
}

func hookedSite(t *testing.T, h hooked, change func(*avouch.Config)) *site {
	return newSite(t, func(c *avouch.Config) {
		c.Grants = append(c.Grants, avouch.ClientOptional(h))
		list := clients()
		for _, client := range list {
			client.Grants = append(client.Grants, h.Type())
		}
		c.Clients = list
		if change != nil {
			change(c)
		}
	})
}

func askHooked(t *testing.T, s *site, more ...string) *answer {
	t.Helper()
	return s.post(t, form(append([]string{"grant_type", "urn:example:hooked"}, more...)...), basic("basic", secret))
}

// TestRecord: what a grant keeps is kept after everything is spent, and its members stand in the answer.
func TestRecord(t *testing.T) {
	var issued *token.Claims
	s := hookedSite(t, func(*avouch.Request) *avouch.Authorization {
		return &avouch.Authorization{Record: func(_ context.Context, i *avouch.Issued) error {
			issued = i.Claims
			i.Answer["id_token"], i.Answer["a \"list\""] = "r<1>", []int{1, 2}
			return nil
		}}
	}, nil)
	a := askHooked(t, s)
	a.want(t, 200, "")
	var got map[string]any
	if err := json.Unmarshal([]byte(a.raw), &got); err != nil {
		t.Fatal(err)
	}
	if got["id_token"] != "r<1>" || !reflect.DeepEqual(got[`a "list"`], []any{1., 2.}) || got["access_token"] == nil {
		t.Errorf("answer %s", a.raw)
	}
	if issued == nil || issued.ClientID != "basic" || issued.ID == "" {
		t.Errorf("Record saw %+v", issued)
	}
}

// TestRecordRefuses: where it cannot be kept, or would take the server's words, no token leaves.
func TestRecordRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		record func(context.Context, *avouch.Issued) error
		status int
		code   avouch.Code
	}{
		"fails":       {func(context.Context, *avouch.Issued) error { return errors.New("the disk is full") }, 500, avouch.ServerError},
		"refuses":     {func(context.Context, *avouch.Issued) error { return &avouch.Error{Code: avouch.TemporarilyUnavailable} }, 503, avouch.TemporarilyUnavailable},
		"panics":      {func(context.Context, *avouch.Issued) error { panic("oh") }, 500, avouch.ServerError},
		"unwritable":  {func(_ context.Context, i *avouch.Issued) error { i.Answer["x"] = func() {}; return nil }, 500, avouch.ServerError},
		"token_type":  {func(_ context.Context, i *avouch.Issued) error { i.Answer["token_type"] = "N_A"; return nil }, 500, avouch.ServerError},
		"scope":       {func(_ context.Context, i *avouch.Issued) error { i.Answer["scope"] = "admin"; return nil }, 500, avouch.ServerError},
		"expires_in":  {func(_ context.Context, i *avouch.Issued) error { i.Answer["expires_in"] = 1; return nil }, 500, avouch.ServerError},
		"refresh":     {func(_ context.Context, i *avouch.Issued) error { i.Answer["refresh_token"] = "x"; return nil }, 500, avouch.ServerError},
		"other token": {func(_ context.Context, i *avouch.Issued) error { i.Answer["access_token"] = "x"; return nil }, 500, avouch.ServerError},
	} {
		s := hookedSite(t, func(*avouch.Request) *avouch.Authorization { return &avouch.Authorization{Record: c.record} }, nil)
		a := askHooked(t, s)
		if a.status != c.status || a.Error != string(c.code) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

// endingStore is a store that can fail to revoke.
type endingStore struct {
	handle.Store
	failure error
}

func (e *endingStore) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if e.failure != nil {
		return e.failure
	}
	return e.Store.Revoke(ctx, now, until, ids...)
}

// ended reports whether a consent was ended.
func (e *endingStore) ended(t *testing.T, family string) bool {
	t.Helper()
	ended, err := e.Revoked(t.Context(), time.Now(), handle.FamilyID(family))
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

// TestReused: the server ends the consent of a stranger's grant if what it gave to be used once was used before, and only
// then. The grant knows nothing of it.
func TestReused(t *testing.T) {
	store := &endingStore{Store: handle.NewMemory(0)}
	s := hookedSite(t, func(req *avouch.Request) *avouch.Authorization {
		return &avouch.Authorization{
			Subject: "alice", Family: "family-" + req.Param("code"),
			Uses: []replay.Use{{Purpose: "code", Party: "basic", ID: req.Param("code"), Until: req.Now.Add(time.Hour), Issued: req.Now.Add(-time.Minute * time.Duration(len(req.Param("old"))))}},
		}
	}, func(c *avouch.Config) { c.Handles = store })
	askHooked(t, s, "code", "1").want(t, 200, "")
	askHooked(t, s, "code", "1", "scope", "nonsense").want(t, 400, avouch.InvalidScope)
	if store.ended(t, "family-1") {
		t.Fatal("ended before anything was used twice")
	}
	store.failure = errors.New("the store is down")
	askHooked(t, s, "code", "1").want(t, 503, avouch.TemporarilyUnavailable)
	if e := s.lastEvent(); e.Reused || e.Consent != "family-1" {
		t.Errorf("the event of what could not be ended: %+v", e)
	}
	store.failure = nil
	askHooked(t, s, "code", "1").want(t, 400, avouch.InvalidGrant)
	if e := s.lastEvent(); !store.ended(t, "family-1") || !e.Reused || e.Consent != "family-1" || e.Subject != "alice" {
		t.Errorf("after a second use: %+v", e)
	}
	if logs := s.logs.String(); !strings.Contains(logs, `"level":"WARN","msg":"a grant was used twice, so its consent has been ended"`) || !strings.Contains(logs, `"consent":"family-1"`) {
		t.Errorf("the log: %s", logs)
	}
	// From now on nothing is accepted that rests on the consent, whatever the grant says.
	a := askHooked(t, s, "code", "1")
	a.want(t, 400, avouch.InvalidGrant)
	if a.Description != "the grant is not accepted" || s.lastEvent().Reused {
		t.Errorf("%q %+v", a.Description, s.lastEvent())
	}

	// The guard of this test has begun to remember after this one was issued: whether it was used is unknown.
	askHooked(t, s, "code", "2", "old", "xx").want(t, 400, avouch.InvalidGrant)
	if store.ended(t, "family-2") || s.lastEvent().Reused {
		t.Error("ended because of one that was only issued before the start, too")
	}
	askHooked(t, s, "code", "3").want(t, 200, "")
}

// TestReusedByClient: a replayed client assertion says nothing of the grant.
func TestReusedByClient(t *testing.T) {
	store := &endingStore{Store: handle.NewMemory(0)}
	s := hookedSite(t, func(req *avouch.Request) *avouch.Authorization {
		return &avouch.Authorization{
			Family: "f", Uses: []replay.Use{{Purpose: "code", Party: "stamped", ID: req.Param("code"), Until: req.Now.Add(time.Hour)}},
		}
	}, func(c *avouch.Config) { c.Handles = store })
	ask := func(code string) *answer {
		return s.post(t, form("grant_type", "urn:example:hooked", "stamp", "s", "stamped_by", "stamped", "code", code))
	}
	ask("1").want(t, 200, "")
	ask("2").want(t, 401, avouch.InvalidClient)
	if store.ended(t, "f") || s.lastEvent().Reused {
		t.Error("a replayed client assertion has ended the consent")
	}
}

// TestSubjectOfEvent: the event of a token has the token's own sub.
func TestSubjectOfEvent(t *testing.T) {
	s := newSite(t, nil)
	s.post(t, form("grant_type", "client_credentials"), basic("basic", secret)).want(t, 200, "")
	if e := s.lastEvent(); e.Subject != "basic" {
		t.Errorf("%+v", e)
	}
}

// TestOrigin: the token says what it rests on.
func TestOrigin(t *testing.T) {
	for name, c := range map[string]struct {
		authz avouch.Authorization
		want  token.Origin
	}{
		"nothing": {avouch.Authorization{}, token.Origin{}},
		"all":     {avouch.Authorization{Issuer: "https://idp.example", Rule: "r", KeyID: "k1", Family: "f"}, token.Origin{Issuer: "https://idp.example", Rule: "r", KeyIDs: []string{"k1"}, Family: "f"}},
	} {
		s := hookedSite(t, func(*avouch.Request) *avouch.Authorization { a := c.authz; return &a }, nil)
		askHooked(t, s).want(t, 200, "")
		if !reflect.DeepEqual(s.minter.last.Origin, c.want) {
			t.Errorf("%s: %+v, wanted %+v", name, s.minter.last.Origin, c.want)
		}
	}
}

// disabled are subjects that are.
type disabled struct{ name string }

func (d disabled) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	if subject == "unknowable" {
		return false, errors.New("no connection")
	}
	return subject == d.name, nil
}

func TestDisabledSubject(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) { c.Subjects = disabled{"mallory"} })
	ask := func(subject string) *answer {
		return s.post(t, form("grant_type", voucherType, "subject", subject, "voucher", "v-"+subject), basic("basic", secret))
	}
	ask("alice").want(t, 200, "")
	a := ask("mallory")
	a.want(t, 400, avouch.InvalidGrant)
	if strings.Contains(a.Description, "disabled") || !strings.Contains(s.logs.String(), `the subject \"mallory\" is disabled`) {
		t.Errorf("the caller learns %q, the operator %s", a.Description, s.logs)
	}
	ask("unknowable").want(t, 503, avouch.TemporarilyUnavailable)
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	if s.guard.calls != 1 {
		t.Errorf("%d requests came to spend something, wanted 1", s.guard.calls)
	}
}
