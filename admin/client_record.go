package admin

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// metadataOf is a client's metadata as its record has it.
func metadataOf(c *storage.Client) ClientMetadata {
	m := ClientMetadata{
		Name:                  c.Name,
		AuthMethod:            c.AuthMethod,
		AuthAlgorithm:         c.AuthAlgorithm,
		GrantTypes:            none(c.Grants),
		Scope:                 strings.Join(c.Scopes, " "),
		JWKSURL:               c.JWKSURL,
		RedirectURIs:          none(c.RedirectURIs),
		RequirePushed:         c.RequirePushed,
		Introspects:           none(c.Introspects),
		DefaultScope:          strings.Join(c.DefaultScopes, " "),
		Audiences:             none(c.Audiences),
		AnyAudience:           c.AnyAudience,
		TokenLifetime:         Duration(c.TokenLifetime),
		AllowPrivateAddresses: c.AllowPrivateAddresses,
		Assertions:            policyOf(&c.Assertions),
	}
	for member, to := range m.extra() {
		if text, ok := c.Extra[member]; ok {
			_ = json.Unmarshal(text, to) // written by record below
		}
	}
	return m
}

// extra are the members that mean nothing to this server and are kept as JSON.
func (m *ClientMetadata) extra() map[string]any {
	return map[string]any{
		"client_uri":       &m.ClientURL,
		"logo_uri":         &m.LogoURL,
		"tos_uri":          &m.TermsURL,
		"policy_uri":       &m.PolicyURL,
		"contacts":         &m.Contacts,
		"software_id":      &m.SoftwareID,
		"software_version": &m.SoftwareVersion,
	}
}

// record puts metadata into a record; keys, secrets, id and times stay.
func (m *ClientMetadata) record(f field, c *storage.Client) {
	c.Name = m.Name
	c.AuthMethod = m.AuthMethod
	if c.AuthMethod == methodPrivateKeyJWT {
		c.AuthMethod = "" // the default is kept as such, so that a document may say it or not
	}
	c.AuthAlgorithm = m.AuthAlgorithm
	c.Grants = none(m.GrantTypes)
	c.Scopes = f.in("scope").scopes(m.Scope)
	c.JWKSURL = m.JWKSURL
	c.RedirectURIs = none(m.RedirectURIs)
	f.in("response_types").responseTypes(m.ResponseTypes, m.GrantTypes)
	c.RequirePushed = m.RequirePushed
	c.Introspects = none(m.Introspects)
	c.DefaultScopes = f.in("default_scope").scopes(m.DefaultScope)
	c.Audiences = none(m.Audiences)
	c.AnyAudience = m.AnyAudience
	c.TokenLifetime = time.Duration(m.TokenLifetime)
	c.AllowPrivateAddresses = m.AllowPrivateAddresses
	c.Assertions = m.Assertions.record()
	extra := maps.Clone(c.Extra) // others than ours, such as names in a language, stay
	for member, value := range m.extra() {
		delete(extra, member)
		text, err := json.Marshal(value)
		if err != nil || string(text) == `""` || string(text) == "null" || string(text) == "[]" {
			continue
		}
		if extra == nil {
			extra = map[string]json.RawMessage{}
		}
		extra[member] = text
	}
	if c.Extra = extra; len(extra) == 0 {
		c.Extra = nil
	}
}

func policyOf(p *storage.AssertionPolicy) AssertionPolicy {
	return AssertionPolicy{
		AudienceMode:    p.AudienceMode,
		Audiences:       none(p.Audiences),
		Algorithms:      none(p.Algorithms),
		Types:           none(p.Types),
		Skew:            Duration(p.Skew),
		MaxLifetime:     Duration(p.MaxLifetime),
		Replay:          p.Replay,
		SubjectOptional: p.SubjectOptional,
		ScopeClaim:      p.ScopeClaim,
	}
}

// record is the policy as it is kept. Words for the defaults are kept as "".
func (p *AssertionPolicy) record() storage.AssertionPolicy {
	r := storage.AssertionPolicy{
		AudienceMode:    p.AudienceMode,
		Audiences:       none(p.Audiences),
		Algorithms:      none(p.Algorithms),
		Types:           none(p.Types),
		Skew:            time.Duration(p.Skew),
		MaxLifetime:     time.Duration(p.MaxLifetime),
		Replay:          p.Replay,
		SubjectOptional: p.SubjectOptional,
		ScopeClaim:      p.ScopeClaim,
	}
	if r.AudienceMode == audienceStrict {
		r.AudienceMode = ""
	}
	if r.Replay == replayOnce {
		r.Replay = ""
	}
	return r
}

// none makes an empty list nil: stores do not tell the two apart, and here they mean the same.
func none[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// clientView is a client as it is shown.
func clientView(c *storage.Client, at time.Time) *Client {
	v := &Client{ID: c.ID, ClientMetadata: metadataOf(c), Disabled: c.Disabled, Itself: c.RegistrationSHA256 != nil, Created: c.Created, Updated: c.Updated, Revision: c.Revision}
	v.AuthMethod = authMethod(c)
	for i := range c.Keys {
		v.Keys = append(v.Keys, keyView(&c.Keys[i], at))
	}
	for i := range c.Secrets {
		v.Secrets = append(v.Secrets, secretView(&c.Secrets[i]))
	}
	return v
}

// clientState is what may change about a client beside its keys and secrets.
func clientState(c *storage.Client) any {
	return struct {
		ClientMetadata
		Disabled bool `json:"disabled,omitempty"`
	}{metadataOf(c), c.Disabled}
}
