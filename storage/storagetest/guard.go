package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// The tests live at a time of their own: a guard that looks at its own clock is found out.
var noon = time.Date(2041, 5, 17, 12, 0, 0, 0, time.UTC)

// grant returns a use as the server makes it, of an assertion that lives for five minutes.
func grant(id string, now time.Time) replay.Use {
	return replay.Use{
		Purpose: "grant",
		Party:   "https://issuer.example",
		ID:      id,
		Until:   now.Add(5*time.Minute + 120*time.Second),
		Issued:  now,
	}
}

func judgeGuard(t *testing.T, open func(t testing.TB) replay.Guard) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, g replay.Guard)
	}{
		{"Once", guardOnce},
		{"Unique", guardUnique},
		{"WhateverUntil", guardWhateverUntil},
		{"KeptUntil", guardKeptUntil},
		{"Over", guardOver},
		{"ClockSetBack", guardClockSetBack},
		{"ClockSkew", guardClockSkew},
		{"Holder", guardHolder},
		{"HolderLater", guardHolderLater},
		{"AllOrNothing", guardAllOrNothing},
		{"TwiceInOneCall", guardTwiceInOneCall},
		{"Nothing", guardNothing},
		{"Canceled", guardCanceled},
		{"Race", guardRace},
		{"RaceCanceled", guardRaceCanceled},
		{"RaceSets", guardRaceSets},
		{"RaceHolders", guardRaceHolders},
		{"Many", guardMany},
		{"Model", guardModel},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// passes and replayed are the two answers a guard gives when it can.
func passes(t testing.TB, g replay.Guard, now time.Time, uses ...replay.Use) {
	t.Helper()
	if err := g.FirstUse(t.Context(), now, uses...); err != nil {
		t.Fatalf("FirstUse = %v, want nil, for %s", err, describe(uses))
	}
}

func replayed(t testing.TB, g replay.Guard, now time.Time, uses ...replay.Use) replay.Use {
	t.Helper()
	err := g.FirstUse(t.Context(), now, uses...)
	r, ok := errors.AsType[*replay.ReplayedError](err)
	if !ok {
		t.Fatalf("FirstUse = %v, want a *ReplayedError, for %s", err, describe(uses))
	}
	if r.BeforeStart {
		t.Fatalf("FirstUse says BeforeStart of what it has seen: %s", describe(uses))
	}
	return r.Use
}

// cannotTell is the third answer: neither "ok" nor "replayed".
func cannotTell(t testing.TB, g replay.Guard, now time.Time, uses ...replay.Use) {
	t.Helper()
	err := g.FirstUse(t.Context(), now, uses...)
	if err == nil {
		t.Fatalf("FirstUse = nil, want an error, for %s", describe(uses))
	}
	if _, ok := errors.AsType[*replay.ReplayedError](err); ok {
		t.Fatalf("FirstUse = %v, want an error that says that the guard cannot tell, for %s", err, describe(uses))
	}
}

// refuses is true for both ways not to let a use pass.
func refuses(t testing.TB, g replay.Guard, now time.Time, uses ...replay.Use) {
	t.Helper()
	if err := g.FirstUse(t.Context(), now, uses...); err == nil {
		t.Fatalf("FirstUse = nil, want an error, for %s", describe(uses))
	}
}

func describe(uses []replay.Use) string {
	var b strings.Builder
	for i, u := range uses {
		if i > 0 {
			b.WriteString(" and ")
		}
		fmt.Fprintf(&b, "(%q, %q, %.40q) until %s", u.Purpose, u.Party, u.ID, u.Until.Format(time.RFC3339Nano))
		if u.Holder != "" {
			fmt.Fprintf(&b, " by %q", u.Holder)
		}
	}
	return b.String()
}

func isReplayed(err error) bool {
	_, ok := errors.AsType[*replay.ReplayedError](err)
	return ok
}

func guardOnce(t *testing.T, g replay.Guard) {
	a, b := grant("a", noon), grant("b", noon)
	passes(t, g, noon, a)
	if u := replayed(t, g, noon, a); u != a {
		t.Errorf("the error names %+v, want %+v", u, a)
	}
	replayed(t, g, noon.Add(time.Second), a)
	passes(t, g, noon, b)
	replayed(t, g, noon, b)
	replayed(t, g, noon, a)
}

// guardUnique tries uses that differ in one of the three fields only, or in where one field ends and the next begins.
func guardUnique(t *testing.T, g replay.Guard) {
	long := strings.Repeat("0123456789abcdef", 64)
	keys := [][3]string{
		{"grant", "https://a.example", "1"},
		{"client_assertion", "https://a.example", "1"},
		{"grant", "https://b.example", "1"},
		{"grant", "https://a.example", "2"},
		{"grant", "https://a.example", ""},
		{"grant", "", "https://a.example"},
		{"", "grant", "https://a.example"},
		{"", "", ""},
		{"ab", "c", "d"}, {"a", "bc", "d"}, {"a", "b", "cd"}, {"abcd", "", ""}, {"", "", "abcd"},
		{"a\x00b", "c", "d"}, {"a", "b\x00c", "d"}, {"a", "b", "\x00c\x00d"},
		{"a,b", "c", "d"}, {"a", "b,c", "d"}, {"a|b", "c", "d"}, {"a:b", "c", "d"}, {"a", "b:c", "d"},
		{"g", "p", "case"}, {"g", "p", "CASE"}, {"g", "p", "case "}, {"g", "p", " case"}, {"g", "p", "case\n"},
		{"g", "p", "\u00e9"}, {"g", "p", "e\u0301"}, {"g", "p", "\xff"}, {"g", "p", "\xfe"}, {"g", "p", "\ufffd"},
		{"g", "p", "%"}, {"g", "p", "_"}, {"g", "p", "'"}, {"g", "p", "1"}, {"g", "p", "01"}, {"g", "p", "1.0"},
		{"g", "p", long}, {"g", "p", long + "x"}, {"g", "p", long + "y"}, {"g", long, "p"},
	}
	for round, want := range []func(testing.TB, replay.Guard, time.Time, ...replay.Use){
		passes,
		func(t testing.TB, g replay.Guard, now time.Time, u ...replay.Use) { replayed(t, g, now, u...) },
	} {
		for _, k := range keys {
			u := grant("", noon)
			u.Purpose, u.Party, u.ID = k[0], k[1], k[2]
			want(t, g, noon.Add(time.Duration(round)*time.Second), u)
		}
	}
}

// guardWhateverUntil presents a jti again in an assertion with other times.
func guardWhateverUntil(t *testing.T, g replay.Guard) {
	u := grant("a", noon)
	u.Until = noon.Add(3 * time.Hour)
	passes(t, g, noon, u)
	for _, until := range []time.Duration{
		time.Millisecond, time.Minute, 29 * time.Minute, 31 * time.Minute, 2 * time.Hour, 3*time.Hour - time.Millisecond,
		3*time.Hour + time.Millisecond, 4 * time.Hour, 25 * time.Hour, 40 * 24 * time.Hour,
	} {
		again := u
		again.Until = noon.Add(until)
		replayed(t, g, noon, again)
		again.Issued = noon.Add(-time.Minute)
		replayed(t, g, noon, again)
		again.Issued = time.Time{}
		replayed(t, g, noon, again)
	}
}

// guardKeptUntil looks just before the end, with ends around full and half hours, minutes and seconds, where a guard that
// rounds may be wrong, while others come and go and the background task sweeps.
func guardKeptUntil(t *testing.T, g replay.Guard) {
	const ms = time.Millisecond
	var uses []replay.Use
	for _, after := range []time.Duration{time.Second, time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
		26 * time.Hour, 30 * 24 * time.Hour, 45 * 24 * time.Hour} {
		for _, off := range []time.Duration{-500 * ms, -ms, 0, ms, 500 * ms} {
			u := grant(fmt.Sprint(after, off), noon)
			u.Until = noon.Add(after + off)
			passes(t, g, noon, u)
			uses = append(uses, u)
		}
	}
	for _, u := range uses {
		now := u.Until.Add(-ms)
		sweep(t, g, now)
		passes(t, g, now, grant("other "+u.ID, now))
		replayed(t, g, now, u)
		// The same jti in an assertion that lives longer.
		u.Until = u.Until.Add(time.Hour)
		replayed(t, g, now, u)
	}
}

// guardOver gives uses that would have to be remembered for no time at all. To pass them once is to pass them always.
func guardOver(t *testing.T, g replay.Guard) {
	for _, until := range []time.Time{{}, time.Unix(0, 0), noon.Add(-time.Hour), noon.Add(-time.Nanosecond), noon} {
		u := grant("a", noon)
		u.Until = until
		cannotTell(t, g, noon, u)
		cannotTell(t, g, noon, grant("b", noon), u)
	}
	passes(t, g, noon, grant("b", noon))
}

// guardClockSetBack runs ahead, where everything is swept, and then finds itself at the right time again.
func guardClockSetBack(t *testing.T, g replay.Guard) {
	now := noon
	for _, jump := range []time.Duration{2 * time.Second, 10 * time.Minute, time.Hour, 24 * time.Hour, 100 * 24 * time.Hour} {
		now = now.AddDate(1, 0, 0)
		a, b, c := grant("a"+jump.String(), now), grant("b"+jump.String(), now), grant("c"+jump.String(), now)
		b.Until = now.Add(70 * time.Minute)
		c.Until = now.Add(25 * time.Hour)
		passes(t, g, now, a)
		passes(t, g, now, b)
		if jump > 2*time.Hour {
			passes(t, g, now.Add(2*time.Hour), c) // at the right time it ends more than a day ahead
		}
		for i := range 20 {
			ahead := now.Add(jump)
			sweep(t, g, ahead)
			passes(t, g, ahead, grant(fmt.Sprint(jump, i), ahead))
		}
		for _, back := range []time.Duration{time.Second, 0, -time.Minute} {
			refuses(t, g, now.Add(back), a)
			refuses(t, g, now.Add(back), b)
			if jump > 2*time.Hour {
				refuses(t, g, now.Add(back), c)
			}
		}
	}
	// What outlives everything that was forgotten passes.
	fresh := grant("fresh", now)
	fresh.Until = now.AddDate(1, 0, 0)
	passes(t, g, now.Add(time.Second), fresh)
	replayed(t, g, now.Add(time.Second), fresh)
}

// guardClockSkew is used by servers whose clocks differ.
func guardClockSkew(t *testing.T, g replay.Guard) {
	for i := range 50 {
		a := grant(fmt.Sprint("a", i), noon)
		passes(t, g, noon.Add(time.Duration(i%3-1)*time.Minute), a)
		for _, skew := range []time.Duration{-time.Minute, 0, time.Minute} {
			replayed(t, g, noon.Add(skew), a)
		}
	}
}

func guardHolder(t *testing.T, g replay.Guard) {
	by := func(holder, id string) replay.Use {
		u := grant(id, noon)
		u.Holder = holder
		return u
	}
	// A holder may come again, also after others have tried.
	passes(t, g, noon, by("alice", "a"))
	passes(t, g, noon, by("alice", "a"))
	for _, other := range []string{"bob", "", "alic", "alice ", "Alice", "alicea"} {
		replayed(t, g, noon, by(other, "a"))
		passes(t, g, noon.Add(time.Minute), by("alice", "a"))
		replayed(t, g, noon.Add(time.Minute), by(other, "a"))
	}
	// Who comes first holds; where nobody holds, nobody may come again.
	passes(t, g, noon, by("bob", "b"))
	replayed(t, g, noon, by("alice", "b"))
	passes(t, g, noon, by("", "c"))
	replayed(t, g, noon, by("alice", "c"))
	replayed(t, g, noon, by("alice", "c"))
	replayed(t, g, noon, by("", "c"))
	// Holder and id do not run into each other.
	passes(t, g, noon, by("xy", "z"))
	passes(t, g, noon, by("x", "yz"))
	replayed(t, g, noon, by("x", "z"))
	// A holder of one thing is not the holder of another.
	passes(t, g, noon, by("alice", "d"))
	other := by("alice", "d")
	other.Purpose = "client_assertion"
	other.Holder = ""
	passes(t, g, noon, other)
	other.Holder = "alice"
	replayed(t, g, noon, other)
}

// guardHolderLater lets a holder come again with an assertion that lives longer: it must be remembered for that long.
func guardHolderLater(t *testing.T, g replay.Guard) {
	u := grant("a", noon)
	u.Holder = "alice"
	passes(t, g, noon, u)
	later := u
	later.Until = noon.Add(6 * time.Hour)
	passes(t, g, noon, later)
	sooner := u
	sooner.Until = noon.Add(time.Minute)
	passes(t, g, noon, sooner)

	now := later.Until.Add(-time.Millisecond)
	for i := range 20 {
		sweep(t, g, now)
		passes(t, g, now, grant(fmt.Sprint("other", i), now))
	}
	for _, other := range []string{"bob", ""} {
		u := later
		u.Holder = other
		replayed(t, g, now, u)
	}
	passes(t, g, now, later)
}

func guardAllOrNothing(t *testing.T, g replay.Guard) {
	used, a, b, c := grant("used", noon), grant("a", noon), grant("b", noon), grant("c", noon)
	b.Until = noon.Add(3 * time.Hour) // another span
	c.Holder = "alice"
	passes(t, g, noon, used)
	for _, uses := range [][]replay.Use{
		{used, a}, {a, used}, {a, b, used}, {used, a, b, c}, {a, used, c}, {c, b, used}, {a, a}, {a, b, a},
	} {
		replayed(t, g, noon, uses...)
	}
	over := grant("over", noon)
	over.Until = noon
	cannotTell(t, g, noon, a, b, c, over)
	cannotTell(t, g, noon, over, a)

	// Nothing of it was spent, and all of it is now.
	passes(t, g, noon, a, b, c)
	replayed(t, g, noon, a)
	replayed(t, g, noon, b)
	passes(t, g, noon, c)
	c.Holder = "bob"
	replayed(t, g, noon, c)

	// The error names the one that was used.
	d := grant("d", noon)
	if u := replayed(t, g, noon, d, used); u != used {
		t.Errorf("the error names %+v, want %+v", u, used)
	}

	// As many as a request could ever bring.
	var many []replay.Use
	for i := range 12 {
		many = append(many, grant(fmt.Sprint("many", i), noon))
	}
	passes(t, g, noon, many...)
	for _, u := range many {
		replayed(t, g, noon, u)
	}
}

func guardTwiceInOneCall(t *testing.T, g replay.Guard) {
	a := grant("a", noon)
	replayed(t, g, noon, a, a)
	held := a
	held.Holder = "alice"
	other := a
	other.Holder = "bob"
	replayed(t, g, noon, held, a)
	replayed(t, g, noon, a, held)
	replayed(t, g, noon, held, other)
	passes(t, g, noon, a)

	b := grant("b", noon)
	b.Holder = "alice"
	passes(t, g, noon, b, b)
	b.Holder = "bob"
	replayed(t, g, noon, b)
}

func guardNothing(t *testing.T, g replay.Guard) {
	passes(t, g, noon)
	passes(t, g, noon)
}

// guardCanceled gives up before it asks.
func guardCanceled(t *testing.T, g replay.Guard) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 20 {
		u := grant(fmt.Sprint(i), noon)
		err := g.FirstUse(ctx, noon, u)
		if err == nil || isReplayed(err) {
			t.Fatalf("FirstUse with an ended context = %v, want an ordinary error", err)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("FirstUse with an ended context = %v, want one that is context.Canceled", err)
		}
	}
	passes(t, g, noon, grant("a", noon))
	replayed(t, g, noon, grant("a", noon))
}

