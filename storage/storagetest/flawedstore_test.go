package storagetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

// stores returns a kind of store that is right but for one flaw.
func stores(flaw string) storagetest.Stores {
	return storagetest.Stores{
		Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "avouch.db") },
		Open: func(place string) (storage.Store, error) {
			s, err := sqlite.Open(context.Background(), place, sqlite.Options{Synchronous: sqlite.Normal})
			if err != nil {
				return nil, err
			}
			return &store{Store: s, flaw: flaw, guard: newGuard(""), handles: newHandles(""), asked: map[string]bool{}}, nil
		},
	}
}

type store struct {
	storage.Store
	flaw  string
	guard replay.Guard

	handles handle.Store

	appended atomic.Int64

	mu     sync.Mutex
	closed bool
	asked  map[string]bool

	swept atomic.Bool
}

func (s *store) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	switch s.flaw {
	case "has its handles in memory", "forgets handles at a restart":
		return s.handles.PutHandle(ctx, now, r)
	case "puts handles later":
		if r.Revision != 0 {
			break
		}
		err := s.handles.PutHandle(ctx, now, r)
		if err == nil {
			later := *r
			later.Revision = 0
			time.AfterFunc(50*time.Millisecond, func() { s.Store.PutHandle(context.Background(), now, &later) })
		}
		return err
	case "counts handles as changes":
		s.Store.Write(ctx, func(context.Context, storage.Writer) error { return nil })
	}
	return s.Store.PutHandle(ctx, now, r)
}

func (s *store) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	switch s.flaw {
	case "has its handles in memory", "forgets handles at a restart":
		return s.handles.Handle(ctx, now, kind, digest)
	}
	r, err := s.Store.Handle(ctx, now, kind, digest)
	if s.flaw == "finds nothing when it is closed" && s.isClosed() {
		err = nil
	}
	return r, err
}

func (s *store) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if s.flaw == "caches revocations" {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := strings.Join(ids, " ")
		if is, known := s.asked[key]; known {
			return is, nil
		}
		is, err := s.Store.Revoked(ctx, now, ids...)
		s.asked[key] = is
		return is, err
	}
	is, err := s.Store.Revoked(ctx, now, ids...)
	if s.flaw == "has its losses in memory" && errors.Is(err, handle.ErrForgotten) && !s.swept.Load() {
		err = nil
	}
	return is, err
}

func (s *store) Sweep(ctx context.Context, now time.Time) error {
	s.swept.Store(true)
	return s.Store.Sweep(ctx, now)
}

func (s *store) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	switch s.flaw {
	case "has its guard in memory", "forgets uses at a restart":
		return s.guard.FirstUse(ctx, now, uses...)
	case "answers before it writes":
		err := s.guard.FirstUse(ctx, now, uses...)
		if err == nil {
			time.AfterFunc(50*time.Millisecond, func() { s.Store.FirstUse(context.Background(), now, uses...) })
		}
		return err
	case "counts first uses as changes":
		s.Store.Write(ctx, func(context.Context, storage.Writer) error { return nil })
	}
	err := s.Store.FirstUse(ctx, now, uses...)
	if err != nil && s.isClosed() && s.flaw == "passes when it is closed" {
		return nil
	}
	return err
}

func (s *store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.Store.Close()
}

func (s *store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *store) Change(ctx context.Context) (int64, error) {
	n, err := s.Store.Change(ctx)
	switch {
	case s.flaw == "does not count changes":
		return 0, err
	case s.flaw == "says nothing when it is closed" && s.isClosed():
		return 0, nil
	}
	return n, err
}

func (s *store) View(ctx context.Context, f func(context.Context, storage.Reader) error) error {
	if s.flaw == "views what is there now" {
		return f(ctx, s)
	}
	return s.Store.View(ctx, f)
}

