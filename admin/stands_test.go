package admin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/token"
)

var _ avouch.Subjects = (*Live)(nil)

// standing is a server on a Live, for asking what still stands.
func standing(t *testing.T, l *Live) *avouch.Server {
	t.Helper()
	s, err := avouch.New(avouch.Config{
		Issuer: "https://as.example.com", Minter: &token.Minter{Key: l}, Grants: []avouch.Grant{avouch.ClientOptional(grant.ClientCredentials{})},
		Clients: l, Subjects: l, Lapsed: l.Lapsed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStands switches off, one after the other, all that a token rests on. It no longer stands in this process when the
// operation returns, and in another one within a second; and stands again where that can be taken back.
func TestStands(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path, sealer := t.TempDir()+"/avouch.db", newTestSealer(t)
	a := newAdmin(openStoreAt(t, path), sealer, Options{})
	here, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	there, err := newAdmin(openStoreAt(t, path), sealer, Options{}).Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- there.Run(ctx) }()

	made := add(t, a, AddClientInput{ID: "app", Keys: publicJWK(t)})
	more, err := a.AddClientKeys(ctx, "app", AddKeysInput{Keys: publicJWK(t)})
	if err != nil {
		t.Fatal(err)
	}
	add(t, a, AddClientInput{ID: "other"})
	for _, name := range []string{"ci", "idp"} {
		if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: name, URL: "https://" + name + ".example.com", JWKS: publicJWK(t)}); err != nil {
			t.Fatal(err)
		}
	}
	key, second := made.Keys[0].ID, more[0].ID
	claims := func() *token.Claims {
		return &token.Claims{ClientID: "app", Subject: "ci/alice", Origin: token.Origin{Issuer: "https://ci.example.com", Rule: "deploy", KeyIDs: []string{key, second}}}
	}
	if _, err := a.AddRule(ctx, RuleMetadata{Name: "deploy", Issuer: "ci", Subject: "alice", AsClient: "app"}); err != nil {
		t.Fatal(err)
	}
	servers := map[*Live]*avouch.Server{here: standing(t, here), there: standing(t, there)}
	stands := func(l *Live, c *token.Claims) bool {
		lapse, err := servers[l].Lapsed(ctx, time.Now(), c)
		if err != nil {
			t.Fatal(err)
		}
		return lapse == nil
	}
	mode := func(mode string) error {
		r, err := a.Rule(ctx, "deploy")
		if err != nil {
			return err
		}
		r.Mode = mode
		_, err = a.UpdateRule(ctx, 0, r.RuleMetadata)
		return err
	}
	addRule := func(name string) error {
		_, err := a.AddRule(ctx, RuleMetadata{Name: name, Issuer: "ci", Subject: "alice", AsClient: "app"})
		return err
	}
	within(t, "made", func() bool { return stands(there, claims()) })
	for _, step := range []struct {
		name   string
		change func() error
		want   bool
	}{
		{"nothing", func() error { return nil }, true},
		{"client off", func() error { _, err := a.DisableClient(ctx, "app"); return err }, false},
		{"client on", func() error { _, err := a.EnableClient(ctx, "app"); return err }, true},
		{"another client off", func() error { _, err := a.DisableClient(ctx, "other"); return err }, true},
		{"issuer off", func() error { _, err := a.DisableIssuer(ctx, "ci"); return err }, false},
		{"issuer on", func() error { _, err := a.EnableIssuer(ctx, "ci"); return err }, true},
		{"another issuer off", func() error { _, err := a.DisableIssuer(ctx, "idp"); return err }, true},
		{"subject off", func() error { _, err := a.DisableSubject(ctx, "ci/alice", "left"); return err }, false},
		{"subject on", func() error { _, err := a.EnableSubject(ctx, "ci/alice"); return err }, true},
		{"another subject off", func() error { _, err := a.DisableSubject(ctx, "ci/Alice", ""); return err }, true},
		{"rule off", func() error { _, err := a.DisableRule(ctx, "deploy"); return err }, false},
		{"rule on", func() error { _, err := a.EnableRule(ctx, "deploy"); return err }, true},
		{"rule in audit", func() error { return mode("audit") }, false},
		{"rule in force", func() error { return mode("enforce") }, true},
		{"rule removed", func() error { return a.RemoveRule(ctx, "deploy") }, false},
		{"another rule of that name", func() error { return addRule("deploy") }, true}, // nobody says when the token was issued
		{"key retiring", func() error { _, err := a.RetireClientKey(ctx, "app", key, time.Now().Add(time.Hour)); return err }, true},
		{"key revoked", func() error { _, err := a.RevokeClientKey(ctx, "app", second); return err }, false},
	} {
		if err := step.change(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if stands(here, claims()) != step.want {
			t.Errorf("%s: Stands in this process is %t", step.name, !step.want)
		}
		within(t, step.name+", in another process", func() bool { return stands(there, claims()) == step.want })
	}
	// The key that was revoked is not what these rest on.
	for name, test := range map[string]struct {
		change func(c *token.Claims)
		want   bool
	}{
		"the other key":                  {func(*token.Claims) {}, true},
		"no key and no issuer":           {func(c *token.Claims) { c.Origin = token.Origin{} }, true},
		"a key of nobody":                {func(c *token.Claims) { c.Origin.KeyIDs = []string{key, "nobody's"} }, false},
		"a key of another client":        {func(c *token.Claims) { c.ClientID = "other" }, false},
		"no client":                      {func(c *token.Claims) { c.ClientID = "" }, false},
		"a client of another case":       {func(c *token.Claims) { c.ClientID = "App" }, false},
		"an issuer that nobody knows":    {func(c *token.Claims) { c.Origin.Issuer = "https://gone.example.com" }, false},
		"an issuer with a slash more":    {func(c *token.Claims) { c.Origin.Issuer += "/" }, false},
		"an issuer that is switched off": {func(c *token.Claims) { c.Origin.Issuer = "https://idp.example.com" }, false},
		"a rule that nobody knows":       {func(c *token.Claims) { c.Origin.Rule = "gone" }, false},
		"a rule of another case":         {func(c *token.Claims) { c.Origin.Rule = "Deploy" }, false},
		"an earlier rule of that name":   {func(c *token.Claims) { c.IssuedAt = time.Now().Add(-time.Hour).Truncate(time.Second) }, false},
		"a disabled subject":             {func(c *token.Claims) { c.Subject = "ci/Alice" }, false},
		"a very long subject":            {func(c *token.Claims) { c.Subject = strings.Repeat("a", 5000) }, true},
	} {
		c := claims()
		c.Origin.KeyIDs = []string{key}
		test.change(c)
		if got := stands(here, c); got != test.want {
			t.Errorf("%s: Stands = %t", name, got)
		}
	}
	// What is removed does not stand either.
	c := claims()
	c.Origin.KeyIDs, c.Origin.Rule = nil, ""
	if err := errors.Join(a.RemoveRule(ctx, "deploy"), a.RemoveIssuer(ctx, "ci")); err != nil {
		t.Fatal(err)
	}
	if stands(here, c) {
		t.Error("a token of an issuer that was removed stands")
	}
	c.Origin.Issuer = ""
	if err := a.RemoveClient(ctx, "app"); err != nil {
		t.Fatal(err)
	}
	if stands(here, c) {
		t.Error("a token of a client that was removed stands")
	}
	cancel()
	<-done
}

// TestStandsByFetchedKeys: of the keys behind a URL, only one that was revoked here takes something with it.
func TestStandsByFetchedKeys(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made := add(t, a, AddClientInput{ID: "app", Keys: publicJWK(t)})
	if _, err := a.RevokeClientKey(ctx, "app", made.Keys[0].ID); err != nil {
		t.Fatal(err)
	}
	m := made.ClientMetadata
	m.JWKSURL = "https://app.example.com/jwks"
	if _, err := a.UpdateClient(ctx, "app", 0, m); err != nil {
		t.Fatal(err)
	}
	for kid, want := range map[string]bool{made.Keys[0].ID: false, "fetched": true} {
		if lapse, err := live.Lapsed(ctx, &token.Claims{ClientID: "app", Subject: "app", Origin: token.Origin{KeyIDs: []string{kid}}}); err != nil || (lapse == nil) != want {
			t.Errorf("by the key %s: %v, %v", kid, lapse, err)
		}
	}
}

// TestSubjectsFailClosed: when nobody knows who has been disabled meanwhile, nothing stands and nobody gets a token.
func TestSubjectsFailClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := &memStore{}
		a := newAdmin(store, newTestSealer(t), Options{})
		add(t, a, AddClientInput{ID: "app"})
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		server := standing(t, live)
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		ask := func(subject string) []error {
			_, one := live.SubjectDisabled(ctx, subject)
			_, two := server.Lapsed(ctx, time.Now(), &token.Claims{ClientID: "app", Subject: subject})
			return []error{one, two}
		}
		unavailable := func(when, subject string) {
			t.Helper()
			for _, err := range ask(subject) {
				if refused, ok := errors.AsType[*avouch.Error](err); !ok || refused.Code != avouch.TemporarilyUnavailable {
					t.Errorf("%s: %v", when, err)
				}
			}
		}
		if err := errors.Join(ask("alice")...); err != nil {
			t.Error(err)
		}
		if _, err := a.DisableSubject(ctx, "bob", ""); err != nil {
			t.Fatal(err)
		}
		store.break_(errors.New("disk on fire"))
		unavailable("a subject that was not asked for before", "carol")
		time.Sleep(staleAfter + pollEvery)
		synctest.Wait()
		unavailable("after 5 s", "bob")
		unavailable("after 5 s", "alice")
		store.break_(nil)
		time.Sleep(pollEvery + time.Millisecond)
		synctest.Wait()
		if is, err := live.SubjectDisabled(ctx, "bob"); err != nil || !is {
			t.Errorf("bob is disabled: %t, %v", is, err)
		}
		cancel()
		<-done
	})
}

