package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
)

// Config is the configuration of a [Sink].
type Config struct {
	To     string       // "stdout", or the path of a file
	Lines  int          // how many lines wait at most
	Stdout io.Writer    // standard output; used only if To names it
	Log    *slog.Logger // gets the beginning and the end of trouble; required
}

// bytesPerLine is how many bytes the buffer has for each of its lines. Most lines are shorter than this.
const bytesPerLine = 2 << 10

// fewest is the least number of lines of a buffer, so that some of the longest lines fit into a fourth of it.
const fewest = 64

// Shares of the buffer up to which refusals may fill it; the rest is for tokens.
const (
	shareUnproven = 4 // a fourth
	shareProven   = 2 // a half
	shareAll      = 1
)

// Errors of [Sink.Reserve].
var (
	errFull   = errors.New("events: the buffer is full, because events are not written as fast as they come")
	errClosed = errors.New("events: the server is shutting down")
)

// Sink writes events. It is safe for concurrent use. Make one with [Open], and end it with [Sink.Close].
type Sink struct {
	out   output
	to    string // for the log
	log   *slog.Logger
	lines int // of the buffer
	bytes int

	wake    chan struct{} // wakes the writer, because there is something to do
	hurry   chan struct{} // closed when the end has come: no more waiting between tries
	stop    chan struct{} // closed when the time for the end is over
	stopped chan struct{} // closed when the writer has ended

	buffers sync.Pool // of *[]byte, to make lines in

	mu       sync.Mutex
	pending  []byte // lines that wait for the writer
	waiting  int    // how many lines wait, those that are being written included
	size     int    // their bytes
	reserved int    // places promised by Reserve and not used yet
	bucket   bucket
	unsaid   suppressed
	full     bool // Reserve has refused, and the buffer has not been half empty since
	closing  bool // Reserve refuses
	over     bool // nothing is written any more
	failing  bool // the last try to write has failed
	count    Stats
}

// Stats are figures of a sink. Those that count only rise.
type Stats struct {
	Written       uint64 // lines that were written
	Sampled       uint64 // refusals left out because the caller had proved nothing, and there were many
	NoRoom        uint64 // refusals left out for lack of room
	TokensRefused uint64 // requests refused by Reserve for lack of room
	Lost          uint64 // lines that can never be written any more

	Used, Free int  // places that are taken, and how many more Reserve would give now
	Failing    bool // the last try to write has failed
}

// Open opens the output and starts the writer.
func Open(c Config) (*Sink, error) {
	out, err := openOutput(c)
	if err != nil {
		return nil, fmt.Errorf("events.to: %w", err)
	}
	return start(out, c), nil
}

