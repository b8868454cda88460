package storagetest

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
)

func judgeSharedHandles(t *testing.T, h Handles) {
	// A second process runs the test function that called Run.
	root := strings.TrimSuffix(t.Name(), "/SharedHandles")

	t.Run("Restart", func(t *testing.T) { handlesRestart(t, h) })
	t.Run("TwoHandles", func(t *testing.T) { handlesTwoHandles(t, h) })
	t.Run("TwoProcesses", func(t *testing.T) { handlesTwoProcesses(t, h, root) })
	t.Run("Killed", func(t *testing.T) { handlesKilled(t, h, root) })
	t.Run("Closed", func(t *testing.T) { handlesClosed(t, h) })
	for name, fault := range h.Faults {
		t.Run("Fault/"+name, func(t *testing.T) { handlesFault(t, h, fault) })
	}
}

// handlesRestart closes and opens again: everything is there, revisions too.
func handlesRestart(t *testing.T, h Handles) {
	place := h.Place(t)
	a, b := record("code", "a"), record("refresh", "b")
	s := h.at(t, place)
	puts(t, s, noon, a)
	puts(t, s, noon, b)
	b.Data = []byte("changed")
	puts(t, s, noon, b)
	stale := *b
	revokes(t, s, noon, noon.Add(time.Hour), "a", "b")
	for range 3 {
		shut(t, s)
		s = h.at(t, place)
		there(t, s, noon, a)
		there(t, s, noon, b)
		revoked(t, s, noon, true, "a")
		revoked(t, s, noon, true, "b")
		revoked(t, s, noon, false, "c")
		putFails(t, s, noon, record("code", "a"), handle.ErrExists)
		puts(t, s, noon, b)
		putFails(t, s, noon, &stale, handle.ErrConflict)
	}
	// What was dropped while the clock was ahead is remembered too.
	sweepAhead(t, s)
	for range 2 {
		shut(t, s)
		s = h.at(t, place)
		notDenied(t, s, noon, "a")
		revoked(t, s, noon.Add(time.Hour), false, "a")
	}
}

// handlesTwoHandles opens a place twice in one process: what one writes the other reads at once.
func handlesTwoHandles(t *testing.T, h Handles) {
	place := h.Place(t)
	stores := []handle.Store{h.at(t, place), h.at(t, place)}
	for i := range 20 {
		from, to := stores[i%2], stores[(i+1)%2]
		r := record("code", strconv.Itoa(i))
		absent(t, to, noon, r.Kind, r.Digest)
		puts(t, from, noon, r)
		there(t, to, noon, r)
		putFails(t, to, noon, record("code", strconv.Itoa(i)), handle.ErrExists)
		r.Data = []byte("changed")
		puts(t, to, noon, r)
		there(t, from, noon, r)
		id := fmt.Sprint("id ", i)
		revoked(t, to, noon, false, id)
		revokes(t, from, noon, noon.Add(time.Hour), id)
		revoked(t, to, noon, true, id)
	}
	together(16, func(i int) {
		for range 10 {
			if err := countUp(t.Context(), stores[i%2], "counter"); err != nil {
				t.Error(err)
			}
		}
	})
	counted(t, stores[0], 160)
	// One of them sweeps: the other reads no ghost.
	sweep(t, stores[0], noon.Add(time.Hour))
	for i := range 20 {
		absent(t, stores[1], noon.Add(time.Hour), "code", handle.Digest(strconv.Itoa(i)))
	}
	// One of them sweeps with a clock that is ahead: the other knows what it has dropped.
	sweepAhead(t, stores[0])
	for i := range 20 {
		notDenied(t, stores[1], noon, fmt.Sprint("id ", i))
	}
}

