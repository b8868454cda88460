package assertion

import (
	"log/slog"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// Party is who an assertion claims to come from, with the rules that hold for it: a trusted issuer, a client that
// signs for itself, or a SPIFFE trust domain. It has Keys or a Secret, never both.
type Party struct {
	Name     string      // issuer URL, client id or trust domain: the namespace of its jti, and its name in reports; required
	Keys     keys.Source // its public keys; nil where Secret is used
	Secret   []byte      `json:"-"` // shared secret of client_secret_jwt: HS* verify by it and nothing else does
	Disabled bool        // refused; its keys are never fetched

	Policy Policy
}

// String returns the name: a Party that is printed does not show its secret.
func (p Party) String() string { return p.Name }

// GoString is String, for %#v.
func (p Party) GoString() string { return p.Name }

// LogValue keeps the secret out of logs.
func (p Party) LogValue() slog.Value { return slog.StringValue(clean(p.Name)) }

// Policy is what is asked of one party's assertions. The zero value, with an Audience, is the strict one.
type Policy struct {
	// Audience is which aud values name us. An empty one refuses everything.
	Audience Audience

	// Algorithms that may be used. Nil means keys.DefaultAlgorithms, or HS256 where the party has a Secret. One that
	// is not nil and empty allows none.
	Algorithms []keys.Algorithm

	// Types are the header types (typ) accepted, compared without case and without "application/". "" stands for
	// absent. Nil means: absent or "JWT", and "client-authentication+jwt" for client assertions. Types of other kinds
	// of tokens (at+jwt, dpop+jwt, logout+jwt, secevent+jwt, ...) are refused whatever is listed; an ID-JAG
	// (oauth-id-jag+jwt) is a grant only where it is listed.
	Types []string

	// Skew is how far clocks may differ. Zero means 10 s; a negative one means none; more than 60 s is cut to 60 s.
	Skew time.Duration

	// MaxLifetime bounds exp − now and exp − iat, each with Skew added. Zero means 1 h; more than a year is cut to a
	// year.
	MaxLifetime time.Duration

	// Replay says how often one assertion may be used. The zero value is Once.
	Replay Replay

	// RequireID refuses a grant without jti. A client assertion needs one whatever this says (OpenID Connect Core §9),
	// except where Replay is ReuseUntilExpiry.
	RequireID bool

	// SubjectOptional accepts an assertion without sub: nobody is meant. It is for the clients of Google's libraries,
	// which sign without jti and the same bytes twice within a second: so a grant without jti may also be used until it
	// expires, unless Replay is SameClientUntilExpiry.
	SubjectOptional bool

	// IssuerOptional accepts an assertion without iss (SPIFFE JWT-SVID); the party was found by its sub.
	IssuerOptional bool
}

// Audience is which values of aud name this server (RFC 7523 §3 item 3 as updated by RFC 10070 §4). An aud of several
// values is refused whatever they are. Values are compared byte by byte.
type Audience struct {
	Accept     []string // the values that name us
	Legacy     []string // more values, accepted by a named relaxation and told as Assertion.LegacyAudience
	StringOnly bool     // refuse an array, even of one element (FAPI 2.0 §5.3.2.1)

	// NearMiss are values that mean this server and are refused all the same, such as its token endpoint in a client
	// assertion: nothing is accepted by them, they only make the hint of a refusal better.
	NearMiss []string
}

// Replay is how often an assertion may be used before it expires.
type Replay byte

const (
	// Once: one use. Without a jti, the hash of its signing input stands for it.
	Once Replay = iota
	// SameClientUntilExpiry: as often as wanted, by the client that used it first. A grant then needs a client that has
	// authenticated; the client of a client assertion is the one that signed it, so whoever holds that may use it again.
	SameClientUntilExpiry
	// ReuseUntilExpiry: as often as wanted, by anybody who holds it: for platforms that re-send their tokens by nature
	// (Kubernetes, SPIFFE, MSAL).
	ReuseUntilExpiry
)

const (
	defaultSkew     = 10 * time.Second
	maxSkew         = 60 * time.Second
	defaultLifetime = time.Hour
	maxLifetime     = 365 * 24 * time.Hour
)

// effective returns p with defaults and bounds applied, so that the checks need not know of them.
func (p Policy) effective(purpose Purpose) Policy {
	switch {
	case p.Skew == 0:
		p.Skew = defaultSkew
	default:
		p.Skew = min(max(p.Skew, 0), maxSkew)
	}
	if p.MaxLifetime == 0 {
		p.MaxLifetime = defaultLifetime
	}
	p.MaxLifetime = min(p.MaxLifetime, maxLifetime)
	if purpose == ClientAuthentication && p.Replay != ReuseUntilExpiry {
		p.RequireID = true
	}
	return p
}

// allows reports whether alg is on the party's list. HMAC is for those who have a secret, all else for those who have keys,
// whatever is listed: no public key ever serves as a secret.
func (p *Party) allows(alg keys.Algorithm) bool {
	if symmetric(alg) != (len(p.Secret) > 0) {
		return false
	}
	for _, a := range p.algorithms() {
		if algorithm(string(a)) == alg {
			return true
		}
	}
	return false
}

func (p *Party) algorithms() []keys.Algorithm {
	switch {
	case p.Policy.Algorithms != nil:
		return p.Policy.Algorithms
	case len(p.Secret) > 0:
		return []keys.Algorithm{keys.HS256}
	}
	return keys.DefaultAlgorithms()
}

func symmetric(alg keys.Algorithm) bool {
	return alg == keys.HS256 || alg == keys.HS384 || alg == keys.HS512
}
