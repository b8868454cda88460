// Package metadata fetches what an authorization server says of itself (RFC 8414, OpenID Connect Discovery 1.0), and
// believes it only if it names the issuer that was asked for.
package metadata

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// Document is the part of an authorization server's metadata that Avouch needs (RFC 8414 §2). The URLs are "" where the
// server does not have them; they have been checked by [CheckURL].
type Document struct {
	Issuer                string
	TokenEndpoint         string
	JWKSURI               string
	IntrospectionEndpoint string

	// Where a person is needed. They are "" too where CheckURL refuses them: most of those who fetch metadata do without.
	AuthorizationEndpoint       string
	DeviceAuthorizationEndpoint string
	NamesItself                 bool // authorization_response_iss_parameter_supported (RFC 9207 §3)
}

// ErrMismatch means that metadata names another issuer than the one it was asked for (RFC 8414 §3.3). Whoever goes on
// all the same can be made to sign for another server (CVE-2025-27370, CVE-2025-27371).
var ErrMismatch = errors.New("the metadata names another issuer")

// Fetch asks an issuer for its metadata: at the well-known path of RFC 8414, then at those of OpenID Connect where the
// server has no such document (a web page is none). It follows no redirects. The client decides which addresses may be dialled and how long
// it takes.
func Fetch(ctx context.Context, client *http.Client, issuer string) (*Document, error) {
	places, err := locations(issuer)
	if err != nil {
		return nil, err
	}
	var missing []error
	for _, place := range places {
		answer, err := safehttp.Get(ctx, client, place, "")
		if err != nil {
			return nil, fmt.Errorf("metadata of %s: %w", issuer, err)
		}
		refusal := answer.Err()
		switch {
		case refusal == nil && strings.Contains(answer.Header.Get("Content-Type"), "html"):
			refusal = errors.New("a web page") // as sites do that have one for every path
		case refusal == nil:
			document, err := parse(answer.Body, issuer)
			if err != nil {
				return nil, fmt.Errorf("metadata of %s, from %s: %w", issuer, place, err)
			}
			return document, nil
		case answer.Status >= 500 || answer.Status == http.StatusTooManyRequests:
			return nil, fmt.Errorf("metadata of %s: %s answers with %w", issuer, place, refusal)
		}
		missing = append(missing, fmt.Errorf("%s answers with %w", place, refusal))
	}
	return nil, fmt.Errorf("%s has no metadata: %w", issuer, errors.Join(missing...))
}

// parse reads a document, which must name the issuer byte for byte.
func parse(text []byte, issuer string) (*Document, error) {
	object, err := strictjson.Parse(text)
	if err != nil {
		return nil, err
	}
	d := new(Document)
	d.Issuer, _ = object.Get("issuer").Text()
	if d.Issuer != issuer {
		return nil, fmt.Errorf("%w: issuer is %.200q, and we asked %q", ErrMismatch, d.Issuer, issuer)
	}
	for name, to := range map[string]*string{
		"token_endpoint": &d.TokenEndpoint, "jwks_uri": &d.JWKSURI, "introspection_endpoint": &d.IntrospectionEndpoint,
	} {
		value := object.Get(name)
		if value.Kind() == strictjson.Absent || value.Kind() == strictjson.Null {
			continue
		}
		text, ok := value.Text()
		if !ok {
			return nil, fmt.Errorf("%s is not a string", name)
		}
		if err := CheckURL(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		*to = text
	}
	for name, to := range map[string]*string{
		"authorization_endpoint": &d.AuthorizationEndpoint, "device_authorization_endpoint": &d.DeviceAuthorizationEndpoint,
	} {
		if text, ok := object.Get(name).Text(); ok && CheckURL(text) == nil {
			*to = text
		}
	}
	d.NamesItself, _ = object.Get("authorization_response_iss_parameter_supported").Bool()
	return d, nil
}

// locations are the places where the metadata of an issuer may be: RFC 8414 §3.1 puts the well-known path in front of
// the issuer's own, OpenID Connect Discovery §4 behind it, and RFC 8414 §5 the latter's name in front.
func locations(issuer string) ([]string, error) {
	if err := CheckIssuer(issuer); err != nil {
		return nil, err
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	host := u.Scheme + "://" + u.Host
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{
		host + "/.well-known/oauth-authorization-server" + path,
		host + path + "/.well-known/openid-configuration",
	}
	if path != "" {
		places = append(places, host+"/.well-known/openid-configuration"+path)
	}
	return places, nil
}
