package storagetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

func judgeRecords(t *testing.T, s Stores) {
	root := strings.TrimSuffix(t.Name(), "/Records")
	open := func(t testing.TB) storage.Store { return s.at(t, s.Place(t)) }

	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			for _, test := range []struct {
				name string
				run  func(t *testing.T, s storage.Store, k kind)
			}{
				{"RoundTrip", recordRoundTrip},
				{"Revision", recordRevision},
				{"Delete", recordDelete},
				{"NotFound", recordNotFound},
				{"Names", recordNames},
				{"Text", recordText},
				{"Apart", recordApart},
			} {
				t.Run(test.name, func(t *testing.T) { test.run(t, open(t), k) })
			}
			t.Run("Restart", func(t *testing.T) { recordRestart(t, s, k) })
		})
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s storage.Store)
	}{
		{"Pages", recordsPages},
		{"SubjectPages", recordsSubjectPages},
		{"IssuerURL", recordsIssuerURL},
		{"Rollback", recordsRollback},
		{"Isolation", recordsIsolation},
		{"View", recordsView},
		{"Change", recordsChange},
		{"TouchKeys", recordsTouchKeys},
		{"Writers", recordsWriters},
		{"Canceled", recordsCanceled},
		{"Closed", recordsClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	t.Run("TwoHandles", func(t *testing.T) { recordsTwoHandles(t, s) })
	t.Run("Killed", func(t *testing.T) { recordsKilled(t, s, root) })
	for name, fault := range s.Faults {
		t.Run("Fault/"+name, func(t *testing.T) { recordsFault(t, s, fault) })
	}
}

// recordRoundTrip stores records and compares every field.
func recordRoundTrip(t *testing.T, s storage.Store, k kind) {
	for id, much := range map[string]fullness{"nothing": nothing, "empty": empty, "all": all} {
		r := k.make(id, much)
		want := k.make(id, much)
		put(t, s, k, r)
		if *k.rev(r) == 0 {
			t.Errorf("%s: Put sets no revision in the record", id)
		}
		*k.rev(want) = *k.rev(r)
		if d := difference(id, reflect.ValueOf(r), reflect.ValueOf(want)); d != "" {
			t.Errorf("Put changes the record it is given: %s", d)
		}
		kept(reflect.ValueOf(want).Elem())
		compare := func(got any) {
			t.Helper()
			if d := difference(id, reflect.ValueOf(got), reflect.ValueOf(want)); d != "" {
				t.Error(d)
			}
		}
		compare(get(t, s, k, id))
		// The same in a list, in a transaction, and when it has been written for the second time.
		records, err := k.list(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(records, func(r any) bool { return k.id(r) == id })
		if i < 0 {
			t.Fatalf("%s is not in the list", id)
		}
		compare(records[i])
		write(t, s, func(ctx context.Context, w storage.Writer) error {
			got, err := k.get(ctx, w, id)
			if err != nil {
				return err
			}
			compare(got)
			return k.put(ctx, w, got)
		})
		got := get(t, s, k, id)
		*k.rev(want) = *k.rev(got)
		compare(got)
	}
}

// recordRevision lets somebody be late.
func recordRevision(t *testing.T, s storage.Store, k kind) {
	r := k.make("a", all)
	put(t, s, k, r)
	first := *k.rev(r)

	try := func(want error, r any) {
		t.Helper()
		before := get(t, s, k, "a")
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return k.put(ctx, w, r) })
		if !errors.Is(err, want) {
			t.Fatalf("Put = %v, want %v", err, want)
		}
		if d := difference("a", reflect.ValueOf(get(t, s, k, "a")), reflect.ValueOf(before)); d != "" {
			t.Errorf("a Put that failed changed the record: %s", d)
		}
	}
	try(storage.ErrExists, k.make("a", nothing))

	second := copyOf(r)
	k.touch(second, "second")
	put(t, s, k, second)
	if *k.rev(second) == first {
		t.Errorf("the revision is the same after a change")
	}
	late := copyOf(r)
	k.touch(late, "late")
	try(storage.ErrConflict, late)
	*k.rev(late) = *k.rev(second) + 1000
	try(storage.ErrConflict, late)
	*k.rev(late) = -1
	try(storage.ErrConflict, late)
	if got := k.text(get(t, s, k, "a")); got != "second" {
		t.Errorf("the record says %q, want second", got)
	}

	// Twice in one transaction, with the revision that Put has set.
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		k.touch(second, "third")
		if err := k.put(ctx, w, second); err != nil {
			return err
		}
		k.touch(second, "fourth")
		return k.put(ctx, w, second)
	})
	got := get(t, s, k, "a")
	if k.text(got) != "fourth" || *k.rev(got) != *k.rev(second) {
		t.Errorf("the record says %q in revision %d, want fourth in revision %d", k.text(got), *k.rev(got), *k.rev(second))
	}

	// A record that was deleted and made again is another one.
	seen := map[int64]bool{}
	for range 3 {
		seen[*k.rev(get(t, s, k, "a"))] = true
		stale := get(t, s, k, "a")
		write(t, s, func(ctx context.Context, w storage.Writer) error { return k.remove(ctx, w, "a") })
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return k.put(ctx, w, stale) })
		if !errors.Is(err, storage.ErrConflict) {
			t.Fatalf("Put of what was deleted = %v, want ErrConflict", err)
		}
		put(t, s, k, k.make("a", nothing))
		if seen[*k.rev(get(t, s, k, "a"))] {
			t.Errorf("a record that was made again has a revision of the old one")
		}
		try(storage.ErrConflict, stale)
	}
}

