package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// FirstUse implements [replay.Guard]. The uses are on the disk when it returns nil.
func (s *Store) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The caller may give up, and use its slice for something else, while this is being spent.
	r := &request{uses: slices.Clone(uses), entries: make([]entry, len(uses)), done: make(chan error, 1)}
	for i := range uses {
		u, e := &r.uses[i], &r.entries[i]
		end, err := u.SpanEnd(now)
		if err != nil {
			return err
		}
		e.use, e.end = u.Digest(&s.secret), end.Unix()
		if u.Holder != "" {
			e.holder, e.held = u.HolderDigest(&s.secret), true
		}
	}
	return s.committer.do(ctx, r)
}

// entry is what is kept of a use.
type entry struct {
	use, holder replay.Digest
	held        bool // it has a holder
	end         int64
	kept        bool // until end, or longer, by an earlier call of its holder
}

// errForgotten is returned for a use that would have to be kept in a table that is gone: now has run ahead, tables were
// dropped, and now is back at the right time.
var errForgotten = errors.New("storage/sqlite: the clock was set back: what was used in the time before it has been " +
	"forgotten; requests pass again as soon as they carry newer assertions")

// atOnce is how many digests one statement takes.
const atOnce = 256

// memory is what the database knows of the digests of a batch.
type memory struct {
	kept    map[replay.Digest]int64 // until when
	spans   []int64
	dropped sql.NullInt64
	add     map[int64][]replay.Digest // by span
}

// spend judges the requests of a batch one after the other, as if each had a transaction of its own, and keeps what has
// passed. The transaction holds the lock of the database from its beginning: nobody else can have used anything between
// the look and the write. The errors are those of the requests; where spend itself fails, none has been spent.
func (tx *transaction) spend(batch []*request) error {
	m, err := tx.remember(batch)
	if err != nil {
		return err
	}
	for _, r := range batch {
		r.err = m.judge(r)
	}
	for end, digests := range m.add {
		if err := tx.keep(m.spans, end, digests); err != nil {
			return err
		}
	}
	return nil
}

