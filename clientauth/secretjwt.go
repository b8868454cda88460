package clientauth

import (
	"context"
	"errors"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// SecretJWT authenticates a client by an assertion with a MAC made with a secret that it shares with the server
// (client_secret_jwt, OpenID Connect Core §9). The server has to keep the secret itself; [PrivateKeyJWT] does without.
type SecretJWT struct {
	// Policy returns what is asked of the assertions of a client. Nil means the strict policy for every client.
	Policy func(c *avouch.Client) Policy
}

// Method returns "client_secret_jwt".
func (m *SecretJWT) Method() string { return "client_secret_jwt" }

// SigningAlgorithms is the algorithm that is accepted where neither client nor policy say others.
func (m *SecretJWT) SigningAlgorithms() []keys.Algorithm { return []keys.Algorithm{keys.HS256} }

// Presented implements avouch.ClientAuth. Assertions whose header names no HMAC are [PrivateKeyJWT]'s.
func (m *SecretJWT) Presented(req *avouch.Request) bool { return presentsAssertion(req) && byMAC(req) }

// Authenticate implements avouch.ClientAuth. The assertion's jti is not spent: it is in Authentication.Uses.
func (m *SecretJWT) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	for nth := 0; ; nth++ {
		j, more := m.judge(req, nth)
		auth, err := j.authenticate(ctx)
		var a *assertion.Error
		if *more && errors.As(err, &a) && a.Reason == assertion.BadSignature {
			continue // secrets overlap while they are being replaced
		}
		return auth, err
	}
}

// Explain runs every check on the client assertion of a request that can be run, spends nothing, and reports.
func (m *SecretJWT) Explain(ctx context.Context, req *avouch.Request) *assertion.Report {
	for nth := 0; ; nth++ {
		j, more := m.judge(req, nth)
		report := j.explain(ctx)
		if *more && !report.Verified {
			continue
		}
		return report
	}
}

// judge judges by the nth live secret of the client; more tells whether there is another one.
func (m *SecretJWT) judge(req *avouch.Request, nth int) (j *judge, more *bool) {
	more = new(bool)
	return &judge{
		req: req, method: m.Method(), policy: m.Policy,
		credentials: func(c *avouch.Client, p *assertion.Party) {
			seen := 0
			for i := range c.Secrets {
				s := &c.Secrets[i]
				if len(s.Value) == 0 || !s.Expires.IsZero() && !req.Now.Before(s.Expires) {
					continue
				}
				if seen == nth {
					p.Secret = s.Value
				}
				seen++
			}
			*more = seen > nth+1
		},
	}, more
}
