package avouchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// RunGrant holds a grant to the contract of avouch.Grant, on servers of the configuration c. form returns the form of a
// request that is granted, another one each time: with a new PIN, say. If the grant needs a client, the form has its
// credentials. c.Handles and c.Replay may be nil; what form prepares must be in the same ones.
func RunGrant(t *testing.T, c avouch.Config, form func(t testing.TB) url.Values) {
	t.Helper()
	j := newJudge(t, c)
	t.Run("a dry run changes nothing", func(t *testing.T) { j.dryRun(t, form(t)) })
	t.Run("a dry run says what the server says", func(t *testing.T) { j.sameAnswer(t, form(t)) })
	t.Run("a refused request uses nothing up", func(t *testing.T) { j.refused(t, form(t)) })
	t.Run("a dry run is no oracle", func(t *testing.T) { j.oracle(t, form(t)) })
	t.Run("wrong requests in dry runs lock nothing", func(t *testing.T) { j.wrong(t, form(t)) })
	t.Run("once", func(t *testing.T) { j.once(t, form(t)) })
	t.Run("once, at the same moment", func(t *testing.T) { j.atOnce(t, form(t)) })
	t.Run("an ended consent gives nothing", func(t *testing.T) { j.ended(t, form(t)) })
}

// judge is a server on whose edges everything is seen.
type judge struct {
	server *avouch.Server
	calls  atomic.Int64 // of whatever lasts: handles put, revocations, uses
	uses   atomic.Int64 // of these, how much was used once
	last   atomic.Pointer[avouch.Event]
}

// store and guard note what lasts.
type store struct {
	handle.Store
	judge *judge
}

func (s store) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	s.judge.calls.Add(1)
	return s.Store.PutHandle(ctx, now, r)
}

func (s store) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	s.judge.calls.Add(1)
	return s.Store.Revoke(ctx, now, until, ids...)
}

type guard struct {
	replay.Guard
	judge *judge
}

func (g guard) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	g.judge.calls.Add(1)
	g.judge.uses.Add(int64(len(uses)))
	return g.Guard.FirstUse(ctx, now, uses...)
}

func newJudge(t *testing.T, c avouch.Config) *judge {
	t.Helper()
	j := &judge{}
	if c.Handles == nil {
		c.Handles = handle.NewMemory(0)
	}
	if c.Replay == nil {
		c.Replay = replay.NewMemory(replay.MemoryConfig{})
	}
	c.Handles, c.Replay = store{c.Handles, j}, guard{c.Replay, j}
	observe := c.Observe
	c.Observe = func(ctx context.Context, e avouch.Event) {
		j.last.Store(&e)
		if observe != nil {
			observe(ctx, e)
		}
	}
	var err error
	if j.server, err = avouch.New(c); err != nil {
		t.Fatal(err)
	}
	return j
}

// answer is what the token endpoint says.
type answer struct {
	status int
	Token  string `json:"access_token"`
	Error  string `json:"error"`
	Scope  string `json:"scope"`
	text   string
}

func (j *judge) send(t testing.TB, form url.Values) (a answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	j.server.TokenEndpoint().ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Errorf("%d %s: %v", w.Code, w.Body, err)
	}
	a.status, a.text = w.Code, strings.TrimSpace(w.Body.String())
	return a
}

// granted sends a form that must be granted; why says what would be wrong with the grant otherwise.
func (j *judge) granted(t testing.TB, form url.Values, why string) answer {
	t.Helper()
	a := j.send(t, form)
	if a.status != http.StatusOK {
		t.Fatalf("%s: %s", why, j.refusal(a))
	}
	return a
}

// refusal is an answer with what only the operator is told.
func (j *judge) refusal(a answer) string {
	if e := j.last.Load(); e != nil && e.Err != nil {
		return fmt.Sprintf("%s (%v)", a.text, e.Err)
	}
	return a.text
}

