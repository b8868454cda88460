package resource

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/metadata"
	"github.com/avouch-oauth/avouch/keys"
)

// Config says whose access tokens an API accepts. Issuer and Audience are required.
type Config struct {
	// Issuer is the issuer identifier of the authorization server, byte for byte as it stands in its metadata and in
	// its tokens: an https URL; http for loopback hosts only.
	Issuer string

	// Audience is this API as tokens name it in aud: its resource identifier (RFC 8707 §2, RFC 9728 §1.2), usually its
	// https base URL. A token whose aud lacks it is refused. Where it is a URL the guard publishes
	// protected-resource metadata for it; any other value works too, without metadata.
	Audience string

	// Keys are the issuer's keys. Nil means that they are found by the issuer's metadata (RFC 8414) when the first
	// token comes, kept, and looked for again as the issuer rotates them, on private addresses too, and by no proxy. For
	// a proxy, or certificates of an authority of your own, put a keys.Discover with your options here.
	Keys keys.Source

	// Algorithms that tokens may be signed with. Nil means keys.DefaultAlgorithms.
	Algorithms []keys.Algorithm

	// Skew is how far clocks may differ. Zero means 10 s; more than 60 s is cut to 60 s.
	Skew time.Duration

	// Introspect has the issuer asked about each token that is good by itself, for APIs that want to know at once when a
	// token was revoked or its client disabled. Nil means that nobody is asked, and a good token is good until its exp.
	Introspect *Introspection

	// Realm is the realm of challenges (RFC 9110 §11.5). "" leaves it out, unless the Audience is no URL: a challenge
	// needs something to say, and then it says the Audience.
	Realm string

	// Name, Documentation and Scopes describe the API in its metadata: a name for people, a page for developers, and
	// the scopes it knows. "" and nil leave them out. Scopes binds nothing: Require does.
	Name          string
	Documentation string
	Scopes        []string

	// Log gets one line for each refused token, with the reason that the caller does not learn; never the token. Nil
	// discards.
	Log *slog.Logger
}

// check tells all faults at once.
func (c *Config) check() error {
	var faults []error
	if err := metadata.CheckIssuer(c.Issuer); err != nil {
		faults = append(faults, fmt.Errorf("the Issuer: %w", err))
	}
	switch {
	case c.Audience == "":
		faults = append(faults, errors.New("no Audience: name this API as tokens name it in aud, or a token for any API would do"))
	case !printable(c.Audience) || strings.Contains(c.Audience, " "):
		faults = append(faults, fmt.Errorf("the Audience %q holds a space or a character that is not printable ASCII", c.Audience))
	}
	if c.Introspect != nil {
		faults = append(faults, c.Introspect.check(c.Issuer))
	}
	if !printable(c.Realm) {
		faults = append(faults, fmt.Errorf("the Realm %q holds a character that is not printable ASCII", c.Realm))
	}
	for _, scope := range c.Scopes {
		if err := checkScope(scope); err != nil {
			faults = append(faults, fmt.Errorf("among Scopes, %w", err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("resource: %w", err)
	}
	return nil
}

// checkScope holds a scope to the characters of RFC 6749 §3.3.
func checkScope(scope string) error {
	if scope == "" {
		return errors.New("a scope is empty")
	}
	for i := range len(scope) {
		if c := scope[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return fmt.Errorf("scope %q holds a character that scopes cannot have (RFC 6749 §3.3); name several scopes one by one", scope)
		}
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// wellKnown returns where the metadata of a resource is to be found (RFC 9728 §3.1): the URL, and its path. Both are
// "" where the resource identifier is not a URL that can be served: https, or http of a loopback host, without a query.
func wellKnown(resource string) (location, path string) {
	if metadata.CheckURL(resource) != nil || strings.Contains(resource, "?") {
		return "", ""
	}
	u, err := url.Parse(resource)
	if err != nil {
		return "", ""
	}
	path = "/.well-known/oauth-protected-resource"
	if p := u.EscapedPath(); p != "/" {
		path += p
	}
	return u.Scheme + "://" + u.Host + path, path
}
