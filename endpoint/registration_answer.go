package endpoint

import (
	"strings"

	"github.com/avouch-oauth/avouch/keys"
)

// information is the client information response (RFC 7591 §3.2.1, RFC 7592 §3): all that is registered. secret is there
// when it was made just now, token where the client has one, which is as the client showed it.
func (g *registering) information(c *RegisteredClient, secret, token string) map[string]any {
	body := c.Metadata.members()
	body["client_id"] = c.ID
	body["client_id_issued_at"] = c.Issued.Unix()
	if secret != "" {
		body["client_secret"] = secret
	}
	if n := len(c.Secrets); n > 0 {
		body["client_secret_expires_at"] = int64(0)
		if expires := c.Secrets[n-1].Expires; !expires.IsZero() {
			body["client_secret_expires_at"] = expires.Unix()
		}
	}
	if token != "" {
		body["registration_access_token"] = token
		body["registration_client_uri"] = g.configurationURL(c.ID)
	}
	return body
}

// members is the metadata as JSON has it. Keys are written anew from what was understood of them, so that nothing else
// that stood in them can come back.
func (m *Metadata) members() map[string]any {
	body := map[string]any{
		"token_endpoint_auth_method": m.AuthMethod,
		"grant_types":                append([]string{}, m.GrantTypes...),
		"response_types":             append([]string{}, m.ResponseTypes...),
	}
	for name, text := range m.Texts {
		body[name] = text
	}
	for name, list := range map[string][]string{"redirect_uris": m.RedirectURIs, "contacts": m.Contacts} {
		if len(list) > 0 {
			body[name] = list
		}
	}
	for name, text := range map[string]string{
		"client_name": m.Name, "scope": strings.Join(m.Scopes, " "), "jwks_uri": m.KeysURL,
		"token_endpoint_auth_signing_alg": string(m.AuthAlgorithm),
	} {
		if text != "" {
			body[name] = text
		}
	}
	if len(m.Keys) > 0 {
		body["jwks"] = map[string][]keys.Public{"keys": m.Keys}
	}
	if m.RequirePushed {
		body["require_pushed_authorization_requests"] = true
	}
	return body
}
