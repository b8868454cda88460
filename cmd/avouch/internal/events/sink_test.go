package events

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

// TestAccounting: under thousands of requests at once, which end in every way there is, no more lines wait than the buffer
// holds, the line of each token is written once, and all places are free in the end.
func TestAccounting(t *testing.T) {
	t.Parallel()
	const lines, requests = 500, 8000
	s, out, _ := newSink(lines)
	out.most = 15_000 // most writes end in the middle of a line
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			s.mu.Lock()
			if s.waiting+s.reserved > lines || s.size+s.reserved*maxLine > lines*bytesPerLine || s.waiting < 0 || s.reserved < 0 || s.size < 0 {
				t.Errorf("%d lines of %d bytes, %d reserved", s.waiting, s.size, s.reserved)
			}
			s.mu.Unlock()
		}
	})
	watching.Go(func() { // the disk is full now and then
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			out.set(func() {
				if out.err = nil; rand.N(20) == 0 {
					out.err = errors.New("no space left on device")
				}
			})
		}
	})
	var ended sync.WaitGroup
	var mu sync.Mutex
	want := map[string]bool{}
	var tooMany atomic.Int64
	for i := range requests {
		ended.Go(func() {
			id := fmt.Sprint("token ", i)
			time.Sleep(rand.N(2 * time.Second))
			e := issued(id)
			switch e.Reserved = s.Reserve(background) == nil; {
			case !e.Reserved:
				tooMany.Add(1)
				e = junk()
				e.Err = &avouch.Error{Code: avouch.TemporarilyUnavailable}
			case i%7 == 0: // refused after it was decided
				e.TokenID, e.Err = "", &avouch.Error{Code: avouch.InvalidGrant}
			case i%11 == 0: // with no line to be written
				e.TokenID, e.Err = "", &avouch.Error{Code: avouch.SlowDown}
			default:
				mu.Lock()
				want[id] = true
				mu.Unlock()
			}
			s.Observe(background, e)
			if i%3 == 0 {
				s.Observe(background, junk())
				s.Observe(background, invalid())
			}
		})
	}
	ended.Wait()
	close(stop)
	watching.Wait()
	out.set(func() { out.err = nil })
	closeSink(t, s)
	if free := s.Stats().Free; free != min(lines, lines*bytesPerLine/maxLine) {
		t.Errorf("%d places are free", free)
	}
	var summed uint64
	written := out.lines(t)
	for _, line := range written {
		switch line["event"] {
		case tokenIssued:
			id := line["jti"].(string)
			if !want[id] {
				t.Errorf("%s is written twice, or was never issued", id)
			}
			delete(want, id)
		case refusalsSuppressed:
			summed += uint64(line["count"].(float64))
		}
	}
	stats := s.Stats()
	if len(want) > 0 || stats.Lost != 0 {
		t.Errorf("%d tokens have no line, %d lost", len(want), stats.Lost)
	}
	if stats.Written != uint64(len(written)) || stats.TokensRefused != uint64(tooMany.Load()) || summed != stats.Sampled+stats.NoRoom {
		t.Errorf("%+v; %d lines, %d refused, %d reported as suppressed", stats, len(written), tooMany.Load(), summed)
	}
	t.Logf("%+v", stats)
}

