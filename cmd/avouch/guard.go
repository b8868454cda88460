package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// watchedGuard knows whether uses can be remembered. While they cannot, because a disk is full or a database is down,
// every request that uses something once is refused, and the server should get none.
type watchedGuard struct {
	replay.Guard
	failing atomic.Bool
}

// FirstUse implements replay.Guard.
func (g *watchedGuard) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	err := g.Guard.FirstUse(ctx, now, uses...)
	if _, replayed := errors.AsType[*replay.ReplayedError](err); err == nil || replayed {
		g.failing.Store(false)
	} else if ctx.Err() == nil { // a caller who goes away says nothing about the guard
		g.failing.Store(true)
	}
	return err
}

// Ready returns nil while uses can be remembered. It tries only where the last request could not: a server that is not
// ready gets no requests, and would never find out.
func (g *watchedGuard) Ready(ctx context.Context) error {
	if !g.failing.Load() {
		return nil
	}
	now := time.Now()
	return g.FirstUse(ctx, now, replay.Use{Purpose: "readiness", Party: "avouch", ID: rand.Text(), Until: now.Add(time.Minute)})
}
