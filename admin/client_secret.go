package admin

import (
	"context"
	"log/slog"
	"time"
)

// ClientSecret is one shared secret of a client, without the secret.
type ClientSecret struct {
	ID      string    `json:"id"`
	Label   string    `json:"label,omitempty"`
	Sealed  bool      `json:"sealed,omitempty"` // kept encrypted, for client_secret_jwt, rather than as a hash
	Expires time.Time `json:"expires,omitzero"`
	Created time.Time `json:"created"`
}

// SecretInput is a secret that the caller has chosen. It never appears in logs.
type SecretInput struct {
	Value []byte // 32 bytes or more
}

// LogValue hides the secret.
func (SecretInput) LogValue() slog.Value { return slog.StringValue("(hidden)") }

// AddSecretInput is a secret to add to a client.
type AddSecretInput struct {
	Label   string
	Secret  *SecretInput // nil: one is made
	Expires time.Time    // of the new secret; zero: never
	// Overlap, where positive, ends all other secrets of the client after this time: a rotation. Negative ends them
	// at once.
	Overlap time.Duration
}

// AddSecretResult is the new secret; Value is set where it was made here, and is shown this once.
type AddSecretResult struct {
	ClientSecret
	Value string `json:"client_secret,omitempty"`
}

// AddClientSecret adds a secret to a client that authenticates by one. It is kept as a SHA-256 hash, or encrypted for
// a client that uses client_secret_jwt.
func (a *Admin) AddClientSecret(ctx context.Context, client string, in AddSecretInput) (*AddSecretResult, error) {
	panic("not built")
}

// RemoveClientSecret ends a secret at once.
func (a *Admin) RemoveClientSecret(ctx context.Context, client, id string) error { panic("not built") }
