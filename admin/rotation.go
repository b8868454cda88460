package admin

import (
	"cmp"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// unsure is how far the clocks of processes on one store may differ, and how late one may learn of a change, together.
const unsure = time.Minute

// wipeAfter is how long after it signed for the last time the private half of a key is forgotten.
const wipeAfter = time.Hour

// lead is how long a key is published before it signs: when it takes over, nobody can hold a copy of our JWKS that is
// without it. Twice, because a cache may stand behind a cache.
func (p *SigningPolicy) lead() time.Duration { return 2*p.MaxAge + unsure }

// stay is how long a key is published after it has signed for the last time: until its last token has expired.
const stay = MaxTokenLifetime + unsure

// duty is what is due for the ring at a moment.
type duty struct {
	first   bool                  // there is no key that could sign: make one that signs at once
	next    time.Time             // make a key that signs from then on; zero: none
	wipe    []*storage.SigningKey // whose private half nobody needs any more
	discard []*storage.SigningKey // whose public half nobody needs any more
}

func (d *duty) nothing() bool {
	return !d.first && d.next.IsZero() && len(d.wipe) == 0 && len(d.discard) == 0
}

// dutyAt says what is due. It is a function of its arguments, so that every process comes to the same.
func dutyAt(ring []*storage.SigningKey, p *SigningPolicy, at time.Time) duty {
	var d duty
	current := signer(ring, at)
	switch {
	case current == nil:
		d.first = true
	case p.Every > 0 && next(ring, at) == nil && !at.Before(current.NotBefore.Add(p.Every-p.lead())):
		d.next = kept(later(current.NotBefore.Add(p.Every), at.Add(p.lead())))
	}
	for _, k := range ring {
		switch {
		case expired(k.Remove, at):
			d.discard = append(d.discard, k)
		case len(k.Sealed) > 0 && !k.NotAfter.IsZero() && !at.Before(k.NotAfter.Add(wipeAfter)):
			d.wipe = append(d.wipe, k)
		}
	}
	return d
}

// signer is the key that signs at a time: of those that may, the one that began last. It is nil where there is none.
func signer(ring []*storage.SigningKey, at time.Time) *storage.SigningKey {
	var found *storage.SigningKey
	for _, k := range ring {
		if signs(k, at) && (found == nil || begins(found, k) < 0) {
			found = k
		}
	}
	return found
}

func signs(k *storage.SigningKey, at time.Time) bool {
	return !at.Before(k.NotBefore) && !expired(k.NotAfter, at) && !expired(k.Remove, at)
}

// begins orders keys by when they begin to sign; ids decide between equals, so that all processes agree.
func begins(a, b *storage.SigningKey) int {
	return cmp.Or(a.NotBefore.Compare(b.NotBefore), cmp.Compare(a.ID, b.ID))
}

// next is the key that waits to sign, nil where none does.
func next(ring []*storage.SigningKey, at time.Time) *storage.SigningKey {
	var found *storage.SigningKey
	for _, k := range ring {
		if k.NotBefore.After(at) && !expired(k.Remove, at) && (found == nil || begins(k, found) < 0) {
			found = k
		}
	}
	return found
}

// published are the keys that stand in our JWKS at a time, the newest first.
func published(ring []*storage.SigningKey, at time.Time) []*storage.SigningKey {
	var found []*storage.SigningKey
	for _, k := range ring {
		if !expired(k.Remove, at) {
			found = append(found, k)
		}
	}
	slices.SortFunc(found, func(a, b *storage.SigningKey) int { return begins(b, a) })
	return found
}

// succeed lets every key that signs or will sign end when its successor begins, and stay published until its last
// token has expired. It returns those it changed.
func succeed(ring []*storage.SigningKey, from time.Time) []*storage.SigningKey {
	var changed []*storage.SigningKey
	for _, k := range ring {
		if k.NotAfter.IsZero() || k.NotAfter.After(from) {
			k.NotAfter = from
			k.Remove = kept(from.Add(stay))
			changed = append(changed, k)
		}
	}
	return changed
}

// withdraw ends every key at once.
func withdraw(ring []*storage.SigningKey, at time.Time) []*storage.SigningKey {
	var changed []*storage.SigningKey
	for _, k := range ring {
		if expired(k.Remove, at) {
			continue
		}
		k.NotAfter = earlier(k.NotAfter, at)
		k.Remove = at
		changed = append(changed, k)
	}
	return changed
}
