package endpoint

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/internal/scope"
	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/internal/urlcheck"
	"github.com/avouch-oauth/avouch/keys"
)

// Client authentication methods and grant types that have rules of their own here.
const (
	methodSecretBasic   = "client_secret_basic"
	methodSecretPost    = "client_secret_post"
	methodSecretJWT     = "client_secret_jwt"
	methodPrivateKeyJWT = "private_key_jwt"
	methodNone          = "none"

	grantAuthorizationCode = "authorization_code"
	grantClientCredentials = "client_credentials"
)

// Bounds of what a client may register.
const (
	maxRedirectURIs = 20
	maxGrantTypes   = 20
	maxScopes       = 128
	maxContacts     = 10
	maxText         = 200 // characters
	maxLanguages    = 50  // members with a language, of all names together
	maxStatement    = 16 << 10
)

// localized are the members that may be there in several languages (RFC 7591 §2.2).
var localized = []string{"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"}

// languageTag is the form of a language tag (RFC 5646 §2.1).
var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}$`)

// badMetadata refuses a registration. Of what was sent the text quotes little, cut short.
func badMetadata(format string, args ...any) error {
	return &avouch.Error{Code: avouch.InvalidClientMetadata, Description: fmt.Sprintf(format, args...)}
}

func badRedirect(format string, args ...any) error {
	return &avouch.Error{Code: avouch.InvalidRedirectURI, Description: fmt.Sprintf(format, args...)}
}

// document is what was sent, and what the software statement says instead.
type document struct {
	statement, sent strictjson.Object
}

// get returns a member. null and what is empty say the same as nothing at all (RFC 7592 §2.2).
func (d *document) get(name string) strictjson.Value {
	v := d.statement.Get(name)
	if v.Kind() == strictjson.Absent {
		v = d.sent.Get(name)
	}
	switch {
	case v.Kind() == strictjson.Null, v.TextIs(""):
		return strictjson.Value{}
	case v.Kind() == strictjson.Array:
		for range v.Elements() {
			return v
		}
		return strictjson.Value{}
	}
	return v
}

// text returns a member that is a string, "" where it is not there.
func (d *document) text(name string) (string, error) {
	v := d.get(name)
	text, ok := v.Text()
	if !ok && v.Kind() != strictjson.Absent {
		return "", badMetadata("%s is of type %s, and must be a string", name, v.Kind())
	}
	return text, nil
}

// list returns a member that is an array of strings, each once, nil where it is not there.
func (d *document) list(name string, most int, bad func(string, ...any) error) ([]string, error) {
	v := d.get(name)
	if v.Kind() == strictjson.Absent {
		return nil, nil
	}
	if v.Kind() != strictjson.Array {
		return nil, bad("%s is of type %s, and must be an array of strings", name, v.Kind())
	}
	var list []string
	for element := range v.Elements() {
		text, ok := element.Text()
		switch {
		case len(list) == most:
			return nil, bad("%s has more than %d entries", name, most)
		case !ok || text == "":
			return nil, bad("%s[%d] is not a string with something in it", name, len(list))
		case slices.Contains(list, text):
			return nil, bad("%s[%d] is there twice", name, len(list))
		}
		list = append(list, text)
	}
	return list, nil
}

// metadata reads and checks what a client says of itself. An error is an [*avouch.Error], but where the hook for software
// statements failed.
func (g *registering) metadata(ctx context.Context, body []byte) (*Metadata, error) {
	var d document
	var err error
	if d.sent, err = strictjson.Parse(body); err != nil {
		return nil, badMetadata("the body is %v", err)
	}
	m := &Metadata{Texts: map[string]string{}}
	if err := g.softwareStatement(ctx, &d, m); err != nil {
		return nil, err
	}
	for _, read := range []func(*document, *Metadata) error{
		g.readMethod, g.readGrants, readRedirects, g.readScopes, readKeys, g.readAlgorithm, readTexts,
	} {
		if err := read(&d, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// softwareStatement has the statement verified, if there is one.
func (g *registering) softwareStatement(ctx context.Context, d *document, m *Metadata) error {
	v := d.sent.Get("software_statement")
	if v.Kind() == strictjson.Absent || v.Kind() == strictjson.Null {
		return nil
	}
	statement, ok := v.Text()
	if !ok || statement == "" || len(statement) > maxStatement {
		return &avouch.Error{Code: avouch.InvalidSoftwareStatement, Description: "software_statement is not a JWT of at most 16 KiB"}
	}
	if g.Statement == nil {
		return &avouch.Error{Code: avouch.UnapprovedSoftwareStatement, Description: "this server takes no software statements"}
	}
	claims, err := g.Statement(ctx, statement)
	if err != nil {
		return err
	}
	if d.statement, err = strictjson.Parse(claims); err != nil {
		return fmt.Errorf("the claims of a software statement that was verified: %w", err)
	}
	m.Texts["software_statement"] = statement // as it was sent (RFC 7591 §3.2.1)
	return nil
}

func (g *registering) readMethod(d *document, m *Metadata) (err error) {
	if m.AuthMethod, err = d.text("token_endpoint_auth_method"); err != nil {
		return err
	}
	if m.AuthMethod == "" {
		m.AuthMethod = methodSecretBasic // RFC 7591 §2
	}
	if !slices.Contains(g.methods, m.AuthMethod) {
		return badMetadata("token_endpoint_auth_method %.64s is not for clients that register themselves; these are: %s", m.AuthMethod, strings.Join(g.methods, " "))
	}
	return nil
}

// readGrants reads grant_types and response_types, which must fit together (RFC 7591 §2.1).
func (g *registering) readGrants(d *document, m *Metadata) (err error) {
	if m.GrantTypes, err = d.list("grant_types", maxGrantTypes, badMetadata); err != nil {
		return err
	}
	if m.GrantTypes == nil {
		m.GrantTypes = []string{grantAuthorizationCode}
	}
	for _, grant := range m.GrantTypes {
		if !slices.Contains(g.grants, grant) {
			return badMetadata("grant_types has %.64s, which is not for clients that register themselves; these are: %s", grant, strings.Join(g.grants, " "))
		}
	}
	if slices.Contains(m.GrantTypes, grantClientCredentials) && m.AuthMethod == methodNone {
		return badMetadata("grant_types has client_credentials, which is for clients that authenticate, and token_endpoint_auth_method is none (RFC 6749 section 4.4)")
	}
	code := slices.Contains(m.GrantTypes, grantAuthorizationCode)
	if m.ResponseTypes, err = d.list("response_types", maxGrantTypes, badMetadata); err != nil {
		return err
	}
	if m.ResponseTypes == nil && code {
		m.ResponseTypes = []string{"code"}
	}
	for _, response := range m.ResponseTypes {
		switch {
		case response != "code":
			return badMetadata("response_types has %.64s; code is the only one", response)
		case !code:
			return badMetadata("response_types has code, which needs authorization_code in grant_types (RFC 7591 section 2.1)")
		}
	}
	switch v := d.get("require_pushed_authorization_requests"); v.Kind() {
	case strictjson.Absent:
	case strictjson.Bool:
		m.RequirePushed, _ = v.Bool()
	default:
		return badMetadata("require_pushed_authorization_requests is of type %s, and must be a boolean", v.Kind())
	}
	return nil
}

func readRedirects(d *document, m *Metadata) (err error) {
	if m.RedirectURIs, err = d.list("redirect_uris", maxRedirectURIs, badRedirect); err != nil {
		return err
	}
	for i, uri := range m.RedirectURIs {
		if err := urlcheck.Redirect(uri); err != nil {
			return badRedirect("redirect_uris[%d]: %v", i, err)
		}
	}
	if len(m.RedirectURIs) == 0 && slices.Contains(m.GrantTypes, grantAuthorizationCode) {
		return badRedirect("redirect_uris is missing, and authorization_code needs at least one (RFC 7591 section 2)")
	}
	return nil
}

func (g *registering) readScopes(d *document, m *Metadata) error {
	text, err := d.text("scope")
	if err != nil {
		return err
	}
	allowed := func(s string) bool { return scope.Valid(s) && slices.Contains(g.Scopes, s) }
	byDefault := func(yes func(string) bool) (list []string) {
		for _, s := range g.DefaultScopes {
			if yes(s) && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
		return list
	}
	if text == "" {
		m.Scopes = byDefault(allowed)
		m.DefaultScopes = slices.Clone(m.Scopes)
		return nil
	}
	if strings.Count(text, " ") >= maxScopes {
		return badMetadata("scope has more than %d scopes", maxScopes)
	}
	for s := range strings.SplitSeq(text, " ") {
		switch {
		case !scope.Valid(s):
			return badMetadata("scope is malformed: scopes are separated by one space and made of printable ASCII without quotes and backslashes")
		case !allowed(s):
			return badMetadata("scope has %.64s, which is not for clients that register themselves", s)
		case !slices.Contains(m.Scopes, s):
			m.Scopes = append(m.Scopes, s)
		}
	}
	m.DefaultScopes = byDefault(func(s string) bool { return slices.Contains(m.Scopes, s) })
	return nil
}

// readKeys reads jwks and jwks_uri, of which a client has one at the most (RFC 7591 §2).
func readKeys(d *document, m *Metadata) (err error) {
	if m.KeysURL, err = d.text("jwks_uri"); err != nil {
		return err
	}
	jwks := d.get("jwks")
	switch {
	case m.KeysURL != "" && jwks.Kind() != strictjson.Absent:
		return badMetadata("jwks and jwks_uri are both there; a client has one of them at the most (RFC 7591 section 2)")
	case m.KeysURL != "":
		if err := checkFetched(m.KeysURL); err != nil {
			return badMetadata("jwks_uri: %v", err)
		}
	case jwks.Kind() != strictjson.Absent:
		if m.Keys, err = publicKeys(jwks); err != nil {
			return badMetadata("jwks: %s", strings.TrimPrefix(err.Error(), "keys: "))
		}
	}
	if m.AuthMethod == methodPrivateKeyJWT && m.KeysURL == "" && m.Keys == nil {
		return badMetadata("private_key_jwt needs public keys: jwks or jwks_uri is missing")
	}
	return nil
}

func publicKeys(jwks strictjson.Value) ([]keys.Public, error) {
	o, ok := jwks.Object()
	if !ok || o.Get("keys").Kind() != strictjson.Array {
		return nil, errors.New(`it must be a JWK set, an object with an array "keys" (RFC 7517 section 5)`)
	}
	return keys.ParsePublic(jwks.Raw())
}

// checkFetched checks a URL that will be fetched later, when somebody authenticates with the client's keys.
func checkFetched(address string) error {
	if err := (safehttp.Options{}).Check(address); err != nil {
		return err
	}
	return checkHost(address)
}

func (g *registering) readAlgorithm(d *document, m *Metadata) error {
	text, err := d.text("token_endpoint_auth_signing_alg")
	if err != nil || text == "" {
		return err
	}
	alg := keys.Algorithm(text)
	if alg == "Ed25519" { // RFC 9864
		alg = keys.EdDSA
	}
	mac := alg == keys.HS256 || alg == keys.HS384 || alg == keys.HS512
	switch {
	case m.AuthMethod != methodPrivateKeyJWT && m.AuthMethod != methodSecretJWT:
		return badMetadata("token_endpoint_auth_signing_alg is there, and token_endpoint_auth_method %s signs nothing", m.AuthMethod)
	case !slices.Contains(g.algorithms, alg):
		return badMetadata("token_endpoint_auth_signing_alg %.16s is not for clients that register themselves", text)
	case mac != (m.AuthMethod == methodSecretJWT):
		return badMetadata("token_endpoint_auth_signing_alg %s is not for %s", alg, m.AuthMethod)
	}
	now := time.Now()
	if !mac && m.Keys != nil && !slices.ContainsFunc(m.Keys, func(k keys.Public) bool { return k.Fits(alg, now) == nil }) {
		return badMetadata("token_endpoint_auth_signing_alg is %s, and no key of jwks can be used with it", alg)
	}
	m.AuthAlgorithm = alg
	return nil
}

// readTexts reads what is for people, and what nobody here makes use of.
func readTexts(d *document, m *Metadata) (err error) {
	if m.Contacts, err = d.list("contacts", maxContacts, badMetadata); err != nil {
		return err
	}
	for i, contact := range m.Contacts {
		if err := checkText(contact); err != nil {
			return badMetadata("contacts[%d]: %v", i, err)
		}
	}
	for _, name := range append([]string{"software_id", "software_version"}, localized...) {
		text, err := d.text(name)
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		if err := checkTextOf(name, text); err != nil {
			return badMetadata("%s: %v", name, err)
		}
		if name == "client_name" {
			m.Name = text
		} else {
			m.Texts[name] = text
		}
	}
	return readLanguages(d, m)
}

// readLanguages reads members such as client_name#de. The tags of a language are the same in any case.
func readLanguages(d *document, m *Metadata) error {
	seen := map[string]bool{}
	for _, o := range [...]*strictjson.Object{&d.statement, &d.sent} {
		here := map[string]bool{}
		for name, v := range o.Members() {
			base, tag, tagged := strings.Cut(name, "#")
			if !tagged || !slices.Contains(localized, base) || v.Kind() == strictjson.Null || v.TextIs("") {
				continue
			}
			key := base + "#" + strings.ToLower(tag)
			text, ok := v.Text()
			switch {
			case !languageTag.MatchString(tag):
				return badMetadata("%s has something behind # that is no language tag (RFC 5646)", base)
			case !ok:
				return badMetadata("%s#%.64s is of type %s, and must be a string", base, tag, v.Kind())
			case here[key]:
				return badMetadata("%s#%.64s is there twice, in another case", base, tag)
			}
			here[key] = true
			if seen[key] {
				continue // the software statement says it
			}
			if len(seen) == maxLanguages {
				return badMetadata("there are more than %d members with a language", maxLanguages)
			}
			seen[key] = true
			if err := checkTextOf(base, text); err != nil {
				return badMetadata("%s#%.64s: %v", base, tag, err)
			}
			m.Texts[name] = text
		}
	}
	return nil
}

// usesSecret reports whether a method authenticates by a shared secret.
func usesSecret(method string) bool {
	return method == methodSecretBasic || method == methodSecretPost || method == methodSecretJWT
}