func (j *judge) decide(t testing.TB, form url.Values) (*avouch.Decision, error) {
	t.Helper()
	req, err := j.server.Request(form, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return j.server.Decide(t.Context(), req)
}

// accepted asks for the decision on a form that must be accepted.
func (j *judge) accepted(t testing.TB, form url.Values) *avouch.Decision {
	t.Helper()
	d, err := j.decide(t, form)
	if errors.Is(err, avouch.ErrNotTried) {
		t.Skip("the grant is not tried in a dry run")
	}
	if err != nil {
		t.Fatalf("a dry run of a request that form has made is refused: %v", err)
	}
	return d
}

func (j *judge) dryRun(t *testing.T, form url.Values) {
	before := j.calls.Load()
	for range 20 {
		j.accepted(t, form)
	}
	if n := j.calls.Load() - before; n > 0 {
		t.Errorf("20 dry runs have put handles, revoked or used something %d times: what lasts belongs in Uses or Record", n)
	}
	j.granted(t, form, "after 20 dry runs the request itself is refused, so they have changed something")
}

func (j *judge) sameAnswer(t *testing.T, form url.Values) {
	d := j.accepted(t, form)
	a := j.granted(t, form, "accepted in a dry run, and refused")
	e := j.last.Load()
	if e.ClientID != d.Claims.ClientID || e.Subject != d.Claims.Subject || a.Scope != strings.Join(d.Claims.Scopes, " ") || !slices.Equal(e.Audience, d.Claims.Audience) {
		t.Errorf("the dry run says client %q, subject %q, scopes %q, audience %q; the server %q, %q, %q, %q",
			d.Claims.ClientID, d.Claims.Subject, d.Claims.Scopes, d.Claims.Audience, e.ClientID, e.Subject, a.Scope, e.Audience)
	}
}

func (j *judge) refused(t *testing.T, form url.Values) {
	for range 5 {
		a := j.send(t, with(form, "scope", "avouchtest:a-scope-that-nothing-has"))
		if a.Error != string(avouch.InvalidScope) {
			t.Fatalf("a scope that nothing has: %s", j.refusal(a))
		}
	}
	j.granted(t, form, "a request refused for its scope has used something up: what is used once belongs in Uses")
}

// guessable is how short a parameter is that somebody could guess: a handle of this library has 43 characters.
const guessable = 20

// oracle looks for a parameter of which a dry run says whether it is right. Nothing counts the guesses there.
func (j *judge) oracle(t *testing.T, form url.Values) {
	j.accepted(t, form)
	for _, name := range parameters(form) {
		value := form.Get(name)
		if len(value) >= guessable {
			continue
		}
		if d, err := j.decide(t, with(form, name, value+"-wrong")); err != nil && d.Authorization == nil {
			t.Errorf("a dry run accepts the %s %q and refuses another one: return avouch.ErrNotTried in a dry run if it can be guessed, or make it %d characters long", name, value, guessable)
		}
	}
}

// parameters are those of a form that are the grant's own.
func parameters(form url.Values) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(form)), func(name string) bool {
		switch name {
		case "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type":
			return true
		}
		return false
	})
}

// wrong tries, in dry runs, requests in which one parameter is another.
func (j *judge) wrong(t *testing.T, form url.Values) {
	before := j.calls.Load()
	for _, name := range parameters(form) {
		for i := range 30 {
			_, _ = j.decide(t, with(form, name, fmt.Sprint(form.Get(name), "-", i)))
		}
	}
	if n := j.calls.Load() - before; n > 0 {
		t.Errorf("dry runs of wrong requests have put handles, revoked or used something %d times", n)
	}
	j.granted(t, form, "after dry runs of wrong requests a good one is refused: what is counted belongs in Error.Count")
}

func (j *judge) once(t *testing.T, form url.Values) {
	before := j.uses.Load()
	j.granted(t, form, "a request that form has made is refused")
	if j.uses.Load() == before {
		t.Skip("nothing of this grant is for single use")
	}
	consent := j.last.Load().Consent
	a := j.send(t, form)
	switch {
	case a.Error != string(avouch.InvalidGrant) && a.Error != string(avouch.InvalidClient):
		t.Errorf("a second time: %s", j.refusal(a))
	case consent != "" && a.Error == string(avouch.InvalidGrant) && !j.over(t, consent):
		t.Error("it was used twice, and its consent goes on")
	}
}

func (j *judge) atOnce(t *testing.T, form url.Values) {
	before := j.uses.Load()
	const callers = 16
	var passed atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if a := j.send(t, form); a.status == http.StatusOK {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if j.uses.Load() == before {
		t.Skip("nothing of this grant is for single use")
	}
	if n := passed.Load(); n != 1 {
		t.Errorf("of %d requests with the same form at the same moment %d were granted, want 1", callers, n)
	}
}

func (j *judge) ended(t *testing.T, form url.Values) {
	d := j.accepted(t, form)
	family := d.Authorization.Family
	if family == "" {
		t.Skip("this grant rests on no consent")
	}
	if again := j.accepted(t, form); again.Authorization.Family != family {
		t.Skip("each request is a consent of its own")
	}
	if err := j.server.EndConsent(t.Context(), time.Now(), family); err != nil {
		t.Fatal(err)
	}
	if a := j.send(t, form); a.Error != string(avouch.InvalidGrant) {
		t.Errorf("the consent has ended, and the answer is %s", j.refusal(a))
	}
	_, err := j.decide(t, form)
	if _, lapsed := errors.AsType[*avouch.Lapse](err); !lapsed {
		t.Errorf("the consent has ended, and a dry run says %v", err)
	}
}

// over reports whether a consent was ended.
func (j *judge) over(t *testing.T, family string) bool {
	t.Helper()
	over, err := j.server.Handles().Revoked(t.Context(), time.Now(), handle.FamilyID(family))
	if err != nil {
		t.Fatal(err)
	}
	return over
}

// with is a form with one parameter changed.
func with(form url.Values, name, value string) url.Values {
	changed := maps.Clone(form)
	changed.Set(name, value)
	return changed
}
