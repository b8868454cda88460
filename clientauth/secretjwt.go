package clientauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// SecretJWT authenticates a client by an assertion with a MAC made with a secret that it shares with the server
// (client_secret_jwt, OpenID Connect Core §9). The server has to keep the secret itself; [PrivateKeyJWT] does without.
//
// It must not be copied after first use.
type SecretJWT struct {
	// Policy returns what is asked of the assertions of a client. A program that keeps it with the client finds it in
	// c.Data. Nil means the strict policy for every client.
	Policy func(c *avouch.Client) Policy

	// Algorithms are accepted of clients whose registration and policy say no others: of HS256, HS384 and HS512. Nil
	// means HS256.
	Algorithms []keys.Algorithm

	// Throttle slows down who guesses secrets. Nil means one with its defaults, for this method alone.
	Throttle *Throttle

	own Throttle
}

// Method returns "client_secret_jwt".
func (m *SecretJWT) Method() string { return "client_secret_jwt" }

// SigningAlgorithms returns Algorithms or their default.
func (m *SecretJWT) SigningAlgorithms() []keys.Algorithm {
	if m.Algorithms == nil {
		return []keys.Algorithm{keys.HS256}
	}
	return m.Algorithms
}

// Validate refuses algorithms that make no MAC; avouch.New calls it.
func (m *SecretJWT) Validate() error {
	for _, alg := range m.Algorithms {
		if alg != keys.HS256 && alg != keys.HS384 && alg != keys.HS512 {
			return fmt.Errorf("%s is no algorithm of this method", alg)
		}
	}
	return nil
}

// Presented implements avouch.ClientAuth. Assertions whose header names no HMAC are [PrivateKeyJWT]'s.
func (m *SecretJWT) Presented(req *avouch.Request) bool { return presentsAssertion(req) && byMAC(req) }

// Authenticate implements avouch.ClientAuth. The assertion is not spent: its use is in Authentication.Uses.
func (m *SecretJWT) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	throttle := either(m.Throttle, &m.own)
	for nth := 0; ; nth++ {
		j := judge{method: m.method(), req: req, throttle: throttle, nth: nth}
		auth, err := j.authenticate(ctx)
		e, _ := errors.AsType[*assertion.Error](err)
		wrong := e != nil && e.Reason == assertion.BadSignature
		switch {
		case wrong && j.more:
			continue // secrets overlap while they are being replaced
		case wrong: // only what the secret decided counts: an assertion that has expired is no guess
			e := refusal(err)
			e.Count = throttle.counting(req.Now, j.who, false)
			return nil, e
		case err != nil:
			return nil, refused(err)
		}
		auth.Count = throttle.counting(req.Now, j.who, true)
		return auth, nil
	}
}

// Suppose implements avouch.DryAuth: everything about the assertion is checked but its MAC.
func (m *SecretJWT) Suppose(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	j := judge{method: m.method(), req: req}
	report := j.explain(ctx)
	if f, failed := report.Refusal(); failed {
		return nil, found(f)
	}
	return &avouch.Authentication{Client: j.client, Untried: true}, nil
}

// Explain runs every check on the client assertion of a request that can be run, and reports; avouch.Server.Request
// makes a request for it. It spends nothing, so it cannot know what was used before, and it compares no secret: the report
// says that the signature was not tried.
func (m *SecretJWT) Explain(ctx context.Context, req *avouch.Request) *assertion.Report {
	j := judge{method: m.method(), req: req}
	return j.explain(ctx)
}

func (m *SecretJWT) method() method {
	return method{name: m.Method(), policy: m.Policy, algorithms: m.SigningAlgorithms(), credentials: nthSecret}
}

// nthSecret puts the nth live secret of the client into the party. Where there is none, no MAC is accepted.
func nthSecret(j *judge) {
	live := 0
	for i := range j.client.Secrets {
		s := &j.client.Secrets[i]
		if len(s.Value) == 0 || !s.Expires.IsZero() && !j.req.Now.Before(s.Expires) {
			continue
		}
		if live == j.nth {
			j.party.Secret = s.Value
		}
		live++
	}
	j.more = live > j.nth+1
}
