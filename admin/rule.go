package admin

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// RuleMetadata says which assertions of an issuer, or of a client that signs for itself, are worth what. Exactly one
// of Issuer and Client is set. Every rule names its subject; there are no rules for everybody.
type RuleMetadata struct {
	Name string `json:"name"`
	Mode string `json:"mode,omitempty"` // enforce (default); audit: told, never applied

	// Condition: all of it must hold.
	Issuer  string            `json:"issuer,omitempty"`  // name of an issuer; or
	Client  string            `json:"client,omitempty"`  // id of a client that signs for itself
	Subject string            `json:"subject,omitempty"` // sub, exactly; "" only with nobody, for assertions without sub
	Claims  map[string]string `json:"claims,omitempty"`  // further string claims, exactly

	// What it gives.
	AsClient      string   `json:"as_client,omitempty"`      // client the token is issued to; "" means the one that authenticates, or that signs for itself
	AsSubject     string   `json:"as_subject,omitempty"`     // sub of the token; "" means NAME/SUB; "=" means the sub as it is
	Nobody        bool     `json:"nobody,omitempty"`         // it speaks for nobody: sub is the client's id
	RequireClient bool     `json:"require_client,omitempty"` // the client must authenticate beside the assertion
	Scope         string   `json:"scope,omitempty"`          // the ceiling, separated by spaces
	DefaultScope  string   `json:"default_scope,omitempty"`
	Audiences     []string `json:"audiences,omitempty"`
	TokenLifetime Duration `json:"token_lifetime,omitempty"`
}