func start(out output, c Config) *Sink {
	lines := max(c.Lines, fewest)
	s := &Sink{
		out: out, to: c.To, log: c.Log, lines: lines, bytes: lines * bytesPerLine,
		wake: make(chan struct{}, 1), hurry: make(chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.buffers.New = func() any { b := make([]byte, 0, 1<<10); return &b }
	go s.run()
	return s
}

// Reserve takes a place for the event of a token request. It is an avouch.Config.Reserve: if it returns nil, Observe gets
// an event that has Reserved set, and uses the place.
func (s *Sink) Reserve(context.Context) error {
	s.mu.Lock()
	if !s.closing && s.fits(maxLine, shareAll) {
		s.reserved++
		s.mu.Unlock()
		return nil
	}
	if s.closing {
		s.mu.Unlock()
		return errClosed
	}
	s.count.TokensRefused++
	first := !s.full
	s.full = true
	s.mu.Unlock()
	if first {
		s.log.Error("there is no room for events: token requests are refused until events are written again", "to", s.to)
	}
	return errFull
}

// fits reports whether another line of n bytes fits into a share of the buffer, beside what waits and what was promised.
func (s *Sink) fits(n, share int) bool {
	return s.waiting+s.reserved+1 <= s.lines/share && s.size+s.reserved*maxLine+n <= s.bytes/share
}

// Observe writes the event, if it gets a line. It is an avouch.Config.Observe.
func (s *Sink) Observe(_ context.Context, e avouch.Event) {
	refusal := isRefusal(&e)
	switch {
	case refusal && e.Reserved, !refusal && e.Err == nil && e.Endpoint == "token":
		s.write(&e, refusal, shareAll)
	case refusal && e.Reused:
		s.write(&e, refusal, shareAll) // too rare and too grave to be left out
	case refusal && proven(&e):
		s.write(&e, refusal, shareProven)
	case refusal:
		if s.sample(time.Now()) {
			s.write(&e, refusal, shareUnproven)
		}
	case e.Reserved:
		s.giveBack()
	}
}

// sample reports whether a refusal for which nothing was proved gets a line, and counts it otherwise.
func (s *Sink) sample(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.fits(0, shareUnproven): // and nothing is taken from the bucket, nor is a line made
		s.suppress(now, &s.unsaid.noRoom, &s.count.NoRoom)
		return false
	case !s.bucket.take(now):
		s.suppress(now, &s.unsaid.sampled, &s.count.Sampled)
		return false
	}
	return true
}

func (s *Sink) suppress(now time.Time, unsaid, total *uint64) {
	*unsaid++
	*total++
	if s.unsaid.since.IsZero() {
		s.unsaid.since = now
		s.signal()
	}
}

// write makes the line of an event and puts it into the buffer.
func (s *Sink) write(e *avouch.Event, isRefusal bool, share int) {
	buffer, _ := s.buffers.Get().(*[]byte)
	b := (*buffer)[:0]
	if isRefusal {
		r := readRefusal(e)
		b = appendEvent(b, e, &r)
	} else {
		b = appendEvent(b, e, nil)
	}
	if !s.put(b, e.Reserved, isRefusal, share) {
		s.log.Error("an event could not be written and is lost", "refusal_id", e.RefusalID, "jti", e.TokenID)
	}
	*buffer = b
	s.buffers.Put(buffer)
}

// put puts a line into the buffer. It returns false if the line is lost.
func (s *Sink) put(line []byte, reserved, isRefusal bool, share int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fits := reserved || s.fits(len(line), share)
	if reserved {
		s.reserved--
	}
	switch {
	case s.over:
		s.count.Lost++
		return false
	case fits:
		s.pending = append(s.pending, line...)
		s.waiting++
		s.size += len(line)
		s.signal()
		return true
	case isRefusal:
		s.suppress(time.Now(), &s.unsaid.noRoom, &s.count.NoRoom)
		return true
	}
	s.count.Lost++ // a token without a place, which no server with Reserve makes
	return false
}

// giveBack gives back a place for which there is no line.
func (s *Sink) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved--
	s.signal()
}

// signal wakes the writer.
func (s *Sink) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Ready returns nil while there is room for the events of tokens.
func (s *Sink) Ready(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fits(maxLine, shareAll) {
		return errFull
	}
	return nil
}

// Stats returns the figures of this moment.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.count
	stats.Used = s.waiting + s.reserved
	stats.Free = max(0, min(s.lines-stats.Used, (s.bytes-s.size-s.reserved*maxLine)/maxLine))
	stats.Failing = s.failing
	return stats
}

// Close ends the sink once everything is written, or the limit has passed. No request should be under way: the place of
// one that is counts as a line to wait for. It returns an error if lines were lost.
func (s *Sink) Close(limit time.Duration) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	s.mu.Unlock()
	s.signal()
	close(s.hurry)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.stopped:
		return s.out.Close()
	case <-timer.C:
	}
	s.mu.Lock()
	s.over = true
	lost := s.waiting
	s.count.Lost += uint64(lost)
	s.mu.Unlock()
	close(s.stop)
	err := s.out.Close() // and a write that waits ends, if it can be ended
	if lost == 0 {
		return err
	}
	return errors.Join(fmt.Errorf("events lost: %d, which could not be written to %s within %s", lost, s.to, limit), err)
}
