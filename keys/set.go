package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxCandidates is how many keys a signature is tried with where the token does not say which one made it.
const maxCandidates = 5

// Set is an immutable set of public keys; it implements [Source]. Make one with NewSet or ParseSet. The zero Set, and a
// nil one, have no keys.
type Set struct {
	keys    []*Public
	byID    map[string][]*Public
	x5t     bool // whether any key has one; likewise the next
	x5tS256 bool
	skipped []error
}

// NewSet makes a set of keys. It refuses keys that could never verify (weak RSA, unknown types).
func NewSet(keys ...Public) (*Set, error) {
	var faults []error
	for i := range keys {
		if err := checkKey(keys[i].Key); err != nil {
			faults = append(faults, fmt.Errorf("keys: key %d (kid %+.64q): %w", i+1, keys[i].ID, err))
		}
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	return newSet(keys, nil), nil
}

// newSet makes a set of keys that have been checked.
func newSet(keys []Public, skipped []error) *Set {
	s := &Set{keys: make([]*Public, len(keys)), byID: make(map[string][]*Public, len(keys)), skipped: skipped}
	own := slices.Clone(keys)
	for i := range own {
		p := &own[i]
		p.Operations = slices.Clone(p.Operations)
		p.Algorithm = p.Algorithm.canonical()
		s.keys[i] = p
		if p.ID != "" {
			s.byID[p.ID] = append(s.byID[p.ID], p)
		}
		s.x5t = s.x5t || p.X5T != ""
		s.x5tS256 = s.x5tS256 || p.X5TS256 != ""
	}
	return s
}

// Skipped says of each member that ParseSet left out why.
func (s *Set) Skipped() []error {
	if s == nil {
		return nil
	}
	return s.skipped
}

// Keys returns the keys in the order of the set. The slice is not to be changed.
func (s *Set) Keys() []*Public {
	if s == nil {
		return nil
	}
	return s.keys
}

// Find implements [Source]. A hint that no key of the set could answer, such as x5t where none has a certificate, is
// passed over as if it were not given. Keys that the token names are returned whether they fit or not, so that the
// caller can say why one did not; Fits tells. Two keys of one kid are both returned.
func (s *Set) Find(_ context.Context, h Hint, now time.Time) ([]*Public, error) {
	if s == nil {
		s = &Set{}
	}
	named := false
	if h.ID != "" && len(s.byID) > 0 {
		if found := s.byID[h.ID]; len(found) > 0 {
			return bounded(found, h, now), nil
		}
		named = true
	}
	if h.X5TS256 != "" && s.x5tS256 {
		if found := s.where(func(p *Public) bool { return p.X5TS256 == h.X5TS256 }); len(found) > 0 {
			return bounded(found, h, now), nil
		}
		named = true
	}
	if h.X5T != "" && s.x5t {
		if found := s.where(func(p *Public) bool { return p.X5T == h.X5T }); len(found) > 0 {
			return bounded(found, h, now), nil
		}
		named = true
	}
	if !named {
		if found := fitting(s.keys, h.Algorithm, now); len(found) > 0 {
			return found, nil
		}
	}
	return nil, &noKey{hint: h, set: s, named: named}
}

func (s *Set) where(match func(*Public) bool) (found []*Public) {
	for _, p := range s.keys {
		if match(p) {
			found = append(found, p)
		}
	}
	return found
}

// bounded keeps an attacker, or a careless publisher, from making one token cost many verifications.
func bounded(found []*Public, h Hint, now time.Time) []*Public {
	if len(found) <= maxCandidates {
		return found
	}
	if some := fitting(found, h.Algorithm, now); len(some) > 0 {
		return some
	}
	return found[:maxCandidates]
}

// fitting returns the keys that may verify a signature made with alg, maxCandidates at the most.
func fitting(keys []*Public, alg Algorithm, now time.Time) (found []*Public) {
	for _, p := range keys {
		if p.misfit(alg, now) != fits {
			continue
		}
		if found == nil {
			found = make([]*Public, 0, maxCandidates)
		}
		if found = append(found, p); len(found) == maxCandidates {
			break
		}
	}
	return found
}

// noKey says which key was looked for and what there is. The words are made only if somebody reads them: anybody can
// send tokens with an unknown kid.
type noKey struct {
	hint  Hint
	set   *Set
	named bool // the token names a key
}

func (e *noKey) Unwrap() error { return ErrNoKey }

func (e *noKey) Error() string {
	var b strings.Builder
	b.WriteString(ErrNoKey.Error())
	switch h := e.hint; {
	case len(e.set.keys) == 0:
		b.WriteString(": the set has no keys")
		return b.String()
	case !e.named:
		fmt.Fprintf(&b, ": the token names none, and of %d keys none fits %+.32q", len(e.set.keys), h.Algorithm)
		return b.String()
	case h.ID != "":
		fmt.Fprintf(&b, ": kid is %+.64q", h.ID)
	case h.X5TS256 != "":
		fmt.Fprintf(&b, ": x5t#S256 is %+.64q", h.X5TS256)
	default:
		fmt.Fprintf(&b, ": x5t is %+.64q", h.X5T)
	}
	b.WriteString(", known are the kids")
	for i, p := range e.set.keys {
		if i == maxCandidates {
			fmt.Fprintf(&b, " and %d more", len(e.set.keys)-i)
			break
		}
		fmt.Fprintf(&b, " %+.64q", p.ID)
	}
	return b.String()
}
