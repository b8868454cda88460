package clientauth

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
)

func from(address string) *avouch.Request {
	return &avouch.Request{HTTP: &http.Request{RemoteAddr: address}}
}

// guess tries n wrong secrets and returns how many of them were looked at.
func guess(t *Throttle, now time.Time, address, client string, n int) (seen int) {
	who := t.who(from(address), client)
	for range n {
		if wait := t.count(now, who, false); wait == 0 {
			seen++
		}
	}
	return seen
}

func TestThrottle(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := &Throttle{}
	const a, b = "192.0.2.1:1000", "192.0.2.2:1000"
	if n := guess(th, now, a, "c", 1000); n != 10 {
		t.Errorf("%d guesses for one client", n)
	}
	if n := guess(th, now, "192.0.2.1:9999", "c", 1); n != 0 {
		t.Error("another port is another address")
	}
	if n := guess(th, now, b, "c", 1); n != 1 {
		t.Error("a client is locked out everywhere")
	}
	if n := guess(th, now, a, "d", 1); n != 1 {
		t.Error("another client is locked out")
	}
	if wait := th.blocked(now, th.who(from(a), "c")); wait <= 0 || wait > 6*time.Second {
		t.Errorf("to wait: %v", wait)
	}
	if n := guess(th, now.Add(6*time.Second), a, "c", 10); n != 1 {
		t.Errorf("%d guesses after 6 s", n)
	}
	if n := guess(th, now.Add(-time.Hour), a, "c", 10); n != 0 {
		t.Errorf("%d guesses after the clock was set back", n)
	}
	if wait := th.blocked(now.Add(-time.Hour), th.who(from(a), "c")); wait > 6*time.Second {
		t.Errorf("to wait after the clock was set back: %v", wait)
	}
	if n := guess(th, now.Add(24*time.Hour), a, "c", 1000); n != 10 {
		t.Errorf("%d guesses after a day", n)
	}
}

func TestThrottleByAddress(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := &Throttle{}
	// Somebody who works from the same address has authenticated before.
	if wait := th.count(now, th.who(from("[2001:db8::1]:1"), "worker"), true); wait > 0 {
		t.Fatal("not let in")
	}
	seen := 0
	for i := range 1000 {
		seen += guess(th, now, fmt.Sprintf("[2001:db8::%x]:1", i+2), fmt.Sprint("client", i), 1)
	}
	if seen != 100 {
		t.Errorf("%d guesses from one network", seen)
	}
	if wait := th.blocked(now, th.who(from("[2001:db8::2]:1"), "new")); wait <= 0 {
		t.Error("a newcomer from there is not held back")
	}
	if wait := th.blocked(now, th.who(from("[2001:db8::1]:1"), "worker")); wait != 0 {
		t.Error("who works from there is held back by what others do")
	}
	if wait := th.blocked(now.Add(2*time.Hour), th.who(from("[2001:db8::1]:1"), "worker")); wait != 0 {
		t.Error("held back for ever")
	}
	if n := guess(th, now, "[2001:db8:0:1::2]:1", "c", 1); n != 1 {
		t.Error("another network is held back")
	}
}

func TestThrottleLimits(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := &Throttle{PerClient: Limit{Burst: 3, Every: time.Minute}, PerAddress: Limit{Burst: 5}}
	if n := guess(th, now, "192.0.2.1:1", "c", 10); n != 3 {
		t.Errorf("%d guesses", n)
	}
	if n := guess(th, now, "192.0.2.1:1", "d", 10); n != 2 {
		t.Errorf("%d guesses", n)
	}
	if n := guess(th, now.Add(59*time.Second), "192.0.2.1:1", "c", 10); n != 0 {
		t.Errorf("%d guesses", n)
	}
}

// TestThrottleInParallel: many guesses at the same moment get no more tries than one after the other.
func TestThrottleInParallel(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := &Throttle{}
	var seen atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() { seen.Add(int64(guess(th, now, "192.0.2.1:1", "c", 10))) })
	}
	wg.Wait()
	if seen.Load() != 10 {
		t.Errorf("%d guesses", seen.Load())
	}
}

func TestThrottleIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := &Throttle{}
	for i := range 3 * maxBuckets {
		guess(th, now, fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>16, i&0xffff), "c", 1)
		th.count(now, th.who(from("192.0.2.1:1"), fmt.Sprint(i)), true)
	}
	if len(th.buckets) > maxBuckets+2 || len(th.good) > maxBuckets+2 {
		t.Errorf("%d buckets and %d successes are kept", len(th.buckets), len(th.good))
	}
	later := now.Add(2 * time.Hour)
	guess(th, later, "[2001:db8::1]:1", "c", 1)
	if len(th.buckets) > 10 {
		t.Errorf("%d buckets are kept although they are full again", len(th.buckets))
	}
}

func TestRemoteNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:5": "fe80::/64", "@": "@", "": "",
	} {
		if got := remoteNetwork(from(address)); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
	if got := remoteNetwork(&avouch.Request{}); got != "" {
		t.Errorf("a dry run comes from %q", got)
	}
}
