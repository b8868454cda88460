package clientauth

import (
	"context"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// PrivateKeyJWT authenticates a client by an assertion that it signs with a private key of its own (private_key_jwt,
// RFC 7523 §2.2 as updated by RFC 10070 §4; OpenID Connect Core §9). The client's public keys are in its registration.
type PrivateKeyJWT struct {
	// Policy returns what is asked of the assertions of a client. A program that keeps it with the client finds it in
	// c.Data. Nil means the strict policy for every client.
	Policy func(c *avouch.Client) Policy

	// Algorithms are accepted of clients whose registration and policy say no others. Nil means
	// keys.DefaultAlgorithms.
	Algorithms []keys.Algorithm
}

// Method returns "private_key_jwt".
func (m *PrivateKeyJWT) Method() string { return "private_key_jwt" }

// SigningAlgorithms returns Algorithms or their default.
func (m *PrivateKeyJWT) SigningAlgorithms() []keys.Algorithm {
	if m.Algorithms == nil {
		return keys.DefaultAlgorithms()
	}
	return m.Algorithms
}

// Presented implements avouch.ClientAuth. Assertions whose header names an HMAC are [SecretJWT]'s.
func (m *PrivateKeyJWT) Presented(req *avouch.Request) bool {
	return presentsAssertion(req) && !byMAC(req)
}

// Authenticate implements avouch.ClientAuth. The assertion is not spent: its use is in Authentication.Uses.
func (m *PrivateKeyJWT) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	j := judge{method: m.method(), req: req}
	auth, err := j.authenticate(ctx)
	return auth, refused(err)
}

// Suppose implements avouch.DryAuth: it is Authenticate, because there is no secret to be tried.
func (m *PrivateKeyJWT) Suppose(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	return m.Authenticate(ctx, req)
}

// Explain runs every check on the client assertion of a request that can be run, and reports; avouch.Server.Request
// makes a request for it. It spends nothing, so that it cannot know what was used before.
func (m *PrivateKeyJWT) Explain(ctx context.Context, req *avouch.Request) *assertion.Report {
	j := judge{method: m.method(), req: req}
	return j.explain(ctx)
}

func (m *PrivateKeyJWT) method() method {
	return method{name: m.Method(), policy: m.Policy, algorithms: m.Algorithms, credentials: clientKeys}
}

func clientKeys(j *judge) { j.party.Keys = j.client.Keys }
