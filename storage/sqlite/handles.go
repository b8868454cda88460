package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/storage"
)

var _ handle.Store = (*Store)(nil)

// PutHandle implements [handle.Store]. It shares a commit with others that come meanwhile, first uses too.
func (s *Store) PutHandle(ctx context.Context, now time.Time, record *handle.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := record.Check(now); err != nil {
		return err
	}
	// The caller may give up, and use its record for something else, while this is being written.
	own := *record
	own.Data = bytes.Clone(own.Data)
	revision := newRevision()
	err := s.committer.do(ctx, &request{done: make(chan error, 1), write: func(tx *transaction, r *request) (err error) {
		r.err, err = tx.putHandle(&own, revision)
		return err
	}})
	if err == nil {
		record.Revision = revision
	}
	return err
}

// newRevision returns a number that nothing had before. A counter would be one more page to write for each commit.
func newRevision() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:])>>1 | 1)
}

func (tx *transaction) putHandle(r *handle.Record, revision int64) (refused, err error) {
	expires, data := r.Expires.UnixMilli(), append([]byte{}, r.Data...) // nil would be NULL
	if r.Revision == 0 {
		_, err := tx.exec("INSERT INTO handles (kind, digest, revision, expires, data) VALUES (?, ?, ?, ?, ?)",
			r.Kind, r.Digest[:], revision, expires, data)
		if isUnique(err) {
			return handle.ErrExists, nil
		}
		return nil, err
	}
	written, err := tx.exec("UPDATE handles SET revision = ?, expires = ?, data = ? WHERE kind = ? AND digest = ? AND revision = ?",
		revision, expires, data, r.Kind, r.Digest[:], r.Revision)
	if err == nil && written == 0 {
		return handle.ErrConflict, nil
	}
	return nil, err
}

const findHandle = "SELECT revision, expires, data FROM handles WHERE kind = ? AND digest = ? AND expires > ?"

// Handle implements [handle.Store].
func (s *Store) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if err := s.file.unchanged(); err != nil {
		return nil, err
	}
	var found *handle.Record
	err := s.reads.read(ctx, findHandle, []any{kind, digest[:], now.UnixMilli()}, func(rows *sql.Rows) error {
		r := &handle.Record{Kind: kind, Digest: digest}
		var expires int64
		if err := rows.Scan(&r.Revision, &expires, &r.Data); err != nil {
			return err
		}
		r.Expires = time.UnixMilli(expires).UTC()
		found = r
		return nil
	})
	return found, err
}

// Revoke implements [handle.Store]. It shares a commit, as PutHandle does.
func (s *Store) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	digests := digestsOf(ids)
	return s.committer.do(ctx, &request{done: make(chan error, 1), write: func(tx *transaction, _ *request) error {
		return tx.revoke(until, digests)
	}})
}

// revoke keeps revocations up to the next millisecond after until: what is revoked never comes back earlier. An end that
// has passed is written too: the clock may be ahead.
func (tx *transaction) revoke(until time.Time, digests []any) error {
	end := millisecondAt(until)
	for _, d := range digests {
		_, err := tx.exec("INSERT INTO revocations (digest, until) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)", d, end)
		if err != nil {
			return err
		}
	}
	return nil
}

var errLostMemory = errors.New("storage/sqlite: the table handle_memory is empty: it is unknown which revocations were dropped")

// Revoked implements [handle.Store].
func (s *Store) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if err := s.file.unchanged(); err != nil {
		return false, err
	}
	if len(ids) == 0 {
		return false, ctx.Err()
	}
	var forgotten int64 // until when
	for portion := range slices.Chunk(digestsOf(ids), atOnce) {
		complete, revoked := false, false
		var dropped sql.NullInt64
		err := s.reads.read(ctx, findRevocations(len(portion)), append([]any{now.UnixMilli()}, portion...), func(rows *sql.Rows) error {
			complete = true
			return rows.Scan(&revoked, &dropped)
		})
		switch {
		case err != nil:
			return false, err
		case !complete:
			return false, errLostMemory
		case revoked:
			return true, nil
		}
		if dropped.Valid && dropped.Int64 > now.UnixMilli() {
			forgotten = dropped.Int64
		}
	}
	if forgotten != 0 {
		return false, fmt.Errorf("storage/sqlite: %w; it is known again from %s on", handle.ErrForgotten, time.UnixMilli(forgotten).UTC().Format(time.RFC3339))
	}
	return false, nil
}

