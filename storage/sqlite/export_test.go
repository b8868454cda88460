package sqlite

import (
	"context"
	"database/sql"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/avouch-oauth/avouch/storage"
)

// OnWriter runs a statement on the connection that writes, to hurt it.
func (s *Store) OnWriter(statement string) error {
	return s.writes.use(context.Background(), func(w *session) error {
		return w.query(statement, nil, func(*sql.Rows) error { return nil })
	})
}

// HoldWriter keeps the connection that writes until release is called.
func (s *Store) HoldWriter() (release func()) {
	w := <-s.writes.free
	return func() { s.writes.free <- w }
}

// Sessions returns the identities of the connections that are open, to see whether one was replaced.
func (s *Store) Sessions() map[*sql.Conn]bool {
	m := map[*sql.Conn]bool{}
	for _, p := range []*pool{s.reads, s.writes} {
		var taken []*session
		for range cap(p.free) {
			taken = append(taken, <-p.free)
		}
		for _, session := range taken {
			if session.conn != nil {
				m[session.conn] = true
			}
			p.free <- session
		}
	}
	return m
}

// SetPatience sets how long a writer waits for another process.
func (s *Store) SetPatience(d time.Duration) {
	w := <-s.writes.free
	w.patience = d
	s.writes.free <- w
}

// SetTurnPatience sets how long a request waits for its turn to be spent.
func (s *Store) SetTurnPatience(d time.Duration) { s.committer.patience = d }

// Ask returns the one value of a query on the connection that writes.
func (s *Store) Ask(query string) (value string, err error) {
	err = s.writes.use(context.Background(), func(w *session) error {
		return w.query(query, nil, func(rows *sql.Rows) error { return rows.Scan(&value) })
	})
	return value, err
}

// HandleStatements are those that handles and revocations are read and swept by.
var HandleStatements = []string{findHandle, findRevocations(3), sweepHandles, sweepRevocations, lastOfPortion}

// LogStatements are those that a log is read and dropped by, and the index that each one uses.
func LogStatements() map[string]string {
	noon := time.Date(2041, 5, 17, 12, 0, 0, 0, time.UTC)
	statements := map[string]string{dropEntries: "log_time (kind=? AND time<?)"}
	for index, q := range map[string]storage.LogQuery{
		"log_number (kind=?)":                           {},
		"log_number (kind=? AND number<?)":              {Before: 9},
		"log_number (kind=? AND number>?)":              {After: 9, OldestFirst: true},
		"log_label0 (kind=? AND label0=?)":              {Labels: [3]string{"a"}},
		"log_label1 (kind=? AND label1=?)":              {Labels: [3]string{"a", "b", "c"}, Since: noon, Until: noon},
		"log_label2 (kind=? AND label2=? AND number>?)": {Labels: [3]string{"a", "", "c"}, Since: noon, After: 9},
		"log_time (kind=? AND time>? AND time<?)":       {Since: noon, Until: noon, OldestFirst: true},
		"log_time (kind=? AND time>?)":                  {Since: noon, Before: 9},
	} {
		statement, _ := findEntries(&q)
		statements[statement] = index
	}
	return statements
}

// Plan returns how SQLite would do a statement.
func (s *Store) Plan(statement string) (plan string, err error) {
	args := make([]any, strings.Count(statement, "?"))
	for i := range args {
		args[i] = 1
	}
	err = s.writes.use(context.Background(), func(w *session) error {
		return w.query("EXPLAIN QUERY PLAN "+statement, args, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan += detail + "\n"
			return err
		})
	})
	return plan, err
}

// MigrateTo makes a database as it was at a version, in a new file.
func MigrateTo(ctx context.Context, path string, version int64) error {
	if _, err := prepare(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", source(path, "_journal_mode=WAL"))
	if err != nil {
		return err
	}
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithVerbose(false))
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, version)
	return err
}

// OnFile runs statements on a database that no Store has open.
func OnFile(ctx context.Context, path string, statements ...string) error {
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
