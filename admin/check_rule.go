package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

// checkRule checks a whole rule. The error is for what is not the input's fault.
func (t *tx) checkRule(ctx context.Context, f field, r *storage.Rule) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	if !isName(r.Name, 128) {
		f.in("name").fault("%q is not a name: letters, digits, dot, hyphen and underscore, at most 128", clip(r.Name))
	}
	f.in("mode").oneOf(r.Mode, modeEnforce, modeAudit)
	entry, policy, err := t.partyOf(ctx, f, r)
	if err != nil {
		return err
	}
	t.checkSubject(f, r, policy)
	if len(r.Claims) > 20 {
		f.in("claims").fault("there are %d; 20 is the most", len(r.Claims))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
		f.in("claims."+clip(name)).claim(name, r.Claims[name])
	}
	if entry != nil {
		if err := t.checkAs(ctx, f, r); err != nil {
			return err
		}
	}
	if policy != nil && policy.Replay == replaySameClient && !r.RequireClient {
		f.in("require_client").fault("assertions of %q may be used again by the same client (replay: same_client_until_exp), so a client must authenticate: set require_client", clip(entry.Issuer))
	}
	f.in("audiences").resources(r.Audiences)
	f.in("token_lifetime").duration(Duration(r.TokenLifetime), minTokenLifetime, MaxTokenLifetime)
	if len(r.Scopes) > 0 {
		f.in("default_scope").scopesWithin(r.DefaultScopes, r.Scopes)
	}
	if entry != nil {
		entry.Rules = []trust.Rule{trustRule(r)}
		f.compiles(*entry)
	}
	return nil
}

// partyOf finds whose assertions a rule is about, nil where there is nobody.
func (t *tx) partyOf(ctx context.Context, f field, r *storage.Rule) (*trust.Issuer, *storage.AssertionPolicy, error) {
	switch {
	case (r.Issuer == "") == (r.Client == ""):
		f.in("issuer").fault("a rule is about the assertions of an issuer, or of a client that signs for itself: give one of issuer and client")
		return nil, nil, nil
	case r.Issuer != "":
		i := t.issuers[r.Issuer]
		if i == nil {
			f.in("issuer").fault("there is no issuer %q%s", clip(r.Issuer), t.issuerByURL(r.Issuer))
			return nil, nil, nil
		}
		entry := issuerEntry(i, nil)
		return &entry, &i.Assertions, nil
	}
	c, err := t.Client(ctx, r.Client)
	if errors.Is(err, storage.ErrNotFound) {
		f.in("client").fault("there is no client %q", clip(r.Client))
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(c.Grants, grantJWTBearer) {
		f.in("client").fault("client %q may not use %s, so the rule could never give anything: add it to the client's grant_types", c.ID, grantJWTBearer)
	}
	entry := clientEntry(c, nil)
	return &entry, &c.Assertions, nil
}

// issuerByURL helps whoever wrote the URL of an issuer where its name is wanted.
func (t *tx) issuerByURL(url string) string {
	for _, i := range t.issuers {
		if i.URL == url {
			return fmt.Sprintf("; name it as %q", i.Name)
		}
	}
	return ""
}

// checkSubject keeps that every rule says for whom it is. An exact subject is a tenant condition as well, for issuers
// that serve many tenants.
func (t *tx) checkSubject(f field, r *storage.Rule, policy *storage.AssertionPolicy) {
	s := f.in("subject")
	switch {
	case r.Subject == "" && !r.Nobody:
		s.fault("a rule without a subject would be for everybody whom the issuer knows; give the exact sub")
	case r.Subject == "" && policy != nil && !policy.SubjectOptional:
		s.fault("a rule without a subject is for assertions without sub, which are refused until assertions.subject_optional is set")
	case r.Subject != "":
		s.subject(r.Subject)
		if itself := t.itself(r); r.Subject == itself && !r.Nobody && r.AsSubject == "" {
			s.fault("it is the party itself: say with nobody that it acts for itself, or with as_subject for whom it acts")
		}
		if strings.Contains(r.Subject, "*") {
			s.fault("subjects are compared byte by byte, so * would stand for nothing but itself: make one rule for each subject")
		}
	}
}

// itself is the iss of the assertions that a rule is about.
func (t *tx) itself(r *storage.Rule) string {
	if i := t.issuers[r.Issuer]; i != nil {
		return i.URL
	}
	return r.Client
}

// maxSubject is the size of the longest subject, in bytes.
const maxSubject = 1024

// subject checks a sub as it stands in a token.
func (f field) subject(s string) {
	switch {
	case len(s) > maxSubject:
		f.fault("it is longer than %d bytes", maxSubject)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		f.fault("it is not UTF-8 without control characters")
	case s != strings.TrimSpace(s):
		f.fault("it begins or ends with white space")
	}
}

func (f field) claim(name, value string) {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
		f.fault("%s is judged elsewhere and cannot be a condition", name)
	case "":
		f.fault("a claim has a name")
	}
	if len(name) > 128 || len(value) > 1024 || !utf8.ValidString(name+value) {
		f.fault("name and value are UTF-8 of at most 128 and 1024 bytes")
	}
	if value == "" {
		f.fault("it is empty: give the exact value")
	}
}

