package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // queries of a test, to be repeated from their seed
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

func judgeLog(t *testing.T, s Stores) {
	root := strings.TrimSuffix(t.Name(), "/Log")
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s storage.Store)
	}{
		{"RoundTrip", logRoundTrip},
		{"Numbers", logNumbers},
		{"Refused", logRefused},
		{"Labels", logLabels},
		{"Bounds", logBounds},
		{"Queries", logQueries},
		{"Rollback", logRollback},
		{"Isolation", logIsolation},
		{"Writers", logWriters},
		{"Drop", logDrop},
		{"Revoke", logRevoke},
		{"Change", logChange},
		{"Canceled", logCanceled},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s.at(t, s.Place(t))) })
	}
	t.Run("Restart", func(t *testing.T) { logRestart(t, s) })
	t.Run("TwoHandles", func(t *testing.T) { logTwoHandles(t, s) })
	t.Run("TwoProcesses", func(t *testing.T) { logTwoProcesses(t, s, root) })
	t.Run("Killed", func(t *testing.T) { logKilled(t, s, root) })
}

// entry returns an entry of the log "change".
func entry(text string) *storage.Entry {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // the texts of tests are UTF-8
	}
	return &storage.Entry{Kind: "change", Time: noon, Labels: [3]string{"client", text, "alice"}, Data: data}
}

// appended appends entries in one transaction.
func appended(t testing.TB, s storage.Store, entries ...*storage.Entry) {
	t.Helper()
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		for _, e := range entries {
			if err := w.Append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// logged returns what a query selects.
func logged(t testing.TB, r storage.Reader, q storage.LogQuery) []*storage.Entry {
	t.Helper()
	if q.Kind == "" {
		q.Kind = "change"
	}
	if q.Limit == 0 {
		q.Limit = 10_000
	}
	found, err := r.Log(t.Context(), q)
	if err != nil {
		t.Fatalf("Log(%+v): %v", q, err)
	}
	return found
}

func numbers(entries []*storage.Entry) []int64 {
	var all []int64
	for _, e := range entries {
		all = append(all, e.Number)
	}
	return all
}

func wantNumbers(t testing.TB, what string, got []*storage.Entry, want ...int64) {
	t.Helper()
	if !slices.Equal(numbers(got), want) {
		t.Errorf("%s: the entries have the numbers %v, want %v", what, numbers(got), want)
	}
}

func logRoundTrip(t *testing.T, s storage.Store) {
	var all []*storage.Entry
	for i, text := range texts {
		e := &storage.Entry{Kind: "kind " + text, Number: 77, Labels: [3]string{text, "", text + "!"}, Data: json.RawMessage(raws[i%len(raws)]),
			Time: time.Date(2031, 2, 3, 4, 5, 6, i*1_000_000+999_999, time.FixedZone("", 2*60*60))}
		all = append(all, e)
	}
	all = append(all, &storage.Entry{Kind: "long", Time: noon, Data: json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)})
	var given []storage.Entry
	for _, e := range all {
		given = append(given, *e)
	}
	appended(t, s, all...)
	for i, e := range all {
		if e.Number != 1 {
			t.Errorf("the first entry of %q has the number %d, want 1", e.Kind, e.Number)
		}
		given[i].Number = e.Number
		if d := difference(e.Kind, reflect.ValueOf(*e), reflect.ValueOf(given[i])); d != "" {
			t.Errorf("Append changes the entry it is given: %s", d)
		}
		want := given[i]
		want.Time = want.Time.UTC().Truncate(time.Millisecond)
		found := logged(t, s, storage.LogQuery{Kind: e.Kind})
		if len(found) != 1 {
			t.Fatalf("the log %q has %d entries, want 1", e.Kind, len(found))
		}
		if d := difference(e.Kind, reflect.ValueOf(*found[0]), reflect.ValueOf(want)); d != "" {
			t.Error(d)
		}
		clear(found[0].Data)
		if again := logged(t, s, storage.LogQuery{Kind: e.Kind}); string(again[0].Data) != string(want.Data) {
			t.Errorf("%q: the store shares memory with its callers", e.Kind)
		}
	}
}

// logNumbers counts each log by itself, without gaps, whatever is rolled back.
func logNumbers(t *testing.T, s storage.Store) {
	if found := logged(t, s, storage.LogQuery{}); len(found) > 0 {
		t.Errorf("a new store has %d entries", len(found))
	}
	for n := int64(1); n <= 6; n += 2 {
		first, other, second := entry("a"), &storage.Entry{Kind: "other", Time: noon, Data: json.RawMessage("1")}, entry("b")
		appended(t, s, first, other, second)
		if first.Number != n || second.Number != n+1 || other.Number != (n+1)/2 {
			t.Errorf("Append sets the numbers %d, %d and, in another log, %d; want %d, %d, %d", first.Number, second.Number, other.Number, n, n+1, (n+1)/2)
		}
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
			return errors.Join(w.Append(ctx, entry("gone")), errStop)
		})
		if !errors.Is(err, errStop) {
			t.Errorf("Write = %v", err)
		}
	}
	wantNumbers(t, "after three transactions", logged(t, s, storage.LogQuery{OldestFirst: true}), 1, 2, 3, 4, 5, 6)
}

