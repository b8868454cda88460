package main

import (
	"bytes"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// TestExplainPage holds the output on docs/guide/explain.md to what explain writes: each block stands in the report on
// one of these assertions, line for line.
func TestExplainPage(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := startServer(t, func(c *config.Config) { c.Issuer = "https://as.example.com" })
	key, err := keys.LoadPrivate("../../keys/testdata/billing-batch.pem")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := keys.LoadPrivate("testdata/stranger.pem")
	if err != nil {
		t.Fatal(err)
	}
	public := mustJSON(t, key.PublicKeys(now))
	billing := admin.AddClientInput{ID: "billing", Keys: public}
	s.add(billing)
	if _, err := s.admin.AddIssuer(t.Context(), admin.IssuerMetadata{Name: "github", URL: "https://token.actions.githubusercontent.com", JWKS: public}); err != nil {
		t.Fatal(err)
	}
	deployer := admin.AddClientInput{ID: "deployer"}
	deployer.AuthMethod, deployer.GrantTypes = "none", []string{grantJWTBearer}
	s.add(deployer)
	for name, subject := range map[string]string{"shop": "repo:acme/shop:environment:production", "site": "repo:acme/site:ref:refs/heads/main"} {
		s.rule(admin.RuleMetadata{Name: name, Issuer: "github", Subject: subject, AsClient: "deployer", Scope: "orders:read"})
	}

	client := assertion.Claims{
		Issuer: "billing", Subject: "billing", Audience: "https://as.example.com", ID: "0b9d1c7e", IssuedAt: now.Add(-2 * time.Second),
		Type: "client-authentication+jwt",
	}
	job := assertion.Claims{
		Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:acme@1234/shop@5678:environment:production",
		Audience: "https://as.example.com", ID: "4f6a0c52", IssuedAt: now.Add(-time.Second), Lifetime: 5 * time.Minute,
	}
	var reports []string
	for _, c := range []struct {
		claims assertion.Claims
		key    *keys.Private
		change func(*assertion.Claims)
	}{
		{client, key, func(c *assertion.Claims) { c.Audience += "/" }},
		{client, key, func(c *assertion.Claims) { c.IssuedAt = now.Add(-time.Hour) }},
		{client, key, func(c *assertion.Claims) { c.Audience += "/oauth/token" }},
		{client, stranger, nil},
		{client, key, func(c *assertion.Claims) { c.Issuer, c.Subject = "biling", "biling" }},
		{client, key, nil},
		{job, key, nil},
	} {
		claims := c.claims
		if c.change != nil {
			c.change(&claims)
		}
		signed, err := assertion.Sign(claims, c.key)
		if err != nil {
			t.Fatal(err)
		}
		x, err := s.server.explain(t.Context(), explainInput{token: signed, now: now})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		writeReport(&text, x.Reports[0], false)
		reports = append(reports, text.String())
	}

	till := admin.AddClientInput{ID: "till", GenerateSecret: true}
	till.AuthMethod, till.GrantTypes, till.Scope = "client_secret_post", []string{grantClientCredentials}, "orders:read"
	s.add(till)
	x, err := s.server.explain(t.Context(), explainInput{now: now, form: url.Values{
		"grant_type": {grantClientCredentials}, "client_id": {"till"}, "client_secret": {"not the one"}, "scope": {"orders:write"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	(&app{process: process{stdout: &text}, noColor: true}).writeExplanation(x, true)
	reports = append(reports, text.String())

	page, err := os.ReadFile("../../docs/guide/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, part := range strings.Split(string(page), "```text\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		shown++
		found := false
		for _, report := range reports {
			found = found || strings.Contains("\n"+report, "\n"+block)
		}
		if !found {
			t.Errorf("explain does not write this:\n%s", block)
		}
	}
	if shown < 4 || t.Failed() {
		t.Errorf("%d blocks; what explain writes is\n\n%s", shown, strings.Join(reports, "\n"))
	}
}