// guardRace lets 64 goroutines present one assertion at the same moment.
func guardRace(t *testing.T, g replay.Guard) {
	for round := range 20 {
		u := grant(fmt.Sprint(round), noon)
		won := race(t, 64, func(int) error { return g.FirstUse(t.Context(), noon, u) })
		if len(won) != 1 {
			t.Fatalf("of 64 who presented one assertion at the same moment %d passed, want 1", len(won))
		}
	}
}

// race runs f on n goroutines that start together, and returns the numbers of those where it returned nil. Any error but
// a ReplayedError fails the test.
func race(t testing.TB, n int, f func(i int) error) (won []int) {
	t.Helper()
	var start, end sync.WaitGroup
	var mu sync.Mutex
	start.Add(1)
	for i := range n {
		end.Go(func() {
			start.Wait()
			err := f(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won = append(won, i)
			case !isReplayed(err):
				t.Errorf("FirstUse = %v, want nil or a *ReplayedError", err)
			}
		})
	}
	start.Done()
	end.Wait()
	return won
}

// guardRaceCanceled lets requests be given up while they are in progress. What was given up may be spent or not; nothing
// passes twice, and those who stay get their answers.
func guardRaceCanceled(t *testing.T, g replay.Guard) {
	var mu sync.Mutex
	passed := map[string]int{}
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for j := range 20 {
				id := fmt.Sprint(i%8, ",", j) // eight present each
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 {
					time.AfterFunc(time.Duration((i*j)%50)*100*time.Microsecond, cancel)
				}
				err := g.FirstUse(ctx, noon, grant(id, noon))
				switch {
				case err == nil:
					mu.Lock()
					passed[id]++
					mu.Unlock()
				case isReplayed(err) || errors.Is(err, context.Canceled) && ctx.Err() != nil:
				default:
					t.Errorf("FirstUse = %v", err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	for id, n := range passed {
		if n > 1 {
			t.Errorf("%s passed %d times", id, n)
		}
		replayed(t, g, noon, grant(id, noon))
	}
	passes(t, g, noon, grant("after", noon))
}

// guardRaceSets lets goroutines present sets that overlap, in different orders: each use passes at most once, a set passes
// as a whole, and nobody waits for ever.
func guardRaceSets(t *testing.T, g replay.Guard) {
	const things = 8
	for round := range 10 {
		id := func(i int) replay.Use { return grant(fmt.Sprint(round, ",", i%things), noon) }
		sets := make([][]replay.Use, 64)
		for i := range sets {
			sets[i] = []replay.Use{id(i), id(i*3 + 1), id(i + 2)}
		}
		won := race(t, len(sets), func(i int) error { return g.FirstUse(t.Context(), noon, sets[i]...) })
		if len(won) == 0 {
			t.Errorf("nobody passed")
		}
		spent := map[string]int{}
		for _, i := range won {
			for _, u := range sets[i] {
				spent[u.ID]++
			}
		}
		for i := range things {
			u := id(i)
			switch n := spent[u.ID]; n {
			case 0:
				passes(t, g, noon, u)
			case 1:
				replayed(t, g, noon, u)
			default:
				t.Errorf("%q passed in %d sets", u.ID, n)
			}
		}
	}
}

// guardRaceHolders lets two clients present the assertion of which either may become the holder: all calls of one pass,
// and none of the other.
func guardRaceHolders(t *testing.T, g replay.Guard) {
	for round := range 20 {
		holder := func(i int) string { return []string{"alice", "bob"}[i%2] }
		won := race(t, 32, func(i int) error {
			u := grant(fmt.Sprint(round), noon)
			u.Holder = holder(i)
			return g.FirstUse(t.Context(), noon, u)
		})
		if len(won) != 16 {
			t.Fatalf("%d of 32 calls passed, want the 16 of one holder", len(won))
		}
		for _, i := range won {
			if holder(i) != holder(won[0]) {
				t.Fatalf("both holders passed")
			}
		}
	}
}

// guardMany spends some thousands from many goroutines: none is lost, none is refused by mistake.
func guardMany(t *testing.T, g replay.Guard) {
	const callers, each = 64, 40
	use := func(i, j int) replay.Use {
		u := grant(fmt.Sprint(i, ",", j), noon)
		u.Until = noon.Add(time.Duration(i%5+1) * 25 * time.Minute)
		return u
	}
	for _, want := range []int{each, 0} {
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				n := 0
				for j := range each {
					err := g.FirstUse(t.Context(), noon, use(i, j))
					if err == nil {
						n++
					} else if !isReplayed(err) {
						t.Errorf("FirstUse = %v", err)
					}
				}
				if n != want {
					t.Errorf("%d of %d passed, want %d", n, each, want)
				}
			})
		}
		all.Wait()
	}
}
