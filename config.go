package avouch

import (
	"context"
	"log/slog"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// Config says what a [Server] is made of. Issuer, Minter and at least one grant are required.
type Config struct {
	// Issuer is the issuer identifier (RFC 8414 §2): an https URL without query and fragment, without a trailing
	// slash unless it is meant. http is accepted for loopback hosts only.
	Issuer string

	// TokenURL is where TokenEndpoint is reachable. "" means Issuer + "/oauth/token".
	TokenURL string

	// JWKSURL is where JWKS is reachable. "" means Issuer + "/oauth/jwks".
	JWKSURL string

	// Minter makes access tokens.
	Minter Minter

	// Grants are the grants that are offered, each once. A grant needs an authenticated client unless it is wrapped
	// in [ClientOptional].
	Grants []Grant

	// ClientAuth are the client authentication methods that are offered, each once. None means that no client can
	// authenticate.
	ClientAuth []ClientAuth

	// Endpoints are offered beside the token endpoint: introspection, revocation, the authorization endpoint, your own.
	// [Server.Handler] serves them at their paths.
	Endpoints []Endpoint

	// Clients finds clients by their id. Nil means that there are none.
	Clients Clients

	// Subjects says which subjects are disabled. Nil means that none is.
	Subjects Subjects

	// Replay remembers what was used. Nil means a guard in the memory of this process (replay.Memory): enough for one
	// process; after a restart it refuses what was issued before.
	Replay replay.Guard

	// Handles keeps codes, refresh tokens and what was revoked, for every grant and endpoint. Nil means a store in the
	// memory of this process (handle.NewMemory): enough for one process; after a restart, users sign in again.
	Handles handle.Store

	// Refresh is the grant that takes refresh tokens, and what makes them for the other grants. It is offered beside Grants
	// and must not be among them. Nil means that there are no refresh tokens.
	Refresh RefreshGrant

	// Lapsed says what a token rests on and no longer stands, besides what the server knows by itself (see
	// [Server.Lapsed]): the keys in Origin.KeyIDs, the issuer in Origin.Issuer, the rule in Origin.Rule, a subject of your
	// own tables. It is asked about every token that is going to be made and every one that is introspected, last, and
	// changes nothing. Of a token that is going to be made, IssuedAt is when what it rests on was given, zero for just now;
	// it has no ID, as a refresh token has none. An error means that the answer is unknown: the request is refused as
	// temporarily unavailable. Nil means that what the server knows is all.
	Lapsed func(ctx context.Context, c *token.Claims) (*Lapse, error)

	// Audience is the aud of a token where neither request, client nor grant say another. "" means Issuer.
	Audience string

	// TokenLifetime is how long access tokens live, at least a second. Zero means 15 minutes.
	TokenLifetime time.Duration

	// ScopesSupported is published in the metadata; nil leaves it out.
	ScopesSupported []string

	// Log gets one line for each refusal and failure: what the operator should know, never an assertion, a secret or
	// a token. Nil discards.
	Log *slog.Logger

	// Reserve, if not nil, is called once a token request has been decided and before anything is spent: for an audit
	// trail that must have room for the event. An error refuses the request as temporarily unavailable (503), with nothing
	// spent. A call that returns nil is followed by exactly one Observe, whose Event has Reserved set; so it
	// needs Observe. It must be quick and safe for concurrent use. Nil reserves nothing.
	Reserve func(ctx context.Context) error

	// Observe is called once for each answered request, before the answer is written. Nil means nobody watches. It
	// must be quick and safe for concurrent use; where it panics, the request is answered with server_error.
	Observe func(ctx context.Context, e Event)
}

// Subjects tells of users and other subjects that were disabled. Implementations are safe for concurrent use.
type Subjects interface {
	// SubjectDisabled reports whether no token may be issued for a subject (the sub of the token). An error means that
	// it could not tell, and the request is refused as temporarily unavailable.
	SubjectDisabled(ctx context.Context, subject string) (bool, error)
}

// Minter makes an access token of claims; *token.Minter is the one that comes with Avouch.
type Minter interface {
	// Mint makes the token. The claims are not to be kept.
	Mint(ctx context.Context, c *token.Claims) (string, error)
	// PublicKeys returns the keys to publish at now.
	PublicKeys(now time.Time) *keys.Set
}