func (s *store) Client(ctx context.Context, id string) (*storage.Client, error) {
	if s.flaw == "finds by any case" {
		id = strings.ToLower(id)
	}
	c, err := s.Store.Client(ctx, id)
	if err == nil && s.flaw == "keeps seconds" {
		c.Updated = c.Updated.Truncate(time.Second)
	}
	return c, err
}

func (s *store) Clients(ctx context.Context, after string, limit int) ([]*storage.Client, error) {
	if s.flaw == "turns over too large a page" && limit > 100 {
		limit++
	}
	return s.Store.Clients(ctx, after, limit)
}

func (s *store) Issuer(ctx context.Context, name string) (*storage.Issuer, error) {
	i, err := s.Store.Issuer(ctx, name)
	if err == nil && s.flaw == "tidies JSON up" && len(i.JWKS) > 0 {
		var b bytes.Buffer
		json.Compact(&b, i.JWKS)
		i.JWKS = b.Bytes()
	}
	return i, err
}

func (s *store) Rule(ctx context.Context, name string) (*storage.Rule, error) {
	r, err := s.Store.Rule(ctx, name)
	switch {
	case s.flaw == "takes empty for nil" && err == nil && len(r.Scopes) == 0:
		r.Scopes = nil
	case s.flaw == "returns nil for nothing" && errors.Is(err, storage.ErrNotFound):
		return nil, nil
	}
	return r, err
}

func (s *store) Rules(ctx context.Context) ([]*storage.Rule, error) {
	rules, err := s.Store.Rules(ctx)
	if s.flaw == "lists backwards" {
		slices.Reverse(rules)
	}
	return rules, err
}

func (s *store) Write(ctx context.Context, f func(context.Context, storage.Writer) error) error {
	var failed error
	var later []*storage.Entry
	var revokes []func()
	err := s.Store.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		own := &writer{Writer: w, flaw: s.flaw, of: s}
		failed = f(ctx, own)
		later, revokes = own.later, own.revokes
		if s.flaw == "commits what has failed" {
			return nil
		}
		return failed
	})
	for _, revoke := range revokes {
		revoke()
	}
	if len(later) > 0 && (failed == nil || s.flaw == "appends whatever comes of it") {
		write := func() {
			s.Store.Write(context.Background(), func(ctx context.Context, w storage.Writer) error {
				for _, e := range later {
					own := *e
					w.Append(ctx, &own)
				}
				return nil
			})
		}
		if s.flaw == "appends later" {
			time.AfterFunc(50*time.Millisecond, write)
		} else {
			write()
		}
	}
	return errors.Join(err, failed)
}

func (s *store) Log(ctx context.Context, q storage.LogQuery) ([]*storage.Entry, error) {
	if s.flaw == "finds no entries when it is closed" && s.isClosed() {
		return nil, nil
	}
	return flawedLog(ctx, s.Store, s.flaw, q)
}

// flawedLog reads a log with a flaw.
func flawedLog(ctx context.Context, r storage.Reader, flaw string, q storage.LogQuery) ([]*storage.Entry, error) {
	switch flaw {
	case "looks for one label only":
		if q.Labels[1] != "" {
			q.Labels[0], q.Labels[2] = "", ""
		}
	case "ignores Until with a label":
		if q.Labels[0] != "" {
			q.Until = time.Time{}
		}
	case "leaves out what is as old as Since":
		if !q.Since.IsZero() {
			q.Since = q.Since.Add(time.Millisecond)
		}
	case "takes Until as the last":
		if !q.Until.IsZero() {
			q.Until = q.Until.Add(time.Millisecond)
		}
	case "takes After as the first":
		q.After = max(q.After-1, 0)
	case "lists one entry too many":
		if q.Limit > 0 {
			q.Limit++
		}
	case "lists everything without a limit":
		if q.Limit == 0 {
			q.Limit = 1000
		}
	}
	found, err := r.Log(ctx, q)
	switch flaw {
	case "sorts entries by time":
		slices.SortStableFunc(found, func(a, b *storage.Entry) int {
			if q.OldestFirst {
				return a.Time.Compare(b.Time)
			}
			return b.Time.Compare(a.Time)
		})
	case "tidies the data of entries up":
		for _, e := range found {
			var b bytes.Buffer
			json.Compact(&b, e.Data)
			e.Data = b.Bytes()
		}
	case "keeps seconds of entries":
		for _, e := range found {
			e.Time = e.Time.Truncate(time.Second)
		}
	}
	return found, err
}