func logRefused(t *testing.T, s storage.Store) {
	for name, change := range map[string]func(e *storage.Entry){
		"no kind":         func(e *storage.Entry) { e.Kind = "" },
		"no time":         func(e *storage.Entry) { e.Time = time.Time{} },
		"no data":         func(e *storage.Entry) { e.Data = nil },
		"not JSON":        func(e *storage.Entry) { e.Data = json.RawMessage(`{"a":`) },
		"two values":      func(e *storage.Entry) { e.Data = json.RawMessage(`1 2`) },
		"data not UTF-8":  func(e *storage.Entry) { e.Data = json.RawMessage("\"\xff\"") },
		"label not UTF-8": func(e *storage.Entry) { e.Labels[2] = "a\xff" },
		"NUL in a label":  func(e *storage.Entry) { e.Labels[0] = "a\x00b" },
		"kind not UTF-8":  func(e *storage.Entry) { e.Kind = "\xed\xa0\x80" },
	} {
		e := entry("bad")
		change(e)
		if err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return w.Append(ctx, e) }); err == nil {
			t.Errorf("Append accepts an entry with %s", name)
		}
	}
	good := entry("good")
	appended(t, s, good)
	if good.Number != 1 {
		t.Errorf("after refused entries the first one has the number %d, want 1", good.Number)
	}
}

// logLabels appends entries whose labels are easily taken for each other.
func logLabels(t *testing.T, s storage.Store) {
	labels := []string{"a", "A", "a ", " a", "é", "e\u0301", "%", "_", "a%", "a'", "NULL", "0", "00"}
	var all []*storage.Entry
	for i := range 3 {
		for _, label := range labels {
			e := &storage.Entry{Kind: "change", Time: noon, Data: json.RawMessage("1")}
			e.Labels[i] = label
			all = append(all, e)
		}
	}
	all = append(all, &storage.Entry{Kind: "Change", Time: noon, Labels: [3]string{"a", "a", "a"}, Data: json.RawMessage("1")})
	appended(t, s, all...)
	for i := range 3 {
		for k, label := range labels {
			q := storage.LogQuery{}
			q.Labels[i] = label
			wantNumbers(t, fmt.Sprintf("label %d is %q", i, label), logged(t, s, q), all[i*len(labels)+k].Number)
		}
		q := storage.LogQuery{}
		q.Labels[i] = "none"
		wantNumbers(t, "a label that no entry has", logged(t, s, q))
	}
	if n := len(logged(t, s, storage.LogQuery{})); n != 3*len(labels) {
		t.Errorf("without a label %d entries are found, want %d", n, 3*len(labels))
	}
	for _, kind := range []string{"", "none", "CHANGE", "change "} {
		found, err := s.Log(t.Context(), storage.LogQuery{Kind: kind, Limit: 10})
		if err != nil || len(found) > 0 {
			t.Errorf("the log %q has %d entries, %v", kind, len(found), err)
		}
	}
}

