package clientauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch"
)

// SecretBasic authenticates a client by a shared secret in the Authorization header (client_secret_basic, RFC 6749
// §2.3.1). An empty password is no secret: such a header only names the client.
//
// The zero value is ready for use. It must not be copied after first use.
type SecretBasic struct {
	// Throttle slows down who guesses secrets. Nil means one with its defaults, for this method alone.
	Throttle *Throttle

	own Throttle
}

// Method returns "client_secret_basic".
func (m *SecretBasic) Method() string { return "client_secret_basic" }

// Scheme returns "Basic".
func (m *SecretBasic) Scheme() string { return "Basic" }

// Presented implements avouch.ClientAuth.
func (m *SecretBasic) Presented(req *avouch.Request) bool {
	_, secret, ok := req.BasicAuth()
	return ok && secret != ""
}

// Authenticate implements avouch.ClientAuth.
func (m *SecretBasic) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	id, secret, ok := req.BasicAuth()
	if !ok || secret == "" {
		return nil, failed("there is no secret in the Authorization header")
	}
	return bySecret(ctx, req, m.Method(), id, secret, either(m.Throttle, &m.own))
}

// Suppose implements avouch.DryAuth: the secret is not compared.
func (m *SecretBasic) Suppose(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	id, _, _ := req.BasicAuth()
	return supposeSecret(ctx, req, m.Method(), id)
}

// SecretPost authenticates a client by a shared secret in the form (client_secret_post, RFC 6749 §2.3.1).
//
// The zero value is ready for use. It must not be copied after first use.
type SecretPost struct {
	// Throttle slows down who guesses secrets. Nil means one with its defaults, for this method alone.
	Throttle *Throttle

	own Throttle
}

// Method returns "client_secret_post".
func (m *SecretPost) Method() string { return "client_secret_post" }

// Presented implements avouch.ClientAuth.
func (m *SecretPost) Presented(req *avouch.Request) bool { return req.Param("client_secret") != "" }

// Authenticate implements avouch.ClientAuth.
func (m *SecretPost) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	id, secret := req.Param("client_id"), req.Param("client_secret")
	if id == "" {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "client_secret needs client_id beside it"}
	}
	return bySecret(ctx, req, m.Method(), id, secret, either(m.Throttle, &m.own))
}

// Suppose implements avouch.DryAuth: the secret is not compared.
func (m *SecretPost) Suppose(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	return supposeSecret(ctx, req, m.Method(), req.Param("client_id"))
}

// bySecret is what the two methods have in common. The outcome is counted by the server, which calls Count.
func bySecret(ctx context.Context, req *avouch.Request, method, id, secret string, t *Throttle) (*avouch.Authentication, error) {
	who := t.who(req, id)
	if wait := t.blocked(req.Now, who); wait > 0 {
		return nil, throttled(wait)
	}
	client, reason, err := secretClient(ctx, req, method, id)
	if err != nil {
		return nil, err
	}
	var secrets []avouch.Secret
	if reason == "" {
		secrets = client.Secrets
	}
	sum := sha256.Sum256([]byte(secret)) // the same work for clients that do not exist
	if matches(secrets, sum, req.Now) {
		return &avouch.Authentication{Client: client, Count: t.counting(req.Now, who, true)}, nil
	}
	if reason == "" {
		reason = "the secret is none of the client's live ones"
	}
	refusal := failed(reason)
	refusal.Count = t.counting(req.Now, who, false)
	return nil, refusal
}

// secretClient returns the client that a secret is claimed to be of; reason says why there is none to compare with.
func secretClient(ctx context.Context, req *avouch.Request, method, id string) (client *avouch.Client, reason string, err error) {
	client, err = req.FindClient(ctx, id)
	switch {
	case err != nil:
		return nil, "", err
	case client == nil:
		reason = "no client of the id " + strconv.QuoteToASCII(cut(id))
	case client.AuthMethod != method:
		reason = "the client is registered for another method than " + method
	case client.Disabled:
		reason = "the client is disabled"
	}
	return client, reason, nil
}

// supposeSecret is what becomes of a secret in a dry run.
func supposeSecret(ctx context.Context, req *avouch.Request, method, id string) (*avouch.Authentication, error) {
	if id == "" {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "client_secret needs client_id beside it"}
	}
	client, reason, err := secretClient(ctx, req, method, id)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return nil, failed(reason)
	}
	return &avouch.Authentication{Client: client, Untried: true}, nil
}

// matches compares with every live secret, in a time that does not tell which one it was or how near.
func matches(secrets []avouch.Secret, sum [sha256.Size]byte, now time.Time) bool {
	var none [sha256.Size]byte
	found := 0
	for i := range secrets {
		s := &secrets[i]
		if s.SHA256 == none || !s.Expires.IsZero() && !now.Before(s.Expires) {
			continue
		}
		found |= subtle.ConstantTimeCompare(s.SHA256[:], sum[:])
	}
	return found == 1
}

// failed is the refusal of credentials: one text for the caller, the reason for the operator.
func failed(reason string) *avouch.Error {
	return &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Err: errors.New(reason)}
}

func throttled(wait time.Duration) *avouch.Error {
	return &avouch.Error{
		Code: avouch.InvalidClient, Status: http.StatusTooManyRequests, RetryAfter: wait,
		Description: "too many failed attempts; wait before the next one",
		Err:         errors.New("throttled: too many wrong secrets from this address"),
	}
}

func either(given, own *Throttle) *Throttle {
	if given != nil {
		return given
	}
	return own
}

// cut bounds a stranger's text.
func cut(s string) string {
	const limit = 128
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}