func recordDelete(t *testing.T, s storage.Store, k kind) {
	put(t, s, k, k.make("a", all), k.make("b", all))
	write(t, s, func(ctx context.Context, w storage.Writer) error { return k.remove(ctx, w, "a") })
	if _, err := k.get(t.Context(), s, "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("after Delete: %v, want ErrNotFound", err)
	}
	get(t, s, k, "b")
	for _, id := range []string{"a", "c", "", "B", "b "} {
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return k.remove(ctx, w, id) })
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Delete(%q) = %v, want ErrNotFound", id, err)
		}
	}
	put(t, s, k, k.make("a", nothing))
	got := get(t, s, k, "a")
	want := k.make("a", nothing)
	*k.rev(want) = *k.rev(got)
	if d := difference("a", reflect.ValueOf(got), reflect.ValueOf(want)); d != "" {
		t.Errorf("a record that was made again has something of the old one: %s", d)
	}
}

func recordNotFound(t *testing.T, s storage.Store, k kind) {
	put(t, s, k, k.make("a", nothing))
	for _, id := range []string{"", "A", "a ", " a", "a\n", "á", "%", "_", "*", "'", "a' OR '1'='1", "\xff", strings.Repeat("a", 1<<16)} {
		if r, err := k.get(t.Context(), s, id); !errors.Is(err, storage.ErrNotFound) || r != nil {
			t.Errorf("%s(%.20q) = %v, %v; want nil, ErrNotFound", k.name, id, r, err)
		}
	}
	err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return k.put(ctx, w, k.make("", all)) })
	if err == nil {
		t.Errorf("Put takes a record without an id")
	}
}

// recordNames stores records whose ids are easily taken for each other. Lists are sorted by their bytes.
func recordNames(t *testing.T, s storage.Store, k kind) {
	ids := []string{"a", "A", "a ", " a", "aa", "B", "b", "é", "e\u0301", "É", "𝛼", "\uffff", "z", "Z", "ß", "ss", "10", "9", "1e1", "010",
		"null", "NULL", "true", "a%", "a_", "a'", `a"`, "a\\", "a\nb", "a\tb", "\x7f", strings.Repeat("x", 255), "https://a.example/?b#c", "spiffe://a/b"}
	for i, id := range ids {
		r := k.make(id, nothing)
		k.touch(r, strconv.Itoa(i))
		put(t, s, k, r)
	}
	for i, id := range ids {
		if got := k.text(get(t, s, k, id)); got != strconv.Itoa(i) {
			t.Errorf("%q is the record of another id", id)
		}
	}
	records, err := k.list(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, k.id(r))
	}
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		t.Errorf("the list is\n%q, want\n%q", got, ids)
	}
}

