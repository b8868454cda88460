package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// fullGuard is a memory that can be made to fail, as a disk that is full does.
type fullGuard struct {
	replay.Guard
	full bool
	used int
}

func (g *fullGuard) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	g.used++
	if g.full {
		return errors.New("disk full")
	}
	return g.Guard.FirstUse(ctx, now, uses...)
}

// A server whose guard cannot remember is not ready, and finds out by itself when it can again.
func TestWatchedGuard(t *testing.T) {
	inner := &fullGuard{Guard: replay.NewMemory(replay.MemoryConfig{})}
	g := &watchedGuard{Guard: inner}
	use := func(ctx context.Context, id string) error {
		return g.FirstUse(ctx, time.Now(), replay.Use{Purpose: "grant", Party: "p", ID: id, Until: time.Now().Add(time.Minute)})
	}
	ready := func() bool { return g.Ready(t.Context()) == nil }

	if err := use(t.Context(), "1"); err != nil || !ready() || inner.used != 1 {
		t.Errorf("well: %v, ready %v, asked %d times; readiness costs nothing while all is well", err, ready(), inner.used)
	}
	if err := use(t.Context(), "1"); err == nil || !ready() {
		t.Errorf("a replay is refused (%v) and is no failure", err)
	}
	inner.full = true
	if !ready() {
		t.Error("nobody has seen it fail yet")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := use(gone, "2"); err == nil || !ready() {
		t.Errorf("a caller who went away (%v) says nothing about the guard", err)
	}
	if err := use(t.Context(), "2"); err == nil || ready() {
		t.Errorf("full: %v, ready %v", err, ready())
	}
	inner.full = false
	if !ready() || !ready() {
		t.Error("it works again, and nobody noticed")
	}
	if err := use(t.Context(), "2"); err != nil {
		t.Errorf("what could not be spent is not spent: %v", err)
	}
}
