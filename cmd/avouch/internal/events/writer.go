package events

import (
	"bytes"
	"io"
	"time"
)

// output is what lines are written to. Only the writer calls Ready and Write; Close may be called at any time.
type output interface {
	// Ready makes the output ready to be written to. anew reports that it is not the one of the last call, so that a line
	// that was begun there must be written again from its beginning.
	Ready(now time.Time) (anew bool, err error)
	Write(p []byte) (int, error)
	Close() error
}

// Waiting times between tries to write.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

// maxWrite is how many bytes are written at once, so that what is written is known, and its places are free again.
const maxWrite = 64 << 10

// maxKept is the largest buffer that is kept although most of it was not needed.
const maxKept = 1 << 20

// run is the writer. It ends when the sink is closing and everything is written, or when the time for that is over.
func (s *Sink) run() {
	defer close(s.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var b batch
	for b.take(s, timer) {
		var failing time.Time // since when
		for delay := firstRetry; !b.empty(); {
			err := b.write(s.out, time.Now())
			s.written(&b, err)
			if err == nil {
				delay = firstRetry
				continue
			}
			if failing.IsZero() {
				failing = time.Now()
				s.log.Error("events cannot be written; they are kept and tried again", "to", s.to, "error", err)
			}
			if !s.pause(delay) {
				return
			}
			delay = min(2*delay, lastRetry)
		}
		if !failing.IsZero() {
			s.log.Info("events are written again", "to", s.to, "after", time.Since(failing).Round(time.Millisecond))
		}
	}
}

// pause waits between two tries. It returns false if the time for the end is over.
func (s *Sink) pause(d time.Duration) bool {
	hurry := s.hurry
	select {
	case <-hurry:
		hurry, d = nil, firstRetry
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hurry:
	case <-s.stop:
		return false
	}
	return true
}

// batch is what the writer writes. Its places stay taken until a line is written whole.
type batch struct {
	lines []byte
	done  int // bytes that are written
	freed int // bytes of lines that are written whole, and whose places have been given back
}

func (b *batch) empty() bool { return b.done == len(b.lines) }

// take waits for lines. It returns false when the sink is closing and there will be no more.
func (b *batch) take(s *Sink, timer *time.Timer) bool {
	spare := b.lines[:0]
	if cap(spare) > max(maxKept, 4*len(b.lines)) {
		spare = nil
	}
	for {
		s.mu.Lock()
		if s.over { // the time for the end is over
			s.mu.Unlock()
			return false
		}
		now := time.Now()
		last := s.closing && s.reserved == 0
		due := s.unsaid.due(now)
		if due == 0 || due > 0 && last && len(s.pending) == 0 {
			if due = time.Second; s.report(now) {
				due = -1
			}
		}
		if len(s.pending) > 0 {
			*b = batch{lines: s.pending}
			s.pending = spare
			s.mu.Unlock()
			return true
		}
		if last {
			s.over = true
			s.mu.Unlock()
			return false
		}
		s.mu.Unlock()
		if due < 0 {
			due = time.Hour
		}
		timer.Reset(due)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.stop:
			return false
		}
	}
}

// report puts the line about suppressed refusals into the buffer, if it fits.
func (s *Sink) report(now time.Time) bool {
	if !s.fits(maxLine, shareAll) {
		return false
	}
	before := len(s.pending)
	s.pending = appendSummary(s.pending, now, &s.unsaid)
	s.waiting++
	s.size += len(s.pending) - before
	s.unsaid = suppressed{}
	return true
}

// write writes the next lines.
func (b *batch) write(out output, now time.Time) error {
	anew, err := out.Ready(now)
	if err != nil {
		return err
	}
	if anew {
		b.done = b.freed
	}
	next := b.lines[b.done:]
	if len(next) > maxWrite {
		next = next[:bytes.LastIndexByte(next[:maxWrite], '\n')+1]
	}
	n, err := out.Write(next)
	b.done += max(0, min(n, len(next)))
	if err == nil && n < len(next) {
		err = io.ErrShortWrite
	}
	return err
}

// written gives back the places of the lines that are written, and notes whether writing fails.
func (s *Sink) written(b *batch, err error) {
	whole := b.lines[b.freed:b.done]
	whole = whole[:bytes.LastIndexByte(whole, '\n')+1]
	n := bytes.Count(whole, []byte{'\n'})
	b.freed += len(whole)
	s.mu.Lock()
	s.waiting -= n
	s.size -= len(whole)
	s.count.Written += uint64(n)
	s.failing = err != nil
	drained := s.full && s.fits(maxLine, shareProven)
	if drained {
		s.full = false
	}
	refused := s.count.TokensRefused
	s.mu.Unlock()
	if drained {
		s.log.Info("there is room for events again", "to", s.to, "refused_so_far", refused)
	}
}
