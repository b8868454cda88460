package assertion

import (
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// Party is who an assertion claims to come from, with the rules that hold for it: a trusted issuer, a client that
// signs for itself, or a SPIFFE trust domain.
type Party struct {
	Name     string      // issuer URL, client id or trust domain: the namespace of its jti, and its name in reports
	Keys     keys.Source // its public keys; nil where Secret is used
	Secret   []byte      // shared secret of client_secret_jwt: HS* verify by it and nothing else does
	Disabled bool        // refused; its keys are never fetched

	Policy Policy
}

// Policy is what is asked of one party's assertions. The zero value, with an Audience, is the strict one.
type Policy struct {
	// Audience is which aud values name us. An empty one refuses everything.
	Audience Audience

	// Algorithms that may be used. Nil means keys.DefaultAlgorithms, or HS256 where the party has a Secret.
	Algorithms []keys.Algorithm

	// Types are the header types (typ) accepted, compared without case and without "application/". "" stands for
	// absent. Nil means: absent or "JWT", and "client-authentication+jwt" for client assertions. Types of other kinds
	// of tokens (at+jwt, dpop+jwt, logout+jwt, secevent+jwt, ...) are refused whatever is listed.
	Types []string

	// Skew is how far clocks may differ. Zero means 10 s; more than 60 s is cut to 60 s.
	Skew time.Duration

	// MaxLifetime bounds exp − now and exp − iat, each with Skew added. Zero means 1 h.
	MaxLifetime time.Duration

	// Replay says how often one assertion may be used. The zero value is Once.
	Replay Replay

	// RequireID refuses an assertion without jti.
	RequireID bool

	// SubjectOptional accepts an assertion without sub: nobody is meant (Google-style clients).
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
}

// Replay is how often an assertion may be used before it expires.
type Replay byte

const (
	// Once: one use. Without a jti, the hash of its signing input stands for it.
	Once Replay = iota
	// SameClientUntilExpiry: as often as wanted, by the client that used it first. Needs an authenticated client.
	SameClientUntilExpiry
	// ReuseUntilExpiry: as often as wanted, by anybody who holds it: for platforms that re-send their tokens by nature
	// (Kubernetes, SPIFFE, MSAL).
	ReuseUntilExpiry
)
