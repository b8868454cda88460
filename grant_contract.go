package avouch

import (
	"context"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// Grant decides who an access token is for and what it may do. It touches no response and makes no token: the server
// does the shared steps before and after it. Implementations are safe for concurrent use.
type Grant interface {
	// Type is the value of grant_type it answers to.
	Type() string
	// Authorize decides one request. A refusal is an [*Error]; any other error is the server's failure and is told
	// to the caller as server_error without detail.
	Authorize(ctx context.Context, req *Request) (*Authorization, error)
}

// ClientOptional lets a grant be used without client authentication. Credentials that are sent all the same are
// validated (RFC 7521 §4.1), and the client they name must be allowed the grant.
func ClientOptional(g Grant) Grant { return clientOptional{g} }

type clientOptional struct{ Grant }

// ClientAuth authenticates clients by one method. Implementations are safe for concurrent use.
type ClientAuth interface {
	// Method is the registered name (token_endpoint_auth_method).
	Method() string
	// Presented reports whether the request carries credentials of this method. Credentials of two methods in one request are refused
	// before any is looked at.
	Presented(req *Request) bool
	// Authenticate checks the credentials and returns whose they are. The server then checks what holds for every method: that the client
	// is enabled, registered for this method, and the one that a client_id parameter names.
	Authenticate(ctx context.Context, req *Request) (*Authentication, error)
}

// Authentication is an authenticated client and what its credentials may be used for only once.
type Authentication struct {
	Client *Client
	Uses   []replay.Use
}

// Request is a request to an endpoint that authenticates clients, its form already checked: UTF-8, no parameter
// twice, parameters without a value left out (RFC 6749 §3.2).
type Request struct {
	Issuer   string    // the server's issuer identifier
	TokenURL string    // the server's token endpoint
	Now      time.Time // when the request came

	// Client is the authenticated client; nil while it is being authenticated, and where a grant may do without.
	Client *Client

	HTTP *http.Request // headers, TLS state, remote address; the body is consumed. Nil in a dry run.

	// unexported: form, server
	form    map[string][]string
	clients Clients
}

// Param returns a parameter of the form, "" where it is absent.
func (r *Request) Param(name string) string { return "" }

// Authorization is a grant's decision. The server narrows it by what the client may have and what the request asks.
type Authorization struct {
	// ClientID is the client the token is issued to. Where a client authenticated it must be that one; "" means that one.
	ClientID string
	// Subject is who the token speaks for. "" means nobody: the token's sub is the client id.
	Subject string

	// Scopes is the ceiling this grant sets; nil sets none of its own, and then the client's holds. A scope parameter beyond a ceiling
	// is refused as invalid_scope.
	Scopes []string
	// Asserted, where not nil, are scopes that the grant itself carries (a scope claim): they are narrowed to the ceilings, and a
	// scope parameter narrows them further.
	Asserted []string
	// DefaultScopes are given where neither parameter nor Asserted ask for any. Nil means the client's default.
	DefaultScopes []string

	// Audiences is which resources may be asked for; the first is the default. Nil means the client's.
	Audiences []string

	// Lifetime of the access token; zero means the client's or the server's.
	Lifetime time.Duration

	// Claims are further claims of the access token.
	Claims map[string]any

	// Uses may be used once; the server spends them together with the client's, after every policy has been passed.
	Uses []replay.Use
}
