package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// guard is a guard as one writes it in ten minutes, with a map. Without a flaw it is right.
type guard struct {
	flaw   string
	mu     sync.Mutex
	used   map[string]entry
	latest time.Time
	calls  int
}

type entry struct {
	until  time.Time
	holder string
}

func newGuard(flaw string) *guard { return &guard{flaw: flaw, used: map[string]entry{}} }

func (g *guard) key(u replay.Use) string {
	switch g.flaw {
	case "takes Until for a part of the key":
		return fmt.Sprintf("%q %q %q %v", u.Purpose, u.Party, u.ID, u.Until)
	case "joins the fields":
		return u.Purpose + u.Party + u.ID
	case "folds case":
		u.ID = strings.ToLower(u.ID)
	case "forgets the purpose":
		u.Purpose = ""
	case "cuts long ids":
		u.ID = u.ID[:min(len(u.ID), 255)]
	}
	return fmt.Sprintf("%q %q %q", u.Purpose, u.Party, u.ID)
}

func (g *guard) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	if ctx.Err() != nil && g.flaw != "goes on when the context has ended" {
		return ctx.Err()
	}
	if g.flaw == "looks at its own clock" {
		now = time.Now()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	switch {
	case g.flaw == "says replayed of everything":
		return &replay.ReplayedError{Use: uses[0]}
	case g.flaw == "refuses at random" && g.calls%100 == 99:
		return errors.New("no")
	case g.flaw == "passes at random" && g.calls%100 == 99:
		return nil
	}
	if now.After(g.latest) {
		g.latest = now
	}
	after := maps.Clone(g.used)
	if g.flaw == "spends one after the other" {
		after = g.used
	}
	before := g.used
	for _, u := range uses {
		if !u.Until.After(now) && g.flaw != "passes what is over" {
			if g.flaw == "says replayed of what it cannot say" {
				return &replay.ReplayedError{Use: u}
			}
			return errors.New("over")
		}
		key := g.key(u)
		seen, ok := after[key]
		if g.flaw == "does not compare within a call" {
			seen, ok = before[key]
		}
		if g.flaw == "asks and marks later" {
			g.mu.Unlock()
			runtime.Gosched()
			g.mu.Lock()
		}
		end := seen.until
		switch g.flaw {
		case "keeps for a minute":
			end = end.Add(-6 * time.Minute)
		case "rounds the end down":
			end = end.Truncate(time.Second)
		case "forgets when the clock is set back":
			if !end.After(g.latest) {
				ok = false
			}
		}
		ok = ok && end.After(now)
		if ok {
			held := seen.holder != "" && seen.holder == u.Holder
			switch g.flaw {
			case "lets anybody be the holder":
				held = seen.holder != ""
			case "lets the holder come once":
				held = false
			case "lets a holder in after somebody":
				held = held || seen.holder == "" && u.Holder != ""
			}
			if !held {
				if g.flaw == "says some error of a replay" {
					return errors.New("no")
				}
				return &replay.ReplayedError{Use: u}
			}
			if u.Until.Before(seen.until) || g.flaw == "keeps a holder to the first end" {
				u.Until = seen.until
			}
		}
		after[key] = entry{u.Until, u.Holder}
	}
	g.used = after
	return nil
}
