package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

const keysURL = "https://idp.example.com/keys"

// publisher is a server without a network: what it answers can be changed while it is in use.
type publisher struct {
	mu      sync.Mutex
	answers func(req *http.Request) (*http.Response, error)
	asked   []time.Time
	paths   []string
}

func (p *publisher) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked, p.paths = append(p.asked, time.Now()), append(p.paths, req.URL.Path)
	answers := p.answers
	p.mu.Unlock()
	return answers(req)
}

func (p *publisher) set(answers func(*http.Request) (*http.Response, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// answer is an answer with headers in pairs.
func answer(status int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Add(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

func fails(text string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, errors.New(text) }
}

// hangs answers nothing until the request is given up.
func hangs(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// slow answers after a time.
func slow(d time.Duration, then func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return then(req)
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

// pool are keys made once, to be published under any kid.
var pool = sync.OnceValue(func() []*keys.Private {
	private, _, err := keys.GeneratePairs(3, keys.ES256)
	if err != nil {
		panic(err)
	}
	return private
})

// jwks publishes keys of the pool in order under the kids given.
func jwks(kids ...string) string {
	members := make([]string, len(kids))
	for i, kid := range kids {
		members[i] = jwk(i, "kid", kid, "alg", "ES256", "use", "sig")
	}
	return `{"keys":[` + strings.Join(members, ",") + `]}`
}

// jwk is the public half of a key of the pool, with members in pairs.
func jwk(i int, pairs ...string) string {
	key, err := pool()[i].Signer.Public().(interface{ Bytes() ([]byte, error) }).Bytes() // SEC 1, uncompressed
	if err != nil {
		panic(err)
	}
	member := map[string]any{"kty": "EC", "crv": "P-256", "x": base64url(key[1:33]), "y": base64url(key[33:])}
	for i := 0; i < len(pairs); i += 2 {
		member[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(member)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func source(t *testing.T, p *publisher, o keys.FetchOptions) *keys.Remote {
	t.Helper()
	o.UnguardedTransport = p
	r, err := keys.FromURL(keysURL, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func find(r *keys.Remote, kid string) error {
	found, err := r.Find(context.Background(), keys.Hint{ID: kid, Algorithm: keys.ES256}, time.Now())
	if err == nil && (len(found) != 1 || found[0].ID != kid) {
		return fmt.Errorf("found %d keys", len(found))
	}
	return err
}

// want tells whether err is the one wanted: nil, or one that wraps it and not the other.
func want(t *testing.T, what string, err, wanted error) {
	t.Helper()
	for _, sentinel := range []error{keys.ErrNoKey, keys.ErrUnavailable} {
		if errors.Is(err, sentinel) != (sentinel == wanted) {
			t.Errorf("%s: %v, want %v", what, err, wanted)
			return
		}
	}
	if wanted == nil && err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// TestLazy: a source can be made while its server is down; the first use fetches, and the ones after it do not.
func TestLazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: fails("connection refused")}
		r := source(t, p, keys.FetchOptions{})
		time.Sleep(time.Hour)
		if p.count() != 0 || r.Keys() != nil || !r.Status().UsableUntil.IsZero() {
			t.Fatalf("%d fetches before the first use", p.count())
		}
		want(t, "down", find(r, "a"), keys.ErrUnavailable)
		want(t, "a moment later", find(r, "a"), keys.ErrUnavailable)
		if p.count() != 1 {
			t.Errorf("%d fetches, want 1: the failure is remembered for a second", p.count())
		}
		p.set(answer(200, jwks("a")))
		time.Sleep(time.Second)
		want(t, "up", find(r, "a"), nil)
		for range 100 {
			want(t, "again", find(r, "a"), nil)
		}
		if p.count() != 2 || len(r.Keys()) != 1 {
			t.Errorf("%d fetches, %d keys", p.count(), len(r.Keys()))
		}
	})
}

// TestLife: how long keys are kept is the publisher's choice, within bounds. They are fetched again when a quarter of
// that time is left, and nobody waits for it.
func TestLife(t *testing.T) {
	for _, c := range []struct {
		headers []string
		life    time.Duration
	}{
		{nil, 15 * time.Minute},
		{[]string{"Cache-Control", "max-age=3600"}, time.Hour},
		{[]string{"Cache-Control", "public, max-age=3600, must-revalidate"}, time.Hour},
		{[]string{"Cache-Control", `Max-Age="3600"`}, time.Hour},
		{[]string{"Cache-Control", "max-age=3600", "Age", "1200"}, 40 * time.Minute},
		{[]string{"Cache-Control", "max-age=3600", "Age", "9999"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=3600", "Age", "-5"}, time.Hour},
		{[]string{"Cache-Control", "max-age=0"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=15"}, 5 * time.Minute},
		{[]string{"Cache-Control", "no-store"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=3600, no-cache"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=5184000"}, 24 * time.Hour},
		{[]string{"Cache-Control", "max-age=99999999999999999999999999"}, 24 * time.Hour},
		{[]string{"Cache-Control", "max-age=7200", "Cache-Control", "max-age=3600"}, time.Hour},
		{[]string{"Cache-Control", "max-age=-1"}, 15 * time.Minute},
		{[]string{"Cache-Control", "max-age=1e9"}, 15 * time.Minute},
		{[]string{"Cache-Control", "max-age="}, 15 * time.Minute},
		{[]string{"Cache-Control", ",=,;;\x00"}, 15 * time.Minute},
		{[]string{"Cache-Control", "s-maxage=3600"}, 15 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &publisher{answers: answer(200, jwks("a"), c.headers...)}
			r := source(t, p, keys.FetchOptions{MaxStale: 7 * 24 * time.Hour})
			want(t, "first", find(r, "a"), nil)
			p.set(slow(time.Second, answer(200, jwks("a"), c.headers...)))
			time.Sleep(c.life/4*3 - time.Second)
			want(t, "fresh", find(r, "a"), nil)
			synctest.Wait()
			if p.count() != 1 {
				t.Errorf("%q: fetched again before its time", c.headers)
			}
			time.Sleep(time.Second)
			start := time.Now()
			want(t, "due", find(r, "a"), nil)
			if time.Since(start) != 0 {
				t.Errorf("%q: a caller waited for a fetch in the background", c.headers)
			}
			time.Sleep(time.Minute)
			if p.count() != 2 {
				t.Errorf("%q: %d fetches when a quarter of %s was left, want 2", c.headers, p.count(), c.life)
			}
		})
	}
}

// TestIdle: keys that nobody used while they grew old are asked for before they are used again.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: answer(200, jwks("a", "b"))}
		r := source(t, p, keys.FetchOptions{})
		want(t, "first", find(r, "a"), nil)
		p.set(slow(time.Second, answer(200, jwks("b"))))
		time.Sleep(time.Hour)
		if r.Status().StaleSince.IsZero() {
			t.Error("the status does not say that the keys are old")
		}
		want(t, "withdrawn an hour ago", find(r, "a"), keys.ErrNoKey)
		if p.count() != 2 {
			t.Errorf("%d fetches, want 2: the keys are new, so the missing one is missing", p.count())
		}
	})
}

// TestReplaced: a set is replaced as a whole, even by an empty one.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: answer(200, jwks("a", "b"))}
		r := source(t, p, keys.FetchOptions{})
		want(t, "a", find(r, "a"), nil)
		p.set(answer(200, jwks("b")))
		time.Sleep(12 * time.Minute)
		find(r, "b")
		synctest.Wait()
		want(t, "a, withdrawn", find(r, "a"), keys.ErrNoKey)
		want(t, "b", find(r, "b"), nil)
		p.set(answer(200, `{"keys":[]}`))
		time.Sleep(time.Hour)
		want(t, "b, withdrawn", find(r, "b"), keys.ErrNoKey)
	})
}

// TestUnchanged: a set that has not changed is not sent again, and is as good as new.
func TestUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		p := &publisher{}
		p.set(func(req *http.Request) (*http.Response, error) {
			sent = append(sent, req.Header.Get("If-None-Match"))
			if req.Header.Get("If-None-Match") == `"v1"` {
				return answer(304, "", "Cache-Control", "max-age=7200")(req)
			}
			return answer(200, jwks("a"), "ETag", `"v1"`, "Cache-Control", "max-age=3600")(req)
		})
		r := source(t, p, keys.FetchOptions{})
		want(t, "first", find(r, "a"), nil)
		time.Sleep(2 * time.Hour)
		want(t, "unchanged", find(r, "a"), nil)
		s := r.Status()
		if s.Fetched != time.Now() || s.NextFetch != time.Now().Add(90*time.Minute) {
			t.Errorf("fetched %s, next %s", s.Fetched, s.NextFetch)
		}
		if fmt.Sprintf("%q", sent) != `["" "\"v1\""]` {
			t.Errorf("sent %q", sent)
		}
		// An ETag that could not be sent back would spoil all requests after it.
		p.set(answer(200, jwks("a"), "ETag", "\"\x7f\""))
		time.Sleep(2 * time.Hour)
		want(t, "odd ETag", find(r, "a"), nil)
		time.Sleep(2 * time.Hour)
		p.set(func(req *http.Request) (*http.Response, error) {
			if etag := req.Header.Get("If-None-Match"); etag != "" {
				t.Errorf("sent back %q", etag)
			}
			return answer(200, jwks("a"))(req)
		})
		want(t, "after it", find(r, "a"), nil)
	})
}

// TestRotation: a new key is found when the first token comes that it has signed.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: answer(200, jwks("a"))}
		r := source(t, p, keys.FetchOptions{})
		want(t, "a", find(r, "a"), nil)
		p.set(answer(200, jwks("a", "b")))
		want(t, "b", find(r, "b"), nil)
		p.set(answer(200, jwks("a", "b", "c")))
		want(t, "c, too soon", find(r, "c"), keys.ErrNoKey)
		time.Sleep(time.Minute)
		want(t, "c", find(r, "c"), nil)
		if p.count() != 3 {
			t.Errorf("%d fetches, want 3", p.count())
		}
	})
}