// TestStuckOutput: while nothing can be written, tokens have places until there are none, nothing waits, and everything
// is written in the end.
func TestStuckOutput(t *testing.T) {
	s, out, log := newSink(1000)
	blocked := make(chan struct{})
	out.set(func() { out.blocked = blocked })
	tokens := 0
	for ; ; tokens++ {
		if s.Reserve(background) != nil {
			break
		}
		e := issued(fmt.Sprint(tokens))
		e.Reserved = true
		s.Observe(background, e)
	}
	if tokens < 500 || tokens > 1000 {
		t.Errorf("%d tokens had a place", tokens)
	}
	for range 3 {
		if err := s.Reserve(background); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
	}
	if s.Ready(background) == nil || s.Stats().Free != 0 {
		t.Errorf("ready, with %d places", s.Stats().Free)
	}
	for range 10 {
		s.Observe(background, invalid()) // is counted
	}
	out.set(func() { out.blocked = nil })
	close(blocked)
	closeSink(t, s)
	lines := out.lines(t)
	if len(lines) != tokens+1 || lines[tokens]["no_room"] != 10.0 {
		t.Errorf("%d lines, want %d; the last is %v", len(lines), tokens+1, lines[len(lines)-1])
	}
	if begins, ends := log.count("no room for events"), log.count("there is room for events again"); begins != 1 || ends != 1 {
		t.Errorf("the log says %d times that there is no room, and %d times that there is", begins, ends)
	}
	if stats := s.Stats(); stats.TokensRefused != 4 {
		t.Errorf("%+v", stats)
	}
}

// TestRefusalsLeaveRoom: whatever number of refusals comes, the greater part of the buffer is for tokens.
func TestRefusalsLeaveRoom(t *testing.T) {
	s, out, _ := newSink(1000)
	blocked := make(chan struct{})
	out.set(func() { out.blocked = blocked })
	for range 5000 {
		s.Observe(background, invalid())
	}
	s.mu.Lock()
	proven := s.waiting
	s.mu.Unlock()
	if proven < 400 || proven > 500 {
		t.Errorf("%d refusals wait", proven)
	}
	theft := invalid()
	theft.Reused, theft.Consent = true, "family-1"
	s.Observe(background, theft) // has room, too
	token(t, s, "1")
	close(blocked)
	out.set(func() { out.blocked = nil })
	closeSink(t, s)
	lines := out.lines(t)
	if len(lines) != proven+3 || lines[proven]["event"] != grantReused || lines[proven+1]["jti"] != "1" || lines[proven+2]["no_room"] != float64(5000-proven) {
		t.Errorf("%d lines, the last ones %v", len(lines), lines[len(lines)-3:])
	}
}

// TestSampling: of refusals that anyone can cause ten are written at once and ten a second, the rest is reported every ten
// seconds, and what waited for nothing else is reported in the end.
func TestSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out, _ := newSink(4096)
		began := time.Now()
		for range 10_000 {
			s.Observe(background, junk())
		}
		synctest.Wait()
		if lines := out.lines(t); len(lines) != 10 {
			t.Errorf("%d lines at once", len(lines))
		}
		time.Sleep(time.Second)
		for range 10_000 {
			s.Observe(background, junk())
		}
		time.Sleep(9*time.Second + time.Millisecond)
		lines := out.lines(t)
		if len(lines) != 21 {
			t.Fatalf("%d lines after 10 seconds", len(lines))
		}
		last := lines[20]
		if last["event"] != refusalsSuppressed || last["count"] != 19_980.0 || last["no_room"] != 0.0 || last["level"] != warn || last["since"] != began.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("%v", last)
		}
		time.Sleep(time.Minute) // with nothing to report, nothing is reported
		for range 11 {
			s.Observe(background, junk())
		}
		synctest.Wait()
		closeSink(t, s)
		if lines = out.lines(t); len(lines) != 32 || lines[31]["count"] != 1.0 {
			t.Errorf("%d lines, the last %v", len(lines), lines[len(lines)-1])
		}
	})
}

// TestFlood: an hour of junk makes a bounded number of lines.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out, _ := newSink(4096)
		for range 600 {
			for range 50 {
				s.Observe(background, junk())
			}
			time.Sleep(100 * time.Millisecond)
		}
		closeSink(t, s)
		if n := len(out.lines(t)); n < 500 || n > sampleBurst+60*samplePerSecond+7 {
			t.Errorf("%d lines in a minute", n)
		}
	})
}

