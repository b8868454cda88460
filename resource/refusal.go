package resource

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/token"
)

var (
	// ErrInvalidToken means that the token is not one this API accepts: malformed, not an access token, of another
	// issuer, for another API, expired, not signed by a key of the issuer, or revoked by what the issuer says
	// ([Config].Introspect).
	ErrInvalidToken = errors.New("resource: the access token is not accepted")

	// ErrUnavailable means that the issuer's keys could not be had, or that it could not be asked, so that nothing can be
	// said about the token. The answer over HTTP is 503: it is our outage, and neither lets anybody in nor calls a good
	// token bad.
	ErrUnavailable = errors.New("resource: access tokens cannot be verified at the moment")
)

// refusal is what the caller of the API learns (RFC 6750 §3.1).
type refusal struct {
	status      int
	code        string // "" where the request carries no token: the RFC wants no error code then
	description string // ASCII without quotes and backslashes, never from input
}

func badRequest(description string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", description}
}

var (
	noToken = &refusal{status: http.StatusUnauthorized}

	invalidToken = &refusal{http.StatusUnauthorized, "invalid_token",
		"the access token is malformed, expired, or not meant for this API; get a new one"}

	// expired is told apart because the signature holds and the caller can mend it at once.
	expired = &refusal{http.StatusUnauthorized, "invalid_token", "the access token has expired; get a new one"}

	insufficientScope = &refusal{http.StatusForbidden, "insufficient_scope",
		"the access token lacks a scope that this request needs"}

	unavailable = &refusal{http.StatusServiceUnavailable, "temporarily_unavailable",
		"access tokens cannot be verified at the moment; try again"}
)

// notAccepted is what the caller learns of a token that was judged bad.
func notAccepted(err error) *refusal {
	if e, ok := errors.AsType[*token.Error](err); ok && e.Fault == token.Expired {
		return expired
	}
	return invalidToken
}

// retryAfter is how many seconds a caller is asked to wait where the issuer's keys cannot be had.
const retryAfter = 5

// write sends a refusal. scope is what the request would have needed, "" where any token will do.
func (g *Guard) write(w http.ResponseWriter, f *refusal, scope string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if f.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	} else {
		h.Set("WWW-Authenticate", g.challenge(f, scope))
	}
	if f.code == "" {
		w.WriteHeader(f.status)
		return
	}
	body, _ := json.Marshal(map[string]string{"error": f.code, "error_description": f.description})
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(f.status)
	_, _ = w.Write(append(body, '\n')) // the caller has gone: nobody is left to tell
}

// challenge is the value of WWW-Authenticate (RFC 6750 §3, RFC 9728 §5.1).
func (g *Guard) challenge(f *refusal, scope string) string {
	c := make([]byte, 0, 256)
	c = append(c, "Bearer"...)
	separator := byte(' ')
	add := func(name, value string) {
		if value == "" {
			return
		}
		if separator == ',' {
			c = append(c, ',')
		}
		c = append(c, ' ')
		c = append(c, name...)
		c = append(c, '=')
		c = appendQuoted(c, value)
		separator = ','
	}
	add("realm", g.realm)
	add("error", f.code)
	add("error_description", f.description)
	add("scope", scope)
	add("resource_metadata", g.metadataURL)
	return string(c)
}

// appendQuoted writes a quoted-string (RFC 9110 §5.6.4).
func appendQuoted(dst []byte, value string) []byte {
	dst = append(dst, '"')
	for i := range len(value) {
		if strings.IndexByte(`"\`, value[i]) >= 0 {
			dst = append(dst, '\\')
		}
		dst = append(dst, value[i])
	}
	return append(dst, '"')
}