// TestRandomKids: tokens with made-up kids cost one fetch a minute, however many there are, and harm nobody else.
func TestRandomKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: slow(200*time.Millisecond, answer(200, jwks("a"), "Cache-Control", "max-age=86400"))}
		r := source(t, p, keys.FetchOptions{})
		want(t, "first", find(r, "a"), nil)
		for range 600 { // ten minutes
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { want(t, "made up", find(r, strconv.FormatUint(rand.Uint64(), 36)), keys.ErrNoKey) })
			}
			start := time.Now()
			want(t, "honest", find(r, "a"), nil)
			if time.Since(start) != 0 {
				t.Error("an honest caller waited")
			}
			all.Wait()
			time.Sleep(time.Second)
		}
		if p.count() > 13 {
			t.Errorf("%d fetches in ten minutes", p.count())
		}
	})
}

// TestStampede: a thousand callers who need the same keys set off one fetch, when there are none and when they have
// grown old.
func TestStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: slow(time.Second, answer(200, jwks("a")))}
		r := source(t, p, keys.FetchOptions{})
		for round := 1; round <= 2; round++ {
			var all sync.WaitGroup
			for range 1000 {
				all.Go(func() { want(t, "all at once", find(r, "a"), nil) })
			}
			all.Wait()
			if p.count() != round {
				t.Fatalf("%d fetches in round %d", p.count(), round)
			}
			time.Sleep(time.Hour)
		}
	})
}