// logBounds asks for times and numbers at the very ends.
func logBounds(t *testing.T, s storage.Store) {
	var all []*storage.Entry
	for i := range 5 {
		e := entry(fmt.Sprint(i))
		e.Time = noon.Add(time.Duration(i) * time.Millisecond)
		all = append(all, e)
	}
	appended(t, s, all...)
	for _, c := range []struct {
		what string
		q    storage.LogQuery
		want []int64
	}{
		{"since its time", storage.LogQuery{Since: all[3].Time}, []int64{5, 4}},
		{"since a microsecond later", storage.LogQuery{Since: all[3].Time.Add(time.Microsecond)}, []int64{5}},
		{"until its time", storage.LogQuery{Until: all[1].Time}, []int64{1}},
		{"until a microsecond later", storage.LogQuery{Until: all[1].Time.Add(time.Microsecond)}, []int64{2, 1}},
		{"since and until one time", storage.LogQuery{Since: all[2].Time, Until: all[2].Time}, nil},
		{"one millisecond", storage.LogQuery{Since: all[2].Time, Until: all[3].Time}, []int64{3}},
		{"until before since", storage.LogQuery{Since: all[3].Time, Until: all[2].Time}, nil},
		{"another zone", storage.LogQuery{Since: all[3].Time.In(time.FixedZone("", -5*60*60))}, []int64{5, 4}},
		{"after 3", storage.LogQuery{After: 3}, []int64{5, 4}},
		{"before 3", storage.LogQuery{Before: 3}, []int64{2, 1}},
		{"between", storage.LogQuery{After: 1, Before: 5, OldestFirst: true}, []int64{2, 3, 4}},
		{"after the last", storage.LogQuery{After: 5}, nil},
		{"before the first", storage.LogQuery{Before: 1}, nil},
		{"the newest", storage.LogQuery{Limit: 2}, []int64{5, 4}},
		{"the oldest", storage.LogQuery{Limit: 2, OldestFirst: true}, []int64{1, 2}},
		{"none", storage.LogQuery{Limit: -1}, nil},
	} {
		wantNumbers(t, c.what, logged(t, s, c.q), c.want...)
	}
	if found, err := s.Log(t.Context(), storage.LogQuery{Kind: "change"}); err != nil || len(found) > 0 {
		t.Errorf("with Limit 0 there are %d entries, %v", len(found), err)
	}
}

// logQueries compares answers with those of a model, for many queries. Times do not rise with numbers: clocks are set.
func logQueries(t *testing.T, s storage.Store) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string { return []string{"", "a", "b", "c"}[random.IntN(4)] }
	instant := func() time.Time { return noon.Add(time.Duration(random.IntN(20)) * time.Minute) }
	var all []*storage.Entry
	for range 400 {
		all = append(all, &storage.Entry{Kind: []string{"change", "other"}[random.IntN(2)], Time: instant(), Labels: [3]string{word(), word(), word()},
			Data: json.RawMessage(fmt.Sprint(random.IntN(1000)))})
	}
	for portion := range slices.Chunk(all, 40) {
		appended(t, s, portion...)
	}
	maybe := func(set func()) {
		if random.IntN(3) == 0 {
			set()
		}
	}
	for range 1500 {
		q := storage.LogQuery{Kind: []string{"change", "other"}[random.IntN(2)], OldestFirst: random.IntN(2) == 0, Limit: 1 + random.IntN(60)}
		for i := range q.Labels {
			maybe(func() { q.Labels[i] = word() })
		}
		maybe(func() { q.Since = instant() })
		maybe(func() { q.Until = instant() })
		maybe(func() { q.After = int64(random.IntN(200)) })
		maybe(func() { q.Before = int64(random.IntN(200)) })
		got, want := logged(t, s, q), selected(all, q)
		if !slices.EqualFunc(got, want, func(a, b *storage.Entry) bool { return a.Number == b.Number && string(a.Data) == string(b.Data) }) {
			t.Fatalf("Log(%+v)\nhas the numbers %v,\nwant            %v", q, numbers(got), numbers(want))
		}
	}
}

