package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
)

// record is one that is kept for an hour from noon.
func record(kind, text string) *handle.Record {
	return &handle.Record{Kind: kind, Digest: handle.Digest(text), Data: []byte("data of " + text), Expires: noon.Add(time.Hour)}
}

func judgeHandles(t *testing.T, open func(t testing.TB) handle.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s handle.Store)
	}{
		{"New", handleNew},
		{"Revision", handleRevision},
		{"Unique", handleUnique},
		{"Expires", handleExpires},
		{"Data", handleData},
		{"Refused", handleRefused},
		{"Apart", handleApart},
		{"Canceled", handleCanceled},
		{"Sweep", handleSweep},
		{"Race", handleRace},
		{"Count", handleCount},
		{"Revoke", handleRevoke},
		{"RevokeLatest", handleRevokeLatest},
		{"RevokeIDs", handleRevokeIDs},
		{"RevokeRace", handleRevokeRace},
		{"RevokeClockAhead", handleRevokeClockAhead},
		{"RevokeForgotten", handleRevokeForgotten},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func puts(t testing.TB, s handle.Store, now time.Time, r *handle.Record) {
	t.Helper()
	if err := s.PutHandle(t.Context(), now, r); err != nil {
		t.Fatalf("PutHandle of a %s = %v", r.Kind, err)
	}
}

// putFails wants an error, and the record that was given as it was.
func putFails(t testing.TB, s handle.Store, now time.Time, r *handle.Record, want error) {
	t.Helper()
	before := r.Revision
	err := s.PutHandle(t.Context(), now, r)
	switch {
	case err == nil:
		t.Errorf("PutHandle of a %.20q = nil, want an error", r.Kind)
	case want != nil && !errors.Is(err, want):
		t.Errorf("PutHandle of a %.20q = %v, want %v", r.Kind, err, want)
	}
	if r.Revision != before {
		t.Errorf("a PutHandle that failed set the revision of the record it was given")
	}
}

// there wants the record as it was put.
func there(t testing.TB, s handle.Store, now time.Time, want *handle.Record) *handle.Record {
	t.Helper()
	got, err := s.Handle(t.Context(), now, want.Kind, want.Digest)
	switch {
	case err != nil:
		t.Fatalf("Handle of a %.20q: %v", want.Kind, err)
	case got == nil:
		t.Fatalf("Handle of a %.20q finds nothing", want.Kind)
	case got.Kind != want.Kind || got.Digest != want.Digest || got.Revision != want.Revision || !bytes.Equal(got.Data, want.Data):
		t.Errorf("Handle = %s, want %s", shown(got), shown(want))
	case !got.Expires.Equal(want.Expires.Truncate(time.Millisecond)):
		t.Errorf("the record expires at %s, want %s", got.Expires, want.Expires)
	}
	return got
}

// absent wants that there is nothing, and no error.
func absent(t testing.TB, s handle.Store, now time.Time, kind string, digest [32]byte) {
	t.Helper()
	if got, err := s.Handle(t.Context(), now, kind, digest); err != nil || got != nil {
		t.Errorf("Handle of a %.20q = %s, %v; want nil, nil", kind, shown(got), err)
	}
}

// shown is a record for a message, its data cut.
func shown(r *handle.Record) string {
	if r == nil {
		return "nil"
	}
	return fmt.Sprintf("{%.20q %x… revision %d, %d bytes %.40q, until %s}", r.Kind, r.Digest[:4], r.Revision, len(r.Data), r.Data, r.Expires.Format(time.RFC3339Nano))
}

func revokes(t testing.TB, s handle.Store, now, until time.Time, ids ...string) {
	t.Helper()
	if err := s.Revoke(t.Context(), now, until, ids...); err != nil {
		t.Fatalf("Revoke(%.40q) = %v", ids, err)
	}
}

func revoked(t testing.TB, s handle.Store, now time.Time, want bool, ids ...string) {
	t.Helper()
	got, err := s.Revoked(t.Context(), now, ids...)
	if err != nil {
		t.Fatalf("Revoked(%.40q): %v", ids, err)
	}
	if got != want {
		t.Errorf("Revoked(%.40q) at %s is %t, want %t", ids, now.Format(time.TimeOnly+".000"), got, want)
	}
}

// handleNew puts new records, each once.
func handleNew(t *testing.T, s handle.Store) {
	r := record("code", "a")
	absent(t, s, noon, "code", r.Digest)
	puts(t, s, noon, r)
	if r.Revision == 0 {
		t.Error("PutHandle sets no revision in the record")
	}
	there(t, s, noon, r)
	again := record("code", "a")
	again.Data = []byte("of somebody else")
	putFails(t, s, noon, again, handle.ErrExists)
	there(t, s, noon, r)

	// One that has expired and was not swept is still in the way, or is gone; it is never given back.
	later := r.Expires.Add(time.Millisecond)
	again.Expires = later.Add(time.Hour)
	if err := s.PutHandle(t.Context(), later, again); err != nil && !errors.Is(err, handle.ErrExists) {
		t.Errorf("PutHandle where one has expired = %v, want nil or ErrExists", err)
	} else if err == nil {
		there(t, s, later, again)
	} else {
		absent(t, s, later, "code", r.Digest)
	}
}

// handleRevision lets somebody be late.
func handleRevision(t *testing.T, s handle.Store) {
	r := record("refresh", "a")
	puts(t, s, noon, r)
	first := *r
	r.Data, r.Expires = []byte("second"), noon.Add(2*time.Hour)
	puts(t, s, noon, r)
	if r.Revision == first.Revision {
		t.Error("the revision is the same after a change")
	}
	there(t, s, noon, r)

	late := first
	late.Data = []byte("late")
	for _, revision := range []int64{first.Revision, -1, r.Revision + 1, 1 << 62} {
		late.Revision = revision
		putFails(t, s, noon, &late, handle.ErrConflict)
	}
	there(t, s, noon, r)

	// There is none to replace, and none comes into being; nor of another kind, or with another digest.
	for _, other := range []*handle.Record{record("refresh", "b"), record("code", "a")} {
		other.Revision = r.Revision
		putFails(t, s, noon, other, handle.ErrConflict)
		absent(t, s, noon, other.Kind, other.Digest)
	}
	// A change of nothing is a change.
	same := r.Revision
	puts(t, s, noon, r)
	if r.Revision == same {
		t.Error("the revision is the same after a change of nothing")
	}
	// A record can be made to expire earlier.
	r.Expires = noon.Add(time.Minute)
	puts(t, s, noon, r)
	there(t, s, noon.Add(time.Minute-time.Millisecond), r)
	absent(t, s, noon.Add(time.Minute), r.Kind, r.Digest)
}

// handleUnique puts records that are easily taken for each other.
func handleUnique(t *testing.T, s handle.Store) {
	var records []*handle.Record
	for _, kind := range []string{"code", "Code", "CODE", "code ", " code", "coda", "cod", "codé", "code\u0301", "%", "_", "*", "'", "1", "01", "NULL"} {
		for _, text := range []string{"a", "b"} {
			records = append(records, record(kind, text))
		}
	}
	near := record("code", "a")
	near.Digest[31]++
	zeros := record("code", "zeros")
	zeros.Digest = [32]byte{31: 1}
	nul := record("code", "nul")
	nul.Digest = [32]byte{0: 'a', 2: 'b'}
	nul2 := record("code", "nul2")
	nul2.Digest = [32]byte{0: 'a', 2: 'c'}
	records = append(records, near, zeros, nul, nul2)
	for i, r := range records {
		r.Data = []byte(strconv.Itoa(i))
		puts(t, s, noon, r)
	}
	for _, r := range records {
		there(t, s, noon, r)
	}
	absent(t, s, noon, "", records[0].Digest)
	absent(t, s, noon, "code", [32]byte{})
}

// handleExpires asks at the very millisecond, and never looks at another clock than the one it is given.
func handleExpires(t *testing.T, s handle.Store) {
	for i, life := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 999 * time.Millisecond, time.Second, time.Minute, 24 * time.Hour, 365 * 24 * time.Hour} {
		for _, start := range []time.Time{noon, noon.Add(-60 * 365 * 24 * time.Hour), noon.Add(123 * time.Millisecond)} {
			r := record("code", fmt.Sprint(i, start))
			r.Expires = start.Add(life)
			puts(t, s, start, r)
			there(t, s, start, r)
			there(t, s, r.Expires.Add(-time.Millisecond), r)
			absent(t, s, r.Expires, r.Kind, r.Digest)
			absent(t, s, r.Expires.Add(time.Hour), r.Kind, r.Digest)
			there(t, s, start, r) // nobody has swept
			there(t, s, start.Add(-time.Hour), r)
		}
	}
	for i, expires := range []time.Time{noon, noon.Add(-time.Millisecond), noon.Add(-time.Hour), {}} {
		r := record("late", fmt.Sprint(i))
		r.Expires = expires
		putFails(t, s, noon, r, nil)
		absent(t, s, noon.Add(-2*time.Hour), r.Kind, r.Digest)
	}
}