// TestWriteErrors: a disk that is full, and has room again, loses nothing and repeats nothing. The log has the beginning
// and the end.
func TestWriteErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out, log := newSink(100)
		out.set(func() { out.most, out.err = 100, errors.New("no space left on device") })
		token(t, s, "1")
		token(t, s, "2")
		time.Sleep(10 * time.Millisecond)
		out.set(func() { out.most = 1 })
		time.Sleep(10 * time.Second)
		if !s.Stats().Failing || log.count("cannot be written") != 1 || log.count("written again") != 0 {
			t.Errorf("%+v\n%s", s.Stats(), log)
		}
		out.set(func() { out.most, out.err = 0, nil })
		time.Sleep(2 * lastRetry)
		if lines := out.lines(t); len(lines) != 2 || lines[0]["jti"] != "1" || lines[1]["jti"] != "2" {
			t.Errorf("%v", lines)
		}
		if s.Stats().Failing || s.Stats().Used != 0 || log.count("cannot be written") != 1 || log.count("written again") != 1 {
			t.Errorf("%+v\n%s", s.Stats(), log)
		}
		closeSink(t, s)
	})
}

// TestAnotherFile: a line that was begun in a file which has been moved away is written whole in the next one.
func TestAnotherFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out, _ := newSink(100)
		blocked := make(chan struct{})
		out.set(func() { out.blocked = blocked })
		token(t, s, "0")
		synctest.Wait() // it is being written
		token(t, s, "1")
		token(t, s, "2")
		out.set(func() { out.blocked, out.most, out.err = nil, 500, errors.New("no space left on device") })
		close(blocked)
		time.Sleep(firstRetry + time.Millisecond)
		synctest.Wait()
		out.set(func() { out.anew, out.most, out.err = true, 0, nil })
		time.Sleep(lastRetry)
		synctest.Wait()
		out.mu.Lock()
		whole := strings.LastIndexByte(out.before, '\n') + 1
		lines := parse(t, out.before[:whole])
		if len(lines) != 2 || lines[1]["jti"] != "1" || whole == len(out.before) {
			t.Errorf("%q", out.before)
		}
		out.mu.Unlock()
		if lines := out.lines(t); len(lines) != 1 || lines[0]["jti"] != "2" {
			t.Errorf("%v", lines)
		}
		closeSink(t, s)
	})
}

// TestSeveralLinesPerWrite: what has come while the last write was under way is written at once, in parts of whole lines.
func TestSeveralLinesPerWrite(t *testing.T) {
	s, out, _ := newSink(10_000)
	blocked := make(chan struct{})
	out.set(func() { out.blocked = blocked })
	for i := range 1500 {
		token(t, s, fmt.Sprint(i))
	}
	out.set(func() { out.blocked = nil })
	close(blocked)
	closeSink(t, s)
	if lines := out.lines(t); len(lines) != 1500 || lines[1499]["jti"] != "1499" {
		t.Errorf("%d lines", len(lines))
	}
	if out.writes > 30 {
		t.Errorf("%d writes for %d bytes", out.writes, out.text.Len())
	}
}

// TestCloseWaits: the end waits for requests under way, and says what it could not wait for.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out, log := newSink(100)
		if err := s.Reserve(background); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(3 * time.Second)
			if err := s.Reserve(background); !errors.Is(err, errClosed) {
				t.Errorf("got %v", err)
			}
			e := issued("late")
			e.Reserved = true
			s.Observe(background, e)
		}()
		before := time.Now()
		closeSink(t, s)
		if took := time.Since(before); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("the end took %s", took)
		}
		if lines := out.lines(t); len(lines) != 1 || lines[0]["jti"] != "late" {
			t.Errorf("%v", lines)
		}
		if err := s.Close(time.Second); err != nil {
			t.Errorf("the second time: %v", err)
		}
		s.Observe(background, invalid())
		if s.Stats().Lost != 1 || log.count("an event could not be written and is lost") != 1 {
			t.Errorf("%+v\n%s", s.Stats(), log)
		}
	})
}

