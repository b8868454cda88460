package clientauth

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// PrivateKeyJWT authenticates a client by an assertion that it signs with a private key of its own (private_key_jwt,
// RFC 7523 §2.2 as updated by RFC 10070 §4; OpenID Connect Core §9).
type PrivateKeyJWT struct {
	// Policy returns what is asked of the assertions of a client. Nil means the strict policy for every client.
	Policy func(c *avouch.Client) Policy
}

// Method returns "private_key_jwt".
func (m *PrivateKeyJWT) Method() string { return "private_key_jwt" }

// SigningAlgorithms are the algorithms that are accepted where neither client nor policy say others.
func (m *PrivateKeyJWT) SigningAlgorithms() []keys.Algorithm { return keys.DefaultAlgorithms() }

// Presented implements avouch.ClientAuth. Assertions whose header names an HMAC are [SecretJWT]'s.
func (m *PrivateKeyJWT) Presented(req *avouch.Request) bool {
	return presentsAssertion(req) && !byMAC(req)
}

// Authenticate implements avouch.ClientAuth. The assertion's jti is not spent: it is in Authentication.Uses.
func (m *PrivateKeyJWT) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	j := m.judge(req)
	return j.authenticate(ctx)
}

// Explain runs every check on the client assertion of a request that can be run, spends nothing, and reports.
func (m *PrivateKeyJWT) Explain(ctx context.Context, req *avouch.Request) *assertion.Report {
	j := m.judge(req)
	return j.explain(ctx)
}

func (m *PrivateKeyJWT) judge(req *avouch.Request) *judge {
	return &judge{
		req: req, method: m.Method(), policy: m.Policy,
		credentials: func(c *avouch.Client, p *assertion.Party) { p.Keys = c.Keys },
	}
}
