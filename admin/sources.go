package admin

import (
	"log/slog"
	"sync"

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
	source map[remoteKeys]keys.Source
}

// get returns the source for a party's keys. It fetches nothing.
func (p *sourcePool) get(r remoteKeys, log *slog.Logger) (keys.Source, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.source[r]; s != nil {
		return s, nil
	}
	s, err := openRemote(r, log)
	if err != nil {
		return nil, err
	}
	if p.source == nil {
		p.source = map[remoteKeys]keys.Source{}
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

func openRemote(r remoteKeys, log *slog.Logger) (keys.Source, error) { return nil, errNoRemote }