// recordText gives what is no text: it is refused, not mended.
func recordText(t *testing.T, s storage.Store, k kind) {
	for _, bad := range []string{"\xff", "a\x00b", "\x00", "\xed\xa0\x80", "a\xc3"} {
		r := k.make("a", nothing)
		k.touch(r, bad)
		for _, r := range []any{r, k.make(bad, nothing)} {
			if err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return k.put(ctx, w, r) }); err == nil {
				t.Errorf("Put takes %q", bad)
			}
		}
	}
	records, err := k.list(t.Context(), s)
	if err != nil || len(records) > 0 {
		t.Errorf("the store holds %d records, %v", len(records), err)
	}
}

// recordApart changes a record after it was stored and after it was read.
func recordApart(t *testing.T, s storage.Store, k kind) {
	r := k.make("a", all)
	put(t, s, k, r)
	want := get(t, s, k, "a")
	(&filler{much: all, n: 7}).fill(reflect.ValueOf(r).Elem())
	scribble(reflect.ValueOf(get(t, s, k, "a")).Elem())
	if d := difference("a", reflect.ValueOf(get(t, s, k, "a")), reflect.ValueOf(want)); d != "" {
		t.Errorf("the store shares memory with its callers: %s", d)
	}
}

// scribble overwrites what slices and maps hold.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			return
		}
		for i := range v.NumField() {
			scribble(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Index(i).Kind() == reflect.Struct {
				scribble(v.Index(i))
			}
			v.Index(i).SetZero()
		}
	case reflect.Map:
		v.Clear()
	}
}

func recordRestart(t *testing.T, s Stores, k kind) {
	place := s.Place(t)
	store := s.at(t, place)
	put(t, store, k, k.make("a", all), k.make("b", nothing))
	want, n := get(t, store, k, "a"), change(t, store)
	shut(t, store)
	store = s.at(t, place)
	if d := difference("a", reflect.ValueOf(get(t, store, k, "a")), reflect.ValueOf(want)); d != "" {
		t.Error(d)
	}
	if got := change(t, store); got != n {
		t.Errorf("Change = %d after a restart, was %d", got, n)
	}
}

func recordsPages(t *testing.T, s storage.Store) {
	pages(t, s, clientKind(), func(after string, limit int) ([]any, error) { return listed(s.Clients(t.Context(), after, limit)) })
}

func recordsSubjectPages(t *testing.T, s storage.Store) {
	pages(t, s, subjectKind(), func(after string, limit int) ([]any, error) { return listed(s.Subjects(t.Context(), after, limit)) })
}

