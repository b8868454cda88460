package grant_test

import (
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

// TestPublicClientIsNotAuthenticated: a client that is registered for "none" only says who it is, as anybody can. Where a
// client must authenticate, or where the use of an assertion is bound to one, that is worth nothing.
func TestPublicClientIsNotAuthenticated(t *testing.T) {
	public := func(c *avouch.Client) { c.AuthMethod, c.Secrets = "none", nil }
	for name, change := range map[string]func(*site){
		"issuer":        issuer(func(i *trust.Issuer) { i.RequireClient = true }),
		"rule":          rule(func(r *trust.Rule) { r.RequireClient = true }),
		"rule, by name": rule(func(r *trust.Rule) { r.RequireClient, r.ClientID = true, "app" }),
		"re-use": issuer(func(i *trust.Issuer) {
			i.Replay, i.RequireClient = assertion.SameClientUntilExpiry, true
		}),
	} {
		t.Run(name, func(t *testing.T) {
			s := partner()
			all(clients(confidential("app", public)), change)(s)
			s.start(t)
			if a := s.post(t, sign(t), "client_id", "app"); a.Error != "invalid_grant" {
				t.Errorf("%+v", a)
			}
			report := s.explain(t, s.form(sign(t)), s.clients[0])
			if report.Accepted {
				t.Error("explained as accepted")
			}
		})
	}
	t.Run("not required", func(t *testing.T) {
		s := partner()
		clients(confidential("app", public))(s)
		s.start(t)
		if a := s.post(t, sign(t), "client_id", "app"); a.Status != 200 || a.claims(t)["client_id"] != "app" {
			t.Errorf("%+v, %v", a, s.last().Err)
		}
	})
}
