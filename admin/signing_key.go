package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// signingAlgorithms are what the server may sign with.
var signingAlgorithms = []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256}

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
func (a *Admin) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	if err := a.may("signing_key.list"); err != nil {
		return nil, err
	}
	ring, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	return ringView(ring, now()), nil
}

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
	action, end := "signing_key.rotate", "signing_key.retire"
	if in.Now {
		action, end = "signing_key.rotate_now", "signing_key.withdraw"
	}
	if err := a.may(action); err != nil {
		return nil, err
	}
	alg := a.options.Signing.Algorithm
	if in.Algorithm != "" {
		alg = algorithm(in.Algorithm)
	}
	fresh, err := generateSigningKey(alg)
	if err != nil {
		return nil, err
	}
	var result RotateResult
	err = a.write(ctx, func(ctx context.Context, t *tx) error {
		result = RotateResult{}
		ring, err := t.SigningKeys(ctx)
		if err != nil {
			return err
		}
		if waiting := next(ring, t.now); waiting != nil && !in.Now {
			if in.Algorithm != "" && waiting.Algorithm != string(alg) {
				return &Error{Code: Conflict, Kind: "signing key", ID: waiting.ID, Reason: fmt.Sprintf(
					"it is published already and takes over at %s, with %s; rotate again after that", waiting.NotBefore.Format(time.RFC3339), waiting.Algorithm)}
			}
			result.Key, result.Already = signingKeyView(waiting, ring, t.now), true
			return nil
		}
		from := kept(t.now.Add(a.options.Signing.lead()))
		if in.Now || signer(ring, t.now) == nil {
			from = atOnce(t.now)
		}
		var ended []*storage.SigningKey
		if in.Now {
			ended = withdraw(ring, from)
		} else {
			ended = succeed(ring, from)
		}
		added, err := t.addSigningKey(ctx, action, fresh, end, ended, from)
		if err != nil {
			return err
		}
		all := append(ring, added)
		result.Key = signingKeyView(added, all, t.now)
		for _, k := range ended {
			result.Others = append(result.Others, signingKeyView(k, all, t.now))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &result, nil
}

// atOnce is when a key begins to sign that is wanted now: a little in the past, so that it does in processes too whose
// clocks are behind.
func atOnce(at time.Time) time.Time { return at.Add(-unsure) }

// MaintainSigningKeys does what is due: makes the first key, publishes the next one in time for the schedule, forgets
// private halves that sign no more and keys that nobody needs. It is idempotent, and cheap where nothing is due;
// [Live.Run] calls it. It never makes a key while the seal key opens nothing that is there.
func (a *Admin) MaintainSigningKeys(ctx context.Context) error {
	if err := a.may("signing_key.maintain"); err != nil {
		return err
	}
	ring, err := a.store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	due := dutyAt(ring, &a.options.Signing, now())
	if due.nothing() {
		return nil
	}
	var fresh *keys.Private
	if due.first || !due.next.IsZero() {
		if fresh, err = generateSigningKey(a.options.Signing.Algorithm); err != nil {
			return err
		}
	}
	return a.write(ctx, func(ctx context.Context, t *tx) error { return t.maintain(ctx, fresh) })
}

// maintain does what is due as of this transaction: another process may have done it meanwhile.
func (t *tx) maintain(ctx context.Context, fresh *keys.Private) error {
	ring, err := t.SigningKeys(ctx)
	if err != nil {
		return err
	}
	due := dutyAt(ring, &t.options.Signing, t.now)
	for _, k := range due.discard {
		if err := t.record.deleteSigningKey(ctx, "signing_key.discard", k.ID); err != nil {
			return err
		}
		ring = slices.DeleteFunc(ring, func(other *storage.SigningKey) bool { return other == k })
	}
	for _, k := range due.wipe {
		k.Sealed = nil
		if err := t.record.putSigningKey(ctx, "signing_key.wipe", k); err != nil {
			return err
		}
	}
	if fresh == nil || !due.first && due.next.IsZero() {
		return nil
	}
	from := due.next
	if due.first {
		from = atOnce(t.now)
	}
	_, err = t.addSigningKey(ctx, "signing_key.add", fresh, "signing_key.retire", succeed(ring, from), from)
	return err
}

// addSigningKey puts a new key that signs from a time, and those whose end it is, with the action of each.
func (t *tx) addSigningKey(ctx context.Context, action string, fresh *keys.Private, end string, ended []*storage.SigningKey, from time.Time) (*storage.SigningKey, error) {
	if err := t.checkSealer(ctx); err != nil {
		return nil, err
	}
	for _, k := range ended {
		if err := said(t.record.putSigningKey(ctx, end, k), "signing key", k.ID); err != nil {
			return nil, err
		}
	}
	public := fresh.Public()
	jwk, err := marshalJWK(&public)
	if err != nil {
		return nil, err
	}
	secret, err := fresh.MarshalJWK()
	if err != nil {
		return nil, err
	}
	sealed, err := t.sealer.seal(place{tableSigningKey, fresh.ID, fresh.ID}, secret)
	clear(secret)
	if err != nil {
		return nil, err
	}
	k := &storage.SigningKey{ID: fresh.ID, Algorithm: string(fresh.Algorithm), Sealed: sealed, Public: jwk, Created: t.now, NotBefore: from}
	return k, said(t.record.putSigningKey(ctx, action, k), "signing key", k.ID)
}

func generateSigningKey(alg keys.Algorithm) (*keys.Private, error) {
	if !slices.Contains(signingAlgorithms, alg) {
		return nil, faults{{"algorithm", fmt.Sprintf("%q is not one of ES256, EdDSA, RS256, PS256", alg)}}.err("signing key", "")
	}
	return keys.Generate(alg)
}

// openSigningKey decrypts the private half of a key.
func (s *Sealer) openSigningKey(k *storage.SigningKey) (*keys.Private, error) {
	secret, _, err := s.open(place{tableSigningKey, k.ID, k.ID}, k.Sealed)
	if err != nil {
		return nil, err
	}
	private, err := keys.ParsePrivate(secret)
	clear(secret)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	if private.ID != k.ID || string(private.Algorithm) != k.Algorithm {
		return nil, fmt.Errorf("signing key %s: what is sealed is another key (%s, %s)", k.ID, private.ID, private.Algorithm)
	}
	return private, nil
}

func ringView(ring []*storage.SigningKey, at time.Time) []SigningKey {
	all := slices.Clone(ring)
	slices.SortFunc(all, func(a, b *storage.SigningKey) int { return begins(b, a) })
	views := make([]SigningKey, 0, len(all))
	for _, k := range all {
		views = append(views, signingKeyView(k, ring, at))
	}
	return views
}

func signingKeyView(k *storage.SigningKey, ring []*storage.SigningKey, at time.Time) SigningKey {
	state := "retiring"
	switch {
	case expired(k.Remove, at):
		state = "removed"
	case signer(ring, at) == k:
		state = "active"
	case k.NotBefore.After(at):
		state = "next"
	}
	return SigningKey{
		ID: k.ID, Algorithm: k.Algorithm, State: state, JWK: k.Public, Created: k.Created,
		NotBefore: k.NotBefore, NotAfter: k.NotAfter, Remove: k.Remove,
	}
}

// signingKeyState is what changes record of a signing key, besides its kid.
func signingKeyState(k *storage.SigningKey) any {
	return struct {
		Algorithm string    `json:"alg"`
		NotBefore time.Time `json:"not_before,omitzero"`
		NotAfter  time.Time `json:"not_after,omitzero"`
		Remove    time.Time `json:"remove,omitzero"`
	}{k.Algorithm, k.NotBefore, k.NotAfter, k.Remove}
}
