package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// clientKeys is the keys.Source of a client. If a key does not verify, its error says why.
type clientKeys struct {
	knownKeys
	idle    map[string]string // kid of a key that does not verify → why
	revoked map[string]bool   // thumbprints of keys that the client's own URL must not bring back
}

// knownKeys is what *keys.Set and *keys.Remote have in common.
type knownKeys interface {
	keys.Source
	Keys() []*keys.Public
}

// Find implements keys.Source.
func (k *clientKeys) Find(ctx context.Context, h keys.Hint, now time.Time) ([]*keys.Public, error) {
	found, err := k.knownKeys.Find(ctx, h, now)
	if err == nil && len(k.revoked) > 0 {
		found = slices.DeleteFunc(slices.Clone(found), func(p *keys.Public) bool { return k.revoked[p.Thumbprint()] })
		if len(found) == 0 {
			err = fmt.Errorf("%w: what the token names was revoked here", keys.ErrNoKey)
		}
	}
	if why, idle := k.idle[h.ID]; idle && err != nil {
		err = fmt.Errorf("%w; the key %q %s", err, h.ID, why)
	}
	return found, err
}

func (l *Live) clientKeys(c *storage.Client) (*clientKeys, error) {
	source, err := l.keysOf(c)
	return &clientKeys{source, idleKeys(c), revokedKeys(c)}, err
}

// revokedHere reports whether the source has a key of this kid that was revoked here.
func (k *clientKeys) revokedHere(kid string) bool {
	return slices.ContainsFunc(k.Keys(), func(p *keys.Public) bool { return p.ID == kid && k.revoked[p.Thumbprint()] })
}

// revokedKeys are the thumbprints of the revoked keys of a client whose keys are fetched. Registered ones are told by
// their state, and nobody can register one again.
func revokedKeys(c *storage.Client) map[string]bool {
	if c.JWKSURL == "" {
		return nil
	}
	revoked := map[string]bool{}
	for i := range c.Keys {
		if k := &c.Keys[i]; k.State == KeyRevoked {
			revoked[thumbprint(k.JWK)] = true
		}
	}
	return revoked
}

// keysOf are the keys of a client that may verify, each with the time in which it does.
func (l *Live) keysOf(c *storage.Client) (knownKeys, error) {
	if c.JWKSURL != "" {
		return l.sources.get(remoteKeys{owner: "client " + c.ID, kind: sourceURL, url: c.JWKSURL, private: c.AllowPrivateAddresses}, l.fetchOptions())
	}
	var public []keys.Public
	for i := range c.Keys {
		k := &c.Keys[i]
		if !mayVerify(k) {
			continue
		}
		p, err := parseJWK(k.JWK)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		p.ID, p.NotBefore, p.NotAfter = k.ID, k.NotBefore, k.Expires
		public = append(public, *p)
	}
	return keys.NewSet(public...)
}

// idleKeys says why keys of a client do not verify, for whoever wonders why an assertion is refused.
func idleKeys(c *storage.Client) map[string]string {
	idle := map[string]string{}
	for i := range c.Keys {
		switch k := &c.Keys[i]; {
		case k.State == KeyRevoked:
			idle[k.ID] = "was revoked at " + k.Revoked.Format(time.RFC3339)
		case !mayVerify(k):
			idle[k.ID] = "is next: it verifies when it has been activated"
		}
	}
	return idle
}
