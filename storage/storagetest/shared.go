package storagetest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

func judgeSharedGuard(t *testing.T, g Guards) {
	// A second process runs the test function that called Run.
	root := t.Name()
	root = strings.TrimSuffix(root, "/SharedGuard")

	t.Run("Restart", func(t *testing.T) { sharedRestart(t, g) })
	t.Run("TwoHandles", func(t *testing.T) { sharedTwoHandles(t, g) })
	t.Run("TwoProcesses", func(t *testing.T) { sharedTwoProcesses(t, g, root) })
	t.Run("Killed", func(t *testing.T) { sharedKilled(t, g, root) })
	t.Run("Closed", func(t *testing.T) { sharedClosed(t, g) })
	for name, fault := range g.Faults {
		t.Run("Fault/"+name, func(t *testing.T) { sharedFault(t, g, fault) })
	}
}

func shut(t testing.TB, opened any) {
	t.Helper()
	if c, ok := opened.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

// sharedRestart closes and opens again: everything is remembered, holders too, whatever was issued when.
func sharedRestart(t *testing.T, s Guards) {
	place := s.Place(t)
	var uses []replay.Use
	for i := range 20 {
		u := grant(fmt.Sprint(i), noon)
		u.Until = noon.Add(time.Duration(i+1) * 17 * time.Minute)
		u.Holder = []string{"", "alice"}[i%2]
		uses = append(uses, u)
	}
	for restart := range 4 {
		g := s.at(t, place)
		for i, u := range uses {
			switch {
			case restart == 0:
				passes(t, g, noon, u)
			case u.Holder == "":
				replayed(t, g, noon, u)
			default:
				passes(t, g, noon, u)
				u.Holder = "bob"
				replayed(t, g, noon, u)
			}
			if restart == 2 {
				sweep(t, g, noon.Add(time.Duration(i)*time.Second))
			}
		}
		fresh := grant(fmt.Sprint("fresh", restart), noon)
		fresh.Issued = noon.Add(-24 * time.Hour) // it does not say BeforeStart: it remembers
		passes(t, g, noon, fresh)
		shut(t, g)
	}
}

// sharedTwoHandles opens a place twice in one process: what passes at one is known to the other at once.
func sharedTwoHandles(t *testing.T, s Guards) {
	place := s.Place(t)
	a, b := s.at(t, place), s.at(t, place)
	for i := range 20 {
		u := grant(fmt.Sprint(i), noon)
		passes(t, a, noon, u)
		replayed(t, b, noon, u)
		u.ID += "b"
		passes(t, b, noon, u)
		replayed(t, a, noon, u)
	}
	for round := range 20 {
		u := grant(fmt.Sprint("race", round), noon)
		won := race(t, 64, func(i int) error { return []replay.Guard{a, b}[i%2].FirstUse(t.Context(), noon, u) })
		if len(won) != 1 {
			t.Fatalf("of 64 who presented one assertion at two handles %d passed, want 1", len(won))
		}
	}
	// One of them sweeps.
	old := grant("old", noon)
	passes(t, a, noon, old)
	later := noon.Add(3 * time.Hour)
	sweep(t, b, later)
	for i := range 20 {
		passes(t, a, later, grant(fmt.Sprint("later", i), later))
		replayed(t, b, later, grant(fmt.Sprint("later", i), later))
	}
	refuses(t, a, noon, old)
	refuses(t, b, noon, old)
	shut(t, a)
	passes(t, b, later, grant("last", later))
}

// sharedTwoProcesses lets two processes present the same assertions, each from several goroutines.
func sharedTwoProcesses(t *testing.T, s Guards, root string) {
	const things = 300
	place := s.Place(t)
	g := s.at(t, place) // it exists before they come
	children := make([]*child, 2)
	for i := range children {
		children[i] = startChild(t, root, job{Do: "race", Place: place, Seed: uint64(i), N: things})
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
	passed := map[string]int{}
	for _, c := range children {
		said := c.wait()
		if len(said) == 0 {
			t.Log("one process was faster with all of them")
		}
		for _, line := range said {
			passed[line]++
		}
	}
	for n := range things {
		if got := passed[fmt.Sprint("passed ", n)]; got != 1 {
			t.Errorf("%d passed %d times, want once", n, got)
		}
		replayed(t, g, noon, grant(fmt.Sprint(n), noon))
	}
}

// sharedKilled kills a process in the middle. Of what it was told is spent, nothing may pass afterwards.
func sharedKilled(t *testing.T, s Guards, root string) {
	place := s.Place(t)
	shut(t, s.at(t, place))
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		c := startChild(t, root, job{Do: "spend", Place: place, Seed: uint64(round)})
		var said []string
		for range 150 + 37*round {
			said = append(said, c.next())
		}
		said = append(said, c.killAndRead()...)

		g := s.at(t, place)
		for _, line := range said {
			id, ok := strings.CutPrefix(line, "passed ")
			if !ok {
				t.Fatalf("the second process says %q", line)
			}
			for _, u := range killed(id) {
				replayed(t, g, noon, u)
			}
		}
		passes(t, g, noon, grant(fmt.Sprint("after", round), noon))
		shut(t, g)
	}
}

// sharedClosed asks a guard that is closed, and closes one while it is asked.
func sharedClosed(t *testing.T, s Guards) {
	place := s.Place(t)
	g := s.at(t, place)
	c, ok := g.(io.Closer)
	if !ok {
		t.Skip("it cannot be closed")
	}
	passes(t, g, noon, grant("a", noon))
	shut(t, g)
	for range 3 {
		refuses(t, g, noon, grant("a", noon))
		cannotTell(t, g, noon, grant("b", noon))
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}

	g = s.at(t, place)
	var mu sync.Mutex
	var passed []replay.Use
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for n := range 1000 {
				u := grant(fmt.Sprint("closing", i, ",", n), noon)
				err := g.FirstUse(context.Background(), noon, u)
				if err != nil {
					if isReplayed(err) {
						t.Errorf("FirstUse = %v of something fresh", err)
					}
					return
				}
				mu.Lock()
				passed = append(passed, u)
				mu.Unlock()
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	shut(t, g)
	all.Wait()
	g = s.at(t, place)
	for _, u := range passed {
		replayed(t, g, noon, u)
	}
}

// sharedFault makes a guard unable to answer while it is in use. It may say of what it knows that it was used; of what is
// fresh it must say that it cannot tell. Nothing passes.
func sharedFault(t *testing.T, s Guards, fault func(testing.TB, string, replay.Guard)) {
	place := s.Place(t)
	g := s.at(t, place)
	used := grant("used", noon)
	passes(t, g, noon, used)
	fault(t, place, g)
	other := grant("another span", noon)
	other.Until = noon.Add(20 * time.Hour)
	for i := range 3 {
		refuses(t, g, noon, used)
		cannotTell(t, g, noon, grant(fmt.Sprint(i), noon))
		cannotTell(t, g, noon, other)
		refuses(t, g, noon, grant(fmt.Sprint(i), noon), used)
	}
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			if err := g.FirstUse(t.Context(), noon, grant(fmt.Sprint("many", i), noon)); err == nil || isReplayed(err) {
				t.Errorf("FirstUse = %v, want an error that says that the guard cannot tell", err)
			}
		})
	}
	all.Wait()
}
