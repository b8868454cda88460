package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// transaction is a session between BEGIN and COMMIT.
type transaction struct {
	*session
}

// pollEvery is how often a writer asks whether the lock is free. SQLite itself would ask ten times a second after a
// while, and miss the gaps that a busy server leaves, see committer.
const pollEvery = 500 * time.Microsecond

// transaction runs f in a transaction that may write, when its turn has come. What f returns undoes everything.
func (s *Store) transaction(ctx context.Context, f func(tx *transaction) error) error {
	return s.writes.use(ctx, func(w *session) error {
		if err := s.file.unchanged(); err != nil {
			return err
		}
		return w.write(ctx, f)
	})
}

func (s *session) write(ctx context.Context, f func(tx *transaction) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	committed := false
	defer func() { // also where f panics
		if !committed {
			if _, err := s.exec("ROLLBACK"); err != nil {
				s.discard() // SQLite has given up by itself, and we do not know how far
			}
		}
	}()
	if err := f(&transaction{s}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.exec("COMMIT"); err != nil {
		s.discard()
		committed = true // or not: nobody knows, and there is nothing left to undo
		return wrap(err)
	}
	committed = true
	return nil
}

// begin takes the lock of the database, for which it waits until ctx ends, or its patience does.
func (s *session) begin(ctx context.Context) error {
	deadline := time.Now().Add(s.patience)
	for {
		_, err := s.exec("BEGIN IMMEDIATE")
		switch {
		case err == nil:
			return nil
		case !isBusy(err):
			s.discard()
			return wrap(err)
		case time.Now().After(deadline):
			return fmt.Errorf("storage/sqlite: another process has been writing to the database for %s: %w", s.patience, err)
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// row scans the one row of a query. It returns storage.ErrNotFound where there is none.
func (s *session) row(ctx context.Context, query string, args []any, into ...any) error {
	return oneRow(ctx, s, query, args, into)
}

// querier is where reads go: to a session in a transaction, or to any that is free.
type querier interface {
	read(ctx context.Context, query string, args []any, scan func(rows *sql.Rows) error) error
}

// read reads in a transaction. It gives up between statements.
func (s *session) read(ctx context.Context, query string, args []any, scan func(rows *sql.Rows) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return wrap(s.query(query, args, scan))
}

func (p *pool) read(ctx context.Context, query string, args []any, scan func(rows *sql.Rows) error) error {
	return p.use(ctx, func(s *session) error {
		err := s.read(ctx, query, args, scan)
		if code(err) != 0 {
			s.discard()
		}
		return err
	})
}

func oneRow(ctx context.Context, q querier, query string, args []any, into []any) error {
	found := false
	err := q.read(ctx, query, args, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(into...)
	})
	if err == nil && !found {
		return storage.ErrNotFound
	}
	return err
}
