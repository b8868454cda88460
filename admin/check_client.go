package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/avouch-oauth/avouch/internal/urlcheck"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

// maxClientID is the size of the longest client id, in bytes.
const maxClientID = 255

// clientID checks an id that somebody has chosen: that it could be sent, and that no subject can be taken for it (RFC
// 9068 §5).
func (t *tx) clientID(ctx context.Context, f field, id string) error {
	if id == "" {
		f.fault("a client needs an id")
		return nil
	}
	if !f.visible(id, maxClientID) {
		return nil
	}
	if err := t.load(ctx); err != nil {
		return err
	}
	switch {
	case id == t.options.Issuer:
		f.fault("it is the issuer identifier of this server")
	case len(t.subjects[id]) > 0:
		f.fault("rules (%s) give tokens to a subject of this name; tokens of the two could not be told apart", names(t.subjects[id]))
	}
	for _, i := range t.issuers {
		switch {
		case id == i.URL:
			f.fault("it is the URL of issuer %q", i.Name)
		case strings.HasPrefix(id, i.Name+"/"):
			f.fault("subjects of issuer %q are called %s/...; a client must not be", i.Name, i.Name)
		}
	}
	return nil
}

// client checks a whole client, consistent with its keys and secrets (RFC 7591 §2). Where there are faults in members
// they are at f.
func (t *tx) checkClient(f field, c *storage.Client) {
	m := metadataOf(c)
	f.in("client_name").text(m.Name, 200)
	f.in("token_endpoint_auth_method").oneOf(m.AuthMethod, t.options.AuthMethods...)
	f.in("grant_types").distinct(m.GrantTypes, 20)
	for i, g := range m.GrantTypes {
		f.in("grant_types").at(i).oneOf(g, t.options.Grants...)
	}
	f.in("redirect_uris").redirectURIs(m.RedirectURIs)
	t.checkFlows(f, c)
	f.in("audiences").resources(m.Audiences)
	if m.AnyAudience && len(m.Audiences) > 0 {
		f.in("any_audience").fault("audiences and any_audience exclude each other: remove any_audience to limit the client to its list, or remove the list so that the audiences of each rule are the limit")
	}
	f.in("token_lifetime").duration(m.TokenLifetime, minTokenLifetime, MaxTokenLifetime)
	if m.DefaultScope != "" {
		f.in("default_scope").scopesWithin(c.DefaultScopes, c.Scopes)
	}
	f.in("client_uri").link(m.ClientURL)
	f.in("logo_uri").link(m.LogoURL)
	f.in("tos_uri").link(m.TermsURL)
	f.in("policy_uri").link(m.PolicyURL)
	f.in("contacts").distinct(m.Contacts, 20)
	for i, contact := range m.Contacts {
		f.in("contacts").at(i).text(contact, 200)
	}
	f.in("software_id").text(m.SoftwareID, 200)
	f.in("software_version").text(m.SoftwareVersion, 200)
	t.checkCredentials(f, c)
	t.checkClientPolicy(f, c)
}

// maxRedirectURIs is how many redirect URIs a client has at the most.
const maxRedirectURIs = 20

// redirectURIs checks where browsers may be sent.
func (f field) redirectURIs(list []string) {
	f.distinct(list, maxRedirectURIs)
	for i, uri := range list {
		if uri == "" {
			continue // told by distinct
		}
		if err := urlcheck.Redirect(uri); err != nil {
			f.at(i).fault("%v", err)
		}
	}
}

// responseTypes checks that response types and grant types go together (RFC 7591 §2.1). No response types at all means
// those that the grant types imply.
func (f field) responseTypes(list, grants []string) {
	f.distinct(list, 20)
	for i, r := range list {
		f.at(i).oneOf(r, responseCode)
	}
	switch code := slices.Contains(grants, grantAuthorizationCode); {
	case slices.Contains(list, responseCode) && !code:
		f.fault("code needs authorization_code in grant_types (RFC 7591 §2.1)")
	case len(list) > 0 && !slices.Contains(list, responseCode) && code:
		f.fault("authorization_code in grant_types needs code (RFC 7591 §2.1)")
	}
}

// checkFlows checks that a client has what its grants need.
func (t *tx) checkFlows(f field, c *storage.Client) {
	code := slices.Contains(c.Grants, grantAuthorizationCode)
	if code && len(c.RedirectURIs) == 0 {
		f.in("redirect_uris").fault("authorization_code needs at least one (RFC 7591 §2)")
	}
	if c.RequirePushed && !code {
		f.in("require_pushed_authorization_requests").fault("it is for authorization requests, and the client may not use authorization_code")
	}
	f.in("introspects").resources(c.Introspects)
	if len(c.Introspects) > 0 && authMethod(c) == methodNone {
		f.in("introspects").fault("only a client that authenticates may introspect tokens (RFC 7662 §2.1); this one's token_endpoint_auth_method is none")
	}
}

