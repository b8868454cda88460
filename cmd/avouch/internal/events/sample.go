package events

import "time"

// A refusal for which the caller has proved nothing gets a line if the bucket has something left: so many at once, and so
// many more a second.
const (
	sampleBurst     = 10
	samplePerSecond = 10
)

// summaryEvery is how often refusals without a line are reported, at most.
const summaryEvery = 10 * time.Second

// bucket is a token bucket. Its zero value is full.
type bucket struct {
	used float64
	at   time.Time
}

// take takes one, if there is one.
func (b *bucket) take(now time.Time) bool {
	if passed := now.Sub(b.at); passed > 0 { // a clock that was set back gives nothing and takes nothing
		b.used = max(0, b.used-passed.Seconds()*samplePerSecond)
	}
	b.at = now
	if b.used > sampleBurst-1 {
		return false
	}
	b.used++
	return true
}

// suppressed counts the refusals without a line since the last report.
type suppressed struct {
	sampled uint64    // left out on purpose
	noRoom  uint64    // for lack of room
	since   time.Time // the first of them; zero if there is none
}

// due returns how long to wait with the report: 0 if it is due, -1 if there is nothing to report.
func (s *suppressed) due(now time.Time) time.Duration {
	if s.since.IsZero() {
		return -1
	}
	return max(0, s.since.Add(summaryEvery).Sub(now))
}
