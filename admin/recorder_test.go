package admin

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// TestOnlyTheRecorderWrites reads the source of the package: what writes to a store is named in recorder.go and nowhere
// else, so every write is checked and recorded.
func TestOnlyTheRecorderWrites(t *testing.T) {
	writes := map[string]bool{"Write": true, "FirstUse": true, "PutHandle": true, "DropLog": true, "EndFamily": true}
	reader := reflect.TypeFor[storage.Reader]()
	for m := range reflect.TypeFor[storage.Writer]().Methods() {
		if _, reads := reader.MethodByName(m.Name); !reads {
			writes[m.Name] = true
		}
	}
	if len(writes) < 18 {
		t.Fatalf("the methods that write are %v", writes)
	}
	allowed := map[string]string{
		"change.go DropLog": "DropChanges records that before it drops",
		"decode.go Append":  "reflect's",
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 40 {
		t.Fatal(files, err)
	}
	used := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "recorder.go" {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			at := set.Position(s.Pos())
			switch name := s.Sel.Name; {
			case allowed[file+" "+name] != "":
				used[file+" "+name] = true
			case writes[name]:
				t.Errorf("%s: %s writes past the recorder: add a method to recorder.go", at, name)
			case name == "Writer" && file != "tx.go" && file != "overlay.go":
				t.Errorf("%s: only the recorder holds a storage.Writer", at)
			case name == "writer":
				t.Errorf("%s: the writer of a recorder is its own", at)
			}
			return true
		})
	}
	for name := range allowed {
		if !used[name] {
			t.Errorf("%s is allowed and not there", name)
		}
	}
}

// auditedStore is a store that complains of every write in a transaction which has no change of its own. The tests of
// this package work on it, so each of them is a test of that too.
type auditedStore struct {
	storage.Store
	t testing.TB
}

func (s *auditedStore) Write(ctx context.Context, f func(context.Context, storage.Writer) error) error {
	return s.Store.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		own := &auditedWriter{Writer: w}
		err := f(ctx, own)
		if err == nil && len(own.unrecorded) > 0 {
			s.t.Errorf("a transaction is committed with writes of which there is no change: %v", own.unrecorded)
		}
		return err
	})
}

type auditedWriter struct {
	storage.Writer
	unrecorded []string // ids
}

func (w *auditedWriter) Append(ctx context.Context, e *storage.Entry) error {
	i := slices.Index(w.unrecorded, e.Labels[1])
	if i >= 0 {
		w.unrecorded = slices.Delete(w.unrecorded, i, i+1)
	} else if e.Labels[0] != "change" {
		w.unrecorded = append(w.unrecorded, "change of "+e.Labels[1]+" without a write")
	}
	return w.Writer.Append(ctx, e)
}

func (w *auditedWriter) wrote(id string, err error) error {
	if err == nil {
		w.unrecorded = append(w.unrecorded, id)
	}
	return err
}

func (w *auditedWriter) PutClient(ctx context.Context, c *storage.Client) error {
	return w.wrote(c.ID, w.Writer.PutClient(ctx, c))
}
func (w *auditedWriter) DeleteClient(ctx context.Context, id string) error {
	return w.wrote(id, w.Writer.DeleteClient(ctx, id))
}
func (w *auditedWriter) PutIssuer(ctx context.Context, i *storage.Issuer) error {
	return w.wrote(i.Name, w.Writer.PutIssuer(ctx, i))
}
func (w *auditedWriter) DeleteIssuer(ctx context.Context, name string) error {
	return w.wrote(name, w.Writer.DeleteIssuer(ctx, name))
}
func (w *auditedWriter) PutRule(ctx context.Context, r *storage.Rule) error {
	return w.wrote(r.Name, w.Writer.PutRule(ctx, r))
}
func (w *auditedWriter) DeleteRule(ctx context.Context, name string) error {
	return w.wrote(name, w.Writer.DeleteRule(ctx, name))
}
func (w *auditedWriter) PutSigningKey(ctx context.Context, k *storage.SigningKey) error {
	return w.wrote(k.ID, w.Writer.PutSigningKey(ctx, k))
}
func (w *auditedWriter) DeleteSigningKey(ctx context.Context, id string) error {
	return w.wrote(id, w.Writer.DeleteSigningKey(ctx, id))
}
func (w *auditedWriter) PutSubject(ctx context.Context, s *storage.Subject) error {
	return w.wrote(s.ID, w.Writer.PutSubject(ctx, s))
}
func (w *auditedWriter) DeleteSubject(ctx context.Context, id string) error {
	return w.wrote(id, w.Writer.DeleteSubject(ctx, id))
}
func (w *auditedWriter) PutInitialToken(ctx context.Context, t *storage.InitialToken) error {
	return w.wrote(t.ID, w.Writer.PutInitialToken(ctx, t))
}
func (w *auditedWriter) DeleteInitialToken(ctx context.Context, id string) error {
	return w.wrote(id, w.Writer.DeleteInitialToken(ctx, id))
}

