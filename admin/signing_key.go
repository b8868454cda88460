package admin

import (
	"context"
	"encoding/json"
	"time"
)

// SigningKey is one of the server's own keys.
type SigningKey struct {
	ID        string          `json:"kid"`
	Algorithm string          `json:"alg"`
	State     string          `json:"state"` // next: published, signs later; active: signs; retiring: published, signs no more; removed
	JWK       json.RawMessage `json:"jwk"`
	Created   time.Time       `json:"created"`
	NotBefore time.Time       `json:"not_before"`         // signs from then on
	NotAfter  time.Time       `json:"not_after,omitzero"` // signs until then; zero: until the next one takes over
	Remove    time.Time       `json:"remove,omitzero"`    // published until then
}

// SigningKeys lists the server's keys, the newest first.
func (a *Admin) SigningKeys(ctx context.Context) ([]SigningKey, error) { panic("not built") }

// RotateInput says how to rotate the signing key.
type RotateInput struct {
	// Now is for a leak: the new key signs at once, and every other key is withdrawn at once, so that tokens signed by
	// them stop verifying as soon as APIs fetch our keys again. Otherwise the new key is published first and takes over
	// when no cached copy of our JWKS can be without it, and the old one is kept until its last token has expired.
	Now bool
	// Algorithm of the new key; "" means the policy's.
	Algorithm string
}

// RotateResult says what a rotation did.
type RotateResult struct {
	Key     SigningKey   `json:"key"`              // the one that signs next
	Already bool         `json:"already"`          // it had been published before: nothing was changed
	Others  []SigningKey `json:"others,omitempty"` // what became of the rest
}

// RotateSigningKey makes a new signing key. Several processes may ask at the same moment: where a next key waits
// already, it is returned with Already set.
func (a *Admin) RotateSigningKey(ctx context.Context, in RotateInput) (*RotateResult, error) {
	panic("not built")
}

// MaintainSigningKeys does what is due: makes the first key, publishes the next one in time for the schedule, forgets
// private halves that sign no more and keys that nobody needs. It is idempotent, and cheap where nothing is due;
// [Live.Run] calls it. It never makes a key while the seal key opens nothing that is there.
func (a *Admin) MaintainSigningKeys(ctx context.Context) error { panic("not built") }
