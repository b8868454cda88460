package signin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// alone is a SignIn without a server, and a session in it.
func alone(t *testing.T) (*SignIn, *watchedStore, *http.Request) {
	t.Helper()
	store := &watchedStore{Store: handle.NewMemory(0)}
	s, err := New(Config{
		Issuer: "http://127.0.0.1:8080", Pages: []string{authorizePath}, Handles: store, Replay: replay.NewMemory(replay.MemoryConfig{}), Dev: true,
		Idle: time.Hour, Lifetime: 5 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080/", nil)
	if err := s.open(w, r, time.Now(), "dev/alice", "", authorizePath); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return s, store, r
}

func (s *SignIn) use(t *testing.T, r *http.Request) *session {
	t.Helper()
	ses, err := s.session(r, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if ses != nil {
		if err := s.touch(t.Context(), time.Now(), ses); err != nil {
			t.Fatal(err)
		}
	}
	return ses
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, r := alone(t)
		writes := store.puts
		for range 50 {
			s.use(t, r)
		}
		if store.puts != writes {
			t.Error("every look at a session writes it")
		}
		for range 5 { // used now and then, for nearly five hours
			time.Sleep(59 * time.Minute)
			if s.use(t, r) == nil {
				t.Fatal("a session that is used has ended")
			}
		}
		time.Sleep(5*time.Minute - time.Second)
		if s.use(t, r) == nil {
			t.Error("it ended too early")
		}
		time.Sleep(time.Second)
		if s.use(t, r) != nil {
			t.Error("it lives longer than sessions may")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, _, r := alone(t)
		time.Sleep(time.Hour)
		if s.use(t, r) != nil {
			t.Error("it lives on unused")
		}
	})
}

// TestEndWins: a session that was ended is not brought back by a request that was using it.
func TestEndWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, r := alone(t)
		time.Sleep(2 * touchEvery)
		using, err := s.session(r, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		ending, err := s.session(r, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.end(t.Context(), time.Now(), ending); err != nil {
			t.Fatal(err)
		}
		if err := s.touch(t.Context(), time.Now(), using); err != nil {
			t.Error(err)
		}
		if err := s.answered(t.Context(), time.Now(), using); err != nil {
			t.Error(err)
		}
		if s.use(t, r) != nil {
			t.Error("it is back")
		}
	})
	synctest.Test(t, func(t *testing.T) { // and where others use it at the same moment, the end is not lost
		s, _, r := alone(t)
		time.Sleep(2 * touchEvery)
		ending, err := s.session(r, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { s.use(t, r) })
		}
		all.Go(func() {
			if err := s.end(context.Background(), time.Now(), ending); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if s.use(t, r) != nil {
			t.Error("the end was lost")
		}
	})
}

func TestCookiesThatAreNone(t *testing.T) {
	s, _, r := alone(t)
	good := r.Header.Get("Cookie")
	if s.use(t, r) == nil {
		t.Fatal("the cookie is good")
	}
	for _, bad := range []string{
		"", "avouch=", "avouch=x", good + "x", good[:len(good)-1], good + "; " + good, "avouch=x; " + good, "Avouch" + good[6:], "__Host-" + good,
		good[:len("avouch=")] + "AAAA" + good[len("avouch=AAAA"):],
	} {
		r.Header.Set("Cookie", bad)
		if s.use(t, r) != nil {
			t.Errorf("%q is a session", bad)
		}
	}
}
