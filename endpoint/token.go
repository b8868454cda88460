package endpoint

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// tokenOf returns the token that a request is about.
func tokenOf(req *avouch.Request) (string, error) {
	if text := req.Param("token"); text != "" {
		return text, nil
	}
	return "", &avouch.Error{Code: avouch.InvalidRequest, Description: "the parameter token is missing"}
}

// isJWT tells the two kinds of tokens apart: a handle has no dots.
func isJWT(text string) bool { return strings.Contains(text, ".") }

// ours verifies an access token of this server, nil where it is none that is good now. Our own clock has made its times, so
// that exp and nbf count to the second; iat may be that of a sibling whose clock is a little ahead.
func ours(ctx context.Context, req *avouch.Request, text string) (*token.Claims, error) {
	public := req.Server().PublicKeys(req.Now)
	if public == nil {
		return nil, errors.New("the server has no public keys")
	}
	verifier := token.Verifier{Issuer: req.Issuer, Keys: public, Algorithms: algorithms(), AnyAudience: true}
	c, err := verifier.Verify(ctx, req.Now, text)
	if refused, ok := errors.AsType[*token.Error](err); ok && refused.Fault != token.KeysUnavailable {
		return nil, nil
	}
	if err != nil {
		return nil, cannotTell(err)
	}
	if !req.Now.Before(c.Expires) || c.NotBefore.After(req.Now) {
		return nil, nil
	}
	return c, nil
}

// algorithms are all that a key of ours may sign with; the key itself says which one it is for.
func algorithms() []keys.Algorithm {
	return []keys.Algorithm{
		keys.ES256, keys.EdDSA, keys.RS256, keys.PS256, keys.ES384, keys.ES512, keys.RS384, keys.RS512, keys.PS384, keys.PS512,
	}
}

// cannotTell is the refusal where something is down. A refusal stays what it is.
func cannotTell(err error) error {
	if refusal, ok := errors.AsType[*avouch.Error](err); ok {
		return refusal
	}
	return &avouch.Error{
		Code: avouch.TemporarilyUnavailable, Description: "cannot look it up at the moment", Err: err, RetryAfter: time.Second,
	}
}