func TestSubjects(t *testing.T) {
	var told []Change
	a := newAdmin(openStore(t), newTestSealer(t), Options{Observe: func(_ context.Context, c Change) { told = append(told, c) }})
	ctx := t.Context()
	for _, id := range []string{"ci/b", "ci/a", "a user\u00e9"} {
		if _, err := a.DisableSubject(ctx, id, "left"); err != nil {
			t.Error(err)
		}
	}
	again, err := a.DisableSubject(ctx, "ci/a", "")
	if err != nil || !again.Disabled || again.Note != "left" {
		t.Errorf("again: %+v, %v", again, err)
	}
	for _, bad := range []string{"", "a\x00b", "\xff", strings.Repeat("a", maxSubject+1), " a"} {
		if _, err := a.DisableSubject(ctx, bad, ""); code(err) != Invalid {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if _, err := a.DisableSubject(ctx, "x", "a\nb"); code(err) != Invalid {
		t.Error(err)
	}
	page, err := a.Subjects(ctx, "", 2)
	if err != nil || len(page.Subjects) != 2 || page.Subjects[0].ID != "a user\u00e9" || page.Next != "ci/a" {
		t.Errorf("%+v, %v", page, err)
	}
	page, err = a.Subjects(ctx, page.Next, 2)
	if err != nil || len(page.Subjects) != 1 || page.Subjects[0].ID != "ci/b" || page.Next != "" {
		t.Errorf("%+v, %v", page, err)
	}
	if s, err := a.EnableSubject(ctx, "ci/b"); err != nil || s.Disabled {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := a.EnableSubject(ctx, "ci/b"); code(err) != NotFound {
		t.Error(err)
	}
	last := told[len(told)-1]
	if last.Action != "subject.enable" || last.ID != "ci/b" || last.Caller.Name != "alice" || len(last.Fields) == 0 {
		t.Errorf("told %+v", last)
	}
}
