package endpoint

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
)

// MemoryRegistrar is a [Registrar] in the memory of one process, and an avouch.Clients that finds what has registered: for
// tests, and for programs whose clients may register again after a restart. The zero value is ready for use. It must not
// be copied after first use.
type MemoryRegistrar struct {
	// Fetch says how the keys behind a jwks_uri are fetched. The zero value is the strict one.
	Fetch keys.FetchOptions
	// Others finds the clients that did not register themselves. Nil means that there are none.
	Others avouch.Clients
	// Max is how many clients may be registered; beyond, registrations are refused. Zero means 10,000.
	Max int

	mu      sync.Mutex
	last    int64 // revision given last
	clients map[string]*memoryClient
	initial map[[32]byte]initialToken
}

// memoryClient is a client as it is kept, and as the server sees it; neither is changed once it is there.
type memoryClient struct {
	kept *RegisteredClient
	seen *avouch.Client
}

type initialToken struct {
	expires time.Time // zero: never
	uses    int       // that are left
}

var errRegistrarFull = errors.New("endpoint: as many clients are registered as may be")

// NewInitialToken makes an initial access token for a number of registrations until it expires; the zero time means
// never. Hand it to whoever is to register. It is kept as a digest.
func (m *MemoryRegistrar) NewInitialToken(uses int, expires time.Time) string {
	text, digest := handle.New()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.initial == nil {
		m.initial = map[[32]byte]initialToken{}
	}
	m.initial[digest] = initialToken{expires, uses}
	return text
}

// SetDisabled disables a client that registered itself, or enables it again. It reports whether there is one.
func (m *MemoryRegistrar) SetDisabled(id string, disabled bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.clients[id]
	if c == nil {
		return false
	}
	kept, seen := c.kept.clone(), *c.seen
	m.last++
	kept.Disabled, seen.Disabled, kept.Revision = disabled, disabled, m.last
	m.clients[id] = &memoryClient{kept, &seen}
	return true
}

// Client implements avouch.Clients.
func (m *MemoryRegistrar) Client(ctx context.Context, id string) (*avouch.Client, error) {
	m.mu.Lock()
	c := m.clients[id]
	m.mu.Unlock()
	if c != nil {
		return c.seen, nil
	}
	if m.Others == nil {
		return nil, nil
	}
	return m.Others.Client(ctx, id)
}

// InitialToken implements [Registrar].
func (m *MemoryRegistrar) InitialToken(_ context.Context, now time.Time, digest [32]byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usable(now, digest), nil
}

// usable forgets a token that has expired or is used up.
func (m *MemoryRegistrar) usable(now time.Time, digest [32]byte) bool {
	t, known := m.initial[digest]
	if known && (t.uses <= 0 || !t.expires.IsZero() && !now.Before(t.expires)) {
		delete(m.initial, digest)
		return false
	}
	return known
}

// RegisterClient implements [Registrar].
func (m *MemoryRegistrar) RegisterClient(ctx context.Context, now time.Time, c *RegisteredClient, initial *[32]byte) error {
	kept := c.clone()
	seen, err := kept.Client(m.Fetch)
	if err != nil {
		return err
	}
	if m.Others != nil {
		other, err := m.Others.Client(ctx, c.ID)
		if err != nil {
			return err
		}
		if other != nil {
			return ErrClientExists
		}
	}
	most := m.Max
	if most <= 0 {
		most = 10_000
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case initial != nil && !m.usable(now, *initial):
		return ErrInitialToken
	case m.clients[c.ID] != nil:
		return ErrClientExists
	case len(m.clients) >= most:
		return errRegistrarFull
	}
	if initial != nil {
		t := m.initial[*initial]
		t.uses--
		m.initial[*initial] = t
	}
	if m.clients == nil {
		m.clients = map[string]*memoryClient{}
	}
	m.last++
	kept.Revision = m.last
	m.clients[c.ID] = &memoryClient{kept, seen}
	return nil
}

// RegisteredClient implements [Registrar].
func (m *MemoryRegistrar) RegisteredClient(_ context.Context, id string) (*RegisteredClient, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.clients[id]
	if c == nil {
		return nil, nil
	}
	return c.kept.clone(), nil
}

// ReplaceClient implements [Registrar].
func (m *MemoryRegistrar) ReplaceClient(_ context.Context, _ time.Time, c *RegisteredClient) error {
	kept := c.clone()
	seen, err := kept.Client(m.Fetch)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	there, err := m.unchanged(c.ID, c.Revision)
	if err != nil {
		return err
	}
	if there == nil {
		return ErrClientChanged
	}
	if kept.Metadata.KeysURL != "" && kept.Metadata.KeysURL == there.kept.Metadata.KeysURL {
		seen.Keys = there.seen.Keys // what it has fetched
	}
	m.last++
	kept.Token, kept.Issued, kept.Disabled, seen.Disabled, kept.Revision = there.kept.Token, there.kept.Issued, false, false, m.last
	m.clients[c.ID] = &memoryClient{kept, seen}
	return nil
}

// UnregisterClient implements [Registrar].
func (m *MemoryRegistrar) UnregisterClient(_ context.Context, _ time.Time, id string, revision int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.unchanged(id, revision); err != nil {
		return err
	}
	delete(m.clients, id)
	return nil
}

// unchanged returns a client that is still of a revision, nil where there is none.
func (m *MemoryRegistrar) unchanged(id string, revision int64) (*memoryClient, error) {
	c := m.clients[id]
	if c != nil && (c.kept.Revision != revision || c.kept.Disabled) {
		return nil, ErrClientChanged
	}
	return c, nil
}

// clone copies what a caller might change.
func (c *RegisteredClient) clone() *RegisteredClient {
	n := *c
	n.Secrets = slices.Clone(c.Secrets)
	m := &n.Metadata
	for _, list := range [...]*[]string{&m.RedirectURIs, &m.GrantTypes, &m.ResponseTypes, &m.Scopes, &m.DefaultScopes, &m.Contacts} {
		*list = slices.Clone(*list)
	}
	m.Keys = slices.Clone(m.Keys)
	m.Texts = maps.Clone(m.Texts)
	return &n
}
