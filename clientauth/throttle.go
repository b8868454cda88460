package clientauth

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/remote"
)

// Throttle slows down who guesses secrets. It counts wrong ones by address, and by address and claimed client
// together; never by the client alone, because then anybody could lock a client out by guessing. While a count is
// used up, attempts are refused unseen, with status 429 and Retry-After.
//
// An address is the remote address of the connection: one IPv4 address or one IPv6 /64. A client that has
// authenticated from an address within the last hour is not held back by what others do from the same one.
//
// The zero value is ready for use, with the defaults. One Throttle may be shared by several methods. It takes less
// than 4 MB, however many guess. It must not be copied after first use.
type Throttle struct {
	// PerClient holds for one claimed client from one address. Zero: 10 at once and one more every 6 s.
	PerClient Limit
	// PerAddress holds for one address. Zero: 100 at once and one more every 600 ms.
	PerAddress Limit

	mu      sync.Mutex
	seed    maphash.Seed
	buckets map[uint64]bucket
	good    map[uint64]time.Time // when a client last authenticated from an address
	swept   time.Time
}

// Limit is how many wrong secrets are taken.
type Limit struct {
	Burst int           // that many at once
	Every time.Duration // and one more each time that this has passed
}

const (
	maxBuckets = 1 << 15          // entries of each table
	goodFor    = time.Hour        // for how long a success counts
	goodNews   = 10 * time.Minute // how old a success must be to be noted again
)

// bucket is how many attempts were left at a moment.
type bucket struct {
	left  float64
	at    time.Time
	limit Limit
}

func (b bucket) leftAt(now time.Time) float64 {
	passed := max(now.Sub(b.at), 0)
	return min(b.left+float64(passed)/float64(b.limit.Every), float64(b.limit.Burst))
}

// attempter is who tries, as keys of the tables.
type attempter struct{ address, pair uint64 }

func (t *Throttle) who(req *avouch.Request, client string) attempter {
	address := remoteNetwork(req)
	t.mu.Lock()
	if t.buckets == nil {
		t.seed = maphash.MakeSeed()
		t.buckets = map[uint64]bucket{}
		t.good = map[uint64]time.Time{}
	}
	seed := t.seed
	t.mu.Unlock()
	return attempter{
		address: maphash.Comparable(seed, address),
		pair:    maphash.Comparable(seed, struct{ address, client string }{address, client}),
	}
}

// blocked returns how long to wait before the next attempt, 0 where it may come now.
func (t *Throttle) blocked(now time.Time, who attempter) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wait(now, who)
}

// counting is the Count of an attempt, successful or not.
func (t *Throttle) counting(now time.Time, who attempter, ok bool) func() *avouch.Error {
	return func() *avouch.Error {
		if wait := t.count(now, who, ok); wait > 0 {
			return throttled(wait)
		}
		return nil
	}
}

// count notes the outcome of an attempt. Of many at the same time, those that come after too many others have failed are
// not noted: a wait is returned then, and the caller must not learn the outcome.
func (t *Throttle) count(now time.Time, who attempter, ok bool) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := t.wait(now, who); wait > 0 {
		return wait
	}
	if ok {
		if last, known := t.good[who.pair]; !known || now.Sub(last) > goodNews {
			t.makeRoom(now)
			t.good[who.pair] = now
		}
		return 0
	}
	t.take(now, who.pair, t.PerClient.or(Limit{10, 6 * time.Second}))
	t.take(now, who.address, t.PerAddress.or(Limit{100, 600 * time.Millisecond}))
	return 0
}

func (t *Throttle) wait(now time.Time, who attempter) time.Duration {
	wait := t.waitFor(now, who.pair)
	if last, known := t.good[who.pair]; !known || now.Sub(last) > goodFor {
		wait = max(wait, t.waitFor(now, who.address))
	}
	return wait
}

func (t *Throttle) waitFor(now time.Time, key uint64) time.Duration {
	b, known := t.buckets[key]
	if !known {
		return 0
	}
	left := b.leftAt(now)
	if left >= 1 {
		return 0
	}
	return time.Duration((1 - left) * float64(b.limit.Every))
}

func (t *Throttle) take(now time.Time, key uint64, limit Limit) {
	b, known := t.buckets[key]
	if !known {
		t.makeRoom(now)
		b = bucket{left: float64(limit.Burst), at: now, limit: limit}
	}
	t.buckets[key] = bucket{left: max(b.leftAt(now)-1, 0), at: now, limit: limit}
}

// makeRoom keeps the tables bounded. What is full again or old goes, at most once a second; where that is not enough,
// any entry does: who has so many addresses is not stopped by this anyway.
func (t *Throttle) makeRoom(now time.Time) {
	if len(t.buckets) < maxBuckets && len(t.good) < maxBuckets {
		return
	}
	if now.Sub(t.swept) >= time.Second || now.Before(t.swept) {
		t.swept = now
		for key, b := range t.buckets {
			if b.leftAt(now) >= float64(b.limit.Burst) {
				delete(t.buckets, key)
			}
		}
		for key, last := range t.good {
			if now.Sub(last) > goodFor {
				delete(t.good, key)
			}
		}
	}
	for key := range t.buckets {
		if len(t.buckets) < maxBuckets {
			break
		}
		delete(t.buckets, key)
	}
	for key := range t.good {
		if len(t.good) < maxBuckets {
			break
		}
		delete(t.good, key)
	}
}

func (l Limit) or(fallback Limit) Limit {
	if l.Burst <= 0 {
		l.Burst = fallback.Burst
	}
	if l.Every <= 0 {
		l.Every = fallback.Every
	}
	return l
}

// remoteNetwork is where a request comes from, "" where it comes from nowhere: a dry run.
func remoteNetwork(req *avouch.Request) string {
	if req.HTTP == nil {
		return ""
	}
	return remote.Network(req.HTTP.RemoteAddr)
}
