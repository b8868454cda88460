package admin

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// Admin offers the operations on one store. It is safe for concurrent use. Make one with [New].
type Admin struct {
	*shared
	actor string
}

// Options says how an [Admin] works. The zero value is ready to use.
type Options struct {
	// Issuer is this server's own issuer identifier: no client may have it as id, no issuer as URL. "" checks neither.
	Issuer string

	// Grants and AuthMethods are what the server offers; a client that names others is refused. Nil means those that
	// Avouch comes with.
	Grants      []string
	AuthMethods []string

	// Signing is how the server's own keys live.
	Signing SigningPolicy

	// Observe is called once for every change, after it has been committed. It must be quick. Nil means nobody watches.
	Observe func(ctx context.Context, c Change)
}

// SigningPolicy is how the server's own signing keys live. The zero value is ready to use.
type SigningPolicy struct {
	// Algorithm of new keys: ES256, EdDSA, RS256 or PS256. "" means ES256.
	Algorithm keys.Algorithm
	// Every is how long a key signs before the next takes over. Zero means by command only.
	Every time.Duration
	// MaxAge is how long others may keep our JWKS (its Cache-Control max-age). A key is published for more than twice
	// as long before it signs. Zero means 1 h.
	MaxAge time.Duration
}

// New returns the operations on a store. The sealer may be nil: operations that need it then fail with code [Sealed].
func New(store storage.Store, sealer *Sealer, o Options) *Admin { panic("not built") }

// As returns an Admin whose changes are told as made by actor: a login name, "serve", the subject of an admin token.
func (a *Admin) As(actor string) *Admin { return &Admin{a.shared, actor} }
