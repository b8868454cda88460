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
			i.Answer["refresh_token"], i.Answer["a \"list\""] = "r<1>", []int{1, 2}
			return nil
		}}
	}, nil)
	a := askHooked(t, s)
	a.want(t, 200, "")
	var got map[string]any
	if err := json.Unmarshal([]byte(a.raw), &got); err != nil {
		t.Fatal(err)
	}
	if got["refresh_token"] != "r<1>" || !reflect.DeepEqual(got[`a "list"`], []any{1., 2.}) || got["access_token"] == nil {
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
		"other token": {func(_ context.Context, i *avouch.Issued) error { i.Answer["access_token"] = "x"; return nil }, 500, avouch.ServerError},
	} {
		s := hookedSite(t, func(*avouch.Request) *avouch.Authorization { return &avouch.Authorization{Record: c.record} }, nil)
		a := askHooked(t, s)
		if a.status != c.status || a.Error != string(c.code) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

// TestReplayed: the grant is told when what it gave to be used once was used before, and only then.
func TestReplayed(t *testing.T) {
	var told int
	var failure error
	s := hookedSite(t, func(req *avouch.Request) *avouch.Authorization {
		return &avouch.Authorization{
			Uses:     []replay.Use{{Purpose: "code", Party: "basic", ID: req.Param("code"), Until: req.Now.Add(time.Hour), Issued: req.Now.Add(-time.Minute * time.Duration(len(req.Param("old"))))}},
			Replayed: func(context.Context) error { told++; return failure },
		}
	}, nil)
	askHooked(t, s, "code", "1").want(t, 200, "")
	askHooked(t, s, "code", "1", "scope", "nonsense").want(t, 400, avouch.InvalidScope)
	if told != 0 {
		t.Fatalf("told %d times before anything was used twice", told)
	}
	askHooked(t, s, "code", "1").want(t, 400, avouch.InvalidGrant)
	if told != 1 {
		t.Fatalf("told %d times, wanted 1", told)
	}
	failure = errors.New("the store is down")
	askHooked(t, s, "code", "1").want(t, 503, avouch.TemporarilyUnavailable)

	// The guard of this test has begun to remember after this one was issued: whether it was used nobody knows.
	askHooked(t, s, "code", "2", "old", "xx").want(t, 400, avouch.InvalidGrant)
	if told != 2 {
		t.Errorf("told %d times: of one that was only issued before the start, too", told)
	}
	askHooked(t, s, "code", "3").want(t, 200, "")
}

// TestReplayedByClient: a replayed client assertion says nothing of the grant.
func TestReplayedByClient(t *testing.T) {
	told := false
	s := hookedSite(t, func(req *avouch.Request) *avouch.Authorization {
		return &avouch.Authorization{
			Uses:     []replay.Use{{Purpose: "code", Party: "stamped", ID: req.Param("code"), Until: req.Now.Add(time.Hour)}},
			Replayed: func(context.Context) error { told = true; return nil },
		}
	}, nil)
	ask := func(code string) *answer {
		return s.post(t, form("grant_type", "urn:example:hooked", "stamp", "s", "stamped_by", "stamped", "code", code))
	}
	ask("1").want(t, 200, "")
	ask("2").want(t, 401, avouch.InvalidClient)
	if told {
		t.Error("the grant was told of a replayed client assertion")
	}
}

// TestOrigin: the token says what it rests on.
func TestOrigin(t *testing.T) {
	for name, c := range map[string]struct {
		authz avouch.Authorization
		want  token.Origin
	}{
		"nothing": {avouch.Authorization{}, token.Origin{}},
		"all":     {avouch.Authorization{Issuer: "https://idp.example", KeyID: "k1", Family: "f"}, token.Origin{Issuer: "https://idp.example", KeyIDs: []string{"k1"}, Family: "f"}},
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
	if strings.Contains(a.Description, "disabled") || !strings.Contains(s.logs.String(), "the subject is disabled") {
		t.Errorf("the caller learns %q, the operator %s", a.Description, s.logs)
	}
	ask("unknowable").want(t, 503, avouch.TemporarilyUnavailable)
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	if s.guard.calls != 1 {
		t.Errorf("%d requests came to spend something, wanted 1", s.guard.calls)
	}
}
