package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is a document with one of everything. Files are in samples.
func sample(t *testing.T) (*Document, func(string) ([]byte, error)) {
	t.Helper()
	first, second := publicJWK(t), publicJWK(t)
	pemKey, _ := pair(t)
	pub := pemKey.Public()
	jwk, err := marshalJWK(&pub)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"secret.txt": []byte(generateSecret() + "\n"), "key.jwk": jwk}
	d, err := ParseDocument([]byte(`{
		"clients": [
			{"client_id": "set", "client_name": "With a set", "grant_types": ["client_credentials", "` + grantJWTBearer + `"], "scope": "a b", "jwks": ` + string(first) + `},
			{"client_id": "keys", "keys": [{"jwk": ` + strings.TrimSuffix(strings.TrimPrefix(string(second), `{"keys":[`), `]}`) + `, "label": "one"},
				{"file": "key.jwk", "state": "next", "not_before": "2040-01-01T00:00:00Z"}]},
			{"client_id": "url", "jwks_uri": "https://c.example.com/jwks"},
			{"client_id": "basic", "token_endpoint_auth_method": "client_secret_basic", "secrets": [{"file": "secret.txt", "label": "from a file"}, {"value": "` + generateSecret() + `"}]},
			{"client_id": "mac", "token_endpoint_auth_method": "client_secret_jwt", "secrets": [{"value": "` + generateSecret() + `"}]},
			{"client_id": "off", "disabled": true, "token_endpoint_auth_method": "none"}
		],
		"issuers": [
			{"name": "ci", "issuer": "https://ci.example.com", "discovery": true, "assertions": {"max_lifetime": "10m", "replay": "once"}},
			{"name": "k8s", "issuer": "https://cluster.example.com", "jwks": ` + string(publicJWK(t)) + `, "assertions": {"audiences": ["avouch"], "replay": "off"}}
		],
		"rules": [
			{"name": "deploy", "issuer": "ci", "subject": "repo:org/app", "claims": {"environment": "prod"}, "as_client": "set", "scope": "a"},
			{"name": "pod", "mode": "audit", "issuer": "k8s", "subject": "system:serviceaccount:a:b", "as_subject": "="}
		]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	return d, func(name string) ([]byte, error) {
		if content, ok := files[name]; ok {
			return content, nil
		}
		return nil, fs.ErrNotExist
	}
}

func plan(t *testing.T, a *Admin, d *Document, o PlanOptions) *Plan {
	t.Helper()
	p, err := a.Plan(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, a *Admin, p *Plan) {
	t.Helper()
	r, err := a.Apply(t.Context(), p, nil)
	if err != nil || r.Applied != len(p.Steps) {
		t.Fatalf("applied %+v of %d, %v", r, len(p.Steps), err)
	}
}

func steps(p *Plan) string {
	var all []string
	for _, s := range p.Steps {
		all = append(all, s.Action+" "+s.Kind+" "+s.ID)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestApplyIsIdempotent(t *testing.T) {
	a := newTest(t)
	d, files := sample(t)
	o := PlanOptions{ReadFile: files, Prune: true}
	first := plan(t, a, d, o)
	if len(first.Steps) != 10 || first.Unchanged != 0 {
		t.Errorf("%d steps, %d unchanged", len(first.Steps), first.Unchanged)
	}
	if page, err := a.Clients(t.Context(), "", 0); err != nil || len(page.Clients) != 0 {
		t.Errorf("planning made %d clients, %v", len(page.Clients), err)
	}
	if text := asJSON(t, first); strings.Contains(text, d.Clients[3].Secrets[1].Value) || strings.Contains(text, d.Clients[4].Secrets[0].Value) {
		t.Errorf("the plan tells a secret: %s", text)
	}
	apply(t, a, first)
	if again := plan(t, a, d, o); len(again.Steps) != 0 || again.Unchanged != 10 {
		t.Errorf("again: %s, %d unchanged: %s", steps(again), again.Unchanged, asJSON(t, again))
	}
}

func TestExportIsTheState(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	d, files := sample(t)
	apply(t, a, plan(t, a, d, PlanOptions{ReadFile: files}))
	// and what no document starts with
	keys, err := a.ClientKeys(ctx, "keys")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.RevokeClientKey(ctx, "keys", keys[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddClientSecret(ctx, "basic", AddSecretInput{Overlap: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DisableRule(ctx, "deploy"); err != nil {
		t.Fatal(err)
	}
	exported, err := a.Export(ctx)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseDocument([]byte(asJSON(t, exported)))
	if err != nil {
		t.Fatal(err)
	}
	if p := plan(t, a, read, PlanOptions{Prune: true}); len(p.Steps) != 0 {
		t.Errorf("onto itself: %s", asJSON(t, p))
	}
	other := newAdmin(openStore(t), a.sealer, a.options)
	apply(t, other, plan(t, other, read, PlanOptions{Prune: true}))
	again, err := other.Export(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if one, two := asJSON(t, exported), asJSON(t, again); one != two {
		t.Errorf("a copy of\n%s\nis\n%s", one, two)
	}
	stranger := newAdmin(openStore(t), newTestSealer(t), Options{})
	if _, err := stranger.Plan(ctx, read, PlanOptions{}); code(err) != Sealed {
		t.Errorf("sealed secrets under another seal key: %v", err)
	}
}

func TestPlanTellsAllFaults(t *testing.T) {
	a := newTest(t)
	private, _ := pair(t)
	secret, err := private.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Plan(t.Context(), &Document{
		Clients: []ClientDocument{
			{ID: "a b", ClientMetadata: ClientMetadata{Scope: "é"}, JWKS: publicJWK(t)},
			{ID: "leak", Keys: []KeyDocument{{PEM: string(secret)}}},
			{ID: "weak", ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}, Secrets: []SecretDocument{{Value: "short"}}},
		},
		Issuers: []IssuerDocument{{IssuerMetadata: IssuerMetadata{Name: "i", URL: "http://idp.example.com", Discovery: true}}},
		Rules:   []RuleDocument{{RuleMetadata: RuleMetadata{Name: "r", Issuer: "nobody", Subject: "s"}}},
	}, PlanOptions{})
	want := []string{"clients[0].client_id", "clients[0].scope", "clients[1].keys[0]", "clients[2].secrets[0]", "issuers[0].issuer", "rules[0].issuer"}
	if got := faultsAt(t, err); !slices.Equal(got, want) {
		t.Errorf("faults at %q\nwant      %q", got, want)
	}
	if strings.Contains(err.Error(), "short") && strings.Contains(err.Error(), `"short"`) {
		t.Errorf("the error tells a secret: %v", err)
	}
	_, err = a.Plan(t.Context(), &Document{
		Clients: []ClientDocument{
			{ID: "a", Keys: []KeyDocument{{}, {File: "/etc/passwd"}}, JWKS: []byte(`{}`)},
			{ID: "a", Secrets: []SecretDocument{{Value: "x", SHA256: "y"}, {SHA256: "zz"}, {Sealed: "?", ID: "x"}, {File: "f"}}},
			{},
		},
	}, PlanOptions{})
	want = []string{"clients[0].jwks", "clients[0].keys[0]", "clients[0].keys[1].file", "clients[1].client_id", "clients[1].secrets[0]",
		"clients[1].secrets[1].sha256", "clients[1].secrets[2].sealed", "clients[1].secrets[3].file", "clients[2].client_id"}
	if got := faultsAt(t, err); !slices.Equal(got, want) {
		t.Errorf("faults at %q\nwant      %q", got, want)
	}
}

// TestPlanFindsTheOrder changes records that depend on each other, in an order that the document does not say.
func TestPlanFindsTheOrder(t *testing.T) {
	a := newTest(t)
	doc := func(change func(d *Document)) *Document {
		d := &Document{
			Clients: []ClientDocument{{ID: "app", ClientMetadata: ClientMetadata{GrantTypes: []string{grantJWTBearer}, JWKSURL: "https://app.example.com/jwks"}}},
			Issuers: []IssuerDocument{{IssuerMetadata: IssuerMetadata{Name: "ci", URL: "https://ci.example.com", Discovery: true}}},
			Rules:   []RuleDocument{{RuleMetadata: RuleMetadata{Name: "r", Issuer: "ci", Subject: "s", AsClient: "app"}}},
		}
		change(d)
		return d
	}
	apply(t, a, plan(t, a, doc(func(*Document) {}), PlanOptions{}))
	// the issuer may allow re-use only when the rule requires a client; issuers come first in a document
	apply(t, a, plan(t, a, doc(func(d *Document) {
		d.Issuers[0].Assertions.Replay = replaySameClient
		d.Rules[0].RequireClient = true
	}), PlanOptions{}))
	// and back: the rule may do without only when the issuer no longer allows it
	apply(t, a, plan(t, a, doc(func(*Document) {}), PlanOptions{}))
	// the rule moves to another client, and the first one goes
	p := plan(t, a, doc(func(d *Document) {
		d.Clients[0].ID = "app2"
		d.Rules[0].AsClient = "app2"
	}), PlanOptions{Prune: true})
	if got := steps(p); got != "create client app2, delete client app, update rule r" {
		t.Error(got)
	}
	apply(t, a, p)
	// everything goes
	p = plan(t, a, &Document{}, PlanOptions{Prune: true})
	if got := steps(p); got != "delete client app2, delete issuer ci, delete rule r" {
		t.Error(got)
	}
	apply(t, a, p)
	if p := plan(t, a, &Document{}, PlanOptions{Prune: true}); len(p.Steps) != 0 {
		t.Error(steps(p))
	}
}

func TestPlanWithoutPruneLeavesTheRest(t *testing.T) {
	a := newTest(t)
	add(t, a, AddClientInput{ID: "other"})
	d, files := sample(t)
	p := plan(t, a, d, PlanOptions{ReadFile: files})
	if strings.Contains(steps(p), "delete") {
		t.Error(steps(p))
	}
	p = plan(t, a, d, PlanOptions{ReadFile: files, Prune: true})
	if !strings.Contains(steps(p), "delete client other") {
		t.Error(steps(p))
	}
}

// TestApplyReplacesCredentials takes a key and a secret out of a document.
func TestApplyReplacesCredentials(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	old, next := publicJWK(t), publicJWK(t)
	value := generateSecret()
	doc := func(jwks []byte, secrets ...SecretDocument) *Document {
		return &Document{Clients: []ClientDocument{
			{ID: "k", JWKS: jwks},
			{ID: "s", ClientMetadata: ClientMetadata{AuthMethod: methodSecretPost}, Secrets: secrets},
			{ID: "m", ClientMetadata: ClientMetadata{AuthMethod: methodSecretJWT}, Secrets: secrets},
		}}
	}
	apply(t, a, plan(t, a, doc(old, SecretDocument{Value: value}), PlanOptions{}))
	p := plan(t, a, doc(next, SecretDocument{Value: value, Label: "kept"}, SecretDocument{Value: generateSecret()}), PlanOptions{})
	if got := steps(p); got != "update client k, update client m, update client s" {
		t.Error(got)
	}
	apply(t, a, p)
	k, err := a.Client(ctx, "k")
	if err != nil || len(k.Keys) != 2 || k.Keys[0].State != KeyRevoked || k.Keys[1].State != KeyActive {
		t.Errorf("%+v, %v", k, err)
	}
	for _, id := range []string{"s", "m"} {
		c, err := a.Client(ctx, id)
		if err != nil || len(c.Secrets) != 2 || c.Secrets[0].Label != "kept" {
			t.Errorf("%s: %+v, %v", id, c, err)
		}
	}
	apply(t, a, plan(t, a, doc(next, SecretDocument{Value: generateSecret()}), PlanOptions{}))
	for _, id := range []string{"s", "m"} {
		if c, err := a.Client(ctx, id); err != nil || len(c.Secrets) != 1 || c.Secrets[0].Label != "" {
			t.Errorf("%s: %+v, %v", id, c, err)
		}
	}
	if _, err := a.Plan(ctx, doc(old, SecretDocument{Value: generateSecret()}), PlanOptions{}); !slices.Equal(faultsAt(t, err), []string{"clients[0].jwks[0]"}) {
		t.Errorf("a revoked key comes back: %v", err)
	}
	// to jwks_uri: the registered keys end
	d := doc(nil, SecretDocument{Value: generateSecret()})
	d.Clients[0].JWKSURL = "https://k.example.com/jwks"
	apply(t, a, plan(t, a, d, PlanOptions{}))
	if k, err := a.Client(ctx, "k"); err != nil || k.Keys[1].State != KeyRevoked {
		t.Errorf("%+v, %v", k, err)
	}
}

// TestApplyDoesNotSwitchOn is for somebody who was switched off in a hurry, while the document is applied every hour.
func TestApplyDoesNotSwitchOn(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	d, files := sample(t)
	o := PlanOptions{ReadFile: files}
	apply(t, a, plan(t, a, d, o))
	if _, err := a.DisableClient(ctx, "set"); err != nil {
		t.Fatal(err)
	}
	d.Clients[0].Name = "renamed"
	apply(t, a, plan(t, a, d, o))
	if c, err := a.Client(ctx, "set"); err != nil || !c.Disabled || c.Name != "renamed" {
		t.Errorf("%+v, %v", c, err)
	}
	on := false
	d.Clients[0].Disabled = &on
	apply(t, a, plan(t, a, d, o))
	if c, err := a.Client(ctx, "set"); err != nil || c.Disabled {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestApplyStopsWhereSomebodyElseWrote(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	d, files := sample(t)
	p := plan(t, a, d, PlanOptions{ReadFile: files})
	add(t, a, AddClientInput{ID: "set"})
	r, err := a.Apply(ctx, p, nil)
	if code(err) != Conflict || r.Applied != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := a.Issuer(ctx, "ci"); code(err) != NotFound {
		t.Errorf("a part of the portion is there: %v", err)
	}
}

func TestApplyInPortions(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	var d Document
	for i := range 2*portion + 7 {
		d.Clients = append(d.Clients, ClientDocument{ID: fmt.Sprintf("c%03d", i), ClientMetadata: ClientMetadata{AuthMethod: methodNone}})
	}
	before, err := a.store.Change(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var told []int
	p := plan(t, a, &d, PlanOptions{})
	if _, err := a.Apply(ctx, p, func(p Progress) { told = append(told, p.Done) }); err != nil {
		t.Fatal(err)
	}
	after, err := a.store.Change(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if after-before != 3 || !slices.Equal(told, []int{portion, 2 * portion, 2*portion + 7}) {
		t.Errorf("%d transactions, told %v", after-before, told)
	}
	// a fault in the last portion leaves the earlier ones
	for i := range d.Clients {
		d.Clients[i].Name = "new"
	}
	p = plan(t, a, &d, PlanOptions{})
	if _, err := a.DisableClient(ctx, "c105"); err != nil {
		t.Fatal(err)
	}
	r, err := a.Apply(ctx, p, nil)
	if code(err) != Conflict || r.Applied != 2*portion {
		t.Errorf("%+v, %v", r, err)
	}
	rest := plan(t, a, &d, PlanOptions{})
	if len(rest.Steps) != 7 {
		t.Errorf("%d steps are left", len(rest.Steps))
	}
	apply(t, a, rest)
	if _, err := a.Apply(t.Context(), p, nil); errors.Is(err, nil) || code(err) != Conflict {
		t.Errorf("an old plan: %v", err)
	}
}
