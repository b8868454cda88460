package avouch

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// maxResources is how many resources a request may ask for.
const maxResources = 16

// grantAudience decides the aud of a token: what resource parameters ask for (RFC 8707 §2), else the default of grant
// or client, else the server's. Nothing gets there that no policy names.
func (s *Server) grantAudience(resources []string, authz *Authorization, client *Client) ([]string, error) {
	may := s.audiences(authz, client)
	if len(may) == 0 {
		var reason error
		if client != nil && len(client.Audiences) == 0 && len(authz.Audiences) > 0 {
			reason = fmt.Errorf("the grant allows %s, and a client without audiences gets %s only: give the client audiences, or any audience",
				quoteAll(authz.Audiences), quoteAll(s.audience))
		}
		return nil, refuse(InvalidTarget, "there is no resource that client and grant both allow", reason)
	}
	if len(resources) == 0 {
		return may[:1:1], nil
	}
	if len(resources) > maxResources {
		return nil, refuse(InvalidTarget, "more than 16 resources were asked for", nil)
	}
	audience := make([]string, 0, len(resources))
	for _, resource := range resources {
		if !absoluteURI(resource) {
			return nil, refuse(InvalidTarget, "a resource must be an absolute URI without a fragment", nil)
		}
		if !allowed(may, resource) {
			return nil, refuse(InvalidTarget, "the client may not have a token for one of the resources it asks for",
				errors.New("resource "+strconv.QuoteToASCII(clip(resource, 256))+" is none that client and grant allow"))
		}
		if !allowed(audience, resource) {
			audience = append(audience, resource)
		}
	}
	return audience, nil
}

// audiences returns the resources that may be asked for, the default one first.
func (s *Server) audiences(authz *Authorization, client *Client) []string {
	limit := s.audience // nil if there is none
	switch {
	case client == nil:
		limit = nil
	case len(client.Audiences) > 0:
		limit = client.Audiences
	case client.AnyAudience:
		limit = nil
	}
	switch {
	case authz.Audiences == nil && limit == nil:
		return s.audience
	case authz.Audiences == nil:
		return limit
	case limit == nil:
		return authz.Audiences
	}
	var both []string
	for _, a := range authz.Audiences {
		if allowed(limit, a) {
			both = append(both, a)
		}
	}
	return both
}

// quoteAll returns a list for the log, cut if it is long.
func quoteAll(list []string) string {
	return strconv.QuoteToASCII(clip(strings.Join(list, " "), 256))
}

// absoluteURI reports whether s is an absolute URI without a fragment, an empty one included (RFC 3986 §4.3).
func absoluteURI(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c > 0x7e || c == '#' {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "")
}
