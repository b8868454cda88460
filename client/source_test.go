package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/client"
)

// slowServer is a token endpoint that takes a second, numbers its tokens, and can be broken.
type slowServer struct {
	life   int // of its tokens, in seconds
	asked  atomic.Int64
	broken atomic.Bool
}

func (s *slowServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.asked.Add(1)
	select {
	case <-time.After(time.Second):
	case <-r.Context().Done():
		return
	}
	if s.broken.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error":"temporarily_unavailable"}`)
		return
	}
	fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, s.life)
}

// given is a client with a ready-made assertion: what is sent does not matter here.
func given() client.JWTBearer {
	return client.JWTBearer{TokenURL: "https://as.example.com/token", Assertion: func(context.Context) (string, error) { return "a.b.c", nil }}
}

// TestOneFlight: however many ask at once, one request is under way, and all get its token.
func TestOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 900}
		source := given().TokenSource(inProcess{s}.context(t.Context()))
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if token, err := source.Token(); err != nil || token.AccessToken != "token-1" {
					t.Errorf("%v, %v", token, err)
				}
			})
		}
		all.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// TestEarlyRefresh: a token is replaced before it expires, behind the callers' backs.
func TestEarlyRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 1000}
		source := given().TokenSource(inProcess{s}.context(t.Context()))
		first := want(t, source, "token-1")
		time.Sleep(time.Until(first.Add(849 * time.Second)))
		want(t, source, "token-1")
		synctest.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Fatalf("with more than 15 %% of its life left: %d requests, want 1", n)
		}
		time.Sleep(time.Until(first.Add(901 * time.Second)))
		for range 10 {
			asked := time.Now()
			want(t, source, "token-1") // still good: nobody waits
			if !time.Now().Equal(asked) {
				t.Fatal("a caller waited")
			}
		}
		time.Sleep(2 * time.Second)
		want(t, source, "token-2")
		if n := s.asked.Load(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

// want gets a token, checks which it is, and returns when it was asked for.
func want(t *testing.T, source oauth2.TokenSource, name string) time.Time {
	t.Helper()
	asked := time.Now()
	token, err := source.Token()
	if err != nil || token.AccessToken != name {
		t.Fatalf("%v, %v; want %s", token, err, name)
	}
	return asked
}

// TestOutage: while the token is good an outage goes unnoticed and is probed gently; later it is an error, and soon
// after its end all is well.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 1000}
		source := given().TokenSource(inProcess{s}.context(t.Context()))
		first := want(t, source, "token-1")
		s.broken.Store(true)
		time.Sleep(time.Until(first.Add(900 * time.Second)))
		for time.Since(first) < 985*time.Second {
			want(t, source, "token-1")
			time.Sleep(100 * time.Millisecond)
		}
		if n := s.asked.Load() - 1; n < 10 || n > 17 {
			t.Errorf("%d requests in 85 s of outage, want one in 5 to 6 s", n)
		}
		time.Sleep(10 * time.Second) // the token is too old to be sent
		s.asked.Store(1)
		failed := 0
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
			_, err := source.Token()
			refused, ok := errors.AsType[*oauth2.RetrieveError](err)
			if !ok || refused.ErrorCode != "temporarily_unavailable" {
				t.Fatal(err)
			}
			failed++
		}
		if n := s.asked.Load() - 1; n > 6 || failed < 20 {
			t.Errorf("%d requests for %d callers in 10 s", n, failed)
		}
		s.broken.Store(false)
		time.Sleep(time.Second)
		if token, err := source.Token(); err != nil || !strings.HasPrefix(token.AccessToken, "token-") || token.AccessToken == "token-1" {
			t.Errorf("after the outage: %v, %v", token, err)
		}
	})
}

// TestExpired: a token is not handed out when it is about to expire.
func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 1000}
		source := given().TokenSource(inProcess{s}.context(t.Context()))
		first := want(t, source, "token-1")
		time.Sleep(time.Until(first.Add(995 * time.Second)))
		want(t, source, "token-2")
	})
}

// TestUnknownExpiry: a token whose server does not say when it expires is not kept for ever.
func TestUnknownExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer"}`, n)
		})
		source := given().TokenSource(inProcess{h}.context(t.Context()))
		want(t, source, "token-1")
		time.Sleep(4 * time.Minute)
		want(t, source, "token-1")
		time.Sleep(2 * time.Minute)
		want(t, source, "token-2")
	})
}

// TestGiveUp: a caller who gives up takes nobody with him, and does not wait for the others.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 900}
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Host == "as.example.com" {
				s.ServeHTTP(w, r)
				return
			}
			fmt.Fprint(w, r.Header.Get("Authorization"))
		})
		hc := given().Client(inProcess{api}.context(t.Context()))
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			req, _ := http.NewRequestWithContext(impatient, http.MethodGet, "https://orders.example.com", nil)
			if _, err := hc.Do(req); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if waited := time.Since(began); waited != 100*time.Millisecond {
				t.Errorf("the impatient one waited %v", waited)
			}
		})
		all.Go(func() {
			resp, err := hc.Get("https://orders.example.com")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if waited := time.Since(began); waited != time.Second {
				t.Errorf("the patient one waited %v", waited)
			}
		})
		all.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// TestSourceContext: the context that a source was made with ends its requests, not the token it has.
func TestSourceContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 900}
		ctx, cancel := context.WithCancel(t.Context())
		source := given().TokenSource(inProcess{s}.context(ctx))
		want(t, source, "token-1")
		cancel()
		want(t, source, "token-1")
		time.Sleep(time.Hour)
		if _, err := source.Token(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestDeafSource: an assertion source that does not heed its context cannot hold callers for ever, and one that ends
// its goroutine does not wedge the source.
func TestDeafSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{life: 900}
		deaf := client.JWTBearer{TokenURL: "https://as.example.com/token", Assertion: func(context.Context) (string, error) {
			time.Sleep(time.Hour)
			return "", errors.New("late")
		}}
		source := deaf.TokenSource(inProcess{s}.context(t.Context()))
		began := time.Now()
		if _, err := source.Token(); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(2 * time.Hour)
	})
}
