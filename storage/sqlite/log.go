package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// Append implements [storage.Writer]. Transactions that write come one after the other, so numbers rise in the order of
// commits.
func (w *writer) Append(ctx context.Context, e *storage.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	var number int64
	const next = "INSERT INTO log_numbers (kind, last) VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last"
	if err := w.tx.row(ctx, next, []any{e.Kind}, &number); err != nil {
		return err
	}
	_, err := w.tx.exec("INSERT INTO log (kind, number, time, label0, label1, label2, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.Kind, number, e.Time.UnixMilli(), e.Labels[0], e.Labels[1], e.Labels[2], string(e.Data))
	if err != nil {
		return wrap(err)
	}
	e.Number = number
	return nil
}

// Log implements [storage.Reader].
func (r reader) Log(ctx context.Context, q storage.LogQuery) ([]*storage.Entry, error) {
	if q.Limit <= 0 {
		return nil, ctx.Err()
	}
	statement, args := findEntries(&q)
	var found []*storage.Entry
	err := r.read(ctx, statement, args, func(rows *sql.Rows) error {
		e := &storage.Entry{Kind: q.Kind}
		var ms int64
		var data string
		if err := rows.Scan(&e.Number, &ms, &e.Labels[0], &e.Labels[1], &e.Labels[2], &data); err != nil {
			return err
		}
		e.Time, e.Data = time.UnixMilli(ms).UTC(), json.RawMessage(data)
		found = append(found, e)
		return nil
	})
	return found, err
}

// Log implements [storage.Reader]. A process that reads a database which is no longer the one the others use would
// never see their entries, so that is an error.
func (s *Store) Log(ctx context.Context, q storage.LogQuery) ([]*storage.Entry, error) {
	if err := s.file.unchanged(); err != nil {
		return nil, err
	}
	return s.reader.Log(ctx, q)
}

// labelsBySelectivity are the labels in the order in which an index is chosen. The second one is an id in the logs that
// there are: few entries share it.
var labelsBySelectivity = [3]int{1, 2, 0}

// findEntries returns the statement for a query and its arguments. It names the index, because SQLite, which keeps no
// statistics here, would take the one by time for every query with a bound of time. With a label, the index of that
// label gives the order of numbers. With a bound of time alone, the entries are found by time, and their numbers sorted
// before any row is read.
func findEntries(q *storage.LogQuery) (statement string, args []any) {
	where, byLabel := []string{"kind = ?"}, -1
	args = append(args, q.Kind)
	add := func(condition string, arg any) {
		where, args = append(where, condition), append(args, arg)
	}
	for _, i := range labelsBySelectivity {
		if q.Labels[i] != "" {
			if byLabel < 0 {
				byLabel = i
			}
			add(fmt.Sprintf("label%d = ?", i), q.Labels[i])
		}
	}
	if !q.Since.IsZero() {
		add("time >= ?", millisecondAt(q.Since))
	}
	if !q.Until.IsZero() {
		add("time < ?", millisecondAt(q.Until))
	}
	byTime := byLabel < 0 && (!q.Since.IsZero() || !q.Until.IsZero())
	if q.After != 0 {
		add("number > ?", q.After)
	}
	if q.Before != 0 {
		add("number < ?", q.Before)
	}
	index, order := "log_number", "DESC"
	switch {
	case byLabel >= 0:
		index = fmt.Sprintf("log_label%d", byLabel)
	case byTime:
		index = "log_time"
	}
	if q.OldestFirst {
		order = "ASC"
	}
	numbers := fmt.Sprintf("FROM log INDEXED BY %s WHERE %s ORDER BY number %s LIMIT ?", index, strings.Join(where, " AND "), order)
	args = append(args, q.Limit)
	const columns = "SELECT number, time, label0, label1, label2, data "
	if !byTime {
		return columns + numbers, args
	}
	return columns + "FROM log WHERE kind = ? AND number IN (SELECT number " + numbers + ") ORDER BY number " + order, append([]any{q.Kind}, args...)
}

// millisecondAt is the first millisecond that is not before a time: entries have no finer times.
func millisecondAt(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

const dropEntries = "DELETE FROM log WHERE entry IN (SELECT entry FROM log INDEXED BY log_time WHERE kind = ? AND time < ? ORDER BY time LIMIT ?)"

// DropLog implements [storage.Store].
func (s *Store) DropLog(ctx context.Context, kind string, before time.Time) (dropped int64, err error) {
	for {
		var gone int64
		err := s.transaction(ctx, func(tx *transaction) (err error) {
			gone, err = tx.exec(dropEntries, kind, millisecondAt(before), sweepAtOnce)
			return wrap(err)
		})
		if err != nil {
			return dropped, err
		}
		if dropped += gone; gone < sweepAtOnce {
			return dropped, nil
		}
	}
}

// Revoke implements [storage.Writer].
func (w *writer) Revoke(ctx context.Context, _, until time.Time, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return wrap(w.tx.revoke(until, digestsOf(ids)))
}