// checkCredentials checks that a client has what its method needs, and nothing that it cannot be used with.
func (t *tx) checkCredentials(f field, c *storage.Client) {
	method := authMethod(c)
	live := slices.ContainsFunc(c.Keys, func(k storage.ClientKey) bool { return k.State != KeyRevoked })
	if c.JWKSURL != "" {
		f.in("jwks_uri").fetched(c.JWKSURL, c.AllowPrivateAddresses)
		if live {
			f.in("jwks_uri").fault("jwks and jwks_uri exclude each other (RFC 7591 §2): the client has registered keys; revoke them first, or leave jwks_uri out. What was revoked does not verify by a URL either, so it has to publish new ones")
		}
	}
	switch {
	case method == methodPrivateKeyJWT && c.JWKSURL == "" && len(c.Keys) == 0 && !f.in("jwks").faulty() && !f.in("keys").faulty():
		f.in("jwks").fault("private_key_jwt needs public keys: give jwks or jwks_uri, or another token_endpoint_auth_method")
	case method == methodNone && slices.Contains(c.Grants, grantClientCredentials):
		f.in("grant_types").fault("client_credentials is for clients that authenticate (RFC 6749 §4.4); this one's token_endpoint_auth_method is none")
	}
	if len(c.Secrets) > 0 && !usesSecret(method) {
		f.in("token_endpoint_auth_method").fault("the client has secrets, and %s does not use any: remove them, or choose a method that does", method)
	}
	for _, s := range c.Secrets {
		if (len(s.Sealed) > 0) != (method == methodSecretJWT) {
			f.in("token_endpoint_auth_method").fault("secret %s is kept %s, and %s needs it kept otherwise: remove it and make a new one", s.ID, howKept(s), method)
		}
	}
	if c.AuthAlgorithm != "" {
		allowed := signatures
		if method == methodSecretJWT {
			allowed = macs
		}
		if method != methodSecretJWT && method != methodPrivateKeyJWT {
			f.in("token_endpoint_auth_signing_alg").fault("%s signs nothing", method)
		} else {
			f.in("token_endpoint_auth_signing_alg").algorithm(c.AuthAlgorithm, allowed)
		}
	}
}

func howKept(s storage.ClientSecret) string {
	if len(s.Sealed) > 0 {
		return "encrypted"
	}
	return "as a hash"
}

func usesSecret(method string) bool {
	return method == methodSecretBasic || method == methodSecretPost || method == methodSecretJWT
}

// authMethod is the method of a client, its default put in.
func authMethod(c *storage.Client) string {
	if c.AuthMethod == "" {
		return methodPrivateKeyJWT
	}
	return c.AuthMethod
}

func (t *tx) checkClientPolicy(f field, c *storage.Client) {
	f = f.in("assertions")
	p := policyOf(&c.Assertions)
	allowed := signatures
	if authMethod(c) == methodSecretJWT {
		allowed = macs
	}
	f.policy(&p, allowed)
	f.in("audience_mode").oneOf(p.AudienceMode, audienceStrict, audienceFAPI2, audienceLegacy)
	if p.Audiences != nil && !slices.Contains(c.Grants, grantJWTBearer) {
		f.in("audiences").fault("it is for the grants that a client signs, and this one may not use %s; audience_mode says what its client assertions may name", grantJWTBearer)
	}
	f.checkAudiences(p.Audiences)
	if c.AuthAlgorithm != "" && len(p.Algorithms) > 0 && !slices.ContainsFunc(p.Algorithms, func(alg string) bool { return algorithm(alg) == algorithm(c.AuthAlgorithm) }) {
		f.in("algorithms").fault("token_endpoint_auth_signing_alg is %s, which is not among them: no assertion could pass", c.AuthAlgorithm)
	}
}

// checkSelfSigned checks a client against the rules by which it signs for itself.
func (t *tx) checkSelfSigned(ctx context.Context, f field, c *storage.Client) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	own := map[string]bool{}
	var rules []trust.Rule
	for name := range t.clients[c.ID] {
		if r := t.rules[name]; r.Client == c.ID {
			own[name] = true
			rules = append(rules, trustRule(r))
		}
	}
	if len(own) == 0 {
		return nil
	}
	if c.Assertions.Replay == replaySameClient {
		t.rulesRequireClient(f.in("assertions.replay"), own)
	}
	f.compiles(clientEntry(c, rules))
	return nil
}
