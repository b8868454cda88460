package admin

import (
	"bytes"
	"context"
	"encoding/gob"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
)

// memStore is a store for tests in a synctest bubble, where a database would wait in real time. It can be made to fail.
type memStore struct {
	mu    sync.Mutex
	state memState
	fail  error // of every call
	handle.Store
	reads int // of single clients
	touch []storage.KeyUse
	sweep int
}

type memState struct {
	Number  int64
	Clients map[string]*storage.Client
	IssuerM map[string]*storage.Issuer
	RuleM   map[string]*storage.Rule
	Signing map[string]*storage.SigningKey
	People  map[string]*storage.Subject
	Initial map[string]*storage.InitialToken
	Entries []storage.Entry
	Last    map[string]int64     // number by kind of entry
	Revoked map[string]time.Time // until when, by id
}

func (s *memState) clone() *memState {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(s); err != nil {
		panic(err)
	}
	var c memState
	if err := gob.NewDecoder(&b).Decode(&c); err != nil {
		panic(err)
	}
	for _, m := range []*map[string]*storage.Client{&c.Clients} {
		if *m == nil {
			*m = map[string]*storage.Client{}
		}
	}
	if c.IssuerM == nil {
		c.IssuerM = map[string]*storage.Issuer{}
	}
	if c.RuleM == nil {
		c.RuleM = map[string]*storage.Rule{}
	}
	if c.Signing == nil {
		c.Signing = map[string]*storage.SigningKey{}
	}
	if c.People == nil {
		c.People = map[string]*storage.Subject{}
	}
	if c.Initial == nil {
		c.Initial = map[string]*storage.InitialToken{}
	}
	if c.Last == nil {
		c.Last = map[string]int64{}
	}
	if c.Revoked == nil {
		c.Revoked = map[string]time.Time{}
	}
	return &c
}

type memReader struct{ *memState }

func (s *memStore) break_(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// reader returns a copy of the state.
func (s *memStore) reader() (memReader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return memReader{s.state.clone()}, s.fail
}

func (s *memStore) Change(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Number, s.fail
}

func (s *memStore) Client(ctx context.Context, id string) (*storage.Client, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	return r.Client(ctx, id)
}

func (s *memStore) Clients(ctx context.Context, after string, limit int) ([]*storage.Client, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Clients(ctx, after, limit)
}

func (s *memStore) Issuer(ctx context.Context, name string) (*storage.Issuer, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Issuer(ctx, name)
}

func (s *memStore) Issuers(ctx context.Context) ([]*storage.Issuer, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Issuers(ctx)
}

func (s *memStore) Rule(ctx context.Context, name string) (*storage.Rule, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Rule(ctx, name)
}

func (s *memStore) Rules(ctx context.Context) ([]*storage.Rule, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Rules(ctx)
}

func (s *memStore) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.SigningKeys(ctx)
}

func (s *memStore) Subject(ctx context.Context, id string) (*storage.Subject, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Subject(ctx, id)
}

func (s *memStore) Subjects(ctx context.Context, after string, limit int) ([]*storage.Subject, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Subjects(ctx, after, limit)
}

func (s *memStore) InitialToken(ctx context.Context, id string) (*storage.InitialToken, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.InitialToken(ctx, id)
}

func (s *memStore) InitialTokens(ctx context.Context) ([]*storage.InitialToken, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.InitialTokens(ctx)
}

func (s *memStore) View(ctx context.Context, f func(context.Context, storage.Reader) error) error {
	r, err := s.reader()
	if err != nil {
		return err
	}
	return f(ctx, r)
}

func (s *memStore) Write(ctx context.Context, f func(context.Context, storage.Writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	next := s.state.clone()
	next.Number++
	if err := f(ctx, memReader{next}); err != nil {
		return err
	}
	s.state = *next
	return nil
}

func (s *memStore) TouchKeys(_ context.Context, uses []storage.KeyUse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touch = append(s.touch, uses...)
	return s.fail
}

func (s *memStore) Sweep(context.Context, time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep++
	return s.fail
}

func (s *memStore) Log(ctx context.Context, q storage.LogQuery) ([]*storage.Entry, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	return r.Log(ctx, q)
}

func (s *memStore) DropLog(_ context.Context, kind string, before time.Time) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.state.Entries)
	s.state.Entries = slices.DeleteFunc(s.state.Entries, func(e storage.Entry) bool { return e.Kind == kind && e.Time.Before(before) })
	return int64(n - len(s.state.Entries)), s.fail
}

func (s *memStore) FirstUse(context.Context, time.Time, ...replay.Use) error { return s.fail }
func (s *memStore) Close() error                                             { return nil }

func (r memReader) Change(context.Context) (int64, error) { return r.Number, nil }

func (r memReader) Client(_ context.Context, id string) (*storage.Client, error) {
	return get(r.memState.Clients, id)
}

func (r memReader) Clients(_ context.Context, after string, limit int) ([]*storage.Client, error) {
	var found []*storage.Client
	for _, id := range slices.Sorted(maps.Keys(r.memState.Clients)) {
		if id > after && len(found) < limit {
			found = append(found, r.memState.Clients[id])
		}
	}
	return found, nil
}