// handlesTwoProcesses lets two processes put the same handles and count in one record.
func handlesTwoProcesses(t *testing.T, h Handles, root string) {
	const things = 200
	place := h.Place(t)
	s := h.at(t, place) // it exists before they come
	children := make([]*child, 2)
	for i := range children {
		children[i] = startChild(t, root, job{Do: "put", Place: place, Seed: uint64(i), N: things})
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
	said := map[string]int{}
	for _, c := range children {
		for _, line := range c.wait() {
			said[line]++
		}
	}
	for n := range things {
		if got := said[fmt.Sprint("passed ", n)]; got != 1 {
			t.Errorf("%d was put %d times, want once", n, got)
		}
		if r, err := s.Handle(t.Context(), noon, "code", handle.Digest(fmt.Sprint(n))); err != nil || r == nil {
			t.Errorf("%d is not there: %v", n, err)
		}
	}
	counted(t, s, said["counted"])
}

// handlesKilled kills a process in the middle. What it was told is kept, or revoked, is.
func handlesKilled(t *testing.T, h Handles, root string) {
	place := h.Place(t)
	shut(t, h.at(t, place))
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		c := startChild(t, root, job{Do: "revoke", Place: place, Seed: uint64(round)})
		var said []string
		for range 150 + 37*round {
			said = append(said, c.next())
		}
		said = append(said, c.killAndRead()...)
		s := h.at(t, place)
		var put [callers]int // how many, by each caller
		for _, line := range said {
			what, id, _ := strings.Cut(line, " ")
			switch what {
			case "put":
				for i := range put {
					if strings.HasPrefix(id, fmt.Sprint(round, ",", i, ",")) {
						put[i]++
					}
				}
				putFails(t, s, noon, record("code", id), handle.ErrExists)
				if r, err := s.Handle(t.Context(), noon, "code", handle.Digest(id)); err != nil || r == nil || string(r.Data) != "data of "+id {
					t.Errorf("what was put before the process was killed reads %s, %v", shown(r), err)
				}
			case "revoked":
				revoked(t, s, noon, true, handle.TokenID(id))
				revoked(t, s, noon, true, handle.FamilyID(id))
			default:
				t.Fatalf("the second process says %q", line)
			}
		}
		// Of what was in progress both ids are revoked, or none.
		for i := range callers {
			for n := max(put[i]-2, 0); n < put[i]+2; n++ {
				id := fmt.Sprint(round, ",", i, ",", n)
				token, err1 := s.Revoked(t.Context(), noon, handle.TokenID(id))
				family, err2 := s.Revoked(t.Context(), noon, handle.FamilyID(id))
				if err := errors.Join(err1, err2); err != nil || token != family {
					t.Errorf("of two ids revoked at once one is revoked after a crash: %t and %t, %v", token, family, err)
				}
			}
		}
		shut(t, s)
	}
}

// handlesClosed asks a store that is closed.
func handlesClosed(t *testing.T, h Handles) {
	s := h.one(t)
	c, ok := s.(io.Closer)
	if !ok {
		t.Skip("it cannot be closed")
	}
	r := record("code", "a")
	puts(t, s, noon, r)
	revokes(t, s, noon, noon.Add(time.Hour), "a")
	shut(t, s)
	putFails(t, s, noon, record("code", "b"), nil)
	putFails(t, s, noon, r, nil)
	if got, err := s.Handle(t.Context(), noon, r.Kind, r.Digest); err == nil {
		t.Errorf("Handle of a closed store = %s, nil", shown(got))
	}
	if err := s.Revoke(t.Context(), noon, noon.Add(time.Hour), "b"); err == nil {
		t.Error("Revoke of a closed store = nil")
	}
	if is, err := s.Revoked(t.Context(), noon, "a"); err == nil {
		t.Errorf("Revoked of a closed store = %t, nil", is)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// handlesFault makes a store unable to write while it is in use. It may still read, and then it tells what is so; that
// there is nothing, or that nothing was revoked, it never says of what it has lost.
func handlesFault(t *testing.T, h Handles, fault func(testing.TB, string, handle.Store)) {
	place := h.Place(t)
	s := h.at(t, place)
	r := record("code", "a")
	puts(t, s, noon, r)
	revokes(t, s, noon, noon.Add(time.Hour), "a")
	fault(t, place, s)
	for i := range 3 {
		fresh := record("code", fmt.Sprint("new", i))
		fresh.Data = make([]byte, handle.MaxData)
		if err := s.PutHandle(t.Context(), noon, fresh); err == nil || errors.Is(err, handle.ErrExists) || errors.Is(err, handle.ErrConflict) {
			t.Errorf("PutHandle = %v, want an error that says that the store cannot write", err)
		}
		if err := s.Revoke(t.Context(), noon, noon.Add(time.Hour), fmt.Sprint("new", i)); err == nil {
			t.Error("Revoke = nil")
		}
		if got, err := s.Handle(t.Context(), noon, r.Kind, r.Digest); err == nil && got == nil {
			t.Error("Handle says that there is nothing")
		}
		if is, err := s.Revoked(t.Context(), noon, "a"); err == nil && !is {
			t.Error("Revoked says no of what was revoked")
		}
	}
}
