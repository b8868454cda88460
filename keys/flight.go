package keys

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// flight is a fetch that is under way. All callers share it; it belongs to none of them, and ends by its own deadline.
type flight struct {
	started time.Time
	done    chan struct{}
	err     error // how it ended, once done is closed
}

// wait waits until the flight has landed, for most after its start, and while ctx lasts. The error says why it did not
// wait for the end. A nil flight has landed.
func (f *flight) wait(ctx context.Context, most time.Duration) error {
	if f == nil {
		return nil
	}
	select {
	case <-f.done: // also where there is no more time
		return nil
	default:
	}
	timer := time.NewTimer(most - time.Since(f.started))
	defer timer.Stop()
	select {
	case <-f.done:
		return nil
	case <-timer.C:
		return errPending
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// renew starts a flight that is due, or returns the one that is under way. It returns nil where one has just landed.
func (r *Remote) renew(now time.Time) *flight {
	if f := r.flight.Load(); f != nil {
		return f
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flight.Load(); f != nil {
		return f
	}
	if !reached(now, r.state.Load().due) {
		return nil
	}
	return r.takeOff()
}

// missing is renew for a key that is not there. It returns nil where no fetch can help: one has just been waited for,
// one failed a moment ago, or one was made within the minute for the same reason.
func (r *Remote) missing(asked bool) *flight {
	if asked {
		return nil
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flight.Load(); f != nil {
		return f
	}
	s := r.state.Load()
	if s.err != nil && !reached(now, s.due) || !reached(now, r.forced.Add(missEvery)) {
		return nil
	}
	r.forced = now
	return r.takeOff()
}

// start starts a flight whether it is due or not, or returns the one that is under way.
func (r *Remote) start() *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flight.Load(); f != nil {
		return f
	}
	return r.takeOff()
}

// takeOff starts a flight. r.mu is held, and nothing is under way.
func (r *Remote) takeOff() *flight {
	f := &flight{started: time.Now(), done: make(chan struct{})}
	r.flight.Store(f)
	go r.fly(f)
	return f
}

// fly is a flight. What it learns is as of its start, at the earliest.
func (r *Remote) fly(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	old := r.state.Load()
	got, err := r.guarded(ctx, old)
	var next *state
	if err != nil {
		next = old.failed(time.Now(), err)
	} else {
		next = got.state(f.started, r.maxStale)
	}
	f.err = err

	r.mu.Lock()
	r.state.Store(next)
	r.flight.Store(nil)
	r.mu.Unlock()
	close(f.done)
	r.report(old, next)
}

// guarded fetches, and turns a panic into an error: it would end the whole program, and it would be by what a stranger
// sent.
func (r *Remote) guarded(ctx context.Context, old *state) (got *fetched, err error) {
	defer func() {
		if p := recover(); p != nil {
			got, err = nil, fmt.Errorf("what the server sent could not be read: panic: %v", p)
		}
	}()
	return r.fetch(ctx, old)
}

// report tells the log what a flight has changed.
func (r *Remote) report(old, next *state) {
	switch {
	case next.err != nil && next.set == nil:
		r.log.Warn("keys cannot be fetched, and there are none yet", "source", r.name, "error", next.err, "failures", next.failures)
	case next.err != nil:
		r.log.Warn("keys cannot be fetched again", "source", r.name, "error", next.err, "failures", next.failures,
			"fetched", next.fetched, "usable_until", next.limit)
	case old.err != nil:
		r.log.Info("keys can be fetched again", "source", r.name, "failures", old.failures)
	}
	if next.err != nil || old.set != nil && sameKeys(old.set, next.set) {
		return
	}
	r.log.Info("the keys are new", "source", r.name, "from", next.from, "kids", inWords(next.set), "before", inWords(old.set))
	for _, err := range next.set.Skipped() {
		r.log.Warn("a key was left out", "source", r.name, "error", err)
	}
}

// inWords names the keys of a set in a few words: a publisher may give them names of any length.
func inWords(s *Set) string {
	ids := s.ids()
	if len(ids) <= 10 {
		return fmt.Sprintf("%+.64q", ids)
	}
	return fmt.Sprintf("%+.64q and %d more", ids[:10], len(ids)-10)
}

func sameKeys(a, b *Set) bool {
	return slices.EqualFunc(a.keys, b.keys, func(p, q *Public) bool { return p.ID == q.ID && sameKey(p.Key, q.Key) })
}
