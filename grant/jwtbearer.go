// Package grant has the grants that Avouch comes with.
package grant

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

// JWTBearer is the JWT bearer grant (RFC 7523 §2.1).
type JWTBearer struct {
	// Trust says whose assertions are believed. Required, unless Party is set.
	Trust trust.Source
	// Subject says which user is meant. Nil means that the issuer's rules say so.
	Subject func(ctx context.Context, a *assertion.Assertion) (string, error)
	// Permit says whether client may act for subject. Nil means that rules and Subject have decided.
	Permit func(ctx context.Context, client, subject string, a *assertion.Assertion) error
}

// Type returns "urn:ietf:params:oauth:grant-type:jwt-bearer".
func (g *JWTBearer) Type() string { return "urn:ietf:params:oauth:grant-type:jwt-bearer" }

// Authorize implements avouch.Grant.
func (g *JWTBearer) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	panic("not built")
}

// Explain runs every check on the assertion of a request that can be run, spends nothing, and reports.
func (g *JWTBearer) Explain(ctx context.Context, req *avouch.Request) *assertion.Report {
	panic("not built")
}