// findRevocations returns the statement that looks for any of n digests, and for the latest end of what was dropped: one
// statement, so no sweep comes between the two. The + keeps SQLite from the index of ends: nearly all revocations that are
// there have not ended.
func findRevocations(n int) string {
	return "SELECT EXISTS (SELECT 1 FROM revocations WHERE +until > ? AND digest IN (?" + strings.Repeat(", ?", n-1) + ")), dropped FROM handle_memory WHERE one = 1"
}

// digestsOf are the ids as they are kept: of one length, whatever text somebody made of them.
func digestsOf(ids []string) []any {
	digests := make([]any, len(ids))
	for i, id := range ids {
		d := sha256.Sum256([]byte(id))
		digests[i] = d[:]
	}
	return digests
}

// sweepAtOnce is how many rows go in one transaction: first uses wait meanwhile.
const sweepAtOnce = 500

// The rows that have expired are the beginning of an index.
const (
	sweepHandles     = "DELETE FROM handles WHERE rowid IN (SELECT rowid FROM handles WHERE expires <= ? ORDER BY expires LIMIT ?)"
	sweepRevocations = "DELETE FROM revocations WHERE digest IN (SELECT digest FROM revocations WHERE until <= ? ORDER BY until LIMIT ?)"
	lastOfPortion    = "SELECT max(until) FROM (SELECT until FROM revocations WHERE until <= ? ORDER BY until LIMIT ?)"
)

// A clock that is years ahead for a moment must not cost the handles of everyone, and a revocation of a year that was
// dropped would be missed for a year. So nothing is dropped before the clock has run steadyFor without a jump.
const (
	steadyFor = 24 * time.Hour
	jump      = 48 * time.Hour // from one sweep to the next, ahead or back
)

// sweepHandles drops the handles that have expired, and the revocations that ended [handle.KeepRevoked] ago.
func (s *Store) sweepHandles(ctx context.Context, now time.Time) error {
	steady := false
	err := s.transaction(ctx, func(tx *transaction) (err error) {
		steady, err = tx.noteSweep(ctx, now)
		return wrap(err)
	})
	if err != nil || !steady {
		return err
	}
	err = s.portions(ctx, func(tx *transaction) (int64, error) {
		return tx.exec(sweepHandles, now.UnixMilli(), sweepAtOnce)
	})
	if err != nil {
		return err
	}
	ended := now.Add(-handle.KeepRevoked).UnixMilli()
	return s.portions(ctx, func(tx *transaction) (int64, error) {
		var last sql.NullInt64
		if err := tx.row(ctx, lastOfPortion, []any{ended, sweepAtOnce}, &last); err != nil || !last.Valid {
			return 0, err
		}
		if _, err := tx.exec("UPDATE handle_memory SET dropped = max(ifnull(dropped, ?1), ?1)", last.Int64); err != nil {
			return 0, err
		}
		return tx.exec(sweepRevocations, ended, sweepAtOnce)
	})
}

// portions calls f, each time in a transaction, until it drops fewer rows than go at once.
func (s *Store) portions(ctx context.Context, f func(tx *transaction) (dropped int64, err error)) error {
	for {
		var dropped int64
		err := s.transaction(ctx, func(tx *transaction) (err error) {
			dropped, err = f(tx)
			return wrap(err)
		})
		if err != nil || dropped < sweepAtOnce {
			return err
		}
	}
}

// noteSweep notes the time of a sweep, and reports whether the clock has run for steadyFor without a jump.
func (tx *transaction) noteSweep(ctx context.Context, now time.Time) (bool, error) {
	var swept, steady sql.NullInt64
	if err := tx.row(ctx, "SELECT swept, steady FROM handle_memory WHERE one = 1", nil, &swept, &steady); errors.Is(err, storage.ErrNotFound) {
		return false, errLostMemory
	} else if err != nil {
		return false, err
	}
	at := now.UnixMilli()
	if !swept.Valid || !steady.Valid || now.Sub(time.UnixMilli(swept.Int64)).Abs() > jump {
		steady = sql.NullInt64{Int64: at, Valid: true}
	}
	_, err := tx.exec("UPDATE handle_memory SET swept = ?, steady = ?", at, steady.Int64)
	return at-steady.Int64 >= steadyFor.Milliseconds(), err
}