func (s *store) DropLog(ctx context.Context, kind string, before time.Time) (int64, error) {
	switch s.flaw {
	case "drops one portion":
		found, err := s.Store.Log(ctx, storage.LogQuery{Kind: kind, Until: before, Limit: 1000, OldestFirst: true})
		if err == nil && len(found) == 1000 {
			before = found[500].Time
		}
	case "drops every log":
		s.Store.DropLog(ctx, "other", before)
	case "drops what is as old as that":
		before = before.Add(time.Millisecond)
	case "counts drops as changes":
		s.Store.Write(ctx, func(context.Context, storage.Writer) error { return nil })
	}
	dropped, err := s.Store.DropLog(ctx, kind, before)
	if s.flaw == "says nothing of what it drops" {
		dropped = 0
	}
	return dropped, err
}

type writer struct {
	storage.Writer
	flaw  string
	of    *store
	later []*storage.Entry // what is appended after the transaction

	revokes []func() // what is revoked after it
}

func (w *writer) Append(ctx context.Context, e *storage.Entry) error {
	switch w.flaw {
	case "appends later", "appends whatever comes of it":
		if err := e.Check(); err != nil {
			return err
		}
		w.later = append(w.later, e)
		return nil
	case "numbers the whole store":
		own := *e
		own.Kind = "all"
		if err := w.Writer.Append(ctx, &own); err != nil {
			return err
		}
		defer func() { e.Number = own.Number }()
	case "gives numbers again":
		left, err := w.Writer.Log(ctx, storage.LogQuery{Kind: e.Kind, Limit: 1})
		if err != nil {
			return err
		}
		defer func() {
			if e.Number = 1; len(left) > 0 {
				e.Number = left[0].Number + 1
			}
		}()
	case "counts what was rolled back":
		defer func() { e.Number = w.of.appended.Add(1) }()
	case "folds the case of labels":
		for i := range e.Labels {
			e.Labels[i] = strings.ToLower(e.Labels[i])
		}
	case "takes any text for a label":
		own := *e
		for i := range own.Labels {
			own.Labels[i] = strings.ToValidUTF8(strings.ReplaceAll(own.Labels[i], "\x00", ""), "")
		}
		err := w.Writer.Append(ctx, &own)
		e.Number = own.Number
		return err
	}
	return w.Writer.Append(ctx, e)
}

func (w *writer) Log(ctx context.Context, q storage.LogQuery) ([]*storage.Entry, error) {
	return flawedLog(ctx, w.Writer, w.flaw, q)
}

func (w *writer) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	switch w.flaw {
	case "forgets revocations in transactions":
		return nil
	case "revokes whatever comes of it":
		w.revokes = append(w.revokes, func() { w.of.Store.Revoke(context.Background(), now, until, ids...) })
		return nil
	case "revokes until the end of time":
		until = until.Add(1000 * time.Hour)
	}
	return w.Writer.Revoke(ctx, now, until, ids...)
}

func (w *writer) PutRule(ctx context.Context, r *storage.Rule) error {
	if w.flaw == "ignores revisions" {
		if old, err := w.Rule(ctx, r.Name); err == nil {
			r.Revision = old.Revision
		}
	}
	return w.Writer.PutRule(ctx, r)
}

func (w *writer) PutClient(ctx context.Context, c *storage.Client) error {
	if w.flaw == "turns LastUsed back" && c.Revision != 0 {
		if err := w.DeleteClient(ctx, c.ID); err != nil {
			return err
		}
		c.Revision = 0
	}
	return w.Writer.PutClient(ctx, c)
}