// Revoke is recorded by the name of what was revoked, which stands in its id behind a word.
func (w *auditedWriter) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	_, name, _ := strings.Cut(strings.Join(ids, ","), " ")
	return w.wrote(name, w.Writer.Revoke(ctx, now, until, ids...))
}

// TestEveryMemberIsRecorded changes each field of each record, and finds it in what is recorded. A field that is added
// later fails here until changes tell of it, or it is named here with a reason.
func TestEveryMemberIsRecorded(t *testing.T) {
	ignored := map[string]string{
		"Client.ID": "the id of the change", "Client.Revision": "of the store", "Client.Created": "the time of client.add", "Client.Updated": "the time of the change",
		"Client.Keys.ID": "the name of its members", "Client.Keys.JWK": "told by kid, which never gets other material", "Client.Keys.Limit": "what Expires was while it retires",
		"Client.Keys.LastUsed": "no change", "Client.Keys.Created": "the time of the change", "Client.Keys.Revoked": "the time of the change",
		"Client.Secrets.ID": "the name of its members", "Client.Secrets.Created": "the time of the change",
		"Issuer.Name": "the id of the change", "Issuer.Revision": "of the store", "Issuer.Created": "as of clients", "Issuer.Updated": "as of clients", "Issuer.JWKSUpdated": "the time of the change", "Issuer.KeySource": "told by the member that has the keys",
		"Rule.Name": "the id of the change", "Rule.Revision": "of the store", "Rule.Created": "as of clients", "Rule.Updated": "as of clients",
		"SigningKey.ID": "the id of the change", "SigningKey.Revision": "of the store", "SigningKey.Created": "the time of the change", "SigningKey.Public": "told by kid, which is its thumbprint",
		"Subject.ID": "the id of the change", "Subject.Revision": "of the store", "Subject.Created": "as of clients", "Subject.Updated": "as of clients",
		"InitialToken.ID": "the id of the change", "InitialToken.Revision": "of the store", "InitialToken.Created": "as of clients",
	}
	used := map[string]bool{}
	check := func(path string, differs bool) {
		if reason := ignored[path]; reason != "" {
			used[path] = true
		} else if !differs {
			t.Errorf("a change of %s is not recorded: add it to the snapshot of its record", path)
		}
	}
	everyField(t, "Client", func(c *storage.Client) {
		// what only an issuer of this kind shows
		c.Keys, c.Secrets = []storage.ClientKey{{ID: "k"}}, []storage.ClientSecret{{ID: "s"}}
	}, clientSnapshot, check)
	everyField(t, "Issuer", func(i *storage.Issuer) { i.KeySource, i.JWKS = sourceInline, json.RawMessage(`{"keys":[]}`) }, issuerSnapshot, check)
	everyField(t, "Issuer", func(i *storage.Issuer) { i.KeySource = sourceURL }, issuerSnapshot, func(path string, differs bool) {
		if path == "Issuer.KeysURL" {
			check(path, differs)
		}
	})
	everyField(t, "Rule", func(*storage.Rule) {}, ruleSnapshot, check)
	everyField(t, "SigningKey", func(*storage.SigningKey) {}, signingKeySnapshot, check)
	everyField(t, "Subject", func(*storage.Subject) {}, subjectSnapshot, check)
	everyField(t, "InitialToken", func(*storage.InitialToken) {}, initialTokenSnapshot, check)
	for path := range ignored {
		if !used[path] {
			t.Errorf("%s is ignored and not there", path)
		}
	}
}

