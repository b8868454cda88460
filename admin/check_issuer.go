package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

// isName reports whether s is a name that may stand before a slash in a subject, and in a parameter.
func isName(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// checkIssuer checks a whole issuer. The error is for what is not the input's fault.
func (t *tx) checkIssuer(ctx context.Context, f field, i *storage.Issuer) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	if !isName(i.Name, 63) {
		f.in("name").fault("%q is not a name: letters, digits, dot, hyphen and underscore, at most 63", clip(i.Name))
	}
	f.in("issuer").issuerURL(i.URL, i.AllowPrivateAddresses)
	if i.URL == t.options.Issuer && i.URL != "" {
		f.in("issuer").fault("it is this server itself, whose tokens must not serve as assertions")
	}
	for _, other := range t.issuers {
		if other.URL == i.URL && other.Name != i.Name {
			f.in("issuer").fault("issuer %q has this URL already", other.Name)
		}
	}
	if err := t.noClientNamed(ctx, f, i); err != nil {
		return err
	}
	t.noRuleSpeaksFor(f, i)
	t.checkKeySource(f, i)
	p := policyOf(&i.Assertions)
	pf := f.in("assertions")
	pf.policy(&p, signatures)
	if p.AudienceMode != "" {
		pf.in("audience_mode").fault("it is for clients; for an issuer, audiences names the values it sends")
	}
	pf.checkAudiences(p.Audiences)
	var own []trust.Rule
	for name := range t.byIssuer[i.Name] {
		own = append(own, trustRule(t.rules[name]))
	}
	if p.Replay == replaySameClient {
		t.rulesRequireClient(pf.in("replay"), t.byIssuer[i.Name])
	}
	f.compiles(issuerEntry(i, own))
	return nil
}

// compiles is the last word: what a server could not use is not kept. It says nothing where faults have been told that
// name their field.
func (f field) compiles(entry trust.Issuer) {
	if len(*f.faults) > 0 {
		return
	}
	entry.Keys = &keys.Set{} // they are judged elsewhere
	if err := (trust.List{entry}).Validate(); err != nil {
		f.fault("%v", err)
	}
}

// noClientNamed refuses an issuer whose URL, or one of whose subjects, would be the id of a client (RFC 9068 §5).
func (t *tx) noClientNamed(ctx context.Context, f field, i *storage.Issuer) error {
	if _, err := t.Client(ctx, i.URL); err == nil {
		f.in("issuer").fault("there is a client with this id; tokens of the two could not be told apart")
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	next, err := t.Clients(ctx, i.Name+"/", 1)
	if err != nil {
		return err
	}
	if len(next) > 0 && strings.HasPrefix(next[0].ID, i.Name+"/") {
		f.in("name").fault("there is a client %q, and subjects of this issuer would be called %s/...; choose another name", clip(next[0].ID), i.Name)
	}
	return nil
}

// noRuleSpeaksFor refuses a name under which rules of somebody else give subjects already.
func (t *tx) noRuleSpeaksFor(f field, i *storage.Issuer) {
	others := map[string]bool{}
	for subject, rules := range t.subjects {
		for name := range rules {
			if strings.HasPrefix(subject, i.Name+"/") && t.rules[name].Issuer != i.Name {
				others[name] = true
			}
		}
	}
	if len(others) > 0 {
		f.in("name").fault("subjects of this issuer would be called %s/..., and rules (%s) give tokens to such a subject for somebody else; choose another name", i.Name, names(others))
	}
}

func (t *tx) checkKeySource(f field, i *storage.Issuer) {
	switch i.KeySource {
	case sourceDiscovery:
		if len(*f.faults) == 0 { // else the same would be said twice
			f.in("issuer").fetched(i.URL, i.AllowPrivateAddresses)
		}
	case sourceURL:
		f.in("jwks_uri").fetched(i.KeysURL, i.AllowPrivateAddresses)
	case sourceSPIFFE:
		f.in("spiffe_bundle_uri").fetched(i.KeysURL, i.AllowPrivateAddresses)
	case sourceInline:
		f.in("jwks").inlineKeys(i.JWKS)
	}
}

// inlineKeys checks a JWK set that somebody has copied here. Members of no use are tolerated, as in a set that is
// fetched, because it was copied from there; private keys are not.
func (f field) inlineKeys(jwks []byte) {
	if _, err := parseKeys(jwks); errors.Is(err, keys.ErrPrivate) {
		f.fault("%v", err)
		return
	}
	set, err := keys.ParseSet(jwks)
	switch {
	case err != nil:
		f.fault("%v", err)
	case len(set.Keys()) == 0:
		f.fault("no key in it could verify anything: %v", errors.Join(set.Skipped()...))
	}
}
