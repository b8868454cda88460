// Package replay remembers what may be used only once: a client assertion, an authorization grant, later a DPoP proof.
//
// The server collects every [Use] of a request while it checks, and spends all of them in one call of FirstUse, after
// every policy has been passed and before a token is made: a request refused for another reason burns nothing.
package replay

import (
	"context"
	"errors"
	"time"
)

// Use is one thing that may be used once. Unique is (Purpose, Party, ID), whatever its times say.
type Use struct {
	Purpose string // what it was presented as: "client_assertion", "grant"; two purposes never collide
	Party   string // who made it: issuer or client id
	ID      string // its jti, or a hash of its signing input

	// Until is how long it must be remembered: its exp and 120 s. A guard may keep it longer, never less.
	Until time.Time

	// Issued is its iat, zero where it has none. A guard that forgets at a restart refuses what was issued before it
	// started.
	Issued time.Time

	// Holder, where not empty, may use it again until Until; anybody else may not. It is the authenticated client.
	Holder string
}

// Guard remembers uses. Implementations are safe for concurrent use, by several processes where they share a store.
type Guard interface {
	// FirstUse spends all uses or none. It returns a [*ReplayedError] where one of them was used before; any other
	// error means that the guard could not tell, and the request must be refused as temporarily unavailable. When it
	// returns nil the uses are spent as durably as the guard promises. Times are judged by now, never by the guard's
	// own clock.
	FirstUse(ctx context.Context, now time.Time, uses ...Use) error
}

// ReplayedError says which use was not the first.
type ReplayedError struct {
	Use Use
	// BeforeStart is true where the use was not seen, but was issued before the guard started to remember.
	BeforeStart bool
}

func (e *ReplayedError) Error() string {
	if e.BeforeStart {
		return "replay: issued before this server started to remember uses"
	}
	return "replay: used before"
}

// ErrFull means that a bounded guard holds as many live uses as it may: it refuses rather than forget one early.
var ErrFull = errors.New("replay: memory is full")