func (r memReader) Issuer(_ context.Context, name string) (*storage.Issuer, error) {
	return get(r.IssuerM, name)
}
func (r memReader) Issuers(context.Context) ([]*storage.Issuer, error) { return list(r.IssuerM), nil }
func (r memReader) Rule(_ context.Context, name string) (*storage.Rule, error) {
	return get(r.RuleM, name)
}
func (r memReader) Rules(context.Context) ([]*storage.Rule, error) { return list(r.RuleM), nil }
func (r memReader) SigningKeys(context.Context) ([]*storage.SigningKey, error) {
	return list(r.Signing), nil
}

func (r memReader) Subject(_ context.Context, id string) (*storage.Subject, error) {
	return get(r.People, id)
}
func (r memReader) Subjects(_ context.Context, after string, limit int) ([]*storage.Subject, error) {
	found := slices.DeleteFunc(list(r.People), func(s *storage.Subject) bool { return s.ID <= after })
	return found[:min(len(found), limit)], nil
}
func (r memReader) InitialToken(_ context.Context, id string) (*storage.InitialToken, error) {
	return get(r.Initial, id)
}
func (r memReader) InitialTokens(context.Context) ([]*storage.InitialToken, error) {
	return list(r.Initial), nil
}

func get[R any](m map[string]*R, id string) (*R, error) {
	if m[id] == nil {
		return nil, storage.ErrNotFound
	}
	own := *m[id]
	return &own, nil
}

func list[R any](m map[string]*R) []*R {
	var all []*R
	for _, id := range slices.Sorted(maps.Keys(m)) {
		own := *m[id]
		all = append(all, &own)
	}
	return all
}

func store[R any](m map[string]*R, id string, record *R, revision *int64, stored func(*R) int64, number int64) error {
	old := m[id]
	switch {
	case *revision == 0 && old != nil:
		return storage.ErrExists
	case *revision != 0 && (old == nil || stored(old) != *revision):
		return storage.ErrConflict
	}
	*revision = number
	own := *record
	m[id] = &own
	return nil
}

func remove[R any](m map[string]*R, id string) error {
	if m[id] == nil {
		return storage.ErrNotFound
	}
	delete(m, id)
	return nil
}

func (r memReader) PutClient(_ context.Context, c *storage.Client) error {
	return store(r.memState.Clients, c.ID, c, &c.Revision, func(c *storage.Client) int64 { return c.Revision }, r.Number)
}
func (r memReader) DeleteClient(_ context.Context, id string) error {
	return remove(r.memState.Clients, id)
}
func (r memReader) PutIssuer(_ context.Context, i *storage.Issuer) error {
	return store(r.IssuerM, i.Name, i, &i.Revision, func(i *storage.Issuer) int64 { return i.Revision }, r.Number)
}
func (r memReader) DeleteIssuer(_ context.Context, name string) error { return remove(r.IssuerM, name) }
func (r memReader) PutRule(_ context.Context, rule *storage.Rule) error {
	return store(r.RuleM, rule.Name, rule, &rule.Revision, func(r *storage.Rule) int64 { return r.Revision }, r.Number)
}
func (r memReader) DeleteRule(_ context.Context, name string) error { return remove(r.RuleM, name) }
func (r memReader) PutSubject(_ context.Context, s *storage.Subject) error {
	return store(r.People, s.ID, s, &s.Revision, func(s *storage.Subject) int64 { return s.Revision }, r.Number)
}
func (r memReader) DeleteSubject(_ context.Context, id string) error { return remove(r.People, id) }
func (r memReader) PutInitialToken(_ context.Context, t *storage.InitialToken) error {
	return store(r.Initial, t.ID, t, &t.Revision, func(t *storage.InitialToken) int64 { return t.Revision }, r.Number)
}
func (r memReader) DeleteInitialToken(_ context.Context, id string) error {
	return remove(r.Initial, id)
}
func (r memReader) PutSigningKey(_ context.Context, k *storage.SigningKey) error {
	return store(r.Signing, k.ID, k, &k.Revision, func(k *storage.SigningKey) int64 { return k.Revision }, r.Number)
}
func (r memReader) DeleteSigningKey(_ context.Context, id string) error { return remove(r.Signing, id) }

func (r memReader) Log(_ context.Context, q storage.LogQuery) ([]*storage.Entry, error) {
	var found []*storage.Entry
	for i := range r.Entries {
		e := r.Entries[i]
		matches := e.Kind == q.Kind && e.Number > q.After && (q.Before == 0 || e.Number < q.Before) &&
			(q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
		for k, label := range q.Labels {
			matches = matches && (label == "" || label == e.Labels[k])
		}
		if matches {
			found = append(found, &e)
		}
	}
	if !q.OldestFirst {
		slices.Reverse(found)
	}
	return found[:max(0, min(len(found), q.Limit))], nil
}

func (r memReader) Append(_ context.Context, e *storage.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	r.Last[e.Kind]++
	e.Number = r.Last[e.Kind]
	r.memState.Entries = append(r.memState.Entries, *e)
	return nil
}

func (r memReader) Revoke(_ context.Context, now, until time.Time, ids ...string) error {
	for _, id := range ids {
		if until.After(now) && until.After(r.memState.Revoked[id]) {
			r.memState.Revoked[id] = until
		}
	}
	return nil
}