func pages(t *testing.T, s storage.Store, k kind, read func(after string, limit int) ([]any, error)) {
	var want []string
	var records []any
	for i := range 250 {
		id := fmt.Sprintf("client-%d", i*7919%1000)
		want = append(want, id)
		records = append(records, k.make(id, nothing))
	}
	put(t, s, k, records...)
	slices.Sort(want)
	for _, limit := range []int{1, 7, 100, 249, 250, 251, 10000} {
		var got []string
		for after := ""; ; {
			page, err := read(after, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				t.Fatalf("a page of %d, want at most %d", len(page), limit)
			}
			for _, r := range page {
				got = append(got, k.id(r))
			}
			after = k.id(page[len(page)-1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d give %d records, want %d, in order", limit, len(got), len(want))
		}
	}
	for _, limit := range []int{0, -1} {
		if page, err := read("", limit); err != nil || len(page) > 0 {
			t.Errorf("a page of at most %d has %d records, %v", limit, len(page), err)
		}
	}
	if page, err := read("client-0x", 1); err != nil || len(page) != 1 || k.id(page[0]) != want[slices.IndexFunc(want, func(id string) bool { return id > "client-0x" })] {
		t.Errorf("a page after an id that is not there: %v, %v", page, err)
	}
}

func recordsIssuerURL(t *testing.T, s storage.Store) {
	a, b := &storage.Issuer{Name: "a", URL: "https://a.example"}, &storage.Issuer{Name: "b", URL: "https://b.example"}
	put(t, s, issuerKind(), a, b)
	b.URL = a.URL
	for name, i := range map[string]*storage.Issuer{"a third issuer": {Name: "c", URL: a.URL}, "another issuer": b} {
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return w.PutIssuer(ctx, i) })
		if !errors.Is(err, storage.ErrExists) {
			t.Errorf("the URL of an issuer for %s: %v, want ErrExists", name, err)
		}
	}
	for _, url := range []string{"https://a.example/", "HTTPS://a.example", "https://A.example", "https://a.example "} {
		put(t, s, issuerKind(), &storage.Issuer{Name: url, URL: url})
	}
	// It is free again when its issuer has gone, and an issuer may keep its own.
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		if err := w.DeleteIssuer(ctx, "a"); err != nil {
			return err
		}
		return w.PutIssuer(ctx, b)
	})
	put(t, s, issuerKind(), b)
}

var errStop = errors.New("stop")

// recordsRollback returns an error, or panics, after everything has been written: nothing of it stays.
func recordsRollback(t *testing.T, s storage.Store) {
	for _, k := range kinds() {
		put(t, s, k, k.make("old", all), k.make("gone", all))
	}
	before := change(t, s)
	spoil := func(ctx context.Context, w storage.Writer) error {
		for _, k := range kinds() {
			old, err := k.get(ctx, w, "old")
			if err != nil {
				return err
			}
			k.touch(old, "changed")
			if err := errors.Join(k.put(ctx, w, old), k.remove(ctx, w, "gone"), k.put(ctx, w, k.make("new", all))); err != nil {
				return err
			}
		}
		return nil
	}
	check := func(how string) {
		t.Helper()
		for _, k := range kinds() {
			if got := k.text(get(t, s, k, "old")); got == "changed" {
				t.Errorf("%s: a %s was changed", how, k.name)
			}
			get(t, s, k, "gone")
			if _, err := k.get(t.Context(), s, "new"); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: a %s was created", how, k.name)
			}
		}
		if n := change(t, s); n != before {
			t.Errorf("%s: the change row went from %d to %d", how, before, n)
		}
	}
	err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
		if err := spoil(ctx, w); err != nil {
			return err
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("Write = %v, want the error of f", err)
	}
	check("an error")

	// An error that f ignores: what failed has no effect, the rest has.
	err = s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
		for _, k := range kinds() {
			if err := k.put(ctx, w, k.make("old", nothing)); !errors.Is(err, storage.ErrExists) {
				t.Errorf("Put of a %s that exists = %v", k.name, err)
			}
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("Write = %v", err)
	}
	check("an ignored error")

	func() {
		defer func() {
			if p, _ := recover().(error); !errors.Is(p, errStop) {
				t.Errorf("a panic in f comes out as %v", p)
			}
		}()
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
			if err := spoil(ctx, w); err != nil {
				t.Error(err)
			}
			panic(errStop)
		})
		t.Errorf("Write = %v where f panics", err)
	}()
	check("a panic")
	put(t, s, ruleKind(), &storage.Rule{Name: "after"})
}