// checkAs checks what a rule makes of an assertion: for which client, and whom its token speaks for.
func (t *tx) checkAs(ctx context.Context, f field, r *storage.Rule) error {
	if r.Client != "" && r.AsClient != "" && r.AsClient != r.Client {
		f.in("as_client").fault("a client that signs for itself gets tokens as itself only: leave as_client out")
	}
	if r.AsClient != "" {
		c, err := t.Client(ctx, r.AsClient)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			f.in("as_client").fault("there is no client %q; add it first", clip(r.AsClient))
		case err != nil:
			return err
		default:
			t.checkAsClient(f.in("as_client"), r, c)
		}
	}
	if r.Nobody && r.AsSubject != "" {
		f.in("as_subject").fault("nobody is meant, so there is no subject: leave one of nobody and as_subject out")
	}
	if r.AsSubject != "" && r.AsSubject != "=" {
		f.in("as_subject").subject(r.AsSubject)
	}
	return t.checkGiven(ctx, f, r)
}

func (t *tx) checkAsClient(f field, r *storage.Rule, c *storage.Client) {
	if !slices.Contains(c.Grants, grantJWTBearer) {
		f.fault("client %q may not use %s, so the rule could never give anything: add it to the client's grant_types", c.ID, grantJWTBearer)
	}
	if r.RequireClient && authMethod(c) == methodNone {
		f.fault("client %q has no credentials (token_endpoint_auth_method none), and the rule requires that it authenticates", c.ID)
	}
}

// checkGiven refuses a subject that is the name of a client, or lies among those of an issuer whose it is not.
func (t *tx) checkGiven(ctx context.Context, f field, r *storage.Rule) error {
	subject := ruleSubject(r)
	if subject == "" {
		return nil
	}
	member := "as_subject"
	if r.AsSubject == "" {
		member = "subject"
	}
	if _, err := t.Client(ctx, subject); err == nil {
		f.in(member).fault("tokens of this rule would speak for %q, which is the id of a client; the two could not be told apart", clip(subject))
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if subject == t.options.Issuer {
		f.in(member).fault("tokens of this rule would speak for this server")
	}
	before, _, found := strings.Cut(subject, "/")
	switch {
	case !found || strings.HasPrefix(subject, ruleParty(r).Qualified("")): // its own
	case t.issuers[before] != nil:
		f.in(member).fault("%q is a subject of issuer %q, for whom this rule's issuer may not speak", clip(subject), before)
	case strings.HasPrefix(before, "client:"):
		f.in(member).fault("%q is the name of a user of a client that signs for itself, for whom this rule may not speak", clip(subject))
	}
	return nil
}

// rulesRequireClient refuses re-use by the same client where a rule lets assertions in without one.
func (t *tx) rulesRequireClient(f field, rules map[string]bool) {
	lax := map[string]bool{}
	for name := range rules {
		if !t.rules[name].RequireClient {
			lax[name] = true
		}
	}
	if len(lax) > 0 {
		f.fault("same_client_until_exp needs a client that authenticates, and rules do without one: set require_client in %s first", names(lax))
	}
}
