package resource

import (
	"context"
	"log/slog"
	"slices"

	"github.com/avouch-oauth/avouch/token"
)

// Caller is who a request speaks for: the claims of an access token that a [Guard] has verified. Handlers get it from
// [FromContext]. Subject is the user or workload meant, and equals ClientID where the client acts for nobody but
// itself (RFC 9068 §2.2). Claims without a field are read by Decode.
type Caller struct {
	*token.Claims

	raw string
}

// Has reports whether the token carries a scope.
func (c *Caller) Has(scope string) bool { return slices.Contains(c.Scopes, scope) }

// Token returns the access token itself, for services that exchange it for one of their own (RFC 8693). Do not send it
// to another service: it was made for this one, and whoever receives it could use it here (RFC 9700 §4.9).
func (c *Caller) Token() string { return c.raw }

// LogValue names the caller in logs and keeps the token out of them.
func (c *Caller) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("sub", c.Subject),
		slog.String("client_id", c.ClientID),
		slog.String("jti", c.ID),
	)
}

type contextKey struct{}

// FromContext returns the caller that the guard in front of this handler has verified; ok is false where no guard
// stands in front of it. Nothing but a guard can put a caller there.
func FromContext(ctx context.Context) (caller *Caller, ok bool) {
	caller, ok = ctx.Value(contextKey{}).(*Caller)
	return caller, ok
}