// everyField calls check for each field of a record, with whether a change of it alone makes a difference.
func everyField[R any](t *testing.T, name string, prepare func(*R), of func(*R) snapshot, check func(path string, differs bool)) {
	t.Helper()
	var walk func(path string, at func(v reflect.Value) reflect.Value)
	walk = func(path string, at func(v reflect.Value) reflect.Value) {
		before, after := new(R), new(R)
		prepare(before)
		prepare(after)
		v := at(reflect.ValueOf(after).Elem())
		if path == "Issuer.KeysURL" && reflect.ValueOf(after).Elem().FieldByName("KeySource").String() == sourceInline {
			return // see the other call
		}
		_, isTime := v.Interface().(time.Time)
		elements := v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct
		switch {
		case v.Kind() == reflect.Struct && !isTime:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, func(v reflect.Value) reflect.Value { return at(v).Field(i) })
			}
			return
		case elements:
			for i := range v.Type().Elem().NumField() {
				walk(path+"."+v.Type().Elem().Field(i).Name, func(v reflect.Value) reflect.Value { return at(v).Index(0).Field(i) })
			}
			return
		}
		switch x := v.Addr().Interface().(type) {
		case *time.Time:
			*x = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		case *string:
			*x += "x"
		case *bool:
			*x = true
		case *int64:
			*x = 7
		case *time.Duration:
			*x = time.Minute
		case *[]byte:
			*x = []byte("hidden")
		case *[]string:
			*x = []string{"x"}
		case *json.RawMessage:
			*x = json.RawMessage(`{"keys":[{"kty":"x"}]}`)
		case *map[string]string:
			*x = map[string]string{"x": "y"}
		case *map[string]json.RawMessage:
			*x = map[string]json.RawMessage{"x": json.RawMessage(`"y"`)}
		default:
			t.Fatalf("%s has the type %T: say here how to change it", path, x)
		}
		changes := differences(of(before), of(after))
		for _, c := range changes {
			if strings.Contains(c.Old+c.New, "aGlkZGVu") || strings.Contains(c.New, "hidden") && c.New != hidden {
				t.Errorf("%s is told as %+v", path, c)
			}
		}
		check(path, len(changes) > 0)
	}
	walk(name, func(v reflect.Value) reflect.Value { return v })
}

// failingLog is a store that cannot append to its log.
type failingLog struct{ storage.Store }

func (s failingLog) Write(ctx context.Context, f func(context.Context, storage.Writer) error) error {
	return s.Store.Write(ctx, func(ctx context.Context, w storage.Writer) error { return f(ctx, failingLogWriter{w}) })
}

type failingLogWriter struct{ storage.Writer }

func (failingLogWriter) Append(context.Context, *storage.Entry) error { return errors.New("disk full") }

// TestNoChangeWithoutARecord: where a change cannot be recorded, it is not made.
func TestNoChangeWithoutARecord(t *testing.T) {
	s, ctx := openStore(t), t.Context()
	add(t, newAdmin(s, newTestSealer(t), Options{}), AddClientInput{ID: "app"})
	a := newAdmin(failingLog{s}, newTestSealer(t), Options{Issuer: "https://as.example.com"})
	_, disable := a.DisableClient(ctx, "app")
	_, subject := a.DisableSubject(ctx, "alice", "")
	_, rotate := a.RotateSigningKey(ctx, RotateInput{})
	_, consent := a.RevokeConsent(ctx, "family")
	for what, err := range map[string]error{"disable": disable, "remove": a.RemoveClient(ctx, "app"), "subject": subject, "rotate": rotate, "consent": consent} {
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if c, err := s.Client(ctx, "app"); err != nil || c.Disabled {
		t.Errorf("%+v, %v", c, err)
	}
	if ring, err := s.SigningKeys(ctx); err != nil || len(ring) > 0 {
		t.Errorf("%d keys, %v", len(ring), err)
	}
	if is, err := s.Revoked(ctx, time.Now(), "family family"); err != nil || is {
		t.Errorf("the consent has ended: %t, %v", is, err)
	}
}
