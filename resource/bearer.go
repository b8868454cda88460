package resource

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxForm is how much of a form body is searched for a second token. A form that is longer is an upload, and nobody
// who sends a token by accident puts it behind one.
const maxForm = 64 << 10

// bearer takes the access token from the one place where it is accepted, the Authorization header (RFC 6750 §2.1).
// raw is "" where the request carries no token, which is no fault yet.
func bearer(r *http.Request) (raw string, fault *refusal) {
	inQuery := hasParameter(r.URL.RawQuery, "access_token")
	headers := r.Header["Authorization"]
	switch {
	case len(headers) > 1:
		return "", badRequest("the request has more than one Authorization header")
	case len(headers) == 0 && inQuery:
		return "", badRequest("the access token is in the URL; send it in the Authorization header")
	case len(headers) == 0:
		return "", nil
	}
	scheme, rest, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil // another scheme is no bearer token: the caller is told which one we take
	}
	raw = strings.Trim(rest, " ")
	switch {
	case raw == "":
		return "", badRequest("the Authorization header has no token after Bearer")
	case strings.ContainsAny(raw, " \t,"):
		return "", badRequest("the Authorization header holds more than one token")
	case inQuery:
		return "", badRequest("the request has a token in its URL beside the one in the Authorization header")
	}
	return raw, nil
}

// tokenInForm reports whether a form body carries an access token (RFC 6750 §2.2). It leaves the body as it found it,
// and looks at no body that is not a form.
func tokenInForm(r *http.Request) (bool, error) {
	if r.Body == nil || r.Body == http.NoBody || !isForm(r.Header.Get("Content-Type")) {
		return false, nil
	}
	body := bufio.NewReaderSize(r.Body, maxForm)
	start, err := body.Peek(maxForm)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	return hasParameter(string(start), "access_token"), nil
}

// secondToken refuses a request that carries an access token in its form beside the one in the header.
func secondToken(r *http.Request) *refusal {
	found, err := tokenInForm(r)
	switch {
	case err != nil:
		return badRequest("the form could not be read")
	case found:
		return badRequest("the request has a token in its form beside the one in the Authorization header")
	}
	return nil
}

func isForm(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// hasParameter reports whether a form or query has a parameter of this name, with a value or without. Unlike
// [url.ParseQuery] it goes on after what it cannot decode, so that a broken parameter hides no other.
func hasParameter(form, name string) bool {
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		key, _, _ := strings.Cut(pair, "=")
		if key == name {
			return true
		}
		if strings.ContainsAny(key, "%+") {
			if decoded, err := url.QueryUnescape(key); err == nil && decoded == name {
				return true
			}
		}
	}
	return false
}
