package admin

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// Admin offers the operations on one store to one caller. It is safe for concurrent use. Make one with [New].
type Admin struct {
	*shared
	caller Caller
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

	// KeepChanges is how long recorded changes are kept: older ones are dropped by [Live.Run] within a day. Zero keeps
	// them for ever.
	KeepChanges time.Duration

	// Observe is called once for every change, after it has been committed. It must be quick. Nil disables it.
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

// New returns the operations on a store, for a caller that may do none of them: [Admin.As] names the one that may. The
// sealer may be nil: operations that need it then fail with code [Sealed].
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

// now is the current time as stores keep it.
func now() time.Time { return kept(time.Now()) }

// kept is a time as stores keep it: UTC, to the millisecond, the zero time as it is.
func kept(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
