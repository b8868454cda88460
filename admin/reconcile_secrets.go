package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/storage"
)

// reconcileSecrets gives a client the secrets of the document and removes the others.
func (d *resolvedClient) reconcileSecrets(ctx context.Context, t *tx, f field, c *storage.Client) ([]FieldChange, error) {
	if d.Secrets == nil {
		return nil, nil
	}
	var changes []FieldChange
	old := slices.Clone(c.Secrets)
	c.Secrets = nil
	for i := range d.secrets {
		want := &d.secrets[i]
		at := f.in("secrets").at(i)
		k, err := want.find(t, c, old)
		if err != nil {
			return nil, err
		}
		if k < 0 {
			if err := want.add(ctx, t, at, c); err != nil {
				return nil, err
			}
			changes = append(changes, FieldChange{Field: "secrets[" + strconv.Itoa(i) + "]", New: hidden})
			continue
		}
		s := old[k]
		old = slices.Delete(old, k, k+1)
		before := secretView(&s)
		s.Label, s.Expires = want.Label, kept(want.Expires)
		at.in("label").text(s.Label, 200)
		c.Secrets = append(c.Secrets, s)
		changes = append(changes, diff(map[string]any{"secrets " + s.ID: before}, map[string]any{"secrets " + s.ID: secretView(&s)})...)
	}
	for i := range old {
		changes = append(changes, FieldChange{Field: "secrets " + old[i].ID, Old: hidden})
	}
	return changes, nil
}

// find returns which of the secrets that a client has is the one that is wanted, -1 for none.
func (s *resolvedSecret) find(t *tx, c *storage.Client, old []storage.ClientSecret) (int, error) {
	hash := s.hash
	if s.value != nil {
		sum := sha256.Sum256(s.value)
		hash = sum[:]
	}
	for i := range old {
		switch {
		case len(old[i].Sealed) == 0:
			if hash != nil && subtle.ConstantTimeCompare(old[i].SHA256, hash) == 1 {
				return i, nil
			}
		case s.sealed != nil:
			if old[i].ID == s.ID && subtle.ConstantTimeCompare(old[i].Sealed, s.sealed) == 1 {
				return i, nil
			}
		case s.value != nil:
			plain, _, err := t.sealer.open(place{tableClientSecret, c.ID, old[i].ID}, old[i].Sealed)
			if err != nil {
				return -1, err
			}
			same := subtle.ConstantTimeCompare(plain, s.value) == 1
			clear(plain)
			if same {
				return i, nil
			}
		}
	}
	return -1, nil
}

// add gives a client a secret that it does not have.
func (s *resolvedSecret) add(ctx context.Context, t *tx, f field, c *storage.Client) error {
	switch {
	case s.value != nil:
		return t.addSecret(ctx, f, c, SecretInput{Value: s.value}, s.Label, s.Expires)
	case s.hash == nil && s.sealed == nil:
		return nil // a fault already
	}
	f.in("label").text(s.Label, 200)
	if len(c.Secrets) >= maxSecrets {
		f.fault("the client has %d secrets, which is the most; remove one", maxSecrets)
	}
	added := storage.ClientSecret{ID: s.ID, Label: s.Label, SHA256: s.hash, Sealed: s.sealed, Expires: kept(s.Expires), Created: t.now}
	if s.sealed != nil {
		if !isName(s.ID, 64) {
			f.in("id").fault("it is not the id of a secret")
		}
		if _, _, err := t.sealer.open(place{tableClientSecret, c.ID, s.ID}, s.sealed); err != nil {
			return err
		}
	} else {
		added.ID = strings.ToLower(rand.Text()[:12])
	}
	c.Secrets = append(c.Secrets, added)
	return nil
}
