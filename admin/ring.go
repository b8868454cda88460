package admin

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// ring is the server's own keys as of one change.
type ring struct {
	records []*storage.SigningKey
	private map[string]*keys.Private // by kid; only of keys that may still sign
	public  map[string]keys.Public   // by kid

	set atomic.Pointer[publishedSet] // the one that was asked for last
}

// publishedSet is a set with the time for which it holds.
type publishedSet struct {
	set         *keys.Set
	from, until time.Time // until zero: no end
}

// newRing opens the keys. What the old view has opened already is taken from there.
func (l *Live) newRing(records []*storage.SigningKey, old *view) (*ring, error) {
	r := &ring{records: records, private: map[string]*keys.Private{}, public: map[string]keys.Public{}}
	at := time.Now()
	for _, k := range records {
		p, err := parseJWK(k.Public)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		r.public[k.ID] = *p
		if l.readOnly || len(k.Sealed) == 0 || expired(k.Remove, at) {
			continue
		}
		if known := old.opened(k); known != nil {
			r.private[k.ID] = known
			continue
		}
		private, err := l.admin.sealer.openSigningKey(k)
		if err != nil {
			return nil, err
		}
		r.private[k.ID] = private
	}
	return r, nil
}

// opened is the private half of a key that has been opened before; nil where it has not.
func (v *view) opened(k *storage.SigningKey) *keys.Private {
	if v == nil {
		return nil
	}
	for _, known := range v.ring.records {
		if known.ID == k.ID && bytes.Equal(known.Sealed, k.Sealed) {
			return v.ring.private[k.ID]
		}
	}
	return nil
}

func (r *ring) signingKey(now time.Time) (*keys.Private, error) {
	k := signer(r.records, now)
	if k == nil || r.private[k.ID] == nil {
		return nil, errNoSigner
	}
	return r.private[k.ID], nil
}

var errNoSigner = &avouch.Error{
	Code:        avouch.TemporarilyUnavailable,
	Description: "the server has no key to sign with; try again soon",
	RetryAfter:  maintainEvery,
	Err:         errors.New("admin: no signing key is in force; one is made within a minute, or by \"avouch key rotate\""),
}

// publicKeys is the set to publish. It is made anew only when a key is to be left out.
func (r *ring) publicKeys(now time.Time) *keys.Set {
	if last := r.set.Load(); last != nil && !now.Before(last.from) && (last.until.IsZero() || now.Before(last.until)) {
		return last.set
	}
	made := &publishedSet{from: now}
	var public []keys.Public
	for _, k := range published(r.records, now) {
		public = append(public, r.public[k.ID])
		made.until = earlier(made.until, k.Remove)
	}
	set, err := keys.NewSet(public...)
	if err != nil {
		set, _ = keys.NewSet() // they were parsed strictly: it cannot be
	}
	made.set = set
	r.set.Store(made)
	return set
}
