package admin

import (
	"errors"
	"slices"
	"testing"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/trust"
)

// TestSubjectsNeverMeet: whoever comes later is refused, a rule, an issuer or a client.
func TestSubjectsNeverMeet(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "app"})
	add(t, a, AddClientInput{ID: "ci"}) // as the issuer's name
	for _, name := range []string{"ci", "idp"} {
		if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: name, URL: "https://" + name + ".example.com", Discovery: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, fine := range []RuleMetadata{
		{Name: "alice", Client: "app", Subject: "alice"},
		{Name: "of-a-client-with-an-issuers-name", Client: "ci", Subject: "alice"},
		{Name: "own", Client: "app", Subject: "bob", AsSubject: "client:app/robert"},
		{Name: "later", Issuer: "idp", Subject: "s", AsSubject: "later/s"},
	} {
		if _, err := a.AddRule(ctx, fine); err != nil {
			t.Error(err)
		}
	}
	for name, refused := range map[string]RuleMetadata{
		"as a user of a client":        {Name: "r", Issuer: "idp", Subject: "s", AsSubject: "client:app/alice"},
		"as it is, a user of a client": {Name: "r", Issuer: "idp", Subject: "client:app/alice", AsSubject: "="},
		"as a user of another client":  {Name: "r", Client: "ci", Subject: "s", AsSubject: "client:app/alice"},
	} {
		if _, err := a.AddRule(ctx, refused); !slices.Equal(faultsAt(t, err), []string{"as_subject"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.AddClient(ctx, AddClientInput{ID: "client:app/alice", Keys: publicJWK(t)}); code(err) != Invalid {
		t.Errorf("a client by the name of a client's user: %v", err)
	}
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "later", URL: "https://later.example.com", Discovery: true}); !slices.Equal(faultsAt(t, err), []string{"name"}) {
		t.Errorf("an issuer whose subjects another one's rules give: %v", err)
	}
}

// TestRuleWithoutAClientNeedsOne: for an issuer, only a rule that names a client does without one that authenticates.
func TestRuleWithoutAClientNeedsOne(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "app"})
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", JWKS: publicJWK(t)}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []RuleMetadata{
		{Name: "any", Issuer: "ci", Subject: "any"},
		{Name: "app", Issuer: "ci", Subject: "app's", AsClient: "app"},
		{Name: "self", Client: "app", Subject: "alice"},
	} {
		if _, err := a.AddRule(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		iss, sub, client string
		reason           assertion.Reason
	}{
		{"https://ci.example.com", "any", "", assertion.ClientMismatch},
		{"https://ci.example.com", "any", "app", ""},
		{"https://ci.example.com", "app's", "", ""},
		{"app", "alice", "", ""},
	} {
		i, err := live.Issuer(ctx, test.iss)
		if err != nil || i == nil {
			t.Fatalf("%v, %v", i, err)
		}
		const aud = "https://as.example.com"
		_, err = i.Match(&trust.Query{
			Assertion: &assertion.Assertion{Issuer: test.iss, Subject: test.sub, Audience: []string{aud}}, Audience: []string{aud},
			Client: test.client, Authenticated: test.client != "",
		})
		refused, _ := errors.AsType[*assertion.Error](err)
		if got := refused != nil; got != (test.reason != "") || got && refused.Reason != test.reason {
			t.Errorf("%+v: %v", test, err)
		}
	}
}