// TestGivingUp: a caller who gives up does not end the fetch for the others.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: slow(time.Second, answer(200, jwks("a")))}
		r := source(t, p, keys.FetchOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var other sync.WaitGroup
		other.Go(func() {
			time.Sleep(50 * time.Millisecond)
			want(t, "the other", find(r, "a"), nil)
		})
		start := time.Now()
		_, err := r.Find(ctx, keys.Hint{ID: "a"}, time.Now())
		want(t, "the first", err, keys.ErrUnavailable)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		other.Wait()
		if p.count() != 1 {
			t.Errorf("%d fetches, want 1", p.count())
		}
		cancelled, stop := context.WithCancel(t.Context())
		stop()
		if _, err := r.Find(cancelled, keys.Hint{ID: "a"}, time.Now()); err != nil {
			t.Errorf("keys at hand need no context: %v", err)
		}
	})
}

// TestBadAnswers: whatever the server says in place of keys, the last good ones serve on, and the failure is told.
func TestBadAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answers func(*http.Request) (*http.Response, error)
		fault   string
	}{
		"connection refused": {fails("connection refused"), "connection refused"},
		"status 500":         {answer(500, jwks("b")), "status 500"},
		"status 404":         {answer(404, jwks("b")), "status 404"},
		"status 204":         {answer(204, ""), "status 204"},
		"redirect":           {answer(302, jwks("b"), "Location", "http://169.254.169.254/"), "redirects are not followed"},
		"not asked for":      {answer(304, ""), "status 304"},
		"web page":           {answer(200, "<html>", "Content-Type", "text/html"), "text/html"},
		"nothing":            {answer(200, ""), "JSON"},
		"array":              {answer(200, "["+jwk(1, "kid", "b")+"]"), "JSON"},
		"no set":             {answer(200, jwk(1, "kid", "b")), "keys"},
		"keys of no array":   {answer(200, `{"keys":`+jwk(1, "kid", "b")+`}`), "keys"},
		"cut off":            {answer(200, jwks("a", "b")[:300]), "JSON"},
		"two sets":           {answer(200, jwks("b")+jwks("b")), "JSON"},
		"name given twice":   {answer(200, `{"keys":[],"keys":[`+jwk(1, "kid", "b")+`]}`), "JSON"},
		"too many keys":      {answer(200, `{"keys":[`+strings.Repeat(jwk(1, "kid", "b")+",", 100)+jwk(1, "kid", "b")+`]}`), "100"},
		"too large":          {answer(200, jwks("b")+strings.Repeat(" ", 1<<20)), "longer"},
		"deep":               {answer(200, `{"keys":`+strings.Repeat("[", 10000)+strings.Repeat("]", 10000)+`}`), "JSON"},
		"compressed":         {answer(200, jwks("b"), "Content-Encoding", "gzip"), "Content-Encoding"},
		"hangs":              {hangs, "deadline exceeded"},
		"panics":             {func(*http.Request) (*http.Response, error) { panic("a fault of ours") }, "a fault of ours"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &publisher{answers: answer(200, jwks("a"))}
				r := source(t, p, keys.FetchOptions{})
				want(t, "before", find(r, "a"), nil)
				p.set(c.answers)
				time.Sleep(14 * time.Minute)
				want(t, "the known key", find(r, "a"), nil)
				time.Sleep(time.Minute)
				want(t, "the known key, later", find(r, "a"), nil)
				want(t, "one that may be new", find(r, "b"), keys.ErrUnavailable)
				s := r.Status()
				if s.Err == nil || !strings.Contains(s.Err.Error(), c.fault) || s.Keys != 1 {
					t.Errorf("status: %v with %d keys; should speak of %q", s.Err, s.Keys, c.fault)
				}
				p.set(answer(200, jwks("b")))
				time.Sleep(time.Minute)
				find(r, "a")
				synctest.Wait()
				want(t, "afterwards", find(r, "b"), nil)
				if s := r.Status(); s.Err != nil || s.Failures != 0 {
					t.Errorf("status: %v", s.Err)
				}
				time.Sleep(fetchLimit) // whatever is under way ends by itself: synctest fails where it does not
			})
		})
	}
}

