package admin

import (
	"context"
	"time"
)

// RuleMetadata says which assertions of an issuer, or of a client that signs for itself, are worth what. Exactly one
// of Issuer and Client is set. Every rule names its subject; there are no rules for everybody.
type RuleMetadata struct {
	Name     string `json:"name"`
	Disabled bool   `json:"disabled,omitempty"`
	Mode     string `json:"mode,omitempty"` // enforce (default); audit: told, never applied

	// Condition: all of it must hold.
	Issuer  string            `json:"issuer,omitempty"`  // name of an issuer; or
	Client  string            `json:"client,omitempty"`  // id of a client that signs for itself
	Subject string            `json:"subject,omitempty"` // sub, exactly; "" only with nobody, for assertions without sub
	Claims  map[string]string `json:"claims,omitempty"`  // further string claims, exactly

	// What it gives.
	AsClient      string   `json:"as_client,omitempty"`      // client the token is issued to; for a client that signs for itself, itself
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
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Revision int64     `json:"revision"`
}

// AddRule saves a rule. It is refused where it has no subject condition, where the client or issuer it names does not
// exist, where the subject it gives is the id of a client, and where its issuer's assertions may be used again by the
// same client but no client must authenticate.
func (a *Admin) AddRule(ctx context.Context, m RuleMetadata) (*Rule, error) { panic("not built") }

// Rules lists all rules, sorted by name.
func (a *Admin) Rules(ctx context.Context) ([]Rule, error) { panic("not built") }

// Rule shows one rule.
func (a *Admin) Rule(ctx context.Context, name string) (*Rule, error) { panic("not built") }

// UpdateRule replaces a rule; m.Name says which. Where revision is not zero and the rule has another one by now, it
// fails with [Conflict].
func (a *Admin) UpdateRule(ctx context.Context, revision int64, m RuleMetadata) (*Rule, error) {
	panic("not built")
}

// DisableRule takes a rule out of force, here before it returns and in other processes within a second.
func (a *Admin) DisableRule(ctx context.Context, name string) (*Rule, error) { panic("not built") }

// EnableRule takes back DisableRule.
func (a *Admin) EnableRule(ctx context.Context, name string) (*Rule, error) { panic("not built") }

// RemoveRule removes a rule.
func (a *Admin) RemoveRule(ctx context.Context, name string) error { panic("not built") }
