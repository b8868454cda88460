package avouch

import (
	"maps"
	"slices"
)

// Offers tells which grant types and which client authentication methods the server offers, sorted: for endpoints that
// must not promise more, such as one that registers clients.
func (s *Server) Offers() (grantTypes, authMethods []string) {
	for _, m := range s.methods {
		authMethods = append(authMethods, m.Method())
	}
	if s.none != nil {
		authMethods = append(authMethods, s.none.Method())
	}
	slices.Sort(authMethods)
	return slices.Sorted(maps.Keys(s.grants)), authMethods
}
