package admin

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// Admin offers the operations on one store. It is safe for concurrent use. Make one with [New].
type Admin struct {
	*shared
	actor string
}

// shared is what all copies of an Admin have in common.
type shared struct {
	store   storage.Store
	sealer  *Sealer
	options Options

	mu    sync.Mutex
	lives []*Live // views in this process, brought up to date before an operation returns
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

	// RootCAs are the authorities whose certificates servers may have that keys are fetched from. Nil means those of the
	// system.
	RootCAs *x509.CertPool

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
	// as long before it signs. Zero means avouch.JWKSMaxAge.
	MaxAge time.Duration
}

// New returns the operations on a store. The sealer may be nil: operations that need it then fail with code [Sealed].
func New(store storage.Store, sealer *Sealer, o Options) *Admin {
	if o.Grants == nil {
		o.Grants = []string{grantClientCredentials, grantJWTBearer, grantAuthorizationCode, grantRefreshToken, grantDeviceCode}
	}
	if o.AuthMethods == nil {
		o.AuthMethods = []string{methodPrivateKeyJWT, methodSecretJWT, methodSecretBasic, methodSecretPost, methodNone}
	}
	if o.Signing.Algorithm == "" {
		o.Signing.Algorithm = keys.ES256
	}
	if o.Signing.MaxAge == 0 {
		o.Signing.MaxAge = avouch.JWKSMaxAge
	}
	return &Admin{shared: &shared{store: store, sealer: sealer, options: o}}
}

// As returns an Admin whose changes are told as made by actor: a login name, "serve", the subject of an admin token.
func (a *Admin) As(actor string) *Admin { return &Admin{a.shared, actor} }

const (
	grantClientCredentials = "client_credentials"
	grantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantAuthorizationCode = "authorization_code"
	grantRefreshToken      = "refresh_token"
	grantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"

	responseCode = "code"

	methodPrivateKeyJWT = "private_key_jwt"
	methodSecretJWT     = "client_secret_jwt"
	methodSecretBasic   = "client_secret_basic"
	methodSecretPost    = "client_secret_post"
	methodNone          = "none"
)

// write runs f in one transaction. When it returns nil, the changes are committed, every Live of this process has
// them, and the observer has been told.
func (a *Admin) write(ctx context.Context, f func(ctx context.Context, t *tx) error) error {
	var done []Change
	err := a.store.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		t := a.newTx(w)
		if err := f(ctx, t); err != nil {
			return err
		}
		done = t.changes
		return nil
	})
	if errors.Is(err, storage.ErrConflict) {
		return &Error{Code: Conflict, Kind: "store", Reason: "somebody else changed the same record meanwhile; look at it again and repeat", Err: err}
	}
	if err != nil {
		return err
	}
	a.mu.Lock()
	lives := append([]*Live(nil), a.lives...)
	a.mu.Unlock()
	for _, l := range lives {
		l.changed(ctx)
	}
	if a.options.Observe != nil {
		for _, c := range done {
			c.Actor = a.actor
			a.options.Observe(ctx, c)
		}
	}
	return nil
}

// now is the current time as stores keep it.
func now() time.Time { return kept(time.Now()) }

// kept is a time as stores keep it: UTC, to the millisecond, the zero time as it is.
func kept(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
