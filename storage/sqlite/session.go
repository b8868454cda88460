package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// session is one connection with its prepared statements. It is used by one goroutine at a time.
//
// No statement is ever given a context that can end: SQLite would be interrupted, and the driver throws a connection
// away that was interrupted, so that clients who hang up could keep a server busy with opening connections. Statements
// here are short; what is worth giving up is the wait for a turn, in pool.use and begin.
type session struct {
	db         *sql.DB
	conn       *sql.Conn // nil before the first use and after a failure
	statements map[string]*sql.Stmt
	patience   time.Duration // how long begin waits for another process
}

// maxStatements is where a session forgets its statements and begins anew. Names of tables change with time.
const maxStatements = 200

func (s *session) prepare(query string) (*sql.Stmt, error) {
	if st, ok := s.statements[query]; ok {
		return st, nil
	}
	if s.conn == nil {
		conn, err := s.db.Conn(context.Background())
		if err != nil {
			return nil, err
		}
		s.conn, s.statements = conn, map[string]*sql.Stmt{}
	}
	if len(s.statements) >= maxStatements {
		for _, st := range s.statements {
			st.Close()
		}
		clear(s.statements)
	}
	st, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.statements[query] = st
	return st, nil
}

func (s *session) exec(query string, args ...any) (rows int64, err error) {
	st, err := s.prepare(query) //nolint:sqlclosecheck // it is kept for the next time
	if err != nil {
		return 0, err
	}
	r, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query calls scan for each row.
func (s *session) query(query string, args []any, scan func(rows *sql.Rows) error) error {
	st, err := s.prepare(query) //nolint:sqlclosecheck // it is kept for the next time
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// discard closes the connection. The next use opens another one.
func (s *session) discard() {
	if s.conn == nil {
		return
	}
	for _, st := range s.statements {
		st.Close()
	}
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // so that the pool gives it to nobody else
	s.conn.Close()
	s.conn, s.statements = nil, nil
}

// pool is a fixed number of sessions.
type pool struct {
	db   *sql.DB
	free chan *session
	done chan struct{}
}

func newPool(n int, source string) *pool {
	db, err := sql.Open("sqlite", source)
	if err != nil {
		panic(err) // the driver is not registered: it is imported above
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	p := &pool{db: db, free: make(chan *session, n), done: make(chan struct{})}
	for range n {
		p.free <- &session{db: db, patience: busyTimeout}
	}
	return p
}

// use waits for a session, until ctx ends, and gives it to f.
func (p *pool) use(ctx context.Context, f func(s *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-p.done:
		return errClosed
	default:
	}
	select {
	case s := <-p.free:
		defer func() { p.free <- s }()
		select {
		case <-p.done:
			return errClosed
		default:
		}
		return f(s)
	case <-p.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for those who use a session, and closes all of them.
func (p *pool) close() error {
	close(p.done)
	for range cap(p.free) {
		s := <-p.free
		for _, st := range s.statements {
			st.Close()
		}
		if s.conn != nil {
			s.conn.Close()
		}
	}
	return p.db.Close()
}

// code returns the result code of SQLite in err, or 0.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

func isBusy(err error) bool { return code(err)&0xff == sqlite3.SQLITE_BUSY }

func isUnique(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || c == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("storage/sqlite: %w", err)
}