// remember looks for the digests of a batch in all tables.
func (tx *transaction) remember(batch []*request) (*memory, error) {
	m := &memory{kept: map[replay.Digest]int64{}, add: map[int64][]replay.Digest{}}
	complete := false
	err := tx.query("SELECT m.dropped, s.ends FROM use_memory m LEFT JOIN use_spans s", nil, func(rows *sql.Rows) error {
		complete = true
		var end sql.NullInt64
		if err := rows.Scan(&m.dropped, &end); err != nil {
			return err
		}
		if end.Valid {
			m.spans = append(m.spans, end.Int64)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case !complete:
		return nil, errors.New("the database has lost its memory of uses")
	case len(m.spans) == 0:
		return m, nil
	}
	var wanted []replay.Digest
	for _, r := range batch {
		for i := range r.entries {
			e := &r.entries[i]
			wanted = append(wanted, e.use)
			if e.held {
				wanted = append(wanted, e.holder)
			}
		}
	}
	for portion := range slices.Chunk(wanted, atOnce) {
		args := arguments(portion)
		err := tx.query(lookup(m.spans, len(args)), args, func(rows *sql.Rows) error {
			var digest sql.RawBytes
			var end int64
			if err := rows.Scan(&digest, &end); err != nil {
				return err
			}
			if len(digest) != len(replay.Digest{}) {
				return fmt.Errorf("a digest of %d bytes in %s", len(digest), table(end))
			}
			d := replay.Digest(digest)
			m.kept[d] = max(m.kept[d], end)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// judge decides about a request, and notes what it adds where all its uses pass.
func (m *memory) judge(r *request) error {
	for i := range r.entries {
		if err := m.judgeUse(r.entries[:i], &r.entries[i], &r.uses[i]); err != nil {
			return err
		}
	}
	for i := range r.entries {
		e := &r.entries[i]
		if e.kept {
			continue
		}
		m.note(e.use, e.end)
		if e.held {
			m.note(e.holder, e.end)
		}
	}
	return nil
}

// judgeUse decides about one use, given those before it in the same request.
func (m *memory) judgeUse(before []entry, e *entry, u *replay.Use) error {
	until, used := m.kept[e.use]
	held := false
	if e.held {
		_, held = m.kept[e.holder]
	}
	for i := range before {
		used = used || before[i].use == e.use
		held = held || e.held && before[i].held && before[i].holder == e.holder
	}
	switch {
	case used && !held:
		return &replay.ReplayedError{Use: *u}
	case m.dropped.Valid && !u.Until.After(time.Unix(m.dropped.Int64, 0)):
		return errForgotten
	}
	e.kept = used && until >= e.end
	return nil
}

func (m *memory) note(d replay.Digest, end int64) {
	if slices.Contains(m.add[end], d) { // twice in one request
		return
	}
	m.add[end] = append(m.add[end], d)
	m.kept[d] = max(m.kept[d], end)
}

// keep writes new digests to the table of a span, which it makes where it is the first.
func (tx *transaction) keep(spans []int64, end int64, digests []replay.Digest) error {
	if !slices.Contains(spans, end) {
		if _, err := tx.exec("CREATE TABLE " + table(end) + " (digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID"); err != nil {
			return err
		}
		if _, err := tx.exec("INSERT INTO use_spans (ends) VALUES (?)", end); err != nil {
			return err
		}
	}
	slices.SortFunc(digests, func(a, b replay.Digest) int { return strings.Compare(string(a[:]), string(b[:])) })
	for portion := range slices.Chunk(digests, atOnce) {
		args := arguments(portion)
		// What stands twice among the arguments, to fill them up, is written once. What is there already was not seen
		// before, under the lock: that cannot be, and must not pass.
		written, err := tx.exec("INSERT OR IGNORE INTO "+table(end)+" (digest) VALUES (?)"+strings.Repeat(", (?)", len(args)-1), args...)
		if err != nil {
			return err
		}
		if written != int64(len(portion)) {
			return fmt.Errorf("%d of %d new digests were there already", int64(len(portion))-written, len(portion))
		}
	}
	return nil
}

func table(end int64) string {
	return "uses_" + strings.Replace(strconv.FormatInt(end, 10), "-", "m", 1)
}

// arguments returns digests as arguments. Their number is a power of two, so that there are few different statements;
// the last one fills up the rest.
func arguments(digests []replay.Digest) []any {
	args := make([]any, 1<<bits.Len(uint(len(digests)-1)))
	for i := range args {
		args[i] = digests[min(i, len(digests)-1)][:]
	}
	return args
}

// lookup is the statement that looks for n digests in all tables, and says until when each of them is kept.
func lookup(spans []int64, n int) string {
	var in strings.Builder
	for i := range n {
		if i > 0 {
			in.WriteByte(',')
		}
		in.WriteByte('?')
		in.WriteString(strconv.Itoa(i + 1))
	}
	var b strings.Builder
	for i, end := range spans {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		fmt.Fprintf(&b, "SELECT digest, %d FROM %s WHERE digest IN (%s)", end, table(end), in.String())
	}
	return b.String()
}

// Sweep implements [storage.Store].
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	if err := s.sweepUses(ctx, now); err != nil {
		return err
	}
	return s.sweepHandles(ctx, now)
}

// sweepUses drops the tables whose time is over, each in a transaction of its own.
func (s *Store) sweepUses(ctx context.Context, now time.Time) error {
	var over []int64
	err := s.read(ctx, "SELECT ends FROM use_spans WHERE ends <= ? ORDER BY ends", []any{now.Unix()}, func(rows *sql.Rows) error {
		var end int64
		if err := rows.Scan(&end); err != nil {
			return err
		}
		over = append(over, end)
		return nil
	})
	if err != nil {
		return err
	}
	for _, end := range over {
		if err := s.transaction(ctx, func(tx *transaction) error { return tx.drop(end) }); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) drop(end int64) error {
	gone, err := tx.exec("DELETE FROM use_spans WHERE ends = ?", end)
	if err != nil || gone == 0 { // another process was faster
		return wrap(err)
	}
	if _, err := tx.exec("UPDATE use_memory SET dropped = max(ifnull(dropped, ?1), ?1)", end); err != nil {
		return wrap(err)
	}
	_, err = tx.exec("DROP TABLE " + table(end))
	return wrap(err)
}
