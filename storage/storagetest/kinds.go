package storagetest

import (
	"context"
	"reflect"
	"testing"

	"github.com/avouch-oauth/avouch/storage"
)

// kind is one kind of record, so that one test can judge all of them.
type kind struct {
	name   string
	make   func(id string, much fullness) any
	id     func(r any) string
	rev    func(r any) *int64
	touch  func(r any, text string) // changes something
	text   func(r any) string       // reads it
	put    func(ctx context.Context, w storage.Writer, r any) error
	get    func(ctx context.Context, r storage.Reader, id string) (any, error)
	list   func(ctx context.Context, r storage.Reader) ([]any, error)
	remove func(ctx context.Context, w storage.Writer, id string) error
}

func kinds() []kind {
	return []kind{clientKind(), issuerKind(), ruleKind(), signingKeyKind(), subjectKind(), initialTokenKind()}
}

// filled returns a record with everything but its id and its revision filled.
func filled[R any](much fullness, set func(r *R)) *R {
	r := new(R)
	(&filler{much: much}).fill(reflect.ValueOf(r).Elem())
	set(r)
	return r
}

func listed[R any](records []R, err error) ([]any, error) {
	var all []any
	for _, r := range records {
		all = append(all, r)
	}
	return all, err
}

// found hides a nil pointer, which would not be nil any more as an any.
func found[R any](r *R, err error) (any, error) {
	if r == nil {
		return nil, err
	}
	return r, err
}

func clientKind() kind {
	return kind{
		name: "Client",
		make: func(id string, much fullness) any {
			return filled(much, func(c *storage.Client) { c.ID, c.Revision = id, 0 })
		},
		id:    func(r any) string { return r.(*storage.Client).ID },
		rev:   func(r any) *int64 { return &r.(*storage.Client).Revision },
		touch: func(r any, text string) { r.(*storage.Client).Name = text },
		text:  func(r any) string { return r.(*storage.Client).Name },
		put:   func(ctx context.Context, w storage.Writer, r any) error { return w.PutClient(ctx, r.(*storage.Client)) },
		get: func(ctx context.Context, r storage.Reader, id string) (any, error) {
			return found(r.Client(ctx, id))
		},
		list: func(ctx context.Context, r storage.Reader) ([]any, error) {
			return listed(r.Clients(ctx, "", 1000))
		},
		remove: func(ctx context.Context, w storage.Writer, id string) error { return w.DeleteClient(ctx, id) },
	}
}

func issuerKind() kind {
	return kind{
		name: "Issuer",
		make: func(id string, much fullness) any {
			return filled(much, func(i *storage.Issuer) { i.Name, i.URL, i.Revision = id, "https://issuer.example/"+id, 0 })
		},
		id:    func(r any) string { return r.(*storage.Issuer).Name },
		rev:   func(r any) *int64 { return &r.(*storage.Issuer).Revision },
		touch: func(r any, text string) { r.(*storage.Issuer).KeysURL = text },
		text:  func(r any) string { return r.(*storage.Issuer).KeysURL },
		put:   func(ctx context.Context, w storage.Writer, r any) error { return w.PutIssuer(ctx, r.(*storage.Issuer)) },
		get: func(ctx context.Context, r storage.Reader, id string) (any, error) {
			return found(r.Issuer(ctx, id))
		},
		list:   func(ctx context.Context, r storage.Reader) ([]any, error) { return listed(r.Issuers(ctx)) },
		remove: func(ctx context.Context, w storage.Writer, id string) error { return w.DeleteIssuer(ctx, id) },
	}
}

func ruleKind() kind {
	return kind{
		name: "Rule",
		make: func(id string, much fullness) any {
			return filled(much, func(r *storage.Rule) { r.Name, r.Revision = id, 0 })
		},
		id:    func(r any) string { return r.(*storage.Rule).Name },
		rev:   func(r any) *int64 { return &r.(*storage.Rule).Revision },
		touch: func(r any, text string) { r.(*storage.Rule).Subject = text },
		text:  func(r any) string { return r.(*storage.Rule).Subject },
		put:   func(ctx context.Context, w storage.Writer, r any) error { return w.PutRule(ctx, r.(*storage.Rule)) },
		get: func(ctx context.Context, r storage.Reader, id string) (any, error) {
			return found(r.Rule(ctx, id))
		},
		list:   func(ctx context.Context, r storage.Reader) ([]any, error) { return listed(r.Rules(ctx)) },
		remove: func(ctx context.Context, w storage.Writer, id string) error { return w.DeleteRule(ctx, id) },
	}
}

