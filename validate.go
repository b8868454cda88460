package avouch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/urlcheck"
)

// validate tells every fault of a configuration.
func (c *Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if c.Issuer == "" {
		fault("Issuer is required: the https URL that clients know this server by")
	} else {
		if err := checkURL(c.Issuer, false); err != nil {
			fault("Issuer: %w", err)
		}
		if err := checkURL(c.tokenURL(), true); err != nil {
			fault("TokenURL: %w", err)
		}
		if err := checkURL(c.jwksURL(), true); err != nil {
			fault("JWKSURL: %w", err)
		}
	}
	if c.Audience != "" && !absoluteURI(c.Audience) && !validScope(c.Audience) {
		fault("Audience %q: an absolute URI, or a name without spaces", c.Audience)
	}
	if c.Minter == nil {
		fault("Minter is required: &token.Minter{Key: key} will do")
	} else if v, ok := c.Minter.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			fault("Minter: %w", err)
		}
	}
	if c.TokenLifetime != 0 && c.TokenLifetime < time.Second {
		fault("TokenLifetime %v is less than a second; zero means 15 minutes", c.TokenLifetime)
	}
	if c.Reserve != nil && c.Observe == nil {
		fault("Reserve is set and Observe is not: what is reserved would never be used")
	}
	for _, scope := range c.ScopesSupported {
		if !validScope(scope) {
			fault("ScopesSupported: %q is not a scope (RFC 6749 §3.3)", scope)
		}
	}
	c.validateGrants(fault)
	c.validateClientAuth(fault)
	if c.Issuer != "" {
		c.validateEndpoints(fault)
	}
	if len(faults) > 0 {
		return fmt.Errorf("avouch: the configuration cannot be used:\n%w", errors.Join(faults...))
	}
	return nil
}

func (c *Config) validateGrants(fault func(string, ...any)) {
	if len(c.grants()) == 0 {
		fault("Grants is empty: at least one is required")
	}
	seen := map[string]bool{}
	for i, g := range c.grants() {
		inner, optional := unwrap(g)
		if inner == nil {
			fault("Grants[%d] is nil", i)
			continue
		}
		name := inner.Type()
		if _, refresh := inner.(RefreshGrant); refresh && i < len(c.Grants) {
			fault("Grants[%d] takes refresh tokens: put it in Refresh, so that the server can make them, too", i)
			continue
		}
		switch {
		case name == "" || !validScope(name):
			fault("Grants[%d] has the type %q, which no request can name", i, name)
		case seen[name]:
			fault("Grants[%d]: the type %q is there twice", i, name)
		case !optional && len(c.ClientAuth) == 0:
			fault("grant %s needs an authenticated client, and ClientAuth is empty: offer a method, or wrap it in ClientOptional", name)
		}
		seen[name] = true
		if v, ok := inner.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				fault("grant %s: %w", name, err)
			}
		}
	}
}

func (c *Config) validateClientAuth(fault func(string, ...any)) {
	seen := map[string]bool{}
	for i, m := range c.ClientAuth {
		if m == nil {
			fault("ClientAuth[%d] is nil", i)
			continue
		}
		name := m.Method()
		switch {
		case name == "" || !validScope(name):
			fault("ClientAuth[%d] has the method %q, which no client can be registered for", i, name)
		case seen[name]:
			fault("ClientAuth[%d]: the method %q is there twice", i, name)
		}
		seen[name] = true
		if v, ok := m.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				fault("client authentication method %s: %w", name, err)
			}
		}
		if a, ok := m.(SignedAuth); ok {
			for _, alg := range a.SigningAlgorithms() {
				if strings.EqualFold(string(alg), "none") {
					fault("client authentication method %s: the algorithm %q signs nothing", name, alg)
				}
			}
		}
	}
	if len(c.ClientAuth) > 0 && c.Clients == nil {
		fault("Clients is required where ClientAuth offers methods: nobody could be found")
	}
}

// checkURL says what is wrong with a URL of this server: https, or http on a loopback host; no fragment, no user, and
// a query only where it may have one (RFC 6749 §3.2, RFC 8414 §2).
func checkURL(s string, query bool) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a URL", s)
	case strings.ContainsAny(s, " \"\\<>") || !ascii(s):
		return fmt.Errorf("%q has characters that belong into no URL", s)
	case u.Host == "" || u.Opaque != "":
		return fmt.Errorf("%q is not an absolute URL", s)
	case u.User != nil:
		return fmt.Errorf("%q must not have a user", u.Redacted())
	case strings.Contains(s, "#"):
		return fmt.Errorf("%q must not have a fragment", s)
	case !query && strings.Contains(s, "?"):
		return fmt.Errorf("%q must not have a query", s)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && urlcheck.Loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%q must be https: http is for loopback hosts only", s)
	}
	return fmt.Errorf("%q must be an https URL", s)
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