// handleData keeps bytes as they are.
func handleData(t *testing.T, s handle.Store) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	long := bytes.Repeat(every, handle.MaxData/len(every))
	for i, data := range [][]byte{nil, {}, {0}, {0, 0}, []byte("text"), []byte("a\x00b"), {0xff, 0xfe}, []byte("''\"\\"), []byte(`{"a": 1}`), every, long[:4096], long[:handle.MaxData-1], long} {
		r := record("code", strconv.Itoa(i))
		r.Data = data
		puts(t, s, noon, r)
		there(t, s, noon, r)
		r.Data = append([]byte("changed "), data[:min(len(data), 1000)]...)
		puts(t, s, noon, r)
		there(t, s, noon, r)
		r.Data = data
		puts(t, s, noon, r)
		there(t, s, noon, r)
	}
	more := record("code", "more")
	more.Data = append(long, 0) //nolint:gocritic // a longer one
	putFails(t, s, noon, more, nil)
	absent(t, s, noon, more.Kind, more.Digest)
}

// handleRefused gives what is no record.
func handleRefused(t *testing.T, s handle.Store) {
	for _, kind := range []string{"", "a\x00b", "\x00", "\xff", "\xed\xa0\x80"} {
		putFails(t, s, noon, record(kind, "a"), nil)
	}
	putFails(t, s, noon, &handle.Record{Kind: "code", Expires: noon.Add(time.Hour)}, nil)
	// Whoever asks for one is told that there is none.
	for _, kind := range []string{"", "a\x00b", "\xff", strings.Repeat("a", 1<<16)} {
		absent(t, s, noon, kind, handle.Digest("a"))
	}
}

