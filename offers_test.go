package avouch_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/avouch-oauth/avouch"
)

// TestOffers: an endpoint is told what there is, when its handler is made already.
func TestOffers(t *testing.T) {
	var grants, methods []string
	newSite(t, func(c *avouch.Config) {
		c.Endpoints = []avouch.Endpoint{{Name: "curious", Path: "/curious", Handler: func(s *avouch.Server) http.Handler {
			grants, methods = s.Offers()
			return http.NotFoundHandler()
		}}}
	})
	if want := []string{"client_credentials", voucherType}; !slices.Equal(grants, want) {
		t.Errorf("grants %q, want %q", grants, want)
	}
	if want := []string{"client_secret_basic", "client_secret_post", "none", "stamp"}; !slices.Equal(methods, want) {
		t.Errorf("methods %q, want %q", methods, want)
	}
}
