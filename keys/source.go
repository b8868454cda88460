package keys

import (
	"context"
	"errors"
	"time"
)

// Hint is what a token says of the key that signed it. Nothing in it is verified.
type Hint struct {
	ID        string    // kid
	X5T       string    // x5t
	X5TS256   string    // x5t#S256
	Algorithm Algorithm // alg
}

// Source finds the keys of one party. Implementations are safe for concurrent use.
type Source interface {
	// Find returns the keys that may have made a signature described by h: those of its kid, else x5t#S256, else x5t;
	// without any of them, the keys that fit the algorithm, five at the most. It returns an error that wraps
	// [ErrNoKey] where there is none, [ErrUnavailable] where the keys could not be had. The slice is not to be changed.
	Find(ctx context.Context, h Hint, now time.Time) ([]*Public, error)
}

var (
	// ErrNoKey means that the party has no key such as the token asks for.
	ErrNoKey = errors.New("keys: no such key")
	// ErrUnavailable means that the party's keys could not be fetched or are too old to be relied on.
	ErrUnavailable = errors.New("keys: source unavailable")
	// ErrPrivate means that somebody was about to hand over a private key where a public one is wanted.
	ErrPrivate = errors.New("keys: private key material where only a public key is wanted")
)
