package avouch

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// JWKSMaxAge is how long clients and APIs may keep the JWK set that [Server.JWKS] serves. A new signing key must be
// published at least twice as long before it signs.
const JWKSMaxAge = 15 * time.Minute

// defaultLifetime is the life of an access token. google-auth takes 300 s and less for expired already.
const defaultLifetime = 15 * time.Minute

// Server is an authorization server. It is safe for concurrent use. Make one with [New].
type Server struct {
	issuer, tokenURL string
	metadata         []byte // the document, made once
	audience         []string
	lifetime         time.Duration

	grants  map[string]offered
	methods []ClientAuth // without "none"
	none    ClientAuth   // the method "none", where it is offered
	schemes []string     // of the Authorization header that methods read

	endpoints map[string]offeredEndpoint // by name
	mounts    []mount

	minter   Minter
	clients  Clients
	subjects Subjects
	replay   replay.Guard
	log      *slog.Logger
	reserver func(context.Context) error
	observer func(context.Context, Event)

	buffers sync.Pool // of *[usualForm]byte, to read forms into
}

// offered is a grant as it is offered.
type offered struct {
	Grant
	clientOptional bool
}

// New makes a server. It refuses a configuration that would be unsafe or could never work, telling all faults at once.
func New(c Config) (*Server, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		issuer:   c.Issuer,
		tokenURL: c.tokenURL(),
		audience: []string{c.Audience},
		lifetime: c.TokenLifetime,
		grants:   make(map[string]offered, len(c.Grants)),
		minter:   c.Minter,
		clients:  c.Clients,
		subjects: c.Subjects,
		replay:   c.Replay,
		log:      c.Log,
		reserver: c.Reserve,
		observer: c.Observe,
	}
	if c.Audience == "" {
		s.audience[0] = c.Issuer
	}
	if s.lifetime == 0 {
		s.lifetime = defaultLifetime
	}
	if s.replay == nil {
		s.replay = replay.NewMemory(replay.MemoryConfig{})
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, g := range c.Grants {
		inner, optional := unwrap(g)
		s.grants[g.Type()] = offered{inner, optional}
	}
	for _, m := range c.ClientAuth {
		if h, ok := m.(HeaderAuth); ok && h.Scheme() != "" {
			s.schemes = append(s.schemes, h.Scheme())
		}
		if m.Method() == "none" {
			s.none = m
		} else {
			s.methods = append(s.methods, m)
		}
	}
	s.offerEndpoints(&c)
	s.metadata = c.metadata()
	s.buffers.New = func() any { return new([usualForm]byte) }
	return s, nil
}

// unwrap takes ClientOptional off a grant.
func unwrap(g Grant) (inner Grant, optional bool) {
	for {
		o, ok := g.(clientOptional)
		if !ok {
			return g, optional
		}
		g, optional = o.Grant, true
	}
}

func (c *Config) tokenURL() string {
	if c.TokenURL == "" {
		return strings.TrimSuffix(c.Issuer, "/") + "/oauth/token"
	}
	return c.TokenURL
}

func (c *Config) jwksURL() string {
	if c.JWKSURL == "" {
		return strings.TrimSuffix(c.Issuer, "/") + "/oauth/jwks"
	}
	return c.JWKSURL
}
