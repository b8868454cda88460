package replay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

func TestMemory(t *testing.T) {
	storagetest.RunGuard(t, func(testing.TB) replay.Guard { return replay.NewMemory(replay.MemoryConfig{}) })
}

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func grant(id string, now time.Time) replay.Use {
	return replay.Use{Purpose: "grant", Party: "https://idp.example", ID: id, Until: now.Add(7 * time.Minute)}
}

func TestMemoryRefusesWhatWasIssuedBeforeItsStart(t *testing.T) {
	tests := []struct {
		name    string
		issued  time.Time
		refused bool
	}{
		{"no iat", time.Time{}, false},
		{"an hour before", start.Add(-time.Hour), true},
		{"just beyond the skew", start.Add(-30*time.Second - time.Nanosecond), true},
		{"at the skew", start.Add(-30 * time.Second), false},
		{"at the start", start, false},
		{"after", start.Add(time.Minute), false},
		{"1970", time.Unix(0, 0), true},
	}
	g := replay.NewMemory(replay.MemoryConfig{Start: start, Skew: 30 * time.Second})
	now := start.Add(time.Minute)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := grant(test.name, now)
			u.Issued = test.issued
			u.Holder = "alice"
			err := g.FirstUse(t.Context(), now, u)
			r, refused := errors.AsType[*replay.ReplayedError](err)
			if refused != test.refused || refused && !r.BeforeStart || !refused && err != nil {
				t.Fatalf("FirstUse = %v", err)
			}
			if refused { // and stays so, also beside others
				if err := g.FirstUse(t.Context(), now, grant("beside "+test.name, now), u); err == nil {
					t.Errorf("passes beside another use")
				}
				return
			}
			// What was seen is reported as seen.
			u.Holder, u.Issued = "", start.Add(-time.Hour)
			if r, ok := errors.AsType[*replay.ReplayedError](g.FirstUse(t.Context(), now, u)); !ok || r.BeforeStart {
				t.Errorf("second use: %+v", r)
			}
		})
	}
}

func TestMemoryStartsWhenItIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := replay.NewMemory(replay.MemoryConfig{})
		made := time.Now()
		time.Sleep(time.Hour)
		for _, test := range []struct {
			issued  time.Time
			refused bool
		}{{made.Add(-10*time.Second - 1), true}, {made.Add(-10 * time.Second), false}} {
			u := grant(test.issued.String(), time.Now())
			u.Issued = test.issued
			if err := g.FirstUse(t.Context(), time.Now(), u); (err != nil) != test.refused {
				t.Errorf("issued %s after the start: %v", test.issued.Sub(made), err)
			}
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	g := replay.NewMemory(replay.MemoryConfig{Start: start, Max: 100})
	var used []replay.Use
	for i := range 100 {
		u := grant(fmt.Sprint(i), start)
		if err := g.FirstUse(t.Context(), start, u); err != nil {
			t.Fatalf("use %d of 100: %v", i+1, err)
		}
		used = append(used, u)
	}
	for i := range 3 {
		if err := g.FirstUse(t.Context(), start, grant(fmt.Sprint("more", i), start)); !errors.Is(err, replay.ErrFull) {
			t.Fatalf("FirstUse = %v, want ErrFull", err)
		}
	}
	// It forgets nothing for being full, and still tells a replay from a lack of room.
	now := start.Add(6 * time.Minute)
	for _, u := range used {
		if _, ok := errors.AsType[*replay.ReplayedError](g.FirstUse(t.Context(), now, u)); !ok {
			t.Fatalf("%s was forgotten", u.ID)
		}
	}
	// When their time is over there is room again: once more for 100, in calls of four that come in with a holder.
	now = start.Add(2 * time.Hour)
	for i := range 12 {
		var uses []replay.Use
		for j := range 4 {
			u := grant(fmt.Sprint(i, ",", j), now)
			u.Holder = "alice"
			uses = append(uses, u)
		}
		for range 3 { // the holder comes again, and that takes nothing
			if err := g.FirstUse(t.Context(), now, uses...); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
	}
	five := make([]replay.Use, 5)
	for i := range five {
		five[i] = grant(fmt.Sprint("five", i), now)
	}
	if err := g.FirstUse(t.Context(), now, five...); !errors.Is(err, replay.ErrFull) {
		t.Fatalf("five where four fit: %v", err)
	}
	if err := g.FirstUse(t.Context(), now, five[:4]...); err != nil {
		t.Fatalf("four where four fit: %v", err)
	}
}

func TestMemoryBoundHoldsForConcurrentCalls(t *testing.T) {
	const limit = 1000
	g := replay.NewMemory(replay.MemoryConfig{Start: start, Max: limit})
	var all sync.WaitGroup
	passed := make([]int, 16)
	for i := range passed {
		all.Go(func() {
			for j := range limit {
				err := g.FirstUse(context.Background(), start, grant(fmt.Sprint(i, ",", j), start))
				if err == nil {
					passed[i]++
				} else if !errors.Is(err, replay.ErrFull) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range passed {
		sum += n
	}
	if sum != limit {
		t.Errorf("%d passed, want %d", sum, limit)
	}
}

func TestMemoryNotMade(t *testing.T) {
	var g replay.Memory
	if err := g.FirstUse(t.Context(), start, grant("a", start)); err == nil {
		t.Error("the zero Memory, which has no secret and no start, lets a use pass")
	}
}
