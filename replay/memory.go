package replay

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// Start is when the server that asks this guard began to. Zero means the time of the call of NewMemory.
	Start time.Time

	// Skew is how far the clocks of others may be behind ours: a use that says it was issued more than that before
	// Start is refused. Zero means 10 seconds.
	Skew time.Duration

	// Max is how many digests are kept at most; a use takes one, and one more where it has a holder. A digest takes
	// about 22 bytes. Zero means 2,097,152, which is 46 MB.
	Max int
}

// Memory is a [Guard] in the memory of one process. It is exact: it forgets nothing before its time, and returns
// [ErrFull] where it has no room left.
//
// Other processes do not see what it remembers, and a restart forgets it. So it refuses what carries an iat before its
// start, less the skew. What carries no iat at all it cannot place in time and accepts: after a restart, such an
// assertion can be used once more until it expires. The same is true of one that was used within the skew before the
// restart. Use a store where that matters, or where more than one process serves.
type Memory struct {
	oldest time.Time // what was issued before is refused
	max    int64
	secret [32]byte
	count  atomic.Int64 // digests in all shards
	next   atomic.Int64 // when the next table can be dropped, in seconds of Unix time
	shards [memoryShards]shard
}

// NewMemory returns a guard that has seen nothing yet.
func NewMemory(c MemoryConfig) *Memory {
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	if c.Skew <= 0 {
		c.Skew = 10 * time.Second
	}
	if c.Max <= 0 {
		c.Max = 1 << 21
	}
	m := &Memory{oldest: c.Start.Add(-c.Skew), max: int64(c.Max)}
	rand.Read(m.secret[:])
	m.next.Store(math.MaxInt64)
	return m
}

// errForgotten is returned for a use that would have to be kept in a table that is gone: now has run ahead, tables were
// dropped, and now is back at the right time.
var errForgotten = errors.New("replay: the clock was set back: what was used in the time before it has been forgotten; " +
	"requests pass again as soon as they carry newer assertions")

// FirstUse implements [Guard]. It returns [ErrFull] where the limit is reached.
func (m *Memory) FirstUse(ctx context.Context, now time.Time, uses ...Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.max == 0 {
		return errors.New("replay: this Memory was not made by NewMemory")
	}
	if now.Unix() >= m.next.Load() {
		m.drop(now.Unix())
	}

	var room [4]entry
	entries := room[:0]
	var locks shardSet
	for i := range uses {
		e, err := m.entry(&uses[i], now)
		if err != nil {
			return err
		}
		entries = append(entries, e)
		locks.add(e.shard)
	}

	locks.each(func(i int) { m.shards[i].mu.Lock() })
	defer locks.each(func(i int) { m.shards[i].mu.Unlock() })
	need := int64(0)
	for i := range entries {
		n, err := m.judge(entries[:i], &entries[i], &uses[i])
		if err != nil {
			return err
		}
		need += n
	}
	if m.count.Add(need) > m.max {
		m.count.Add(-need)
		return ErrFull
	}
	added := int64(0)
	for i := range entries {
		added += m.add(&entries[i])
	}
	m.count.Add(added - need) // fewer, where two uses of this call are the same
	return nil
}

// entry is what is kept of a use.
type entry struct {
	use, holder word // holder is zero where the use has none
	end         int64
	shard       int
	kept        bool // until end, or longer, by an earlier call of its holder
}

func (m *Memory) entry(u *Use, now time.Time) (entry, error) {
	end, err := u.SpanEnd(now)
	if err != nil {
		return entry{}, err
	}
	e := entry{use: u.Digest(&m.secret).word(), end: end.Unix()}
	if u.Holder != "" {
		e.holder = u.HolderDigest(&m.secret).word()
	}
	e.shard = int(e.use.lo % memoryShards) // hi places the word in its table
	return e, nil
}

// judge decides whether u may be used, with those before it in the same call, and returns how many digests that adds.
func (m *Memory) judge(before []entry, e *entry, u *Use) (int64, error) {
	s := &m.shards[e.shard]
	until, used := s.keeps(e.use)
	held := false
	if e.holder != (word{}) {
		_, held = s.keeps(e.holder)
	}
	for i := range before {
		used = used || before[i].use == e.use
		held = held || e.holder != (word{}) && before[i].holder == e.holder
	}
	switch {
	case used && !held:
		return 0, &ReplayedError{Use: *u}
	case !u.Issued.IsZero() && u.Issued.Before(m.oldest):
		return 0, &ReplayedError{Use: *u, BeforeStart: true}
	case s.hasDropped && !u.Until.After(time.Unix(s.dropped, 0)):
		return 0, errForgotten
	}
	// A holder who comes with a later end is kept in both tables.
	e.kept = used && until >= e.end
	switch {
	case e.kept:
		return 0, nil
	case e.holder != (word{}):
		return 2, nil
	}
	return 1, nil
}

// add keeps e until its end and returns how many digests that took.
func (m *Memory) add(e *entry) int64 {
	if e.kept {
		return 0
	}
	t := m.shards[e.shard].table(e.end, &m.next)
	n := t.n
	t.add(e.use)
	if e.holder != (word{}) {
		t.add(e.holder)
	}
	return int64(t.n - n)
}

// drop drops all tables that have ended.
func (m *Memory) drop(now int64) {
	m.next.Store(math.MaxInt64) // a table that another goroutine makes meanwhile lowers it again
	for i := range m.shards {
		m.count.Add(-m.shards[i].drop(now, &m.next))
	}
}

const memoryShards = 256

// shard holds the uses whose digests end in its number.
type shard struct {
	mu         sync.Mutex
	tables     []*table
	hasDropped bool
	dropped    int64    // the latest end of a table that was dropped
	_          [16]byte // a cache line of its own
}

// table holds what must be kept until end.
type table struct {
	end int64
	set
}

// keeps reports whether w is kept, and until when.
func (s *shard) keeps(w word) (until int64, ok bool) {
	for _, t := range s.tables {
		if (!ok || t.end > until) && t.has(w) {
			until, ok = t.end, true
		}
	}
	return until, ok
}

func (s *shard) table(end int64, next *atomic.Int64) *table {
	for _, t := range s.tables {
		if t.end == end {
			return t
		}
	}
	t := &table{end: end}
	s.tables = append(s.tables, t)
	lower(next, end)
	return t
}

func (s *shard) drop(now int64, next *atomic.Int64) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make([]*table, 0, len(s.tables))
	for _, t := range s.tables {
		if t.end > now {
			kept = append(kept, t)
			lower(next, t.end)
			continue
		}
		n += int64(t.n)
		if !s.hasDropped || t.end > s.dropped {
			s.hasDropped, s.dropped = true, t.end
		}
	}
	s.tables = kept
	return n
}

func lower(v *atomic.Int64, to int64) {
	for {
		old := v.Load()
		if old <= to || v.CompareAndSwap(old, to) {
			return
		}
	}
}

// shardSet is a set of shards. They are always locked in ascending order, so that no two calls wait for each other.
type shardSet [memoryShards / 64]uint64

func (s *shardSet) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *shardSet) each(f func(i int)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}
