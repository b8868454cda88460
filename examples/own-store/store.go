package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
)

const schema = `
CREATE TABLE IF NOT EXISTS handles (kind TEXT, digest BLOB, data BLOB, expires INTEGER, revision INTEGER, PRIMARY KEY (kind, digest));
CREATE TABLE IF NOT EXISTS revoked (id BLOB PRIMARY KEY, until INTEGER);
CREATE TABLE IF NOT EXISTS uses (digest BLOB PRIMARY KEY, holder BLOB, until INTEGER);
CREATE TABLE IF NOT EXISTS memory (id INTEGER PRIMARY KEY, secret BLOB, swept INTEGER, dropped INTEGER);
CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, disabled INTEGER, jwks BLOB, grants TEXT, scopes TEXT);
CREATE INDEX IF NOT EXISTS handles_expires ON handles (expires);
CREATE INDEX IF NOT EXISTS revoked_until ON revoked (until); CREATE INDEX IF NOT EXISTS uses_until ON uses (until);
INSERT OR IGNORE INTO memory VALUES (1, randomblob(32), -9223372036854775808, -9223372036854775808);
`

// Store keeps everything in one SQLite database: it is a handle.Store, a replay.Guard and an avouch.Clients.
type Store struct {
	db     *sql.DB
	secret [32]byte // keys the digests of uses
}

// NewStore makes its tables in a database that has none yet.
func NewStore(ctx context.Context, db *sql.DB) (*Store, error) {
	s, secret := &Store{db: db}, []byte(nil)
	err := db.QueryRowContext(ctx, schema+`SELECT secret FROM memory`).Scan(&secret)
	copy(s.secret[:], secret)
	return s, err
}

func (s *Store) Close() error { return s.db.Close() }

// PutHandle implements handle.Store. One statement does it, so of two callers one wins.
func (s *Store) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if err := r.Check(now); err != nil {
		return err
	}
	statement, lost := `INSERT INTO handles (data, expires, kind, digest, revision) VALUES (?, ?, ?, ?, ? + 1) ON CONFLICT DO NOTHING`, handle.ErrExists
	if r.Revision != 0 {
		statement, lost = `UPDATE handles SET data = ?, expires = ?, revision = revision + 1 WHERE kind = ? AND digest = ? AND revision = ?`, handle.ErrConflict
	}
	err := s.db.QueryRowContext(ctx, statement+` RETURNING revision`, r.Data, r.Expires.UnixMilli(), r.Kind, r.Digest[:], r.Revision).Scan(&r.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		return lost
	}
	return err
}

// Handle implements handle.Store.
func (s *Store) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	r, expires := &handle.Record{Kind: kind, Digest: digest}, int64(0)
	err := s.db.QueryRowContext(ctx, `SELECT data, expires, revision FROM handles WHERE kind = ? AND digest = ? AND expires > ?`,
		kind, digest[:], now.UnixMilli()).Scan(&r.Data, &expires, &r.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil // there is none: that is no error
	}
	r.Expires = time.UnixMilli(expires)
	return r, err
}

// Revoke implements handle.Store: all of the ids or none, and the latest time counts.
func (s *Store) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	return s.all(ctx, len(ids), func(tx *sql.Tx, i int) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO revoked VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET until = max(until, ?2)`,
			[]byte(ids[i]), until.UnixMilli())
		return err
	})
}

// Revoked implements handle.Store.
func (s *Store) Revoked(ctx context.Context, now time.Time, ids ...string) (found bool, err error) {
	dropped := false // a revocation that would be in force now
	for i := 0; i < len(ids) && !found && err == nil; i++ {
		err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM revoked WHERE id = ?1 AND until > ?2), dropped > ?2 FROM memory`,
			[]byte(ids[i]), now.UnixMilli()).Scan(&found, &dropped)
	}
	if err == nil && !found && dropped {
		err = handle.ErrForgotten
	}
	return found, err
}

// FirstUse implements replay.Guard: all of the uses or none. Who holds one may come again; "" holds nothing.
func (s *Store) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	return s.all(ctx, len(uses), func(tx *sql.Tx, i int) error {
		u, swept := uses[i], int64(0)
		if _, err := u.SpanEnd(now); err != nil { // it is over already, or endless
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT swept FROM memory`).Scan(&swept); err != nil {
			return err
		}
		if u.Until.UnixMilli() <= swept {
			return errors.New("store: the clock was set back, to when uses have been forgotten already")
		}
		digest, holder := u.Digest(&s.secret), u.HolderDigest(&s.secret)
		err := tx.QueryRowContext(ctx, `INSERT INTO uses VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO UPDATE
			SET until = max(until, ?3) WHERE holder = ?2 AND ?4 RETURNING 0`,
			digest[:], holder[:], u.Until.UnixMilli()+1, u.Holder != "").Scan(new(int))
		if errors.Is(err, sql.ErrNoRows) { // there is one, and it is not his
			return &replay.ReplayedError{Use: u}
		}
		return err
	})
}

// Client implements avouch.Clients.
func (s *Store) Client(ctx context.Context, id string) (*avouch.Client, error) {
	c, jwks, grants, scopes := &avouch.Client{ID: id}, []byte(nil), "", ""
	err := s.db.QueryRowContext(ctx, `SELECT disabled, jwks, grants, scopes FROM clients WHERE id = ?`, id).Scan(&c.Disabled, &jwks, &grants, &scopes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err == nil {
		c.Keys, err = keys.ParseSet(jwks)
	}
	c.Grants, c.Scopes = strings.Fields(grants), strings.Fields(scopes)
	return c, err
}

// Sweep forgets what has expired, and remembers that. Call it every few minutes, outside of requests.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	statements := []string{`UPDATE memory SET swept = max(swept, ?1), dropped = max(dropped, ifnull((SELECT max(until) FROM revoked WHERE until <= ?2), dropped))`,
		`DELETE FROM uses WHERE until <= ?1`, `DELETE FROM handles WHERE expires <= ?1`, `DELETE FROM revoked WHERE until <= ?2`}
	return s.all(ctx, len(statements), func(tx *sql.Tx, i int) error {
		_, err := tx.ExecContext(ctx, statements[i], now.UnixMilli(), now.Add(-handle.KeepRevoked).UnixMilli())
		return err
	})
}

// all does n things in one transaction, or none where one fails. They end with ctx, and say so: not the transaction.
func (s *Store) all(ctx context.Context, n int, do func(tx *sql.Tx, i int) error) error {
	tx, err := s.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // which does nothing after Commit
	for i := 0; i < n && err == nil; i++ {
		err = do(tx, i)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}
