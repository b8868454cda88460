package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// Guard stands in front of an API and lets through only who brings a good access token. Make one with [New]; it is
// safe for concurrent use. It keeps no token and no verdict of its own: every request is verified anew. What it keeps of
// the issuer's answers, where it asks, is bounded by [Introspection].
type Guard struct {
	verifier     token.Verifier
	asker        *asker // nil where the issuer is not asked
	realm        string
	metadataURL  string // "" where the API has no metadata
	metadataPath string
	metadata     []byte
	log          *slog.Logger
}

// New makes a guard. It refuses a configuration that would accept anybody's tokens or none, telling all faults at
// once. It fetches nothing yet, so an API starts while its authorization server is down.
func New(c Config) (*Guard, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &Guard{
		verifier: token.Verifier{
			Issuer:     c.Issuer,
			Audience:   c.Audience,
			Keys:       c.Keys,
			Algorithms: c.Algorithms,
			Skew:       c.Skew,
		},
		realm: c.Realm,
		log:   c.Log,
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.verifier.Keys == nil {
		// The issuer is the program's own choice and often lives beside it, so its address may be private.
		discovered, err := keys.Discover(c.Issuer, keys.FetchOptions{AllowPrivateAddresses: true, Log: g.log})
		if err != nil {
			return nil, fmt.Errorf("resource: the Issuer: %w", err)
		}
		g.verifier.Keys = discovered
	}
	if err := g.verifier.Validate(); err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	if c.Introspect != nil {
		g.asker = newAsker(&c)
	}
	g.metadataURL, g.metadataPath = wellKnown(c.Audience)
	if g.metadataURL == "" && g.realm == "" {
		g.realm = c.Audience
	}
	var err error
	if g.metadata, err = describe(&c); err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	return g, nil
}

// Require returns middleware that lets a request pass if its access token is good and carries every one of the
// scopes; without scopes any good token will do. What the handler gets:
//
//   - the [Caller], by [FromContext];
//   - the request without its Authorization header, so that a token is not logged or passed on by oversight
//     (Caller.Token has it for those who need it).
//
// What a refused request gets (RFC 6750 §3, each with a challenge that names the metadata and the scopes wanted):
//
//   - 401 without an error code where it brings no bearer token;
//   - 400 invalid_request where it brings several, or one in the URL or in a form: only the header counts;
//   - 401 invalid_token where the token is not accepted;
//   - 403 insufficient_scope where it lacks a scope;
//   - 503 where the issuer's keys cannot be had, or the issuer cannot be asked ([Config].Introspect).
//
// CORS preflights carry no token (Fetch standard §3.3): put CORS middleware outside. Require panics where a scope is
// empty or could never be in a token: that is a slip in the program, best seen when it starts.
func (g *Guard) Require(scopes ...string) func(http.Handler) http.Handler {
	for _, scope := range scopes {
		if err := checkScope(scope); err != nil {
			panic("resource: Require: " + err.Error())
		}
	}
	wanted := strings.Join(scopes, " ")
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			caller, fault, err := g.admit(r, scopes)
			if fault != nil {
				g.report(r, fault, err)
				g.write(w, fault, wanted)
				return
			}
			next.ServeHTTP(w, withCaller(r, caller))
		})
	}
}

// admit decides about one request. err is what the operator should know about a fault.
func (g *Guard) admit(r *http.Request, scopes []string) (caller *Caller, fault *refusal, err error) {
	raw, fault := bearer(r)
	if fault != nil {
		return nil, fault, errors.New(fault.description)
	}
	if raw == "" {
		return nil, noToken, nil
	}
	caller, err = g.Verify(r.Context(), raw)
	if errors.Is(err, ErrUnavailable) {
		return nil, unavailable, err
	}
	if err != nil {
		return nil, notAccepted(err), err
	}
	if fault := secondToken(r); fault != nil {
		return nil, fault, errors.New(fault.description)
	}
	for _, scope := range scopes {
		if !caller.Has(scope) {
			return nil, insufficientScope, fmt.Errorf("client %q, subject %q: the token lacks scope %q", caller.ClientID, caller.Subject, scope)
		}
	}
	return caller, nil, nil
}

// report tells the operator why a request was refused. A request without a token is no news. The query stays out of the
// log: it may hold a token that somebody put there.
func (g *Guard) report(r *http.Request, fault *refusal, err error) {
	level := slog.LevelInfo
	switch fault {
	case noToken:
		return
	case unavailable:
		level = slog.LevelError
	}
	g.log.LogAttrs(r.Context(), level, "access token refused", slog.Int("status", fault.status),
		slog.String("error", fault.code), slog.String("path", r.URL.Path), slog.Any("reason", err))
}

// withCaller returns the request as the handler may see it. The original is left alone, as net/http asks of handlers.
func withCaller(r *http.Request, caller *Caller) *http.Request {
	inner := r.WithContext(context.WithValue(r.Context(), contextKey{}, caller))
	inner.Header = maps.Clone(r.Header)
	delete(inner.Header, "Authorization")
	return inner
}

// Verify verifies an access token that did not come in an HTTP header: in gRPC metadata, in a message, or by way of
// another framework's middleware. It does what Require does but for the scopes: ask [Caller.Has]. The error wraps
// [ErrInvalidToken] or [ErrUnavailable] and says to the operator what was wrong; it is not for the caller.
func (g *Guard) Verify(ctx context.Context, raw string) (*Caller, error) {
	claims, err := g.verifier.Verify(ctx, time.Now(), raw)
	switch {
	case outage(err):
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if bound, _ := claims.Decode("cnf", new(struct{})); bound { // whatever is in it
		return nil, fmt.Errorf("%w: it is bound to a key (cnf) and was presented without proof of it (RFC 9449 §7.1, RFC 8705 §3)", ErrInvalidToken)
	}
	if g.asker != nil { // last: what is no token of the issuer's costs it no request
		if err := g.asker.stands(ctx, raw, claims); err != nil {
			return nil, err
		}
	}
	return &Caller{Claims: claims, raw: raw}, nil
}

// outage reports whether a token could not be judged, as against being judged bad.
func outage(err error) bool {
	refused, ok := errors.AsType[*token.Error](err)
	return ok && refused.Fault == token.KeysUnavailable || err != nil && !ok
}
