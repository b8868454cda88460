package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// TestHandlesGoByRange asks SQLite how it would do what is done: by an index, never by a look at every row.
func TestHandlesGoByRange(t *testing.T) {
	s := open(t, place(t), sqlite.Options{})
	for _, statement := range sqlite.HandleStatements {
		plan, err := s.Plan(statement)
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		if strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "INDEX") && !strings.Contains(plan, "PRIMARY KEY") {
			t.Errorf("%s\nis done so:\n%s", statement, plan)
		}
	}
}

// TestHandlesShareACommit lets handles, revocations and first uses wait for the connection: they are written together.
// One that is refused takes no other with it.
func TestHandlesShareACommit(t *testing.T) {
	path := place(t)
	s := open(t, path, sqlite.Options{})
	record := func(i int) *handle.Record {
		return &handle.Record{Kind: "code", Digest: handle.Digest(fmt.Sprint(i)), Expires: noon.Add(time.Hour)}
	}
	if err := s.PutHandle(t.Context(), noon, record(3)); err != nil {
		t.Fatal(err)
	}
	before := size(t, path+"-wal")
	release := s.HoldWriter()
	const n = 90
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var err error
			switch ctx := context.Background(); i % 3 {
			case 0:
				err = s.PutHandle(ctx, noon, record(i))
			case 1:
				err = s.Revoke(ctx, noon, noon.Add(time.Hour), fmt.Sprint(i))
			case 2:
				err = s.FirstUse(ctx, noon, grant(fmt.Sprint(i)))
			}
			if (err == handle.ErrExists) != (i == 3) || i != 3 && err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // until most of them wait; the test holds without it
	release()
	all.Wait()
	if pages := (size(t, path+"-wal") - before) / 4096; pages > n/2 {
		t.Errorf("%d requests wrote %d pages: they did not share commits", n, pages)
	}
	for i := range n {
		is, err := s.Revoked(t.Context(), noon, fmt.Sprint(i))
		if err != nil || is != (i%3 == 1) {
			t.Errorf("request %d: revoked is %t, %v", i, is, err)
		}
		r, err := s.Handle(t.Context(), noon, "code", handle.Digest(fmt.Sprint(i)))
		if err != nil || (r != nil) != (i%3 == 0) {
			t.Errorf("request %d: the record is %+v, %v", i, r, err)
		}
	}
}

// TestSweepDropsInTime counts the rows after sweeps: expired handles go, and revocations that ended KeepRevoked ago, once
// the clock has run for a day without a jump.
func TestSweepDropsInTime(t *testing.T) {
	const n, day = 1100, 24 * time.Hour
	s := open(t, place(t), sqlite.Options{Synchronous: sqlite.Normal})
	ids := make([]string, n)
	for i := range n {
		ids[i] = fmt.Sprint(i)
	}
	put := func(now time.Time) {
		t.Helper()
		r := &handle.Record{Kind: "code", Digest: handle.Digest(now.String()), Expires: now.Add(time.Hour)}
		if err := s.PutHandle(t.Context(), now, r); err != nil {
			t.Fatal(err)
		}
		if err := s.Revoke(t.Context(), now, now.Add(time.Hour), ids...); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(now time.Time, handles, revocations int) {
		t.Helper()
		if err := s.Sweep(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		got, err := s.Ask("SELECT (SELECT count(*) FROM handles) || ' ' || (SELECT count(*) FROM revocations)")
		if want := fmt.Sprint(handles, " ", revocations); err != nil || got != want {
			t.Errorf("%s after noon there are %s handles and revocations, want %s (%v)", now.Sub(noon), got, want, err)
		}
	}
	put(noon)
	sweep(noon.Add(2*time.Hour), 1, n) // the clock is not known yet
	sweep(noon.Add(day), 1, n)
	sweep(noon.Add(day+2*time.Hour), 0, 0)

	now := noon.Add(2 * day)
	put(now)
	years := now.Add(5 * 365 * day)
	for i := range 24 {
		sweep(years.Add(time.Duration(i)*time.Hour), 1, n) // a clock that is wrong for nearly a day
	}
	for i := range 24 {
		sweep(now.Add(time.Duration(i+1)*time.Hour), 1, n) // it is right again
		if is, err := s.Revoked(t.Context(), now, "0", "other"); err != nil || !is {
			t.Fatalf("Revoked = %t, %v", is, err)
		}
		if is, err := s.Revoked(t.Context(), now, "other"); err != nil || is {
			t.Fatalf("Revoked = %t, %v of what was never revoked", is, err)
		}
	}
	sweep(now.Add(day+time.Hour-time.Millisecond), 1, n)
	sweep(now.Add(day+time.Hour), 0, 0)

	// It was dropped in time, so only an earlier now meets what is unknown.
	if is, err := s.Revoked(t.Context(), now.Add(time.Hour), "0"); err != nil || is {
		t.Errorf("Revoked = %t, %v after the end", is, err)
	}
	if is, err := s.Revoked(t.Context(), now.Add(time.Hour-time.Millisecond), "0"); !errors.Is(err, handle.ErrForgotten) {
		t.Errorf("Revoked = %t, %v before the end, want ErrForgotten", is, err)
	}
	if err := s.OnWriter("DELETE FROM handle_memory"); err != nil {
		t.Fatal(err)
	}
	if is, err := s.Revoked(t.Context(), now.Add(time.Hour), "0"); err == nil {
		t.Errorf("Revoked = %t, nil without its memory", is)
	}
	if err := s.Sweep(t.Context(), now.Add(2*day)); err == nil {
		t.Error("Sweep = nil without its memory")
	}
}

// TestMigrate brings a database of the first version up to date: what was used stays used, and the rest can be used.
func TestMigrate(t *testing.T) {
	path := place(t)
	old := open(t, path, sqlite.Options{})
	if err := old.FirstUse(t.Context(), noon, grant("old")); err != nil {
		t.Fatal(err)
	}
	// What later versions added is taken away again.
	for _, statement := range []string{"DROP TABLE handles", "DROP TABLE revocations", "DROP TABLE subjects", "DROP TABLE initial_tokens",
		"DROP TABLE log", "DROP TABLE log_numbers", "DROP TABLE handle_memory", "DELETE FROM goose_db_version WHERE version_id > 1"} {
		if err := old.OnWriter(statement); err != nil {
			t.Fatal(err)
		}
	}
	old.Close()
	s := open(t, path, sqlite.Options{})
	if err := s.FirstUse(t.Context(), noon, grant("old")); err == nil {
		t.Error("what was used before can be used again")
	} else if _, ok := err.(*replay.ReplayedError); !ok {
		t.Error(err)
	}
	r := &handle.Record{Kind: "code", Digest: handle.Digest("a"), Expires: noon.Add(time.Hour)}
	if err := s.PutHandle(t.Context(), noon, r); err != nil {
		t.Error(err)
	}
	if subjects, err := s.Subjects(t.Context(), "", 1); err != nil || len(subjects) > 0 {
		t.Errorf("Subjects = %v, %v", subjects, err)
	}
	e := &storage.Entry{Kind: "change", Time: noon, Data: json.RawMessage("1")}
	if err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error { return w.Append(ctx, e) }); err != nil || e.Number != 1 {
		t.Errorf("the first entry has the number %d, %v", e.Number, err)
	}
}
