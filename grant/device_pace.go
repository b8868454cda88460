package grant

import (
	"sync"
	"time"
)

const (
	// slower is what every slow_down adds to the interval (RFC 8628 §3.5).
	slower = 5 * time.Second
	// slowest is where that ends: an answer that was lost on its way leaves client and server with two different
	// intervals, which must not grow apart for ever.
	slowest = time.Minute
	// sameQuestion is how soon after a question the same one is no second: x/oauth2 repeats one that was refused, with
	// the client's credentials in another place.
	sameQuestion = time.Second

	maxPaces = 1 << 14
)

// pace knows how often devices ask. It is of one process and forgets at a restart: it spares the server work, and nothing
// is safe or unsafe by it. The zero value is ready for use.
type pace struct {
	mu    sync.Mutex
	of    map[[32]byte]*paceOf
	swept time.Time
}

// paceOf is the pace of one device code.
type paceOf struct {
	last     time.Time // the latest question
	tooFast  bool      // what it was answered
	repeated bool      // it was asked twice
	interval time.Duration
	expires  time.Time
}

// tooFast notes a question about a device code, and reports whether it came too soon.
func (p *pace) tooFast(now time.Time, code [32]byte, interval time.Duration, expires time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[[32]byte]*paceOf{}
	}
	of := p.of[code]
	if of == nil {
		p.makeRoom(now)
		p.of[code] = &paceOf{last: now, interval: interval, expires: expires}
		return false
	}
	since := now.Sub(of.last)
	if !of.repeated && 0 <= since && since < min(sameQuestion, of.interval/2) {
		of.repeated = true
		return of.tooFast
	}
	// A fifth is for the way of the request, which is not always as long.
	of.tooFast = since < of.interval-of.interval/5
	of.last, of.repeated = now, false
	if of.tooFast {
		of.interval = min(of.interval+slower, max(slowest, interval))
	}
	return of.tooFast
}

// makeRoom keeps the table bounded. What has expired goes, at most once a second; where that is not enough, any does.
func (p *pace) makeRoom(now time.Time) {
	if len(p.of) < maxPaces {
		return
	}
	if now.Sub(p.swept) >= time.Second || now.Before(p.swept) {
		p.swept = now
		for code, of := range p.of {
			if !of.expires.After(now) {
				delete(p.of, code)
			}
		}
	}
	for code := range p.of {
		if len(p.of) < maxPaces {
			return
		}
		delete(p.of, code)
	}
}
