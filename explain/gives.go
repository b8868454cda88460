package explain

import (
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
)

// Gives is what a request gets. Of a request that is refused it is what is known all the same: the members of the token
// are not set then.
type Gives struct {
	Client  string `json:"client_id,omitempty"`
	Subject string `json:"sub,omitempty"`    // of the token
	Nobody  bool   `json:"nobody,omitempty"` // no user is identified: the token represents the client

	// Of the token.
	Scope     string   `json:"scope,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	ExpiresIn int64    `json:"expires_in,omitempty"` // seconds
	Refresh   bool     `json:"refresh_token,omitempty"`

	// What the request may ask for, and what grant and client each allow: null sets no limit.
	MayAsk MayAsk `json:"may_ask"`

	// What it rests on.
	Issuer  string   `json:"iss,omitempty"`
	Rule    string   `json:"rule,omitempty"`
	KeyIDs  []string `json:"kids,omitempty"`
	Consent string   `json:"consent,omitempty"`
}

// MayAsk is what a request may ask for.
type MayAsk struct {
	Scope         string   `json:"scope"`
	Resources     []string `json:"resources,omitempty"`
	GrantScopes   []string `json:"grant_scopes"`
	ClientScopes  []string `json:"client_scopes"`
	GrantDefaults []string `json:"grant_default_scopes,omitempty"`
}

// gives reads a decision. It is nil if the grant has not decided.
func gives(d *avouch.Decision) *Gives {
	z := d.Authorization
	if z == nil {
		return nil
	}
	g := &Gives{
		Client: z.ClientID, Subject: z.Subject, Nobody: z.Subject == "",
		Issuer: z.Issuer, Rule: z.Rule, Consent: z.Family,
	}
	scopes, resources := d.MayAsk()
	g.MayAsk = MayAsk{Scope: strings.Join(scopes, " "), Resources: resources, GrantScopes: z.Scopes, GrantDefaults: z.DefaultScopes}
	if d.Client != nil {
		g.MayAsk.ClientScopes = d.Client.Scopes
	}
	if c := d.Claims; c != nil {
		g.Client, g.Subject, g.Scope, g.Audience, g.KeyIDs = c.ClientID, c.Subject, strings.Join(c.Scopes, " "), c.Audience, c.Origin.KeyIDs
		g.ExpiresIn, g.Refresh = int64(d.Lifetime/time.Second), d.Refresh
	}
	return g
}
