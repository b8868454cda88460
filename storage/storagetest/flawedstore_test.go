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
	err := s.Store.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		failed = f(ctx, &writer{Writer: w, flaw: s.flaw})
		if s.flaw == "commits what has failed" {
			return nil
		}
		return failed
	})
	return errors.Join(err, failed)
}

type writer struct {
	storage.Writer
	flaw string
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
