// Package replay remembers what may be used only once: a client assertion, an authorization grant, later a DPoP proof.
//
// The server collects every [Use] of a request while it checks, and spends all of them in one call of FirstUse, after
// every policy has been passed and before a token is made: a request refused for another reason burns nothing, and of
// many that arrive at the same moment with the same assertion exactly one passes.
//
//	err := guard.FirstUse(ctx, time.Now(), replay.Use{
//		Purpose: "grant",
//		Party:   assertion.Issuer,
//		ID:      assertion.ID,
//		Until:   assertion.Expiry.Add(120 * time.Second),
//		Issued:  assertion.IssuedAt,
//	})
//	if used, ok := errors.AsType[*replay.ReplayedError](err); ok {
//		// refuse: used.Use was used before
//	} else if err != nil {
//		// refuse: nobody can tell; temporarily_unavailable
//	}
//
// There is no way to ask whether something was used: who asks first and marks later lets two through.
//
// # Which guard
//
// [Memory] serves one process and forgets at a restart; it makes up for that by refusing what was issued before it
// started. The stores below package storage are guards as well, which several processes share and which remember
// through a crash.
//
// # Writing a guard
//
// Keep [Use.Digest] of what was used, and [Use.HolderDigest] beside it, not the texts: digests have one size, and say
// nothing about who used what. Keep them in one table for each [Use.SpanEnd], look in all of them in the same atomic
// step in which you add, and drop a table as a whole when its end has come. Package storage/storagetest judges the
// result.
package replay

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Use is one thing that may be used once. Unique is (Purpose, Party, ID), whatever its times say.
type Use struct {
	Purpose string // what it was presented as: "client_assertion", "grant"; two purposes never collide
	Party   string // who made it: issuer or client id
	ID      string // its jti, or a hash of its signing input

	// Until is how long it must be remembered: its exp and 120 s. A guard may keep it longer, never less. It must be
	// after now, and at most three years.
	Until time.Time

	// Issued is its iat, zero where it has none. A guard that forgets at a restart refuses what was issued before it
	// started.
	Issued time.Time

	// Holder, where not empty, may use it again until Until; anybody else may not. It is the authenticated client. A
	// use without a holder is the only one.
	Holder string
}

// Guard remembers uses. Implementations are safe for concurrent use, by several processes where they share a store.
type Guard interface {
	// FirstUse spends all uses or none. It returns a [*ReplayedError] where one of them was used before by anybody but
	// its Holder, earlier or twice in the same call; any other error means that the guard could not tell, and
	// the request must be refused as temporarily unavailable. When it returns nil the uses are spent as durably as the
	// guard promises. Where ctx has ended before the call it returns the error of ctx and spends nothing; where ctx ends
	// meanwhile they may be spent. Times are judged by now, never by the guard's own clock; where now has been set back,
	// a guard refuses what it can no longer know.
	FirstUse(ctx context.Context, now time.Time, uses ...Use) error
}

// ReplayedError says which use was not the first.
type ReplayedError struct {
	Use Use // the first of the call that was refused
	// BeforeStart is true where the use was not seen, but was issued before the guard started to remember.
	BeforeStart bool
}

// Error is for the operator.
func (e *ReplayedError) Error() string {
	if e.BeforeStart {
		return "replay: issued before this server started to remember uses"
	}
	return "replay: the " + e.Use.Purpose + " of " + strconv.QuoteToASCII(e.Use.Party) + " was used before"
}

// LogValue tells the operator the parts by name, with no more of the id than finds it in the log of whoever made it.
func (e *ReplayedError) LogValue() slog.Value {
	hint := "whoever made it has to make a fresh one for each request; one who re-sends it until it expires needs a policy that says so"
	if e.BeforeStart {
		hint = "this guard forgets at a restart, and refuses what was made before: a store remembers"
	}
	return slog.GroupValue(slog.String("reason", "replayed"), slog.String("purpose", cut(e.Use.Purpose, 64)), slog.String("hint", hint),
		slog.String("party", cut(e.Use.Party, 256)), slog.String("id", cutID(e.Use.ID)))
}

// cutID leaves a quarter of an id at most, and nothing of a short one, which may be a PIN.
func cutID(id string) string {
	if len(id) < 16 {
		return "..."
	}
	return cut(id, min(len(id)/4, 9)+len("..."))
}

// cut shortens s to n bytes, and says so.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}

// ErrFull means that a bounded guard holds as many live uses as it may: it refuses rather than forget one early.
var ErrFull = errors.New("replay: memory is full")
