package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/handle"
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
	if !until.After(now) || len(ids) == 0 {
		return nil
	}
	digests := digestsOf(ids)
	return s.committer.do(ctx, &request{done: make(chan error, 1), write: func(tx *transaction, _ *request) error {
		return tx.revoke(until, digests)
	}})
}

// revoke keeps revocations up to the next millisecond after until: what is revoked never comes back earlier.
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

// Revoked implements [handle.Store].
func (s *Store) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if err := s.file.unchanged(); err != nil {
		return false, err
	}
	if len(ids) == 0 {
		return false, ctx.Err()
	}
	revoked := false
	for portion := range slices.Chunk(digestsOf(ids), atOnce) {
		err := s.reads.read(ctx, findRevocations(len(portion)), append([]any{now.UnixMilli()}, portion...), func(*sql.Rows) error { revoked = true; return nil })
		if err != nil || revoked {
			return revoked, err
		}
	}
	return false, nil
}

// findRevocations is the statement that looks for any of n digests. The + keeps SQLite from the index of ends: nearly all
// of what is there has not ended.
func findRevocations(n int) string {
	return "SELECT 1 FROM revocations WHERE +until > ? AND digest IN (?" + strings.Repeat(", ?", n-1) + ") LIMIT 1"
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
)

func (s *Store) sweepHandles(ctx context.Context, now time.Time) error {
	for _, statement := range []string{sweepHandles, sweepRevocations} {
		for more := true; more; {
			err := s.transaction(ctx, func(tx *transaction) error {
				gone, err := tx.exec(statement, now.UnixMilli(), sweepAtOnce)
				more = gone == sweepAtOnce
				return wrap(err)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