// handleApart changes a record after it was put and after it was read.
func handleApart(t *testing.T, s handle.Store) {
	r := record("code", "a")
	puts(t, s, noon, r)
	want := *r
	want.Data = bytes.Clone(r.Data)
	clear(r.Data)
	r.Expires = noon
	got := there(t, s, noon, &want)
	clear(got.Data)
	got.Revision = 7
	there(t, s, noon, &want)
}

// handleCanceled asks with contexts that have ended, and gives up in the middle.
func handleCanceled(t *testing.T, s handle.Store) {
	old := record("code", "old")
	puts(t, s, noon, old)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, handleErr := s.Handle(ended, noon, "code", old.Digest)
	_, revokedErr := s.Revoked(ended, noon, "a")
	for what, err := range map[string]error{
		"PutHandle": s.PutHandle(ended, noon, record("code", "ended")),
		"Handle":    handleErr,
		"Revoke":    s.Revoke(ended, noon, noon.Add(time.Hour), "a"),
		"Revoked":   revokedErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context = %v", what, err)
		}
	}
	absent(t, s, noon, "code", handle.Digest("ended"))
	revoked(t, s, noon, false, "a")

	var all sync.WaitGroup
	var mu sync.Mutex
	kept := map[string]int64{}
	for i := range 16 {
		all.Go(func() {
			for n := range 30 {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration((i*n)%40)*50*time.Microsecond, cancel)
				text := fmt.Sprint(i, ",", n)
				r := record("code", text)
				err := s.PutHandle(ctx, noon, r)
				if err == nil {
					mu.Lock()
					kept[text] = r.Revision
					mu.Unlock()
				} else if ctx.Err() == nil {
					t.Errorf("PutHandle = %v", err)
				}
				r.Data, r.Kind = nil, "" // what was given up must not be looked at any more
				cancel()
			}
		})
	}
	all.Wait()
	for text, revision := range kept {
		r := record("code", text)
		r.Revision = revision
		there(t, s, noon, r)
	}
}

