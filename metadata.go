package avouch

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/jsonwrite"
	"github.com/avouch-oauth/avouch/internal/panics"
)

// Metadata serves the server's metadata (RFC 8414 §3). Mount it at both of [MetadataPaths].
func (s *Server) Metadata() http.Handler {
	return publicDocument(time.Hour, func() ([]byte, error) { return s.metadata, nil })
}

// MetadataPaths returns where clients look for the metadata of an issuer: the path of RFC 8414 §3.1, which stands
// before the issuer's own, and that of OpenID Connect Discovery 1.0 §4, which stands behind it. Where the issuer has a
// path of its own, clients also look for the OpenID document as RFC 8414 §5 has it; that is the third.
func MetadataPaths(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if path == "" {
		return []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}, nil
	}
	return []string{
		"/.well-known/oauth-authorization-server" + path,
		path + "/.well-known/openid-configuration",
		"/.well-known/openid-configuration" + path,
	}, nil
}

// metadata makes the document. It says what is there and nothing else: members without a value are left out (RFC 8414
// §3.2), also response_types_supported, which has none where there is no authorization endpoint.
func (c *Config) metadata() []byte {
	b := []byte(`{"issuer":`)
	b = jsonwrite.String(b, c.Issuer)
	b = append(b, `,"token_endpoint":`...)
	b = jsonwrite.String(b, c.tokenURL())
	b = append(b, `,"jwks_uri":`...)
	b = jsonwrite.String(b, c.jwksURL())

	list := func(name string, values []string) {
		if len(values) > 0 {
			b = append(b, ',', '"')
			b = append(b, name...)
			b = append(b, '"', ':')
			b = jsonwrite.Strings(b, values)
		}
	}
	var grants, methods, algorithms []string
	for _, g := range c.grants() {
		grants = append(grants, g.Type())
	}
	for _, m := range c.ClientAuth {
		methods = append(methods, m.Method())
		if signed, ok := m.(SignedAuth); ok {
			for _, alg := range signed.SigningAlgorithms() {
				if !slices.Contains(algorithms, string(alg)) {
					algorithms = append(algorithms, string(alg))
				}
			}
		}
	}
	list("scopes_supported", c.ScopesSupported)
	list("grant_types_supported", grants)
	list("token_endpoint_auth_methods_supported", methods)
	list("token_endpoint_auth_signing_alg_values_supported", algorithms)
	for _, e := range c.Endpoints {
		if e.Member != "" {
			b = append(b, ',')
			b = jsonwrite.String(b, e.Member)
			b = append(b, ':')
			b = jsonwrite.String(b, c.endpointURL(e))
		}
		if e.Member == "introspection_endpoint" || e.Member == "revocation_endpoint" {
			offered := methods
			if e.Member == "introspection_endpoint" { // RFC 7662 §2.1 wants credentials
				offered = slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == "none" })
			}
			list(e.Member+"_auth_methods_supported", offered)
			list(e.Member+"_auth_signing_alg_values_supported", algorithms)
		}
		for _, name := range slices.Sorted(maps.Keys(e.Metadata)) {
			value, err := json.Marshal(e.Metadata[name])
			if err != nil {
				continue // validate refuses it
			}
			b = append(b, ',')
			b = jsonwrite.String(b, name)
			b = append(b, ':')
			b = append(b, value...)
		}
	}
	return append(b, '}', '\n')
}

// JWKS serves the public halves of the signing keys (RFC 7517 §5). Mount it where Config.JWKSURL says. Others may keep
// it for [JWKSMaxAge].
func (s *Server) JWKS() http.Handler { return publicDocument(JWKSMaxAge, s.jwks) }

// publicDocument serves a JSON document that everybody may read and keep for a while.
func publicDocument(maxAge time.Duration, document func() ([]byte, error)) http.Handler {
	cache := "public, max-age=" + strconv.Itoa(int(maxAge/time.Second))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "this document is read with GET", http.StatusMethodNotAllowed)
			return
		}
		body, err := document()
		if err != nil {
			http.Error(w, "the document cannot be made at the moment", http.StatusInternalServerError)
			return
		}
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", cache)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body)
		}
	})
}

// jwks makes the JWK set of this moment, and logs why where it cannot.
func (s *Server) jwks() (body []byte, err error) {
	defer func() {
		if err != nil {
			s.log.Error("the JWK set cannot be published", "reason", clip(err.Error(), 4096))
		}
	}()
	defer panics.Catch(&err)
	set := s.minter.PublicKeys(time.Now())
	if set == nil {
		return nil, errors.New("the minter has no public keys")
	}
	return set.MarshalJSON()
}