// recordsIsolation reads inside and outside of a transaction.
func recordsIsolation(t *testing.T, s storage.Store) {
	k := ruleKind()
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		if err := k.put(ctx, w, k.make("a", all)); err != nil {
			return err
		}
		if _, err := k.get(ctx, w, "a"); err != nil {
			t.Errorf("a transaction does not see what it has written: %v", err)
		}
		if rules, err := w.Rules(ctx); err != nil || len(rules) != 1 {
			t.Errorf("a transaction does not list what it has written: %v, %v", rules, err)
		}
		if _, err := k.get(ctx, s, "a"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("others see what is not committed: %v", err)
		}
		return nil
	})
	get(t, s, k, "a")
}

// recordsView keeps one state while others write.
func recordsView(t *testing.T, s storage.Store) {
	k := clientKind()
	put(t, s, k, k.make("a", nothing))
	n := change(t, s)
	err := s.View(t.Context(), func(ctx context.Context, r storage.Reader) error {
		first, err := k.get(ctx, r, "a")
		if err != nil {
			return err
		}
		changed := copyOf(first)
		k.touch(changed, "changed")
		put(t, s, k, changed, k.make("b", nothing)) // it does not wait for the view
		if got, err := r.Change(ctx); err != nil || got != n {
			t.Errorf("Change in the view = %d, %v; want %d", got, err, n)
		}
		if second, err := k.get(ctx, r, "a"); err != nil || k.text(second) != k.text(first) {
			t.Errorf("a view saw two states of a record (%v)", err)
		}
		if all, err := k.list(ctx, r); err != nil || len(all) != 1 {
			t.Errorf("a view saw what came later: %d records, %v", len(all), err)
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("View = %v, want the error of f", err)
	}
	if k.text(get(t, s, k, "a")) != "changed" {
		t.Errorf("what was written during a view is lost")
	}
	func() {
		defer func() {
			if p, _ := recover().(error); !errors.Is(p, errStop) {
				t.Errorf("a panic in f comes out as %v", p)
			}
		}()
		err := s.View(t.Context(), func(context.Context, storage.Reader) error { panic(errStop) })
		t.Errorf("View = %v where f panics", err)
	}()
	// Views end: the store goes on after as many as it may have connections.
	for range 50 {
		if err := s.View(t.Context(), func(ctx context.Context, r storage.Reader) error { _, err := r.Change(ctx); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

func recordsChange(t *testing.T, s storage.Store) {
	n := change(t, s)
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		for _, k := range kinds() {
			if err := k.put(ctx, w, k.make("a", all)); err != nil {
				return err
			}
		}
		return nil
	})
	if got := change(t, s); got != n+1 {
		t.Errorf("after one Write the change row went from %d to %d, want one step", n, got)
	}
	write(t, s, func(context.Context, storage.Writer) error { return nil })
	if got := change(t, s); got != n+2 {
		t.Errorf("after two Writes the change row went from %d to %d, want two steps", n, got)
	}
	passes(t, s, noon, grant("a", noon))
	puts(t, s, noon, record("code", "a"))
	revokes(t, s, noon, noon.Add(time.Hour), "a")
	if err := s.TouchKeys(t.Context(), []storage.KeyUse{{Client: "a", Key: "a", At: noon}}); err != nil {
		t.Errorf("TouchKeys: %v", err)
	}
	sweep(t, s, noon.Add(24*time.Hour))
	if got := change(t, s); got != n+2 {
		t.Errorf("FirstUse, PutHandle, Revoke, TouchKeys or Sweep moved the change row")
	}
}

func recordsTouchKeys(t *testing.T, s storage.Store) {
	client := func(id string) *storage.Client {
		return &storage.Client{ID: id, Keys: []storage.ClientKey{{ID: "k1"}, {ID: "k2", LastUsed: noon}, {ID: "it's"}}}
	}
	a, b := client("a"), client("b")
	put(t, s, clientKind(), a, b)
	revision := a.Revision
	touch := func(uses ...storage.KeyUse) {
		t.Helper()
		if err := s.TouchKeys(t.Context(), uses); err != nil {
			t.Fatalf("TouchKeys: %v", err)
		}
	}
	check := func(id string, want ...time.Time) {
		t.Helper()
		c, err := s.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range c.Keys {
			if !k.LastUsed.Equal(want[i]) || k.LastUsed.IsZero() != want[i].IsZero() {
				t.Errorf("key %s of %s was last used %s, want %s", k.ID, id, k.LastUsed, want[i])
			}
		}
	}
	never := time.Time{}
	check("a", never, noon, never)
	touch()
	at := noon.Add(time.Minute)
	touch(storage.KeyUse{Client: "a", Key: "k1", At: at.Add(999 * time.Microsecond)},
		storage.KeyUse{Client: "a", Key: "k2", At: at}, storage.KeyUse{Client: "a", Key: "k2", At: at.Add(-time.Second)},
		storage.KeyUse{Client: "a", Key: "it's", At: at}, storage.KeyUse{Client: "a", Key: "none", At: at},
		storage.KeyUse{Client: "none", Key: "k1", At: at}, storage.KeyUse{Client: "A", Key: "k1", At: at})
	check("a", at, at, at)
	check("b", never, noon, never)
	touch(storage.KeyUse{Client: "a", Key: "k1", At: noon})
	check("a", at, at, at)
	c, err := s.Client(t.Context(), "a")
	if err != nil || c.Revision != revision {
		t.Errorf("TouchKeys changed the revision from %d to %d, %v", revision, c.Revision, err)
	}

	// Who has read a client before a key was used does not take that back.
	put(t, s, clientKind(), a)
	check("a", at, at, at)
	a.Keys[0].LastUsed = at.Add(time.Hour)
	put(t, s, clientKind(), a)
	check("a", at.Add(time.Hour), at, at)

	// A key that comes back is a new one, and so is a client.
	keys := a.Keys
	a.Keys = keys[1:]
	put(t, s, clientKind(), a)
	a.Keys = append([]storage.ClientKey{{ID: "k1"}}, keys[1:]...)
	put(t, s, clientKind(), a)
	check("a", never, at, at)
	write(t, s, func(ctx context.Context, w storage.Writer) error { return w.DeleteClient(ctx, "a") })
	put(t, s, clientKind(), client("a"))
	check("a", never, noon, never)

	var many []storage.KeyUse
	for i := range 3000 {
		many = append(many, storage.KeyUse{Client: []string{"a", "b", "c"}[i%3], Key: fmt.Sprint("k", i%5), At: at.Add(time.Duration(i) * time.Second)})
	}
	touch(many...)
	check("a", at.Add(2991*time.Second), at.Add(2997*time.Second), never)
}

// recordsWriters counts from many goroutines: no step is lost.
func recordsWriters(t *testing.T, s storage.Store) {
	k := ruleKind()
	r := k.make("counter", nothing)
	k.touch(r, "0")
	put(t, s, k, r)
	before := change(t, s)
	const writers, steps = 16, 10
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for n := range steps {
				err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
					r, err := k.get(ctx, w, "counter")
					if err != nil {
						return err
					}
					n, err := strconv.Atoi(k.text(r))
					if err != nil {
						return err
					}
					k.touch(r, strconv.Itoa(n+1))
					return k.put(ctx, w, r)
				})
				if err != nil {
					t.Errorf("Write: %v", err)
				}
				// Others write in between.
				if err := s.FirstUse(t.Context(), noon, grant(fmt.Sprint(i, ",", n), noon)); err != nil {
					t.Errorf("FirstUse: %v", err)
				}
			}
		})
	}
	all.Wait()
	if got := k.text(get(t, s, k, "counter")); got != strconv.Itoa(writers*steps) {
		t.Errorf("%d writers counted to %s, want %d", writers, got, writers*steps)
	}
	if n := change(t, s) - before; n != writers*steps {
		t.Errorf("the change row went %d steps, want %d", n, writers*steps)
	}
}

