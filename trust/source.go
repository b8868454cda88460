package trust

import (
	"context"
	"errors"
	"sync/atomic"
)

// Source finds trusted issuers. [List] is a fixed one, [Set] a fixed one for many issuers, [Live] one that changes.
//
// An implementation may also have the method Known of List: it is asked when an operator wants to know why an issuer
// is unknown, never while a request is answered.
type Source interface {
	// Issuer returns the entry for exactly this iss, byte by byte, or nil, nil for an issuer nobody told us about. It
	// fetches nothing. The entry is not to be changed, by either side. An error means that it could not tell, and the
	// request is refused as temporarily unavailable.
	Issuer(ctx context.Context, iss string) (*Issuer, error)
}

// List is a fixed list of issuers. A grant that is given one checks it with Validate when the server is made. It is
// searched from front to back: use [Compile] for more than a few dozen issuers or rules.
type List []Issuer

// Issuer implements [Source].
func (l List) Issuer(_ context.Context, iss string) (*Issuer, error) {
	for k := range l {
		if l[k].Issuer == iss {
			return &l[k], nil
		}
	}
	return nil, nil
}

// Known returns the iss values of the list.
func (l List) Known() []string {
	known := make([]string, len(l))
	for k := range l {
		known[k] = l[k].Issuer
	}
	return known
}

// Set is an immutable, checked and indexed [List]: finding an issuer, and the rules for a subject, takes the same time
// however many there are. Make one with [Compile]. It is safe for concurrent use.
type Set struct {
	list   List
	issuer map[string]*Issuer
}

// Compile checks a list as [List.Validate] does and makes a Set of it. The list is copied; the slices inside it are
// not, and must not be changed any more.
func Compile(l List) (*Set, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	s := &Set{list: append(List(nil), l...), issuer: make(map[string]*Issuer, len(l))}
	for k := range s.list {
		i := &s.list[k]
		i.index = newIndex(i)
		s.issuer[i.Issuer] = i
	}
	return s, nil
}

// Issuer implements [Source].
func (s *Set) Issuer(_ context.Context, iss string) (*Issuer, error) { return s.issuer[iss], nil }

// Decided is [List.Decided].
func (s *Set) Decided() error { return s.list.Decided() }

// Known is [List.Known].
func (s *Set) Known() []string { return s.list.Known() }

// Live is a Source whose Set can be replaced while it is in use. A request that is being answered goes on with the
// entry it has found; the next one sees the new Set, all of it. The zero Live knows nothing yet: it returns an error,
// so that nobody takes an issuer for unknown that has only not been loaded.
type Live struct {
	set atomic.Pointer[Set]
}

// Replace puts s in the place of what was there. A nil s is as before the first one: nothing is loaded.
func (l *Live) Replace(s *Set) { l.set.Store(s) }

// Issuer implements [Source].
func (l *Live) Issuer(ctx context.Context, iss string) (*Issuer, error) {
	s := l.set.Load()
	if s == nil {
		return nil, errNotLoaded
	}
	return s.Issuer(ctx, iss)
}

// Known is [List.Known] of what is loaded.
func (l *Live) Known() []string {
	if s := l.set.Load(); s != nil {
		return s.Known()
	}
	return nil
}

var errNotLoaded = errors.New("trust: the issuers have not been loaded yet")
