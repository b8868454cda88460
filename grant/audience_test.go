package grant_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch"
)

// The operator takes all audiences from a client: from then on it is limited to the server's, whatever was consented to
// before. The word AnyAudience, given in their place, leaves what was consented to.
var withoutAudiences = []struct {
	name   string
	change func(*avouch.Client)
	code   string
}{
	{"all taken", func(c *avouch.Client) { c.Audiences = nil }, "invalid_target"},
	{"all taken, as an empty list", func(c *avouch.Client) { c.Audiences = []string{} }, "invalid_target"},
	{"any in their place", func(c *avouch.Client) { c.Audiences, c.AnyAudience = nil, true }, ""},
}

func TestRefreshWithoutAudiences(t *testing.T) {
	for _, test := range withoutAudiences {
		for _, pairs := range [][]string{nil, {"resource", desk}} {
			s := newRefreshSite().start(t)
			text := s.visit(t, "web").RefreshToken
			s.change("web", test.change)
			a := s.use(t, "web", text, pairs...)
			if a.Error != test.code {
				t.Errorf("%s, asked for %q: %d %s", test.name, pairs, a.Status, a.Error)
			}
			if a := s.use(t, "web", text, "resource", cellar); a.Error != "invalid_target" {
				t.Errorf("%s, beyond the consent: %d %s", test.name, a.Status, a.Error)
			}
		}
	}
}

func TestCodeWithoutAudiences(t *testing.T) {
	for _, test := range withoutAudiences {
		for _, resource := range []string{"", api2} {
			clients := codeClients()
			s := newCodeSite(t, true, func(s *codeSite) { s.config.Clients = clients })
			code := s.code(t, "resource", api2)
			later := *clients[0]
			test.change(&later)
			clients[0] = &later
			a := s.redeem(t, code, "resource", resource)
			if a.Error != test.code {
				t.Errorf("%s, asked for %q: %d %s", test.name, resource, a.Status, a.Error)
			}
			if a.Error == "" {
				continue
			}
			if reason := s.last().Err; reason == nil || resource == "" && !strings.Contains(reason.Error(), "a client without audiences gets") {
				t.Errorf("%s: the log has %v", test.name, reason)
			}
			// Without a resource a consent is for whatever the client may have.
			if a := s.redeem(t, s.code(t)); a.Status != http.StatusOK || a.claims(t)["aud"] != own {
				t.Errorf("%s, a code without a resource: %d %s", test.name, a.Status, a.Error)
			}
		}
	}
}

func TestDeviceWithoutAudiences(t *testing.T) {
	for _, test := range withoutAudiences {
		s := newDeviceSite().start(t)
		c := s.started(t, "resource", "https://other.example")
		s.approve(t, c.UserCode)
		s.change("tv", test.change)
		if a := s.poll(t, c.DeviceCode); a.Error != test.code {
			t.Errorf("%s: %d %s", test.name, a.Status, a.Error)
		}
	}
}

// TestRuleWithoutAudiences: a rule gives its audiences to a client that has them, or may have any.
func TestRuleWithoutAudiences(t *testing.T) {
	const orders = "https://orders.example"
	for _, test := range []struct {
		name      string
		change    func(*avouch.Client)
		audiences []string // of the rule
		resource  string
		aud, code string
	}{
		{"no audiences", func(*avouch.Client) {}, []string{orders}, "", "", "invalid_target"},
		{"no audiences, asked for", func(*avouch.Client) {}, []string{orders}, orders, "", "invalid_target"},
		{"its own", func(c *avouch.Client) { c.Audiences = []string{own, orders} }, []string{orders}, "", orders, ""},
		{"any", func(c *avouch.Client) { c.AnyAudience = true }, []string{orders}, "", orders, ""},
		{"any, and a rule without", func(c *avouch.Client) { c.AnyAudience = true }, nil, "", own, ""},
		{"any, and a rule without, asked for", func(c *avouch.Client) { c.AnyAudience = true }, nil, orders, "", "invalid_target"},
		{"the server's by a rule", func(*avouch.Client) {}, []string{orders, own}, "", own, ""},
	} {
		s := partner()
		s.list[0].Rules[0].ClientID, s.list[0].Rules[0].Audiences = "app", test.audiences
		s.clients = avouch.ClientList{confidential("app", test.change)}
		s.start(t)
		a := s.post(t, sign(t), "resource", test.resource)
		if a.Error != test.code {
			t.Errorf("%s: %d %s; %v", test.name, a.Status, a.Error, s.last().Err)
		} else if test.code == "" && a.claims(t)["aud"] != test.aud {
			t.Errorf("%s: aud is %v, want %s", test.name, a.claims(t)["aud"], test.aud)
		}
	}
}
