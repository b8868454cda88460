package avouch

import (
	"context"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
)

// ClientAuth authenticates clients by one method. Implementations are safe for concurrent use.
//
// A method that reads the Authorization header also has the method Scheme of [HeaderAuth]; one whose credentials are
// signed has that of [SignedAuth].
type ClientAuth interface {
	// Method is the registered name (token_endpoint_auth_method). It never changes. The method "none" is asked only
	// where nothing else is presented.
	Method() string
	// Presented reports whether the request carries credentials of this method. It looks at nothing but their form.
	// Credentials of two methods in one request are refused before any is looked at. So is an Authorization header, a
	// client_secret or a client_assertion beside credentials of a method that does without it: Presented is asked again
	// about the request without them, and has to say no where they are a part of its credentials.
	Presented(req *Request) bool
	// Authenticate checks the credentials and returns whose they are. The server then checks what holds for every
	// method: that the client is enabled, registered for this method, and the one that a client_id parameter names.
	// A refusal is an [*Error]; any other error is the server's failure. Authenticate changes nothing that lasts. What
	// counts attempts, so that secrets cannot be guessed, is [Authentication.Count] and [Error.Count].
	Authenticate(ctx context.Context, req *Request) (*Authentication, error)
}

// HeaderAuth is a [ClientAuth] that reads the Authorization header. A scheme that no method reads is refused.
type HeaderAuth interface {
	// Scheme is the name of the HTTP authentication scheme (RFC 9110 §11.1), as in "Basic".
	Scheme() string
}

// SignedAuth is a [ClientAuth] whose credentials are signed.
type SignedAuth interface {
	// SigningAlgorithms are published as token_endpoint_auth_signing_alg_values_supported (RFC 8414 §2).
	SigningAlgorithms() []keys.Algorithm
}

// DryAuth is a [ClientAuth] that takes part in dry runs. In a dry run the server calls Suppose in place of Authenticate. Of
// a method without it the server takes the client that the request names (client_id), not tried: so no dry run is a way to
// try secrets, whatever a method forgets.
type DryAuth interface {
	// Suppose does what Authenticate does, but compares no secret: if everything else about the credentials is right, it
	// returns the client with Untried set. Credentials without a shared secret are judged as by Authenticate.
	Suppose(ctx context.Context, req *Request) (*Authentication, error)
}

// Authentication is an authenticated client, and what of its credentials may be used only once.
type Authentication struct {
	Client *Client      // whose credentials they are; required
	Method string       // set by the server: the method that authenticated it
	Uses   []replay.Use // spent by the server when every policy has been passed

	// Count, if not nil, is called once when Authenticate has returned, and never in a dry run: for what counts attempts.
	// What it returns, if not nil, is the refusal of the request.
	Count func() *Error

	// Untried says that a secret was not compared, because this is a dry run: the client is the one that the request
	// claims to come from.
	Untried bool

	// KeyID is the key of the client that proved who it is, "" where none did. It goes into [Event.KeyID], so that
	// whoever keeps keys learns which are in use.
	KeyID string

	// Notices say what was accepted by a relaxation, as stable machine names such as "legacy_audience". They are
	// passed on in [Event.Notices], to be counted and worked off.
	Notices []string
}