const fetchLimit = 10 * time.Second

// TestStale: keys that cannot be fetched again serve for a day from when they were fetched, and not a second longer.
func TestStale(t *testing.T) {
	for _, c := range []struct {
		option, limit time.Duration
	}{{0, 24 * time.Hour}, {time.Hour, time.Hour}, {5 * time.Minute, 5 * time.Minute}, {7 * 24 * time.Hour, 7 * 24 * time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			p := &publisher{answers: answer(200, jwks("a"), "Cache-Control", "max-age=99999")}
			r := source(t, p, keys.FetchOptions{MaxStale: c.option})
			want(t, "first", find(r, "a"), nil)
			end := time.Now().Add(c.limit)
			p.set(fails("connection refused"))
			for time.Until(end) > time.Second {
				want(t, "while the server is away", find(r, "a"), nil)
				time.Sleep(max(time.Second, time.Until(end)/2))
			}
			time.Sleep(time.Until(end) - 1)
			want(t, "just in time", find(r, "a"), nil)
			time.Sleep(time.Nanosecond)
			if s := r.Status(); s.Usable(time.Now()) || s.UsableUntil != end {
				t.Errorf("usable until %s, want %s", s.UsableUntil, end)
			}
			want(t, "too old", find(r, "a"), keys.ErrUnavailable)
			time.Sleep(time.Hour)
			want(t, "an hour later", find(r, "a"), keys.ErrUnavailable)
			p.set(answer(200, jwks("a")))
			time.Sleep(time.Minute)
			want(t, "back", find(r, "a"), nil)
		})
	}
}