func signingKeyKind() kind {
	return kind{
		name: "SigningKey",
		make: func(id string, much fullness) any {
			return filled(much, func(k *storage.SigningKey) { k.ID, k.Revision = id, 0 })
		},
		id:    func(r any) string { return r.(*storage.SigningKey).ID },
		rev:   func(r any) *int64 { return &r.(*storage.SigningKey).Revision },
		touch: func(r any, text string) { r.(*storage.SigningKey).Algorithm = text },
		text:  func(r any) string { return r.(*storage.SigningKey).Algorithm },
		put: func(ctx context.Context, w storage.Writer, r any) error {
			return w.PutSigningKey(ctx, r.(*storage.SigningKey))
		},
		get: func(ctx context.Context, r storage.Reader, id string) (any, error) {
			keys, err := r.SigningKeys(ctx)
			for _, k := range keys {
				if k.ID == id {
					return k, nil
				}
			}
			if err == nil {
				err = storage.ErrNotFound
			}
			return nil, err
		},
		list:   func(ctx context.Context, r storage.Reader) ([]any, error) { return listed(r.SigningKeys(ctx)) },
		remove: func(ctx context.Context, w storage.Writer, id string) error { return w.DeleteSigningKey(ctx, id) },
	}
}

func subjectKind() kind {
	return kind{
		name: "Subject",
		make: func(id string, much fullness) any {
			return filled(much, func(s *storage.Subject) { s.ID, s.Revision = id, 0 })
		},
		id:    func(r any) string { return r.(*storage.Subject).ID },
		rev:   func(r any) *int64 { return &r.(*storage.Subject).Revision },
		touch: func(r any, text string) { r.(*storage.Subject).Note = text },
		text:  func(r any) string { return r.(*storage.Subject).Note },
		put: func(ctx context.Context, w storage.Writer, r any) error {
			return w.PutSubject(ctx, r.(*storage.Subject))
		},
		get: func(ctx context.Context, r storage.Reader, id string) (any, error) {
			return found(r.Subject(ctx, id))
		},
		list:   func(ctx context.Context, r storage.Reader) ([]any, error) { return listed(r.Subjects(ctx, "", 1000)) },
		remove: func(ctx context.Context, w storage.Writer, id string) error { return w.DeleteSubject(ctx, id) },
	}
}

func initialTokenKind() kind {
	return kind{
		name: "InitialToken",
		make: func(id string, much fullness) any {
			return filled(much, func(t *storage.InitialToken) { t.ID, t.Revision = id, 0 })
		},
		id:    func(r any) string { return r.(*storage.InitialToken).ID },
		rev:   func(r any) *int64 { return &r.(*storage.InitialToken).Revision },
		touch: func(r any, text string) { r.(*storage.InitialToken).Label = text },
		text:  func(r any) string { return r.(*storage.InitialToken).Label },
		put: func(ctx context.Context, w storage.Writer, r any) error {
			return w.PutInitialToken(ctx, r.(*storage.InitialToken))
		},
		get: func(ctx context.Context, r storage.Reader, id string) (any, error) {
			return found(r.InitialToken(ctx, id))
		},
		list:   func(ctx context.Context, r storage.Reader) ([]any, error) { return listed(r.InitialTokens(ctx)) },
		remove: func(ctx context.Context, w storage.Writer, id string) error { return w.DeleteInitialToken(ctx, id) },
	}
}

// copyOf returns a record that shares nothing a store may change.
func copyOf(r any) any {
	c := reflect.New(reflect.TypeOf(r).Elem())
	c.Elem().Set(reflect.ValueOf(r).Elem())
	return c.Interface()
}

func write(t testing.TB, s storage.Store, f func(ctx context.Context, w storage.Writer) error) {
	t.Helper()
	if err := s.Write(t.Context(), f); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

// put writes records in one transaction.
func put(t testing.TB, s storage.Store, k kind, records ...any) {
	t.Helper()
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		for _, r := range records {
			if err := k.put(ctx, w, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func get(t testing.TB, r storage.Reader, k kind, id string) any {
	t.Helper()
	record, err := k.get(t.Context(), r, id)
	if err != nil {
		t.Fatalf("%s(%q): %v", k.name, id, err)
	}
	return record
}

func change(t testing.TB, r storage.Reader) int64 {
	t.Helper()
	n, err := r.Change(t.Context())
	if err != nil {
		t.Fatalf("Change: %v", err)
	}
	return n
}
