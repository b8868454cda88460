// Package clientauth has the client authentication methods that Avouch comes with.
package clientauth

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
)

// PrivateKeyJWT authenticates a client by an assertion that it signs with a private key of its own (RFC 7523 §2.2 as
// updated by RFC 10070 §4; OpenID Connect Core §9).
type PrivateKeyJWT struct {
	// Policy returns what is asked of the assertions of a client. Nil means the strict policy for every client.
	Policy func(c *avouch.Client) Policy
}

// Policy is what is asked of the assertions of one client. The zero value is strict.
type Policy struct {
	Audience         Audience
	assertion.Policy // Audience inside is set by the method
}

// Audience is how a client may name this server in aud.
type Audience byte

const (
	AudienceStrict Audience = iota // the issuer identifier as the sole value (RFC 10070 §4)
	AudienceFAPI2                  // the same, as a string (FAPI 2.0 §5.3.2.1)
	AudienceLegacy                 // issuer or token endpoint or the endpoint called: for clients not yet updated to RFC 10070
)

// Method returns "private_key_jwt".
func (m *PrivateKeyJWT) Method() string { return "private_key_jwt" }

// Presented implements avouch.ClientAuth.
func (m *PrivateKeyJWT) Presented(req *avouch.Request) bool { panic("not built") }

// Authenticate implements avouch.ClientAuth.
func (m *PrivateKeyJWT) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	panic("not built")
}
