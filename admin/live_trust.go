package admin

import (
	"context"
	"slices"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

// Issuer implements trust.Source: registered issuers by their URL, and clients that may use the JWT bearer grant by
// their id. A client's rules say whether it may sign for itself; without one, nothing it signs is worth anything.
func (l *Live) Issuer(ctx context.Context, iss string) (*trust.Issuer, error) {
	v, err := l.now()
	if err != nil {
		return nil, err
	}
	if i, err := v.trust.Issuer(ctx, iss); i != nil || err != nil {
		return i, err
	}
	k, err := l.known(ctx, iss)
	if k == nil {
		return nil, err
	}
	return k.self, nil
}

// Known returns the URLs of the registered issuers. It is asked when somebody wants to know why an issuer is unknown.
func (l *Live) Known() []string { return l.view.Load().trust.Known() }

// compile makes the entries that are asked for assertions of issuers and rules. An entry that cannot work is left out
// and told; the others are not its fault.
func (l *Live) compile(v *view, issuers []*storage.Issuer, rules []*storage.Rule) error {
	byIssuer := map[string][]trust.Rule{}
	v.selfSigned, v.rules = map[string][]trust.Rule{}, make(map[string]*storage.Rule, len(rules))
	for _, r := range rules {
		v.rules[r.Name] = r
		if r.Client != "" {
			v.selfSigned[r.Client] = append(v.selfSigned[r.Client], trustRule(r))
		} else {
			byIssuer[r.Issuer] = append(byIssuer[r.Issuer], trustRule(r))
		}
	}
	var list trust.List
	live := map[remoteKeys]bool{}
	for _, i := range issuers {
		entry, err := l.entry(v, i, byIssuer[i.Name], live)
		if err == nil {
			err = trust.List{entry}.Validate()
		}
		if err != nil {
			l.log.Error("an issuer cannot be used as it is kept, and is left out", "issuer", i.Name, "error", err)
			continue
		}
		list = append(list, entry)
	}
	l.sources.retain(live)
	set, err := trust.Compile(list)
	v.trust = set
	return err
}

// entry makes the entry of an issuer, and notes in the view how to tell where its keys come from.
func (l *Live) entry(v *view, i *storage.Issuer, rules []trust.Rule, live map[remoteKeys]bool) (trust.Issuer, error) {
	entry := issuerEntry(i, rules)
	if i.KeySource == sourceInline {
		set, err := keys.ParseSet(i.JWKS)
		if err != nil {
			return entry, err
		}
		entry.Keys = set
		v.sources = append(v.sources, func() KeySource { return inlineStatus(i, set) })
		return entry, nil
	}
	place := remoteKeysOf(i)
	live[place] = true
	remote, err := l.sources.get(place, l.fetchOptions())
	if err != nil {
		return entry, err
	}
	entry.Keys = remote
	v.sources = append(v.sources, func() KeySource { return remoteStatus(i.Name, remote) })
	return entry, nil
}

func (l *Live) fetchOptions() keys.FetchOptions {
	return keys.FetchOptions{RootCAs: l.admin.options.RootCAs, Log: l.log}
}

// selfSigned is what a client's own assertions are worth as grants, nil where it may not use any.
func selfSigned(c *storage.Client, source keys.Source, rules []trust.Rule) (*trust.Issuer, error) {
	if !slices.Contains(c.Grants, grantJWTBearer) || authMethod(c) == methodSecretJWT {
		return nil, nil
	}
	entry := clientEntry(c, rules)
	entry.Keys = source
	set, err := trust.Compile(trust.List{entry})
	if err != nil {
		return nil, err
	}
	return set.Issuer(context.Background(), c.ID)
}

// issuerEntry is an issuer as package trust sees it, but for its keys.
func issuerEntry(i *storage.Issuer, rules []trust.Rule) trust.Issuer {
	entry := party(&i.Assertions)
	entry.Issuer, entry.Name, entry.Disabled, entry.Rules = i.URL, i.Name, i.Disabled, rules
	return entry
}

// clientEntry is a client that signs for itself as package trust sees it, but for its keys.
func clientEntry(c *storage.Client, rules []trust.Rule) trust.Issuer {
	entry := party(&c.Assertions)
	entry.Issuer, entry.SelfIssued, entry.Disabled, entry.Rules = c.ID, true, c.Disabled, rules
	return entry
}

func party(p *storage.AssertionPolicy) trust.Issuer {
	return trust.Issuer{
		Audience:        none(p.Audiences),
		Algorithms:      algorithms(p.Algorithms),
		Types:           none(p.Types),
		Skew:            p.Skew,
		MaxLifetime:     p.MaxLifetime,
		Replay:          replayPolicy(p.Replay),
		RequireClient:   p.Replay == replaySameClient,
		SubjectOptional: p.SubjectOptional,
		ScopeClaim:      p.ScopeClaim,
	}
}

// trustRule is a rule as package trust sees it. One of an issuer that names no client is for clients that authenticate:
// nobody else could be switched off.
func trustRule(r *storage.Rule) trust.Rule {
	rule := trust.Rule{
		Name:          r.Name,
		Disabled:      r.Disabled,
		Audit:         r.Mode != modeEnforce,
		Subject:       r.Subject,
		Claims:        r.Claims,
		ClientID:      r.AsClient,
		RequireClient: r.RequireClient || r.Client == "" && r.AsClient == "",
		Nobody:        r.Nobody,
		Scopes:        none(r.Scopes),
		DefaultScopes: none(r.DefaultScopes),
		Audiences:     none(r.Audiences),
		Lifetime:      r.TokenLifetime,
	}
	if r.AsSubject == "=" {
		rule.AsIs = true
	} else {
		rule.As = r.AsSubject
	}
	return rule
}