// TestRetries: a server in trouble is asked once a minute, after a few tries that come sooner.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: fails("connection refused")}
		r := source(t, p, keys.FetchOptions{})
		for range 3600 * 4 {
			want(t, "down", find(r, "a"), keys.ErrUnavailable)
			time.Sleep(250 * time.Millisecond)
		}
		if n := p.count(); n < 60 || n > 68 {
			t.Errorf("%d fetches in an hour", n)
		}
		var pauses []time.Duration
		for i := range 8 {
			pauses = append(pauses, p.asked[i+1].Sub(p.asked[i]))
		}
		if got := fmt.Sprint(pauses); got != "[1s 2s 4s 8s 16s 32s 1m0s 1m0s]" {
			t.Errorf("pauses %s", got)
		}
	})
}

// TestPatience: a server that does not answer holds nobody up for long who has keys that serve.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: hangs}
		r := source(t, p, keys.FetchOptions{})
		took := func(what, kid string, wanted error, most time.Duration) {
			t.Helper()
			start := time.Now()
			want(t, what, find(r, kid), wanted)
			if time.Since(start) != most {
				t.Errorf("%s: waited %s, want %s", what, time.Since(start), most)
			}
		}
		took("none yet", "a", keys.ErrUnavailable, fetchLimit)
		took("none yet, again", "a", keys.ErrUnavailable, 0)
		p.set(answer(200, jwks("a")))
		time.Sleep(time.Minute)
		took("there", "a", nil, 0)
		p.set(hangs)
		took("a kid that may be new", "b", keys.ErrUnavailable, 3*time.Second)
		took("a known one meanwhile", "a", nil, 0)
		time.Sleep(time.Hour)
		took("old, after a failure", "a", nil, 0)
		time.Sleep(fetchLimit)
		p.set(answer(200, jwks("a")))
		time.Sleep(time.Hour)
		find(r, "a")
		synctest.Wait()
		p.set(hangs)
		time.Sleep(time.Hour)
		took("old", "a", nil, 3*time.Second)
		took("old, the next caller", "a", nil, 0)
		time.Sleep(fetchLimit)
	})
}

// TestApart: two parties that name the same address have nothing in common.
func TestApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: answer(200, jwks("a"))}
		one, two := source(t, p, keys.FetchOptions{}), source(t, p, keys.FetchOptions{})
		want(t, "one", find(one, "a"), nil)
		if two.Keys() != nil {
			t.Error("two has the keys that one has fetched")
		}
		p.set(answer(200, jwks("b")))
		want(t, "two", find(two, "b"), nil)
		want(t, "one still", find(one, "a"), nil)
	})
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answers: fails("connection refused")}
		r := source(t, p, keys.FetchOptions{})
		if s := r.Status(); s.Source != keysURL || s.Keys != 0 || s.Err != nil || s.Usable(time.Now()) || !s.NextFetch.IsZero() {
			t.Errorf("new: %+v", s)
		}
		if err := r.Refresh(t.Context()); err == nil || r.Status().Failures != 1 {
			t.Errorf("refresh: %v", err)
		}
		p.set(answer(200, `{"keys":[`+jwk(0, "kid", "a")+","+jwk(1)+`,{"kty":"oct","k":"c2VjcmV0"}]}`))
		start := time.Now()
		if err := r.Refresh(t.Context()); err != nil {
			t.Errorf("refresh: %v", err)
		}
		s := r.Status()
		if s.From != keysURL || s.Keys != 2 || len(s.KeyIDs) != 1 || s.KeyIDs[0] != "a" || len(s.Skipped) != 1 ||
			s.Fetched != start || s.Tried != start || s.Err != nil || s.Failures != 0 || !s.StaleSince.IsZero() ||
			s.NextFetch != start.Add(11*time.Minute+15*time.Second) || s.UsableUntil != start.Add(24*time.Hour) {
			t.Errorf("fetched: %+v", s)
		}
		p.set(fails("connection refused"))
		time.Sleep(time.Hour)
		find(r, "a")
		synctest.Wait()
		if s := r.Status(); s.StaleSince != start.Add(15*time.Minute) || s.Failures != 1 || s.Err == nil || !s.Usable(time.Now()) {
			t.Errorf("stale: %+v", s)
		}
	})
}

