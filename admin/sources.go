package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// remoteKeys says where keys are fetched from, and for whom: two parties never share what was fetched, so that neither
// can spoil it for the other.
type remoteKeys struct {
	owner   string // "issuer NAME", "client ID"
	kind    string // sourceURL, sourceDiscovery, sourceSPIFFE
	url     string
	private bool // private addresses are allowed
}

func remoteKeysOf(i *storage.Issuer) remoteKeys {
	r := remoteKeys{"issuer " + i.Name, i.KeySource, i.KeysURL, i.AllowPrivateAddresses}
	if i.KeySource == sourceDiscovery {
		r.url = i.URL
	}
	return r
}

// sourcePool keeps sources of fetched keys while their party says the same of where its keys are. What they have
// fetched survives changes of other records: otherwise every change would make all of them fetch at once.
type sourcePool struct {
	mu     sync.Mutex
	source map[remoteKeys]*keys.Remote
}

// get returns the source for a party's keys. It fetches nothing.
func (p *sourcePool) get(r remoteKeys, o keys.FetchOptions) (*keys.Remote, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.source[r]; s != nil {
		return s, nil
	}
	s, err := r.open(o)
	if err != nil {
		return nil, err
	}
	if p.source == nil {
		p.source = map[remoteKeys]*keys.Remote{}
	}
	for other := range p.source { // any one: see clientCache
		if len(p.source) < maxCached {
			break
		}
		delete(p.source, other)
	}
	p.source[r] = s
	return s, nil
}

// retain forgets the sources of issuers that are not among live. Those of clients are left to the bound.
func (p *sourcePool) retain(live map[remoteKeys]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := range p.source {
		if r.owner[0] == 'i' && !live[r] {
			delete(p.source, r)
		}
	}
}

// open makes a source. It fetches nothing.
func (r remoteKeys) open(o keys.FetchOptions) (*keys.Remote, error) {
	o.AllowPrivateAddresses = r.private
	switch r.kind {
	case sourceURL:
		return keys.FromURL(r.url, o)
	case sourceDiscovery:
		return keys.Discover(r.url, o)
	case sourceSPIFFE:
		return keys.FromSPIFFE(r.url, o)
	}
	return nil, fmt.Errorf("keys from %q are not known to this version", r.kind)
}

// KeySource is what an operator wants to know of where the keys of an issuer come from.
type KeySource struct {
	Issuer  string   `json:"issuer"`            // its name
	Source  string   `json:"source"`            // a URL, or "jwks" for keys that were given here
	From    string   `json:"from,omitempty"`    // the address they were fetched from
	KeyIDs  []string `json:"kids,omitempty"`    // of the keys at hand
	Keys    int      `json:"keys"`              // how many there are
	Skipped []string `json:"skipped,omitempty"` // members of the set that are of no use, and why

	Fetched     time.Time `json:"fetched,omitzero"`      // when they were last fetched, or given; zero: not yet, nobody has asked for one
	Tried       time.Time `json:"tried,omitzero"`        // when that was last tried
	Error       string    `json:"error,omitempty"`       // how the last try ended, where it failed
	StaleSince  time.Time `json:"stale_since,omitzero"`  // since when they are older than their publisher allows
	UsableUntil time.Time `json:"usable_until,omitzero"` // until when they are relied on if they cannot be fetched
}

func inlineStatus(i *storage.Issuer, set *keys.Set) KeySource {
	s := KeySource{Issuer: i.Name, Source: sourceInline, Keys: len(set.Keys()), Fetched: i.JWKSUpdated, Skipped: texts(set.Skipped())}
	for _, k := range set.Keys() {
		if k.ID != "" {
			s.KeyIDs = append(s.KeyIDs, k.ID)
		}
	}
	return s
}

func remoteStatus(name string, remote *keys.Remote) KeySource {
	st := remote.Status()
	s := KeySource{
		Issuer: name, Source: st.Source, From: st.From, KeyIDs: st.KeyIDs, Keys: st.Keys, Skipped: texts(st.Skipped),
		Fetched: st.Fetched, Tried: st.Tried, StaleSince: st.StaleSince, UsableUntil: st.UsableUntil,
	}
	if st.Err != nil {
		s.Error = st.Err.Error()
	}
	return s
}

func texts(errs []error) []string {
	var all []string
	for _, err := range errs {
		all = append(all, err.Error())
	}
	return all
}

// KeySources tells where the keys of each issuer come from and how that stands in this process, sorted by name. It
// fetches nothing.
func (l *Live) KeySources() []KeySource {
	v := l.view.Load()
	all := make([]KeySource, 0, len(v.sources))
	for _, status := range v.sources {
		all = append(all, status())
	}
	return all
}

// FetchIssuerKeys gets an issuer's keys once, as the server would, and says what it found. It is how somebody tries
// out what has been registered; it changes nothing. Where the keys cannot be had, Error says why.
func (a *Admin) FetchIssuerKeys(ctx context.Context, name string) (*KeySource, error) {
	if err := a.may("issuer.test"); err != nil {
		return nil, err
	}
	i, err := a.store.Issuer(ctx, name)
	if err != nil {
		return nil, said(err, "issuer", name)
	}
	if i.KeySource == sourceInline {
		set, err := keys.ParseSet(i.JWKS)
		if err != nil {
			return nil, err
		}
		status := inlineStatus(i, set)
		return &status, nil
	}
	remote, err := remoteKeysOf(i).open(keys.FetchOptions{RootCAs: a.options.RootCAs})
	if err != nil {
		return nil, err
	}
	_ = remote.Refresh(ctx) // the status tells how it ended
	status := remoteStatus(name, remote)
	return &status, ctx.Err()
}
