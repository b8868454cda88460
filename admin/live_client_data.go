package admin

import (
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/storage"
)

// clientData is what a Live keeps in avouch.Client.Data. It is made from the same record as the client's keys, and travels
// with them, so the policy is never older or newer than the keys.
type clientData struct {
	policy  clientauth.Policy
	kids    map[string]bool // of the registered keys; whether each still stands
	fetched *clientKeys     // nil unless the keys are behind a URL
}

func newClientData(c *storage.Client, source *clientKeys) *clientData {
	d := &clientData{policy: clientPolicy(c), kids: make(map[string]bool, len(c.Keys))}
	for i := range c.Keys {
		d.kids[c.Keys[i].ID] = c.Keys[i].State != KeyRevoked
	}
	if c.JWKSURL != "" {
		d.fetched = source
	}
	return d
}

func clientPolicy(c *storage.Client) clientauth.Policy {
	return clientauth.Policy{
		Audience: audiencePolicy(c.Assertions.AudienceMode),
		Policy: assertion.Policy{
			Algorithms:  algorithms(c.Assertions.Algorithms),
			Types:       none(c.Assertions.Types),
			Skew:        c.Assertions.Skew,
			MaxLifetime: c.Assertions.MaxLifetime,
			Replay:      replayPolicy(c.Assertions.Replay),
		},
	}
}

// stands reports whether a token that rests on a signature by this key is still valid. A key that is retiring, or has
// expired since, was good when it signed. A key that was revoked, or is none of the client's, may have been in other
// hands. Of a key behind a URL only we can say that it was revoked: if it is no longer there, it has been rotated.
func (d *clientData) stands(kid string) bool {
	if stands, registered := d.kids[kid]; registered || d.fetched == nil {
		return stands
	}
	return !d.fetched.revokedHere(kid)
}