func TestCloseGivesUp(t *testing.T) {
	for name, change := range map[string]func(*fake){
		"failing": func(f *fake) { f.most, f.err = 1, errors.New("no space left on device") },
		"blocked": func(f *fake) { f.blocked = make(chan struct{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, out, _ := newSink(100)
				out.set(func() { change(out) })
				token(t, s, "1")
				token(t, s, "2")
				if err := s.Reserve(background); err != nil {
					t.Fatal(err)
				}
				before := time.Now()
				err := s.Close(5 * time.Second)
				if err == nil || !strings.Contains(err.Error(), "events lost: 2, which could not be written to events.jsonl within 5s") {
					t.Errorf("got %v", err)
				}
				if took := time.Since(before); took > 6*time.Second {
					t.Errorf("the end took %s", took)
				}
				e := issued("3")
				e.Reserved = true
				s.Observe(background, e) // of a request that was cut off
				if s.Stats().Lost != 3 || !out.closed {
					t.Errorf("%+v", s.Stats())
				}
				if out.blocked != nil {
					close(out.blocked)
				}
				synctest.Wait()
			})
		})
	}
}

// TestWhichEvents: what gets a line, and whether it is sampled.
func TestWhichEvents(t *testing.T) {
	refusal := func(code avouch.Code, cause error) error { return &avouch.Error{Code: code, Err: cause} }
	before := &assertion.Error{Reason: assertion.BadSignature}
	for name, c := range map[string]struct {
		change        func(*avouch.Event)
		line, sampled bool
	}{
		"a token":                  {func(e *avouch.Event) {}, true, false},
		"an introspection":         {func(e *avouch.Event) { e.Endpoint = "introspection" }, false, false},
		"polling":                  {func(e *avouch.Event) { e.Err = refusal(avouch.AuthorizationPending, nil) }, false, false},
		"polling too fast":         {func(e *avouch.Event) { e.Err = refusal(avouch.SlowDown, nil) }, false, false},
		"a refused introspection":  {func(e *avouch.Event) { e.Endpoint, e.Err = "introspection", refusal(avouch.InvalidRequest, nil) }, true, false},
		"a client that is not one": {func(e *avouch.Event) { *e = junk() }, true, true},
		"a public client":          {func(e *avouch.Event) { *e = junk(); e.AuthMethod, e.ClientID = "none", "app" }, true, true},
		"an unverified assertion":  {func(e *avouch.Event) { *e = junk(); e.Err = refusal(avouch.InvalidGrant, before) }, true, true},
		"a made-up reason": {func(e *avouch.Event) {
			*e = junk()
			e.Err = refusal(avouch.InvalidGrant, &assertion.Error{Reason: assertion.NoRule})
		}, true, true},
		"a public client's consent": {func(e *avouch.Event) { *e = junk(); e.AuthMethod, e.Consent = "none", "f" }, true, false},
		"a signed-in user":          {func(e *avouch.Event) { *e = junk(); e.Endpoint, e.Subject = "authorization", "alice" }, true, false},
		"an issuer's assertion":     {func(e *avouch.Event) { *e = junk(); e.Issuer = "https://idp.example" }, true, false},
		"a key of the client":       {func(e *avouch.Event) { *e = junk(); e.KeyID = "k" }, true, false},
		"an error of the server":    {func(e *avouch.Event) { *e = junk(); e.Err = errors.New("a bug") }, true, true},
		"an error that panics":      {func(e *avouch.Event) { *e = junk(); e.Err = refusal(avouch.ServerError, badError{}) }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, out, _ := newSink(1000)
				e := issued("1")
				c.change(&e)
				for range 100 {
					e := e
					if e.Reserved = e.Err == nil; e.Reserved {
						if err := s.Reserve(background); err != nil {
							t.Fatal(err)
						}
					}
					s.Observe(background, e)
				}
				closeSink(t, s)
				want := 0
				switch {
				case c.sampled:
					want = sampleBurst + 1
				case c.line:
					want = 100
				}
				if lines := out.lines(t); len(lines) != want {
					t.Errorf("%d lines, want %d", len(lines), want)
				}
			})
		})
	}
}

// badError is an error that cannot be shown.
type badError struct{ cause *badError }

func (e badError) Error() string { return e.cause.cause.Error() }
