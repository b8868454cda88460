package avouch

import (
	"errors"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/internal/scope"
)

// maxScopes is how many scopes a request may ask for.
const maxScopes = 128

// grantScopes decides which scopes a token has.
//
// The ceiling is what both the grant and the registered client allow. A parameter beyond it is refused. Scopes that
// the grant carries itself are narrowed to it, and a parameter narrows them further; where neither asks for any, the
// default is given, never the ceiling.
func grantScopes(parameter string, authz *Authorization, client *Client) ([]string, error) {
	asked, err := parseScope(parameter)
	if err != nil {
		return nil, err
	}
	for _, scope := range asked {
		if !withinCeiling(scope, authz, client) {
			return nil, refuse(InvalidScope, "the client may not have one of the scopes it asks for",
				errors.New("scope "+strconv.QuoteToASCII(clip(scope, 128))+" is beyond what client and grant allow"))
		}
	}
	wanted := asked
	switch {
	case authz.Asserted != nil && asked != nil:
		wanted = nil
		for _, scope := range asked {
			if allowed(authz.Asserted, scope) {
				wanted = append(wanted, scope)
			}
		}
		if wanted == nil {
			return nil, refuse(InvalidScope, "none of the scopes asked for is in the grant", nil)
		}
	case authz.Asserted != nil:
		wanted = authz.Asserted
	case asked == nil && authz.DefaultScopes != nil:
		wanted = authz.DefaultScopes
	case asked == nil && client != nil:
		wanted = client.DefaultScopes
	}
	var granted []string
	for _, scope := range wanted {
		if validScope(scope) && withinCeiling(scope, authz, client) && !allowed(granted, scope) {
			granted = append(granted, scope)
		}
	}
	return granted, nil
}

// withinCeiling reports whether both the grant and the registered client allow a scope.
func withinCeiling(scope string, authz *Authorization, client *Client) bool {
	if client != nil && !allowed(client.Scopes, scope) {
		return false
	}
	if authz.Scopes == nil {
		return client != nil // a client that is not registered has no ceiling but the grant's
	}
	return allowed(authz.Scopes, scope)
}

// ceiling lists the scopes that both the grant and the registered client allow.
func ceiling(authz *Authorization, client *Client) []string {
	all := authz.Scopes
	if all == nil && client != nil {
		all = client.Scopes
	}
	var within []string
	for _, scope := range all {
		if withinCeiling(scope, authz, client) && !allowed(within, scope) {
			within = append(within, scope)
		}
	}
	return within
}

// parseScope reads a scope parameter (RFC 6749 §3.3): nil for an absent one.
func parseScope(parameter string) ([]string, error) {
	if parameter == "" {
		return nil, nil
	}
	if strings.Count(parameter, " ") >= maxScopes {
		return nil, refuse(InvalidScope, "more than 128 scopes were asked for", nil)
	}
	scopes := strings.Split(parameter, " ")
	for _, scope := range scopes {
		if !validScope(scope) {
			return nil, refuse(InvalidScope, "the scope parameter is malformed: scopes are separated by one space and made of printable ASCII without quotes and backslashes", nil)
		}
	}
	return scopes, nil
}

// validScope reports whether s is a scope-token of RFC 6749 §3.3.
func validScope(s string) bool { return scope.Valid(s) }
