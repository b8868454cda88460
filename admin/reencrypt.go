package admin

import (
	"context"

	"github.com/avouch-oauth/avouch/storage"
)

// Progress is how far a long operation has come.
type Progress struct {
	Done  int    `json:"done"`
	Total int    `json:"total"`          // 0 where it is not known
	What  string `json:"what,omitempty"` // what was just done, such as "client billing"
}

// ReencryptResult says what [Admin.Reencrypt] did.
type ReencryptResult struct {
	SigningKeys   int `json:"signing_keys"`   // sealed anew
	ClientSecrets int `json:"client_secrets"` // sealed anew
	Unchanged     int `json:"unchanged"`      // sealed with the current key already
}

// Reencrypt seals everything with the current seal key that is still sealed with the previous one, in portions. It may
// be stopped and started again. When it has returned without an error, the previous key is no longer needed. Every
// process on the store must have been given both keys before: one that has the previous key only cannot go on.
func (a *Admin) Reencrypt(ctx context.Context, progress func(Progress)) (*ReencryptResult, error) {
	if err := a.may("seal.reencrypt"); err != nil {
		return nil, err
	}
	r := &ReencryptResult{}
	tell := func(what string) {
		if progress != nil {
			progress(Progress{Done: r.SigningKeys + r.ClientSecrets + r.Unchanged, What: what})
		}
	}
	if err := a.reencryptRing(ctx, r); err != nil {
		return r, err
	}
	tell("signing keys")
	for after := ""; ; {
		clients, err := a.store.Clients(ctx, after, page)
		if err != nil {
			return r, err
		}
		if len(clients) == 0 {
			return r, nil
		}
		after = clients[len(clients)-1].ID
		for _, c := range clients {
			if !hasSealed(c) {
				continue
			}
			if err := a.reencryptClient(ctx, c.ID, r); err != nil {
				return r, err
			}
			tell("client " + c.ID)
		}
	}
}

func (a *Admin) reencryptRing(ctx context.Context, r *ReencryptResult) error {
	var anew, unchanged int
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		anew, unchanged = 0, 0
		ring, err := t.SigningKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range ring {
			if len(k.Sealed) == 0 {
				continue
			}
			sealed, old, err := a.sealer.again(place{tableSigningKey, k.ID, k.ID}, k.Sealed)
			if err != nil {
				return err
			}
			if !old {
				unchanged++
				continue
			}
			k.Sealed = sealed
			if err := t.record.putSigningKey(ctx, "signing_key.reencrypt", k); err != nil {
				return err
			}
			anew++
		}
		return nil
	})
	if err == nil {
		r.SigningKeys += anew
		r.Unchanged += unchanged
	}
	return err
}

func (a *Admin) reencryptClient(ctx context.Context, id string, r *ReencryptResult) error {
	var anew, unchanged int
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		anew, unchanged = 0, 0
		c, err := t.Client(ctx, id)
		if err != nil {
			return said(err, "client", id)
		}
		for i := range c.Secrets {
			s := &c.Secrets[i]
			if len(s.Sealed) == 0 {
				continue
			}
			sealed, old, err := a.sealer.again(place{tableClientSecret, c.ID, s.ID}, s.Sealed)
			if err != nil {
				return err
			}
			if !old {
				unchanged++
				continue
			}
			s.Sealed = sealed
			anew++
		}
		if anew == 0 {
			return nil
		}
		return t.putClient(ctx, "client_secret.reencrypt", "", c)
	})
	if e, ok := isError(err); ok && e.Code == NotFound {
		return nil // removed meanwhile: nothing is left to seal
	}
	if err == nil {
		r.ClientSecrets += anew
		r.Unchanged += unchanged
	}
	return err
}

// again seals with the current key what the previous one has sealed; old is false where it need not.
func (s *Sealer) again(p place, sealed []byte) (anew []byte, old bool, err error) {
	plain, old, err := s.open(p, sealed)
	if err != nil || !old {
		return nil, false, err
	}
	anew, err = s.seal(p, plain)
	clear(plain)
	return anew, true, err
}

func hasSealed(c *storage.Client) bool {
	for i := range c.Secrets {
		if len(c.Secrets[i].Sealed) > 0 {
			return true
		}
	}
	return false
}

// checkSealer refuses to seal anything new with a key that does not open what is there: with two seal keys in one
// store, no process could read all of it.
func (t *tx) checkSealer(ctx context.Context) error {
	if t.sealer == nil {
		return errNoSealKey()
	}
	if t.sealerChecked {
		return nil
	}
	where, sealed, err := anySealed(ctx, t)
	if err != nil {
		return err
	}
	if sealed != nil {
		if _, _, err := t.sealer.open(where, sealed); err != nil {
			return err
		}
	}
	t.sealerChecked = true
	return nil
}

// anySealed returns something that is sealed, nil where nothing is.
func anySealed(ctx context.Context, r storage.Reader) (place, []byte, error) {
	ring, err := r.SigningKeys(ctx)
	if err != nil {
		return place{}, nil, err
	}
	for _, k := range ring {
		if len(k.Sealed) > 0 {
			return place{tableSigningKey, k.ID, k.ID}, k.Sealed, nil
		}
	}
	for after := ""; ; {
		clients, err := r.Clients(ctx, after, page)
		if err != nil || len(clients) == 0 {
			return place{}, nil, err
		}
		for _, c := range clients {
			for i := range c.Secrets {
				if s := &c.Secrets[i]; len(s.Sealed) > 0 {
					return place{tableClientSecret, c.ID, s.ID}, s.Sealed, nil
				}
			}
		}
		after = clients[len(clients)-1].ID
	}
}
