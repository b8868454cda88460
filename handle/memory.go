package handle

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"
)

// Memory is a [Store] in the memory of one process: for tests, and for programs whose users may be asked to sign in again
// after a restart. Make one with [NewMemory].
type Memory struct {
	mu      sync.Mutex
	max     int
	last    int64 // revision given last
	records map[place]*Record
	revoked map[string]time.Time
	dropped time.Time // the latest end of a revocation that was dropped
	sweepAt time.Time
}

type place struct {
	kind   string
	digest [32]byte
}

// ErrFull means that a bounded store holds as much as it may: it refuses rather than forget something early.
var ErrFull = errors.New("handle: memory is full")

// sweepEvery is how often a Memory looks for what has expired.
const sweepEvery = 10 * time.Second

// NewMemory returns an empty store of at most max records and as many revocations. Zero means 100,000. If there is no room
// for a revocation, those that have ended go before [KeepRevoked] has passed.
func NewMemory(max int) *Memory {
	if max <= 0 {
		max = 100_000
	}
	return &Memory{max: max, records: map[place]*Record{}, revoked: map[string]time.Time{}}
}

// PutHandle implements [Store]. It returns [ErrFull] where there is no room.
func (m *Memory) PutHandle(ctx context.Context, now time.Time, r *Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Check(now); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	at := place{r.Kind, r.Digest}
	switch there := m.records[at]; {
	case r.Revision == 0 && there != nil:
		return ErrExists
	case r.Revision != 0 && (there == nil || there.Revision != r.Revision):
		return ErrConflict
	case there == nil && len(m.records) >= m.max:
		return ErrFull
	}
	m.last++
	r.Revision = m.last
	m.records[at] = r.clone()
	return nil
}

// Handle implements [Store].
func (m *Memory) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[place{kind, digest}]
	if r == nil || !r.Expires.After(now) {
		return nil, nil
	}
	return r.clone(), nil
}

// Revoke implements [Store]. It returns [ErrFull] if there is no room.
func (m *Memory) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	if len(m.revoked)+len(ids) > m.max {
		m.drop(now)
	}
	if len(m.revoked)+len(ids) > m.max {
		return ErrFull
	}
	for _, id := range ids {
		if until.After(m.revoked[id]) {
			m.revoked[id] = until
		}
	}
	return nil
}

// Revoked implements [Store].
func (m *Memory) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if m.revoked[id].After(now) {
			return true, nil
		}
	}
	if len(ids) > 0 && m.dropped.After(now) {
		return false, ErrForgotten
	}
	return false, nil
}

// sweep forgets what has expired, at most every sweepEvery.
func (m *Memory) sweep(now time.Time) {
	if now.Before(m.sweepAt) && !now.Add(sweepEvery).Before(m.sweepAt) {
		return
	}
	m.sweepAt = now.Add(sweepEvery)
	for at, r := range m.records {
		if !r.Expires.After(now) {
			delete(m.records, at)
		}
	}
	m.drop(now.Add(-KeepRevoked))
}

// drop forgets the revocations that have ended at now, and remembers that it has.
func (m *Memory) drop(now time.Time) {
	for id, until := range m.revoked {
		if until.After(now) {
			continue
		}
		delete(m.revoked, id)
		if until.After(m.dropped) {
			m.dropped = until
		}
	}
}

func (r *Record) clone() *Record {
	c := *r
	c.Data = bytes.Clone(r.Data)
	return &c
}