// selected is what a query selects from entries that are sorted by number.
func selected(all []*storage.Entry, q storage.LogQuery) (found []*storage.Entry) {
	for _, e := range all {
		matches := e.Kind == q.Kind && e.Number > q.After && (q.Before == 0 || e.Number < q.Before) &&
			(q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
		for i, label := range q.Labels {
			matches = matches && (label == "" || e.Labels[i] == label)
		}
		if matches {
			found = append(found, e)
		}
	}
	if !q.OldestFirst {
		slices.Reverse(found)
	}
	return found[:min(len(found), q.Limit)]
}

// logRollback returns an error, or panics, after entries were appended beside records: neither stays. What failed
// within a transaction that is committed has no entry either.
func logRollback(t *testing.T, s storage.Store) {
	k := ruleKind()
	spoil := func(ctx context.Context, w storage.Writer) error {
		return errors.Join(w.Append(ctx, entry("a")), k.put(ctx, w, k.make("new", all)), w.Append(ctx, entry("b")))
	}
	check := func(how string) {
		t.Helper()
		wantNumbers(t, how, logged(t, s, storage.LogQuery{}))
		if _, err := k.get(t.Context(), s, "new"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: the record was created", how)
		}
	}
	err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return errors.Join(spoil(ctx, w), errStop) })
	if !errors.Is(err, errStop) {
		t.Errorf("Write = %v, want the error of f", err)
	}
	check("an error")
	func() {
		defer func() { _ = recover() }()
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
			if err := spoil(ctx, w); err != nil {
				t.Error(err)
			}
			panic(errStop)
		})
		t.Errorf("Write = %v although f panics", err)
	}()
	check("a panic")
	err = s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
		if err := spoil(ctx, w); err != nil {
			return err
		}
		return k.put(ctx, w, k.make("new", nothing)) // it exists
	})
	if !errors.Is(err, storage.ErrExists) {
		t.Errorf("Write = %v, want ErrExists", err)
	}
	check("a record that is refused")
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		bad := entry("bad")
		bad.Data = nil
		if w.Append(ctx, bad) == nil {
			t.Error("Append accepts an entry without data")
		}
		return spoil(ctx, w)
	})
	wantNumbers(t, "a transaction that is committed", logged(t, s, storage.LogQuery{OldestFirst: true}), 1, 2)
	get(t, s, k, "new")
}

// logIsolation reads inside and outside of a transaction, and in a view.
func logIsolation(t *testing.T, s storage.Store) {
	appended(t, s, entry("first"))
	write(t, s, func(ctx context.Context, w storage.Writer) error {
		if err := w.Append(ctx, entry("second")); err != nil {
			return err
		}
		wantNumbers(t, "inside the transaction", logged(t, w, storage.LogQuery{}), 2, 1)
		wantNumbers(t, "outside, before the commit", logged(t, s, storage.LogQuery{}), 1)
		return nil
	})
	err := s.View(t.Context(), func(ctx context.Context, r storage.Reader) error {
		wantNumbers(t, "in a view", logged(t, r, storage.LogQuery{}), 2, 1)
		appended(t, s, entry("third"))
		wantNumbers(t, "in a view, later", logged(t, r, storage.LogQuery{}), 2, 1)
		return nil
	})
	if err != nil {
		t.Errorf("View = %v", err)
	}
	wantNumbers(t, "afterwards", logged(t, s, storage.LogQuery{}), 3, 2, 1)
}