// TestLog: an operator hears of each failure and each change, and a hostile publisher cannot fill the log.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines strings.Builder
		p := &publisher{answers: fails("connection refused")}
		r := source(t, p, keys.FetchOptions{Log: textLog(&lines)})
		check := func(wants ...string) {
			t.Helper()
			got := strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
			lines.Reset()
			if len(wants) == 0 && len(got) == 1 && got[0] == "" {
				return
			}
			if len(got) != len(wants) {
				t.Fatalf("%d lines, want %d: %q", len(got), len(wants), got)
			}
			for i := range wants {
				if !strings.Contains(got[i], wants[i]) || len(got[i]) > 2000 {
					t.Errorf("%q; should speak of %q", got[i], wants[i])
				}
			}
		}
		r.Refresh(t.Context())
		synctest.Wait()
		check("there are none yet")
		p.set(answer(200, jwks("a")))
		r.Refresh(t.Context())
		synctest.Wait()
		check("fetched again", "the keys are new")
		r.Refresh(t.Context())
		synctest.Wait()
		check()
		p.set(answer(500, ""))
		r.Refresh(t.Context())
		synctest.Wait()
		check("cannot be fetched again")
		p.set(answer(200, jwks(strings.Repeat("\n", 512), "b")))
		r.Refresh(t.Context())
		synctest.Wait()
		check("fetched again", "the keys are new")
	})
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		url     string
		options keys.FetchOptions
		fault   string
	}{
		{"", keys.FetchOptions{}, "host"},
		{"http://idp.example.com/keys", keys.FetchOptions{}, "https"},
		{"http://idp.example.com/keys", keys.FetchOptions{AllowPrivateAddresses: true}, "https"},
		{"http://localhost/keys", keys.FetchOptions{}, "https"},
		{"https://10.0.0.1/keys", keys.FetchOptions{}, "private"},
		{"https://169.254.169.254/", keys.FetchOptions{AllowPrivateAddresses: true}, "link-local"},
		{"https://u:p@idp.example.com/keys", keys.FetchOptions{}, "user"},
		{"https://idp.example.com/keys#x", keys.FetchOptions{}, "fragment"},
		{keysURL, keys.FetchOptions{MaxStale: time.Minute}, "MaxStale"},
		{keysURL, keys.FetchOptions{MaxStale: -1}, "MaxStale"},
		{keysURL, keys.FetchOptions{MaxStale: 8 * 24 * time.Hour}, "MaxStale"},
	} {
		for name, make := range map[string]func(string, keys.FetchOptions) (*keys.Remote, error){
			"FromURL": keys.FromURL, "Discover": keys.Discover, "FromSPIFFE": keys.FromSPIFFE,
		} {
			if _, err := make(c.url, c.options); err == nil || name != "Discover" && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s %q: %v; should speak of %q", name, c.url, err, c.fault)
			}
		}
	}
	if _, err := keys.FromURL("http://localhost:8080/keys", keys.FetchOptions{AllowPrivateAddresses: true}); err != nil {
		t.Error(err)
	}
}

// TestNoGarbage: a key at hand costs no allocation.
func TestNoGarbage(t *testing.T) {
	r := source(t, &publisher{answers: answer(200, jwks("a"))}, keys.FetchOptions{})
	ctx, hint, now := t.Context(), keys.Hint{ID: "a", Algorithm: keys.ES256}, time.Now()
	if _, err := r.Find(ctx, hint, now); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { r.Find(ctx, hint, now) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkRemoteFind(b *testing.B) {
	o := keys.FetchOptions{UnguardedTransport: &publisher{answers: answer(200, jwks("a"))}}
	r, err := keys.FromURL(keysURL, o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, hint, now := b.Context(), keys.Hint{ID: "a", Algorithm: keys.ES256}, time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := r.Find(ctx, hint, now); err != nil {
				b.Error(err)
			}
		}
	})
}