// Rule is a rule as it is shown.
type Rule struct {
	RuleMetadata
	Disabled bool      `json:"disabled"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Revision int64     `json:"revision"`
}

// The values of RuleMetadata.Mode.
const (
	modeEnforce = "enforce"
	modeAudit   = "audit"
)

// AddRule saves a rule. It is refused where it has no subject condition, where the client or issuer it names does not
// exist, where the subject it gives is the id of a client, and where its issuer's assertions may be used again by the
// same client but no client must authenticate.
func (a *Admin) AddRule(ctx context.Context, m RuleMetadata) (*Rule, error) {
	if err := a.may("rule.add"); err != nil {
		return nil, err
	}
	var record *storage.Rule
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		record = &storage.Rule{Name: m.Name, Created: t.now}
		var found faults
		f := field{&found, ""}
		m.record(f, record)
		return t.createRule(ctx, f, record)
	})
	if err != nil {
		return nil, err
	}
	return ruleView(record), nil
}

func (t *tx) createRule(ctx context.Context, f field, r *storage.Rule) error {
	if err := t.checkRule(ctx, f, r); err != nil {
		return err
	}
	if err := f.faults.err("rule", r.Name); err != nil {
		return err
	}
	return t.putRule(ctx, "rule.add", r)
}

// Rules lists all rules, sorted by name.
func (a *Admin) Rules(ctx context.Context) ([]Rule, error) {
	if err := a.may("rule.list"); err != nil {
		return nil, err
	}
	records, err := a.store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]Rule, 0, len(records))
	for _, r := range records {
		views = append(views, *ruleView(r))
	}
	return views, nil
}

// Rule shows one rule.
func (a *Admin) Rule(ctx context.Context, name string) (*Rule, error) {
	if err := a.may("rule.show"); err != nil {
		return nil, err
	}
	r, err := a.store.Rule(ctx, name)
	if err != nil {
		return nil, said(err, "rule", name)
	}
	return ruleView(r), nil
}

// UpdateRule replaces a rule; m.Name says which. It stays enabled or disabled. If revision is not zero and the rule has
// another one by now, it fails with [Conflict].
func (a *Admin) UpdateRule(ctx context.Context, revision int64, m RuleMetadata) (*Rule, error) {
	return a.updateRule(ctx, m.Name, "rule.update", func(f field, r *storage.Rule) error {
		if revision != 0 && r.Revision != revision {
			return errChanged("rule", m.Name, nil)
		}
		m.record(f, r)
		return nil
	})
}

// DisableRule takes a rule out of force, here before it returns and in other processes within a second.
func (a *Admin) DisableRule(ctx context.Context, name string) (*Rule, error) {
	return a.updateRule(ctx, name, "rule.disable", func(_ field, r *storage.Rule) error { r.Disabled = true; return nil })
}

// EnableRule takes back DisableRule.
func (a *Admin) EnableRule(ctx context.Context, name string) (*Rule, error) {
	return a.updateRule(ctx, name, "rule.enable", func(_ field, r *storage.Rule) error { r.Disabled = false; return nil })
}

func (a *Admin) updateRule(ctx context.Context, name, action string, change func(f field, r *storage.Rule) error) (*Rule, error) {
	if err := a.may(action); err != nil {
		return nil, err
	}
	var record *storage.Rule
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		if err := t.load(ctx); err != nil { // while the indexes can still be made of the rule as it was
			return err
		}
		r, err := t.Rule(ctx, name)
		if err != nil {
			return said(err, "rule", name)
		}
		record = r
		var found faults
		f := field{&found, ""}
		if err := change(f, r); err != nil {
			return err
		}
		return t.saveRule(ctx, f, action, r)
	})
	if err != nil {
		return nil, err
	}
	return ruleView(record), nil
}

func (t *tx) saveRule(ctx context.Context, f field, action string, r *storage.Rule) error {
	if action != "rule.disable" { // switching off must never fail for a fault that was there before
		if err := t.checkRule(ctx, f, r); err != nil {
			return err
		}
	}
	if err := f.faults.err("rule", r.Name); err != nil {
		return err
	}
	return t.putRule(ctx, action, r)
}

// RemoveRule removes a rule.
func (a *Admin) RemoveRule(ctx context.Context, name string) error {
	if err := a.may("rule.remove"); err != nil {
		return err
	}
	return a.write(ctx, func(ctx context.Context, t *tx) error { return t.removeRule(ctx, name) })
}

func (t *tx) removeRule(ctx context.Context, name string) error {
	if err := said(t.record.deleteRule(ctx, "rule.remove", name), "rule", name); err != nil {
		return err
	}
	if t.loaded && t.rules[name] != nil {
		t.unindex(t.rules[name])
	}
	return nil
}

// record puts a rule into its record; name and times stay.
func (m *RuleMetadata) record(f field, r *storage.Rule) {
	r.Mode = m.Mode
	if r.Mode == "" {
		r.Mode = modeEnforce
	}
	r.Issuer, r.Client, r.Subject = m.Issuer, m.Client, m.Subject
	r.Claims = nil
	if len(m.Claims) > 0 {
		r.Claims = maps.Clone(m.Claims)
	}
	r.AsClient, r.AsSubject, r.Nobody, r.RequireClient = m.AsClient, m.AsSubject, m.Nobody, m.RequireClient
	r.Scopes = f.in("scope").scopes(m.Scope)
	r.DefaultScopes = f.in("default_scope").scopes(m.DefaultScope)
	r.Audiences = none(m.Audiences)
	r.TokenLifetime = time.Duration(m.TokenLifetime)
}

func ruleMetadata(r *storage.Rule) RuleMetadata {
	m := RuleMetadata{
		Name: r.Name, Mode: r.Mode,
		Issuer: r.Issuer, Client: r.Client, Subject: r.Subject,
		AsClient: r.AsClient, AsSubject: r.AsSubject, Nobody: r.Nobody, RequireClient: r.RequireClient,
		Scope: strings.Join(r.Scopes, " "), DefaultScope: strings.Join(r.DefaultScopes, " "),
		Audiences: none(r.Audiences), TokenLifetime: Duration(r.TokenLifetime),
	}
	if len(r.Claims) > 0 {
		m.Claims = maps.Clone(r.Claims)
	}
	return m
}

func ruleView(r *storage.Rule) *Rule {
	return &Rule{RuleMetadata: ruleMetadata(r), Disabled: r.Disabled, Created: r.Created, Updated: r.Updated, Revision: r.Revision}
}