// logWriters appends from many goroutines while another one follows the log: numbers have no gaps, the order of numbers
// is that of changes, and no entry appears behind one that was seen.
func logWriters(t *testing.T, s storage.Store) {
	const writers, steps = 12, 10
	var all sync.WaitGroup
	done := make(chan struct{})
	var followed []int64
	var follower sync.WaitGroup
	follower.Go(func() {
		last := int64(0)
		for ended := false; ; {
			select {
			case <-done:
				ended = true
			default:
			}
			found, err := s.Log(t.Context(), storage.LogQuery{Kind: "change", After: last, OldestFirst: true, Limit: 7})
			if err != nil {
				t.Errorf("Log: %v", err)
				return
			}
			for _, e := range found {
				followed, last = append(followed, e.Number), e.Number
			}
			if ended && len(found) == 0 {
				return
			}
		}
	})
	for range writers {
		all.Go(func() {
			for range steps {
				err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
					n, err := w.Change(ctx)
					if err != nil {
						return err
					}
					e := entry("writer")
					e.Data = json.RawMessage(fmt.Sprint(n))
					return errors.Join(w.Append(ctx, e), w.Append(ctx, e))
				})
				if err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	all.Wait()
	close(done)
	follower.Wait()
	found := logged(t, s, storage.LogQuery{OldestFirst: true})
	if len(found) != 2*writers*steps || !slices.Equal(followed, numbers(found)) {
		t.Errorf("%d entries were appended, and following the log showed %d; want %d", len(found), len(followed), 2*writers*steps)
	}
	last := 0
	for i, e := range found {
		change := 0
		if err := json.Unmarshal(e.Data, &change); err != nil {
			t.Fatal(err)
		}
		if e.Number != int64(i+1) || change < last {
			t.Errorf("entry %d of the log has the number %d and is of change %d, after change %d", i+1, e.Number, change, last)
		}
		last = change
	}
}

// logDrop drops more than a portion, by time, and of one kind. Numbers go on where they were.
func logDrop(t *testing.T, s storage.Store) {
	var all []*storage.Entry
	for i := range 1300 {
		e := entry(fmt.Sprint(i))
		e.Time = noon.Add(time.Duration(i) * time.Second)
		all = append(all, e)
	}
	all[1250].Time = noon // a clock that was set back
	other := &storage.Entry{Kind: "other", Time: noon.Add(-time.Hour), Data: json.RawMessage("1")}
	appended(t, s, append(all, other)...)
	before := change(t, s)
	drop := func(kind string, at time.Time, want int64) {
		t.Helper()
		if dropped, err := s.DropLog(t.Context(), kind, at); err != nil || dropped != want {
			t.Errorf("DropLog(%q, %s) = %d, %v; want %d", kind, at, dropped, err, want)
		}
	}
	drop("change", noon, 0)
	drop("none", noon.Add(time.Hour), 0)
	drop("change", noon.Add(1200*time.Second), 1201)
	left := logged(t, s, storage.LogQuery{OldestFirst: true})
	if len(left) != 99 || left[0].Number != 1201 || slices.Contains(numbers(left), 1251) {
		t.Errorf("the numbers that are left are %v", numbers(left))
	}
	if got := left[0].Time; !got.Equal(noon.Add(1200 * time.Second)) {
		t.Errorf("the oldest that is left is of %s: an entry of the very time stays", got)
	}
	drop("change", noon.Add(1200*time.Second+time.Microsecond), 1)
	drop("change", noon.Add(24*time.Hour), 98)
	wantNumbers(t, "another log", logged(t, s, storage.LogQuery{Kind: "other"}), 1)
	if got := change(t, s); got != before {
		t.Errorf("DropLog moved the change row from %d to %d", before, got)
	}
	e := entry("next")
	appended(t, s, e)
	if e.Number != 1301 {
		t.Errorf("after everything was dropped the next number is %d, want 1301", e.Number)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.DropLog(ended, "change", noon.Add(24*time.Hour)); err == nil {
		t.Errorf("DropLog with an ended context = nil")
	}
	wantNumbers(t, "after that", logged(t, s, storage.LogQuery{}), 1301)
}

// logRevoke revokes inside transactions.
func logRevoke(t *testing.T, s storage.Store) {
	revoke := func(until time.Time, fails error, ids ...string) {
		t.Helper()
		was, err := s.Revoked(t.Context(), noon, ids...)
		if err != nil {
			t.Errorf("Revoked: %v", err)
		}
		err = s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
			if err := w.Revoke(ctx, noon, until, ids...); err != nil {
				return err
			}
			if is, err := s.Revoked(ctx, noon, ids...); err != nil || is != was {
				t.Errorf("before the commit Revoked = %t, %v; want %t", is, err, was)
			}
			return errors.Join(w.Append(ctx, entry("revoke")), fails)
		})
		if !errors.Is(err, fails) {
			t.Errorf("Write = %v, want %v", err, fails)
		}
	}
	is := func(want bool, at time.Time, id string) {
		t.Helper()
		if got, err := s.Revoked(t.Context(), at, id); err != nil || got != want {
			t.Errorf("Revoked(%s, %q) = %t, %v; want %t", at, id, got, err, want)
		}
	}
	hour := noon.Add(time.Hour)
	revoke(hour, errStop, "rolled back")
	is(false, noon, "rolled back")
	revoke(hour, nil, "a", "b\xff\x00", "")
	for _, id := range []string{"a", "b\xff\x00", ""} {
		is(true, noon, id)
		is(true, hour.Add(-time.Millisecond), id)
		is(false, hour.Add(time.Millisecond), id)
	}
	is(false, noon, "A")
	revoke(noon.Add(time.Minute), nil, "a") // the latest of all calls counts
	is(true, noon.Add(30*time.Minute), "a")
	if err := s.Revoke(t.Context(), noon, noon.Add(2*time.Hour), "a"); err != nil {
		t.Errorf("Revoke: %v", err)
	}
	revoke(hour, nil, "a")
	is(true, noon.Add(90*time.Minute), "a")
	revoke(noon.Add(-time.Minute), nil, "passed") // by a clock that may be ahead
	is(true, noon.Add(-2*time.Minute), "passed")
	is(false, noon, "passed")
	revoke(hour, nil)
	wantNumbers(t, "entries beside revocations", logged(t, s, storage.LogQuery{}), 5, 4, 3, 2, 1)
}

func logChange(t *testing.T, s storage.Store) {
	n := change(t, s)
	appended(t, s, entry("a"), entry("b"))
	if got := change(t, s); got != n+1 {
		t.Errorf("after one Write with two entries the change row went from %d to %d, want one step", n, got)
	}
}

func logCanceled(t *testing.T, s storage.Store) {
	appended(t, s, entry("a"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, limit := range []int{0, 1} {
		if _, err := s.Log(ended, storage.LogQuery{Kind: "change", Limit: limit}); !errors.Is(err, context.Canceled) {
			t.Errorf("Log with an ended context and Limit %d = %v", limit, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		defer cancel()
		return errors.Join(w.Append(ctx, entry("given up")), w.Revoke(ctx, noon, noon.Add(time.Hour), "given up"))
	})
	if err == nil {
		t.Errorf("Write = nil although its context ended in f")
	}
	wantNumbers(t, "what was given up", logged(t, s, storage.LogQuery{}), 1)
	if is, err := s.Revoked(t.Context(), noon, "given up"); is || err != nil {
		t.Errorf("what was given up is revoked: %t, %v", is, err)
	}
}

func logRestart(t *testing.T, s Stores) {
	place := s.Place(t)
	for n := int64(1); n <= 3; n++ {
		store := s.at(t, place)
		e := entry("a")
		appended(t, store, e)
		if e.Number != n {
			t.Errorf("after %d restarts Append sets the number %d, want %d", n-1, e.Number, n)
		}
		if n == 2 {
			if _, err := store.DropLog(t.Context(), "change", noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		shut(t, store)
	}
	wantNumbers(t, "after all", logged(t, s.at(t, place), storage.LogQuery{}), 3)
}

// logTwoHandles opens a place twice: what one appends the other reads at once, and both count on.
func logTwoHandles(t *testing.T, s Stores) {
	place := s.Place(t)
	a, b := s.at(t, place), s.at(t, place)
	for n := int64(1); n <= 20; n++ {
		from, to := a, b
		if n%2 == 0 {
			from, to = b, a
		}
		e := entry("a")
		appended(t, from, e)
		if e.Number != n {
			t.Errorf("Append sets the number %d, want %d", e.Number, n)
		}
		wantNumbers(t, "at the other handle", logged(t, to, storage.LogQuery{Limit: 1}), n)
	}
	write(t, a, func(ctx context.Context, w storage.Writer) error {
		return w.Revoke(ctx, noon, noon.Add(time.Hour), "id")
	})
	if is, err := b.Revoked(t.Context(), noon, "id"); !is || err != nil {
		t.Errorf("Revoked = %t, %v at the other handle", is, err)
	}
}

// logTwoProcesses lets two processes append, each from several goroutines.
func logTwoProcesses(t *testing.T, s Stores, root string) {
	place := s.Place(t)
	store := s.at(t, place)
	const entries = 40
	children := make([]*child, 2)
	for i := range children {
		children[i] = startChild(t, root, job{Do: "append", Place: place, Seed: uint64(i), N: entries})
	}
	for _, c := range children {
		if line := c.next(); line != "ready" {
			t.Fatalf("the second process says %q, want ready", line)
		}
	}
	for _, c := range children {
		if _, err := io.WriteString(c.stdin, "go\n"); err != nil {
			t.Fatal(err)
		}
	}
	said := map[string]bool{}
	for _, c := range children {
		for _, line := range c.wait() {
			said[line] = true
		}
	}
	found := logged(t, store, storage.LogQuery{OldestFirst: true})
	if len(found) != 2*callers*entries || len(said) != len(found) {
		t.Errorf("%d entries of %d processes' %d are there", len(found), len(children), len(said))
	}
	for i, e := range found {
		if e.Number != int64(i+1) || !said[fmt.Sprint("appended ", e.Number, " ", e.Labels[1])] {
			t.Errorf("entry %d of the log has the number %d, and %q has appended another one", i+1, e.Number, e.Labels[1])
		}
	}
}

// logKilled kills a process that writes two records and an entry in each transaction: every write that was acknowledged
// has its entry, and every entry its write.
func logKilled(t *testing.T, s Stores, root string) {
	place := s.Place(t)
	shut(t, s.at(t, place))
	total := 0
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
		stored := 0
		if _, err := fmt.Sscan(get(t, store, ruleKind(), "first").(*storage.Rule).Subject, &stored); err != nil {
			t.Fatal(err)
		}
		found := logged(t, store, storage.LogQuery{Kind: "count"})
		if len(found) != total+stored || stored < n {
			t.Fatalf("there are %d entries for %d writes, of which %d were acknowledged", len(found)-total, stored, n)
		}
		for i := range stored {
			if e := found[stored-1-i]; e.Labels[0] != fmt.Sprint(i+1) || e.Number != int64(total+i+1) {
				t.Errorf("entry %d says that it is of write %s, want write %d", e.Number, e.Labels[0], i+1)
			}
		}
		total += stored
		shut(t, store)
	}
}
