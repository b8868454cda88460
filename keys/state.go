package keys

import "time"

// state is what a Remote knows at one moment. It never changes; a fetch puts another one in its place.
type state struct {
	set     *Set // of the last fetch that succeeded; nil before the first
	from    string
	etag    string
	own     time.Duration // as in fetched
	life    time.Duration
	fetched time.Time // when the set was last known to be the party's
	expires time.Time // until when that need not be asked again
	limit   time.Time // until when the set is relied on

	due      time.Time // from when on a use sets off a fetch
	tried    time.Time // when a fetch last ended
	err      error     // how; nil for success, and before the first
	failures int       // in a row
}

// state makes the state after a fetch that started at the time given. It is due for renewal when a quarter of its life
// is left, so that callers need not wait, and a server may be away for a while without anybody noticing.
func (f *fetched) state(started time.Time, maxStale time.Duration) *state {
	life := f.life
	if life == 0 {
		life = defaultLife
	}
	life = min(max(life, minLife), maxLife, maxStale)
	return &state{
		set: f.set, from: f.from, etag: f.etag, own: f.own, life: f.life,
		fetched: started, expires: started.Add(life), limit: started.Add(maxStale),
		due: started.Add(life / 4 * 3), tried: time.Now(),
	}
}

// failed makes the state after a fetch that has failed.
func (s *state) failed(at time.Time, err error) *state {
	next := *s
	next.err, next.tried, next.failures = err, at, s.failures+1
	next.due = at.Add(min(time.Second<<min(s.failures, 10), maxRetry))
	return &next
}

// serves reports whether the keys may be relied on.
func (s *state) serves(now time.Time) bool { return s.set != nil && !reached(now, s.limit) }

// reached reports whether it is later than t by one of the two clocks a time has: the monotonic one stands still while
// a machine sleeps, the other one can be set back.
func reached(now, t time.Time) bool {
	return !now.Before(t) || !now.Round(0).Before(t.Round(0))
}

// ids are the kids of the keys that have one. A nil set has none.
func (s *Set) ids() []string {
	if s == nil {
		return nil
	}
	ids := make([]string, 0, len(s.keys))
	for _, p := range s.keys {
		if p.ID != "" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// Status is what an operator wants to know of a [Remote].
type Status struct {
	Source  string   // what it was made with: a URL or an issuer
	From    string   // the address the keys were fetched from; "" before the first time
	Keys    int      // how many there are
	KeyIDs  []string // the kids of those that have one
	Skipped []error  // why members of the set were left out

	Fetched     time.Time // when the keys were last fetched, or found unchanged; zero: never
	Tried       time.Time // when that was last tried
	Err         error     // how the last attempt ended; nil for success, and before the first. For operators only
	Failures    int       // failed attempts since the last success
	NextFetch   time.Time // from when on a use of the keys sets off a fetch; zero: the first one does
	StaleSince  time.Time // since when the keys are older than their publisher allows; zero: they are not
	UsableUntil time.Time // until when they are relied on if they cannot be fetched; zero: there are none
}

// Usable reports whether Find can answer at now without fetching.
func (s Status) Usable(now time.Time) bool { return now.Before(s.UsableUntil) }

// Status returns the state of the source. It fetches nothing.
func (r *Remote) Status() Status {
	s := r.state.Load()
	status := Status{
		Source: r.name, From: s.from, KeyIDs: s.set.ids(), Fetched: s.fetched, Tried: s.tried, Err: s.err,
		Failures: s.failures, NextFetch: s.due, UsableUntil: s.limit,
	}
	if s.set != nil {
		status.Keys, status.Skipped = len(s.set.keys), s.set.skipped
		if reached(time.Now(), s.expires) {
			status.StaleSince = s.expires
		}
	}
	return status
}