// recordsCanceled gives up at any moment, and finds the store as it should be afterwards.
func recordsCanceled(t *testing.T, s storage.Store) {
	k := ruleKind()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ended, func(ctx context.Context, w storage.Writer) error { return k.put(ctx, w, k.make("ended", all)) }); err == nil {
		t.Errorf("Write with an ended context = nil")
	}
	if _, err := s.Change(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Change with an ended context = %v", err)
	}
	if _, err := s.Rule(ended, "ended"); !errors.Is(err, context.Canceled) {
		t.Errorf("Rule with an ended context = %v", err)
	}
	before := change(t, s)

	ctx, cancel := context.WithCancel(t.Context())
	err := s.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		if err := k.put(ctx, w, k.make("given up", all)); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if err == nil {
		t.Errorf("Write = nil although its context ended in f")
	}
	if _, err := k.get(t.Context(), s, "given up"); !errors.Is(err, storage.ErrNotFound) || change(t, s) != before {
		t.Errorf("what was given up was written: %v", err)
	}

	var all sync.WaitGroup
	written := make([]int, 16)
	for i := range written {
		all.Go(func() {
			for n := range 30 {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration((i*n)%40)*50*time.Microsecond, cancel)
				_, client := s.Client(ctx, "a")
				_, clients := s.Clients(ctx, "", 10)
				_, change := s.Change(ctx)
				if err := errors.Join(clients, change); ctx.Err() == nil && (err != nil || !errors.Is(client, storage.ErrNotFound)) {
					t.Errorf("reads: %v, %v", client, err)
				}
				err := s.Write(ctx, func(ctx context.Context, w storage.Writer) error {
					return k.put(ctx, w, k.make(fmt.Sprint(i, ",", n), nothing))
				})
				if err == nil {
					written[i]++
				} else if ctx.Err() == nil {
					t.Errorf("Write: %v", err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	rules, err := s.Rules(t.Context())
	if err != nil {
		t.Fatalf("Rules: %v", err)
	}
	sum := 0
	for _, n := range written {
		sum += n
	}
	if len(rules) < sum {
		t.Errorf("%d Writes returned nil, and %d records are there", sum, len(rules))
	}
	if n := change(t, s) - before; n != int64(len(rules)) {
		t.Errorf("the change row went %d steps for %d records", n, len(rules))
	}
	put(t, s, k, k.make("after", nothing))
}

func recordsClosed(t *testing.T, s storage.Store) {
	put(t, s, clientKind(), clientKind().make("a", all))
	shut(t, s)
	asked(t, s)
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// asked asks a store that cannot answer. No answer is nil, and none is that there is nothing.
func asked(t *testing.T, s storage.Store) {
	t.Helper()
	ctx := t.Context()
	_, change := s.Change(ctx)
	_, client := s.Client(ctx, "a")
	_, clients := s.Clients(ctx, "", 1)
	_, issuer := s.Issuer(ctx, "a")
	_, issuers := s.Issuers(ctx)
	_, rule := s.Rule(ctx, "a")
	_, rules := s.Rules(ctx)
	_, keys := s.SigningKeys(ctx)
	_, subject := s.Subject(ctx, "a")
	_, subjects := s.Subjects(ctx, "", 1)
	_, token := s.InitialToken(ctx, "a")
	_, tokens := s.InitialTokens(ctx)
	_, log := s.Log(ctx, storage.LogQuery{Kind: "change", Limit: 1})
	_, drop := s.DropLog(ctx, "change", noon)
	for what, err := range map[string]error{
		"Change": change, "Client": client, "Clients": clients, "Issuer": issuer, "Issuers": issuers, "Rule": rule,
		"Rules": rules, "SigningKeys": keys, "Subject": subject, "Subjects": subjects, "InitialToken": token, "InitialTokens": tokens,
		"Log": log, "DropLog": drop,
		"Write":     s.Write(ctx, func(context.Context, storage.Writer) error { return nil }),
		"View":      s.View(ctx, func(ctx context.Context, r storage.Reader) error { _, err := r.Change(ctx); return err }),
		"TouchKeys": s.TouchKeys(ctx, []storage.KeyUse{{Client: "a", Key: "a", At: noon}}),
		"Sweep":     s.Sweep(ctx, noon),
	} {
		if err == nil || errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s = %v, want an error that says that the store cannot answer", what, err)
		}
	}
}

// recordsTwoHandles opens a place twice: what one writes the other reads at once.
func recordsTwoHandles(t *testing.T, s Stores) {
	place := s.Place(t)
	a, b := s.at(t, place), s.at(t, place)
	k := clientKind()
	for i := range 20 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		n := change(t, to)
		put(t, from, k, k.make(fmt.Sprint(i), all))
		if got := change(t, to); got != n+1 {
			t.Errorf("Change = %d at the other handle, want %d", got, n+1)
		}
		get(t, to, k, fmt.Sprint(i))
	}
	// Each of them counts: nobody overwrites the other.
	put(t, a, ruleKind(), &storage.Rule{Name: "first"}, &storage.Rule{Name: "second"})
	var all sync.WaitGroup
	for _, store := range []storage.Store{a, b} {
		all.Go(func() {
			for range 30 {
				err := store.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
					r, err := w.Rule(ctx, "first")
					if err != nil {
						return err
					}
					n, _ := strconv.Atoi(r.Subject)
					r.Subject = strconv.Itoa(n + 1)
					return w.PutRule(ctx, r)
				})
				if err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	all.Wait()
	if r := get(t, a, ruleKind(), "first").(*storage.Rule); r.Subject != "60" {
		t.Errorf("two handles counted to %s, want 60", r.Subject)
	}
}

// recordsKilled kills a process that writes two records in each transaction: they stay together, and no committed number
// is lost.
func recordsKilled(t *testing.T, s Stores, root string) {
	place := s.Place(t)
	shut(t, s.at(t, place))
	for round := range 3 {
		c := startChild(t, root, job{Do: "write", Place: place})
		last := ""
		for range 20 + round*13 {
			last = c.next()
		}
		if more := c.killAndRead(); len(more) > 0 {
			last = more[len(more)-1]
		}
		var n int
		var at int64
		if _, err := fmt.Sscanf(last, "wrote %d %d", &n, &at); err != nil {
			t.Fatalf("the second process says %q", last)
		}
		store := s.at(t, place)
		first, second := get(t, store, ruleKind(), "first").(*storage.Rule), get(t, store, ruleKind(), "second").(*storage.Rule)
		stored, _ := strconv.Atoi(first.Subject)
		if first.Subject != second.Subject || stored < n || stored > n+1 {
			t.Errorf("the records say %s and %s, want the same, and %d or one more", first.Subject, second.Subject, n)
		}
		if got := change(t, store); got != at+int64(stored-n) {
			t.Errorf("Change = %d, want %d", got, at+int64(stored-n))
		}
		shut(t, store)
	}
}

// recordsFault makes a store unable to write while it is in use. It may still read.
func recordsFault(t *testing.T, s Stores, fault func(testing.TB, string, storage.Store)) {
	place := s.Place(t)
	store := s.at(t, place)
	k := clientKind()
	put(t, store, k, k.make("a", all))
	fault(t, place, store)
	for i := range 3 {
		r := k.make(fmt.Sprint("new", i), all)
		if err := store.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return k.put(ctx, w, r) }); err == nil {
			t.Errorf("Write = nil")
		}
		if err := store.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return w.Append(ctx, entry("new")) }); err == nil {
			t.Errorf("Write of an entry = nil")
		}
		if _, err := k.get(t.Context(), store, fmt.Sprint("new", i)); err == nil {
			t.Errorf("what could not be written is there")
		}
	}
}
