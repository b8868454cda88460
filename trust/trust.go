// Package trust says whose assertions are believed, and what they are worth.
package trust

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// Source finds trusted issuers. [List] is a fixed one.
type Source interface {
	// Issuer returns the entry for exactly this iss, or nil, nil for an issuer nobody told us about. It fetches nothing.
	Issuer(ctx context.Context, iss string) (*Issuer, error)
}

// List is a fixed list of issuers.
type List []Issuer

// Issuer is somebody whose assertions are believed as far as its rules say.
type Issuer struct {
	Issuer   string      // the iss value, exactly: an https URL, or a client id for a client that signs for itself
	Name     string      // short name that stands before its subjects, as NAME/SUB; "" means Issuer
	Keys     keys.Source // where its public keys come from
	Disabled bool

	// Audience replaces the server's own values (issuer and token endpoint) for an issuer that cannot send them.
	Audience []string

	Algorithms      []keys.Algorithm
	Types           []string
	Skew            time.Duration
	MaxLifetime     time.Duration
	Replay          assertion.Replay
	SubjectOptional bool
	ScopeClaim      bool // a scope claim asks for scopes as the parameter does

	// Rules say which of its subjects are worth what. An issuer without rules needs a Subject hook on the grant.
	Rules []Rule
}

// Rule gives something to one subject of an issuer.
type Rule struct {
	Name  string
	Audit bool // only told, never applied

	// Condition: all of it must hold.
	Subject  string            // sub, exactly
	Audience []string          // replaces the issuer's; nil means the issuer's
	Claims   map[string]string // string claims, exactly

	// What it gives.
	ClientID      string // client the token is issued to; "" means Issuer
	RequireClient bool   // that client must have authenticated
	As            string // the token's sub; "" means NAME/SUB
	AsIs          bool   // the token's sub is the assertion's, unmapped: named relaxation
	Nobody        bool   // the assertion speaks for nobody: sub is the client id
	Scopes        []string
	DefaultScopes []string
	Audiences     []string // resources
	Lifetime      time.Duration
}
