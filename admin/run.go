package admin

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	touchEvery    = 5 * time.Second // when keys were used is written this often
	maintainEvery = time.Minute     // signing keys and expired uses are looked after this often
	lastWrites    = 3 * time.Second // for what is to be written when the server ends
)

// Run keeps the view current, rotates signing keys by schedule, sweeps what has expired, and records when keys were
// used. It returns when ctx has ended, with everything it started ended too, and with ctx's error.
func (l *Live) Run(ctx context.Context) error {
	if !l.running.CompareAndSwap(false, true) {
		return errors.New("admin: this Live is running already")
	}
	defer l.running.Store(false)
	var all sync.WaitGroup
	all.Go(func() { every(ctx, pollEvery, l.poll()) })
	if !l.readOnly {
		all.Go(func() { every(ctx, touchEvery, l.touch) })
		all.Go(func() { every(ctx, maintainEvery, l.maintain) })
	}
	<-ctx.Done()
	all.Wait()
	if !l.readOnly {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
		defer cancel()
		l.touch(last)
	}
	return ctx.Err()
}

// every calls f until ctx ends. A tick that comes while f runs is dropped, as time.Ticker does.
func every(ctx context.Context, interval time.Duration, f func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f(ctx)
		}
	}
}

// poll returns a function that brings the view up to date, and logs where that begins and ceases to fail.
func (l *Live) poll() func(context.Context) {
	failing := false
	return func(ctx context.Context) {
		err := l.refresh(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing:
			l.log.Error("the view of the store cannot be brought up to date; after 5 s everything is refused", "error", err)
		case err == nil && failing:
			l.log.Info("the view of the store is current again")
		}
		failing = err != nil
	}
}

// touch writes when keys of clients were used.
func (l *Live) touch(ctx context.Context) {
	uses := l.used.take()
	if len(uses) == 0 {
		return
	}
	if err := l.admin.store.TouchKeys(ctx, uses); err != nil {
		l.log.Warn("cannot record when keys of clients were last used", "error", err)
	}
}

func (l *Live) maintain(ctx context.Context) {
	if err := l.admin.MaintainSigningKeys(ctx); err != nil && ctx.Err() == nil {
		l.log.Error("cannot look after the signing keys; trying again in a minute", "error", err)
	}
	if err := l.admin.dropOldChanges(ctx); err != nil && ctx.Err() == nil {
		l.log.Error("cannot drop old changes; trying again in a minute", "error", err)
	}
	if err := l.admin.store.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
		l.log.Error("cannot remove what has expired; trying again in a minute", "error", err)
	}
}