// handleSweep sweeps, where there is something to sweep: what lives stays.
func handleSweep(t *testing.T, s handle.Store) {
	const n = 1200 // more than go at once
	var records []*handle.Record
	for i := range n {
		r := record([]string{"code", "par"}[i%2], strconv.Itoa(i))
		r.Data = []byte(strconv.Itoa(i))
		r.Expires = noon.Add(time.Duration((i*7919)%n+1) * time.Second)
		records = append(records, r)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := i; j < n; j += 16 {
				if err := errors.Join(s.PutHandle(t.Context(), noon, records[j]), s.Revoke(t.Context(), noon, records[j].Expires, fmt.Sprint(j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	looks := 0
	look := func(now time.Time) {
		t.Helper()
		looks++
		sweep(t, s, now)
		for i, r := range records {
			// All that have just expired or are about to, and some of the others, are enough: each look is two requests.
			if away := r.Expires.Sub(now).Abs(); away > 10*time.Second && i%8 != looks%8 {
				continue
			}
			if lives := r.Expires.After(now); lives {
				there(t, s, now, r)
				revoked(t, s, now, true, fmt.Sprint(i))
			} else {
				absent(t, s, now, r.Kind, r.Digest)
				revoked(t, s, now, false, fmt.Sprint(i))
			}
		}
	}
	for _, after := range []time.Duration{0, time.Second - time.Millisecond, time.Second, time.Minute, 100 * time.Second, n / 2 * time.Second, n*time.Second - time.Millisecond, n * time.Second} {
		look(noon.Add(after))
	}
}

// handleRace lets 64 goroutines put the same digest at the same moment.
func handleRace(t *testing.T, s handle.Store) {
	for round := range 20 {
		var won []*handle.Record
		var mu sync.Mutex
		together(64, func(i int) {
			r := record("code", strconv.Itoa(round))
			r.Data = []byte(strconv.Itoa(i))
			switch err := s.PutHandle(t.Context(), noon, r); {
			case err == nil:
				mu.Lock()
				won = append(won, r)
				mu.Unlock()
			case !errors.Is(err, handle.ErrExists):
				t.Errorf("PutHandle = %v, want nil or ErrExists", err)
			}
		})
		if len(won) != 1 {
			t.Fatalf("of 64 who put one digest at the same moment %d were told that they did, want 1", len(won))
		}
		there(t, s, noon, won[0])
	}
}

// handleCount lets goroutines count in one record: no update is lost.
func handleCount(t *testing.T, s handle.Store) {
	together(16, func(int) {
		for range 20 {
			if err := countUp(t.Context(), s, "counter"); err != nil {
				t.Error(err)
			}
		}
	})
	counted(t, s, 16*20)
}

func counted(t testing.TB, s handle.Store, want int) {
	t.Helper()
	r, err := s.Handle(t.Context(), noon, "count", handle.Digest("counter"))
	if err != nil || r == nil {
		t.Fatalf("Handle of the counter = %+v, %v", r, err)
	}
	if got := string(r.Data); got != strconv.Itoa(want) {
		t.Errorf("the counter says %s after %d", got, want)
	}
}

// countUp adds one to the number in a record, which it makes where there is none.
func countUp(ctx context.Context, s handle.Store, name string) error {
	for {
		r, err := s.Handle(ctx, noon, "count", handle.Digest(name))
		if err != nil {
			return err
		}
		if r == nil {
			r = record("count", name)
			r.Data = []byte("0")
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		r.Data = []byte(strconv.Itoa(n + 1))
		err = s.PutHandle(ctx, noon, r)
		if !errors.Is(err, handle.ErrConflict) && !errors.Is(err, handle.ErrExists) {
			return err
		}
	}
}

// together runs f on n goroutines that start at the same moment.
func together(n int, f func(i int)) {
	var start, end sync.WaitGroup
	start.Add(1)
	for i := range n {
		end.Go(func() {
			start.Wait()
			f(i)
		})
	}
	start.Done()
	end.Wait()
}

// handleRevoke revokes ids until a time, to the millisecond.
func handleRevoke(t *testing.T, s handle.Store) {
	until := noon.Add(time.Hour)
	revoked(t, s, noon, false)
	revoked(t, s, noon, false, "a")
	revokes(t, s, noon, until)
	revokes(t, s, noon, until, "a")
	revokes(t, s, noon, until, "b", "c", "b")
	for _, id := range []string{"a", "b", "c"} {
		revoked(t, s, noon, true, id)
		revoked(t, s, noon, true, "x", id)
		revoked(t, s, noon, true, id, "x")
		revoked(t, s, until.Add(-time.Millisecond), true, id)
		revoked(t, s, until, false, id)
		revoked(t, s, until.Add(time.Hour), false, id)
	}
	revoked(t, s, noon, false, "x", "y")
	revoked(t, s, noon, false)
	// An end that has passed takes nothing away.
	revokes(t, s, noon, noon, "past", "a")
	revokes(t, s, noon, noon.Add(-time.Hour), "past", "a")
	revoked(t, s, noon, false, "past")
	revoked(t, s, noon, true, "a")
	// Many at once, all of them, also where they are asked for together.
	var ids, others []string
	for i := range 1000 {
		ids = append(ids, "many "+strconv.Itoa(i))
		others = append(others, "others "+strconv.Itoa(i))
	}
	revokes(t, s, noon, until, ids...)
	for _, id := range ids {
		revoked(t, s, noon, true, id)
	}
	revoked(t, s, noon, true, append(others, ids[999])...)
	revoked(t, s, noon, false, others...)
}

// handleRevokeLatest revokes one id several times: the latest end wins, in whatever order they come.
func handleRevokeLatest(t *testing.T, s handle.Store) {
	for i, order := range [][]int{{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {3, 3, 1}} {
		id := strconv.Itoa(i)
		for _, minutes := range order {
			revokes(t, s, noon, noon.Add(time.Duration(minutes)*time.Minute), id, "beside "+id)
		}
		revoked(t, s, noon.Add(3*time.Minute-time.Millisecond), true, id)
		revoked(t, s, noon.Add(3*time.Minute), false, id)
	}
}

// handleRevokeIDs revokes ids that are easily taken for each other, and none that is like them.
func handleRevokeIDs(t *testing.T, s handle.Store) {
	until := noon.Add(time.Hour)
	ids := []string{"a", "A", "a ", " a", "é", "e\u0301", "a\x00b", "\xff", "", strings.Repeat("x", 10000), handle.TokenID("1"), handle.FamilyID("1"), "%", "'", "1", "01", "null"}
	for i, id := range ids {
		for _, other := range ids[i:] {
			revoked(t, s, noon, false, other)
		}
		revokes(t, s, noon, until, id)
		revoked(t, s, noon, true, id)
	}
	for _, other := range []string{"b", "É", "a\x00c", "a\x00", "\xfe", strings.Repeat("x", 9999), "_", "__", "10"} {
		revoked(t, s, noon, false, other)
	}
}

// handleRevokeRace revokes sets that overlap, from several goroutines. What somebody was told is revoked is.
func handleRevokeRace(t *testing.T, s handle.Store) {
	together(32, func(i int) {
		for n := range 10 {
			a, b := fmt.Sprint("set ", (i+n)%8), fmt.Sprint("set ", (i+n+1)%8)
			until := noon.Add(time.Duration(i*10+n+1) * time.Second)
			if err := s.Revoke(t.Context(), noon, until, a, b); err != nil {
				t.Error(err)
				continue
			}
			for _, id := range []string{a, b} {
				if is, err := s.Revoked(t.Context(), until.Add(-time.Millisecond), id); err != nil || !is {
					t.Errorf("Revoked = %t, %v of what was revoked just now", is, err)
				}
			}
		}
	})
	for i := range 8 {
		revoked(t, s, noon.Add(31*10*time.Second), true, fmt.Sprint("set ", i))
		revoked(t, s, noon.Add(320*time.Second), false, fmt.Sprint("set ", i))
	}
}

// handleRevokeClockAhead sweeps with a clock that is ahead by up to KeepRevoked, and sets the clock back: everything is as
// it was, and nothing is unknown.
func handleRevokeClockAhead(t *testing.T, s handle.Store) {
	end := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Minute) }
	for i := range 120 {
		revokes(t, s, noon, end(i+1), fmt.Sprint(i))
	}
	for _, ahead := range []time.Duration{time.Hour, 2 * time.Hour, handle.KeepRevoked - time.Millisecond, handle.KeepRevoked} {
		now := noon.Add(ahead)
		sweep(t, s, now)
		revokes(t, s, now, now.Add(time.Minute), "ahead") // a store that sweeps by itself does so now
		for i := range 120 {
			revoked(t, s, noon, true, fmt.Sprint(i))
			revoked(t, s, end(i+1).Add(-time.Millisecond), true, fmt.Sprint(i))
			revoked(t, s, end(i+1), false, fmt.Sprint(i))
		}
		revoked(t, s, noon, false, "other")
	}
	// A process whose clock is ahead revokes what it believes to have ended.
	for i, ahead := range []time.Duration{0, time.Millisecond, time.Hour, handle.KeepRevoked - time.Millisecond} {
		id := fmt.Sprint("passed ", i)
		revokes(t, s, noon.Add(ahead), noon, id)
		revoked(t, s, noon.Add(-time.Millisecond), true, id)
		revoked(t, s, noon.Add(-time.Hour), true, id)
		revoked(t, s, noon, false, id)
		revoked(t, s, noon.Add(-time.Hour), false, "other")
	}
}

// handleRevokeForgotten sweeps for a month with a clock that is ahead, day by day and then far ahead at once, and sets the
// clock back: Revoked never returns false for an id before its end, and no error at a time after all that was dropped.
func handleRevokeForgotten(t *testing.T, s handle.Store) {
	hour, long := noon.Add(time.Hour), noon.Add(400*24*time.Hour)
	revokes(t, s, noon, hour, "hour")
	revokes(t, s, noon, long, "long")
	sweepAhead(t, s)
	for _, now := range []time.Time{noon, noon.Add(time.Minute), hour.Add(-time.Millisecond)} {
		notDenied(t, s, now, "hour")
		notDenied(t, s, now, "x", "hour")
		revoked(t, s, now, true, "long")
		revoked(t, s, now, true, "hour", "long")
		revoked(t, s, now, false) // no id
	}
	revoked(t, s, hour, false, "hour")
	revoked(t, s, hour, false, "x")

	// A revocation that is there is found, whatever was dropped.
	revokes(t, s, noon, hour, "new")
	revoked(t, s, noon, true, "new")

	// A process whose clock is far ahead revokes what ended long ago by that clock.
	late := noon.Add(100 * 24 * time.Hour)
	revokes(t, s, late, hour.Add(time.Hour), "late")
	sweep(t, s, late)
	notDenied(t, s, hour, "late")
	revoked(t, s, hour.Add(time.Hour), false, "late")

	// Portions: what has ended less than KeepRevoked ago stays, and what is dropped is no more than that.
	const n = 1200 // more than go at once
	start := noon.Add(10 * time.Hour)
	end := func(i int) time.Time { return start.Add(time.Duration((i*7919)%n+1) * time.Second) }
	together(16, func(caller int) {
		for i := caller; i < n; i += 16 {
			if err := s.Revoke(t.Context(), start, end(i), fmt.Sprint("portion ", i)); err != nil {
				t.Error(err)
			}
		}
	})
	sweep(t, s, start)
	sweep(t, s, start.Add(handle.KeepRevoked))
	for _, after := range []time.Duration{time.Second, 100 * time.Second, 1000 * time.Second, n * time.Second} {
		now := start.Add(after)
		sweep(t, s, now.Add(handle.KeepRevoked))
		for i := range n {
			if before := end(i).Add(-time.Millisecond); end(i).After(now) {
				revoked(t, s, before, true, fmt.Sprint("portion ", i))
			} else if i%8 == 0 {
				notDenied(t, s, before, fmt.Sprint("portion ", i))
			}
		}
		revoked(t, s, now, false, "x")
	}

	// Far ahead at once.
	far := noon.Add(1000 * 24 * time.Hour)
	sweep(t, s, far)
	revokes(t, s, far, far.Add(time.Minute), "far")
	notDenied(t, s, noon, "long")
	notDenied(t, s, long.Add(-time.Millisecond), "long")
	revoked(t, s, long, false, "long", "hour", "new")
}

// sweepAhead sweeps each day of a month from noon, as a server does whose clock is ahead. A store that sweeps by itself
// does so when it is asked for something.
func sweepAhead(t testing.TB, s handle.Store) {
	t.Helper()
	for day := range 30 {
		now := noon.Add(time.Duration(day) * 24 * time.Hour)
		sweep(t, s, now)
		if day%5 == 0 {
			revokes(t, s, now, noon.Add(time.Minute), "ahead")
		}
	}
}

// notDenied wants true or an error for ids of which one was revoked until after now.
func notDenied(t testing.TB, s handle.Store, now time.Time, ids ...string) {
	t.Helper()
	if is, err := s.Revoked(t.Context(), now, ids...); err == nil && !is {
		t.Errorf("Revoked(%.40q) at %s is false before its end; want true, or an error if the store has dropped it", ids, now.Format(time.DateTime))
	}
}
