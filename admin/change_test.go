package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/token"
)

// changesOf returns all recorded changes, the oldest first.
func changesOf(t testing.TB, a *Admin) []Change {
	t.Helper()
	var all []Change
	for q := (ChangeQuery{OldestFirst: true, Limit: 1000}); ; {
		page, err := a.As(alice).Changes(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Changes...)
		if q.After = page.Next; page.Next == 0 {
			return all
		}
	}
}

// signed returns an access token of the server, issued on a consent if family is not "".
func signed(t testing.TB, a *Admin, live *Live, family string) string {
	t.Helper()
	c := &token.Claims{
		Issuer: a.options.Issuer, Subject: "idp/alice", Audience: []string{"https://api.example.com"}, ClientID: "app", Scopes: []string{"a", "b"},
		ID: "jti-" + family, IssuedAt: time.Now(), Expires: time.Now().Add(time.Minute), Origin: token.Origin{Family: family},
	}
	text, err := (&token.Minter{Key: live}).Mint(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var someTime = regexp.MustCompile(`"20\d\d-[^"]*Z"`)

// changeLine is a change in one line: action, id, key, and what is different.
func changeLine(c *Change) string {
	var fields []string
	for _, f := range c.Fields {
		fields = append(fields, f.Field+": "+f.Old+" -> "+f.New)
	}
	return someTime.ReplaceAllString(strings.TrimSpace(strings.TrimSpace(c.Action+" "+c.ID+" "+c.Key)+" | "+strings.Join(fields, "; ")), "TIME")
}

// TestEveryChangeIsRecorded does everything that changes something, and compares what was recorded with what was done,
// member by member. The observer is told the same.
func TestEveryChangeIsRecorded(t *testing.T) {
	var observed []Change
	a := New(openStore(t), newTestSealer(t), Options{Issuer: "https://as.example.com", Observe: func(_ context.Context, c Change) { observed = append(observed, c) }}).As(alice)
	ctx := t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{} // what differs from run to run, and what the test calls it
	ring := func(name string) {
		list, err := a.SigningKeys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			if names[k.ID] == "" {
				names[k.ID] = name
			}
		}
	}
	ring("RING1")
	public := func(name string) (jwks []byte, kid string) {
		jwks = publicJWK(t)
		set, err := keys.ParseSet(jwks)
		if err != nil {
			t.Fatal(err)
		}
		names[set.Keys()[0].ID] = name
		return jwks, set.Keys()[0].ID
	}
	first, kid1 := public("KID1")
	second, kid2 := public("KID2")
	third, _ := public("KID3")
	idp, _ := public("IDP1")

	app := AddClientInput{ID: "app", Keys: first, KeyLabel: "first"}
	app.Name, app.GrantTypes, app.Scope = "App", []string{grantClientCredentials, grantJWTBearer}, "a b"
	later := app.ClientMetadata
	later.Name, later.Scope, later.Contacts = "", "a", []string{"ops@example.com"}
	basic := AddClientInput{ID: "basic", Secret: &SecretInput{[]byte("correct-horse-battery-staple-0123456789")}}
	basic.AuthMethod, basic.GrantTypes = methodSecretBasic, []string{grantClientCredentials}
	rule := RuleMetadata{Name: "ci", Issuer: "idp", Subject: "job", AsClient: "app", Claims: map[string]string{"env": "prod"}}
	newRule := RuleMetadata{Name: "ci", Issuer: "idp", Subject: "job:2", AsClient: "app"}
	var secretID string
	var initial *InitialTokenResult
	apply := func(text string, prune bool) error {
		d, err := ParseDocument([]byte(text))
		if err != nil {
			return err
		}
		plan, err := a.Plan(ctx, d, PlanOptions{Prune: prune})
		if err != nil {
			return err
		}
		_, err = a.Apply(ctx, plan, nil)
		return err
	}
	registrar, registered := a.Registrar(), &endpoint.RegisteredClient{ID: "me", Token: [32]byte{1}, Issued: time.Now(),
		Metadata: endpoint.Metadata{AuthMethod: methodNone, GrantTypes: []string{grantDeviceCode}, Name: "Me", Texts: map[string]string{"client_name#de": "Ich", "software_statement": "a.b.c"}}}

	type step struct {
		do   func() error
		want string
	}
	one := func(_ any, err error) error { return err }
	for _, s := range []step{
		{func() error { return nil }, `signing_key.add RING1 | alg: -> "ES256"; not_before: -> TIME; sealed: -> (hidden)`},
		{func() error { return one(a.AddClient(ctx, app)) },
			`client.add app | client_name: -> "App"; disabled: -> false; grant_types: -> ["client_credentials","urn:ietf:params:oauth:grant-type:jwt-bearer"]; keys KID1.label: -> "first"; keys KID1.state: -> "active"; scope: -> "a b"`},
		{func() error { return one(a.UpdateClient(ctx, "app", 0, later)) }, `client.update app | client_name: "App" ->; contacts: -> ["ops@example.com"]; scope: "a b" -> "a"`},
		{func() error { return one(a.UpdateClient(ctx, "app", 0, later)) }, `client.update app |`},
		{func() error { return one(a.DisableClient(ctx, "app")) }, `client.disable app | disabled: false -> true`},
		{func() error { return one(a.DisableClient(ctx, "app")) }, `client.disable app |`},
		{func() error { return one(a.EnableClient(ctx, "app")) }, `client.enable app | disabled: true -> false`},
		{func() error {
			return one(a.AddClientKeys(ctx, "app", AddKeysInput{Keys: second, State: KeyNext, Label: "second"}))
		}, `client_key.add app KID2 | keys KID2.label: -> "second"; keys KID2.state: -> "next"`},
		{func() error { return one(a.ActivateClientKey(ctx, "app", kid2)) }, `client_key.activate app KID2 | keys KID2.state: "next" -> "active"`},
		{func() error { return one(a.RetireClientKey(ctx, "app", kid1, time.Time{})) }, `client_key.retire app KID1 | keys KID1.expires: -> TIME; keys KID1.state: "active" -> "retiring"`},
		{func() error { return one(a.RevokeClientKey(ctx, "app", kid1)) }, `client_key.revoke app KID1 | keys KID1.state: "retiring" -> "revoked"`},
		{func() error { return one(a.RevokeClientKey(ctx, "app", kid1)) }, `client_key.revoke app KID1 |`},
		{func() error {
			c, err := a.AddClient(ctx, basic)
			if err == nil {
				names[c.Secrets[0].ID] = "SECRET1"
			}
			return err
		}, `client.add basic | disabled: -> false; grant_types: -> ["client_credentials"]; secrets SECRET1: -> (hidden); token_endpoint_auth_method: -> "client_secret_basic"`},
		{func() error {
			s, err := a.AddClientSecret(ctx, "basic", AddSecretInput{Label: "new", Overlap: time.Hour})
			if err == nil {
				secretID, names[s.ID] = s.ID, "SECRET2"
			}
			return err
		}, `client_secret.add basic SECRET2 | secrets SECRET1.expires: -> TIME; secrets SECRET2: -> (hidden); secrets SECRET2.label: -> "new"`},
		{func() error { return a.RemoveClientSecret(ctx, "basic", secretID) }, `client_secret.remove basic SECRET2 | secrets SECRET2: (hidden) ->; secrets SECRET2.label: "new" ->`},
		{func() error {
			return one(a.AddIssuer(ctx, IssuerMetadata{Name: "idp", URL: "https://idp.example.com", JWKS: idp}))
		}, `issuer.add idp | disabled: -> false; issuer: -> "https://idp.example.com"; jwks: -> ["IDP1"]; name: -> "idp"`},
		{func() error {
			return one(a.UpdateIssuer(ctx, 0, IssuerMetadata{Name: "idp", URL: "https://idp.example.com", Discovery: true}))
		}, `issuer.update idp | discovery: -> true; jwks: ["IDP1"] ->`},
		{func() error { return one(a.DisableIssuer(ctx, "idp")) }, `issuer.disable idp | disabled: false -> true`},
		{func() error { return one(a.EnableIssuer(ctx, "idp")) }, `issuer.enable idp | disabled: true -> false`},
		{func() error { return one(a.AddRule(ctx, rule)) }, `rule.add ci | as_client: -> "app"; claims.env: -> "prod"; disabled: -> false; issuer: -> "idp"; mode: -> "enforce"; name: -> "ci"; subject: -> "job"`},
		{func() error { return one(a.UpdateRule(ctx, 0, newRule)) }, `rule.update ci | claims.env: "prod" ->; subject: "job" -> "job:2"`},
		{func() error { return one(a.DisableRule(ctx, "ci")) }, `rule.disable ci | disabled: false -> true`},
		{func() error { return one(a.EnableRule(ctx, "ci")) }, `rule.enable ci | disabled: true -> false`},
		{func() error { return a.RemoveRule(ctx, "ci") }, `rule.remove ci | as_client: "app" ->; disabled: false ->; issuer: "idp" ->; mode: "enforce" ->; name: "ci" ->; subject: "job:2" ->`},
		{func() error { return a.RemoveIssuer(ctx, "idp") }, `issuer.remove idp | disabled: false ->; discovery: true ->; issuer: "https://idp.example.com" ->; name: "idp" ->`},
		{func() error { return one(a.DisableSubject(ctx, "idp/alice", "left")) }, `subject.disable idp/alice | disabled: -> true; note: -> "left"`},
		{func() error { return one(a.DisableSubject(ctx, "idp/alice", "")) }, `subject.disable idp/alice |`},
		{func() error { return one(a.EnableSubject(ctx, "idp/alice")) }, `subject.enable idp/alice | disabled: true ->; note: "left" ->`},
		{func() error {
			initial, err = a.CreateInitialToken(ctx, InitialTokenInput{Label: "partner", Uses: 2})
			if err == nil {
				names[initial.ID] = "TOKEN"
			}
			return err
		}, `initial_token.add TOKEN | label: -> "partner"; token: -> (hidden); uses: -> 2`},
		{func() error {
			digest := handle.Digest(initial.Token)
			return registrar.RegisterClient(ctx, time.Now(), registered, &digest)
		}, `initial_token.use TOKEN | uses: 2 -> 1
client.register me | client_name: -> "Me"; client_name#de: -> "Ich"; disabled: -> false; grant_types: -> ["urn:ietf:params:oauth:grant-type:device_code"]; registration_sha256: -> (hidden); software_statement: -> (hidden); token_endpoint_auth_method: -> "none"`},
		{func() error {
			c, err := registrar.RegisteredClient(ctx, "me")
			if err != nil {
				return err
			}
			c.Metadata.Name = "You"
			return registrar.ReplaceClient(ctx, time.Now(), c)
		}, `client.update me | client_name: "Me" -> "You"`},
		{func() error {
			c, err := registrar.RegisteredClient(ctx, "me")
			if err != nil {
				return err
			}
			return registrar.UnregisterClient(ctx, time.Now(), "me", c.Revision)
		}, `client.remove me | client_name: "You" ->; client_name#de: "Ich" ->; disabled: false ->; grant_types: ["urn:ietf:params:oauth:grant-type:device_code"] ->; registration_sha256: (hidden) ->; software_statement: (hidden) ->; token_endpoint_auth_method: "none" ->`},
		{func() error { return a.RevokeInitialToken(ctx, initial.ID) }, `initial_token.revoke TOKEN | label: "partner" ->; token: (hidden) ->; uses: 1 ->`},
		// A document tells of keys and secrets as well.
		{func() error {
			return apply(`{"clients":[{"client_id":"app","scope":"a","contacts":["ops@example.com"],"grant_types":["client_credentials"],"jwks":`+string(third)+`},
				{"client_id":"basic","grant_types":["client_credentials"],"token_endpoint_auth_method":"client_secret_basic","disabled":true,
				"secrets":[{"value":"another-correct-horse-battery-staple-42"}]}]}`, false)
		}, `client.update app | grant_types: ["client_credentials","urn:ietf:params:oauth:grant-type:jwt-bearer"] -> ["client_credentials"]; keys KID2.state: "active" -> "revoked"; keys KID3.state: -> "active"
client.update basic | disabled: false -> true; secrets SECRET1: (hidden) ->; secrets SECRET1.expires: TIME ->; secrets SECRET3: -> (hidden)`},
		{func() error {
			return apply(`{"clients":[{"client_id":"app","scope":"a","contacts":["ops@example.com"],"grant_types":["client_credentials"]}]}`, true)
		},
			`client.remove basic | disabled: true ->; grant_types: ["client_credentials"] ->; secrets SECRET3: (hidden) ->; token_endpoint_auth_method: "client_secret_basic" ->`},
		{func() error { return one(a.RevokeToken(ctx, signed(t, a, live, ""))) }, `token.revoke jti- | client_id: "app" ->; revoked: -> true; scope: "a b" ->; sub: "idp/alice" ->`},
		{func() error { return one(a.RevokeToken(ctx, signed(t, a, live, "family"))) }, `consent.revoke family | client_id: "app" ->; revoked: -> true; scope: "a b" ->; sub: "idp/alice" ->`},
		{func() error { return one(a.RevokeConsent(ctx, "another")) }, `consent.revoke another | revoked: -> true`},
		{func() error { return a.RemoveClient(ctx, "app") }, `client.remove app | contacts: ["ops@example.com"] ->; disabled: false ->; grant_types: ["client_credentials"] ->; keys KID1.expires: TIME ->; keys KID1.label: "first" ->; keys KID1.state: "revoked" ->; keys KID2.label: "second" ->; keys KID2.state: "revoked" ->; keys KID3.state: "active" ->; scope: "a" ->`},
		{func() error { return one(a.RotateSigningKey(ctx, RotateInput{})) }, `signing_key.retire RING1 | not_after: -> TIME; remove: -> TIME
signing_key.rotate RING2 | alg: -> "ES256"; not_before: -> TIME; sealed: -> (hidden)`},
		{func() error { return one(a.RotateSigningKey(ctx, RotateInput{})) }, ``}, // one waits already: nothing is written
		{func() error {
			other := newTestSealer(t)
			other.previous = a.sealer.current
			b := New(a.store, other, a.options).As(alice)
			if _, err := b.Reencrypt(ctx, nil); err != nil {
				return err
			}
			a = b
			return nil
		}, `signing_key.reencrypt RING1 | sealed: (hidden) -> (hidden)
signing_key.reencrypt RING2 | sealed: (hidden) -> (hidden)`},
		{func() error { return one(a.RotateSigningKey(ctx, RotateInput{Now: true, Algorithm: "EdDSA"})) }, `signing_key.withdraw RING1 | not_after: TIME -> TIME; remove: TIME -> TIME
signing_key.withdraw RING2 | not_after: -> TIME; remove: -> TIME
signing_key.rotate_now RING3 | alg: -> "EdDSA"; not_before: -> TIME; sealed: -> (hidden)`},
		{func() error { return a.MaintainSigningKeys(ctx) }, `signing_key.discard RING1 | alg: "ES256" ->; not_after: TIME ->; not_before: TIME ->; remove: TIME ->; sealed: (hidden) ->
signing_key.discard RING2 | alg: "ES256" ->; not_after: TIME ->; not_before: TIME ->; remove: TIME ->; sealed: (hidden) ->`},
		{func() error { return a.MaintainSigningKeys(ctx) }, ``},
	} {
		from := int64(len(observed))
		if s.want != "" && strings.HasPrefix(s.want, "signing_key.add") {
			from = 0
		}
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.want, err)
		}
		ring(fmt.Sprint("RING", 1+countValues(names, "RING")))
		page, err := a.Changes(ctx, ChangeQuery{After: from, OldestFirst: true})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for i := range page.Changes {
			c := &page.Changes[i]
			lines = append(lines, changeLine(c))
			if c.Number != from+int64(i)+1 || time.Since(c.Time) > time.Minute || c.Caller.Host != "laptop" || c.Noun == "" {
				t.Errorf("%+v", c)
			}
			for _, f := range c.Fields { // a secret that a document brought has an id that nobody chose
				if id, ok := strings.CutPrefix(f.Field, "secrets "); ok && names[id] == "" && !strings.Contains(id, ".") {
					names[id] = "SECRET3"
				}
			}
		}
		slices.Sort(lines) // keys of the ring come in the order of their ids
		got := strings.Join(lines, "\n")
		var pairs []string
		for id, name := range names {
			pairs = append(pairs, id, name)
		}
		got = strings.NewReplacer(pairs...).Replace(got)
		want := strings.Split(s.want, "\n")
		if g := strings.Split(got, "\n"); !sameLines(g, want) {
			t.Errorf("recorded\n%s\nwant\n%s", got, s.want)
		}
	}
	stored := changesOf(t, a)
	if !reflect.DeepEqual(stored, observed) {
		t.Errorf("%d changes were observed and %d are stored:\n%+v\n%+v", len(observed), len(stored), observed, stored)
	}
	recorded := map[string]bool{}
	for _, c := range stored {
		recorded[c.Action] = true
	}
	// The actions of the code, so that a new one is tried out above.
	for _, action := range actionsOfTheCode(t) {
		if !recorded[action] && action != "change.drop" && action != "signing_key.wipe" && action != "client_secret.reencrypt" {
			t.Errorf("%s is recorded by nothing in this test", action)
		}
	}
}

func countValues(m map[string]string, prefix string) (n int) {
	for _, v := range m {
		if strings.HasPrefix(v, prefix) {
			n++
		}
	}
	return n
}

// sameLines compares lines whatever their order, and fields of a line whatever theirs: they are sorted by ids that
// differ from run to run.
func sameLines(got, want []string) bool {
	sorted := func(lines []string) []string {
		var out []string
		for _, line := range lines {
			head, fields, _ := strings.Cut(line, "|")
			list := strings.Split(strings.TrimSpace(fields), "; ")
			for i := range list {
				list[i] = strings.ReplaceAll(strings.TrimSpace(list[i]), ":  ->", ": ->")
			}
			slices.Sort(list)
			out = append(out, strings.TrimSpace(head)+"|"+strings.Join(list, "; "))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(sorted(got), sorted(want))
}

// actionsOfTheCode returns the actions that the source of this package records.
func actionsOfTheCode(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	action := regexp.MustCompile(`"((?:client|client_key|client_secret|issuer|rule|subject|initial_token|signing_key|token|consent|change)\.[a-z_]+)"`)
	reads := regexp.MustCompile(`\.(list|show|test|maintain)$`)
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if code, _, _ := strings.Cut(line, "//"); strings.TrimSpace(code) != "" {
				for _, m := range action.FindAllStringSubmatch(code, -1) {
					found[m[1]] = !reads.MatchString(m[1])
				}
			}
		}
	}
	var actions []string
	for name, writes := range found {
		if writes {
			actions = append(actions, name)
		}
	}
	slices.Sort(actions)
	return actions
}

// TestActionsDocumented holds the table of actions of docs/guide/changes.md to the code.
func TestActionsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/guide/changes.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_]+\\.[a-z_]+`(?:, `[a-z_]+\\.[a-z_]+`)*) \\|").FindAllStringSubmatch(string(page), -1) {
		for _, action := range strings.Split(row[1], ", ") {
			documented = append(documented, strings.Trim(action, "`"))
		}
	}
	slices.Sort(documented)
	if want := actionsOfTheCode(t); !slices.Equal(documented, want) {
		t.Errorf("the page has the actions\n%q\nthe code records\n%q", documented, want)
	}
}

// TestNothingSecretIsRecorded makes secrets of every kind and looks for them in all that is recorded, in every form in
// which they are kept or handed out.
func TestNothingSecretIsRecorded(t *testing.T) {
	a := newTest(t)
	ctx := t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	note := func(what string, value []byte) {
		if len(value) < 8 {
			return
		}
		for form, text := range map[string]string{
			"": string(value), " in hex": hex.EncodeToString(value), " in base64": strings.TrimRight(base64.StdEncoding.EncodeToString(value), "="),
			" in base64url": base64.RawURLEncoding.EncodeToString(value),
		} {
			secrets[what+form] = text
		}
	}
	noteHash := func(what string, value []byte) {
		note(what, value)
		sum := sha256.Sum256(value)
		note("the hash of "+what, sum[:])
	}
	private, public := pair(t)
	var members map[string]string
	jwk, err := private.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(jwk, &members); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"x", "y", "d"} {
		note("the member "+member+" of a key", []byte(members[member]))
	}
	add(t, a, AddClientInput{ID: "pair", Keys: public})
	for id, method := range map[string]string{"hashed": methodSecretBasic, "sealed": methodSecretJWT} {
		c := add(t, a, AddClientInput{ID: id, ClientMetadata: ClientMetadata{AuthMethod: method}, GenerateSecret: true})
		noteHash("the secret of "+id, []byte(c.Secret))
		s, err := a.AddClientSecret(ctx, id, AddSecretInput{Overlap: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		noteHash("another secret of "+id, []byte(s.Value))
		record, err := a.store.Client(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range record.Secrets {
			note("a sealed secret", s.Sealed)
		}
	}
	document, err := ParseDocument([]byte(`{"clients":[{"client_id":"doc","token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials"],"secrets":[{"value":"a-secret-of-a-document-0123456789-x"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	noteHash("the secret of a document", []byte("a-secret-of-a-document-0123456789-x"))
	for _, text := range []string{"", `{"clients":[]}`} {
		if text != "" {
			if document, err = ParseDocument([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		plan, err := a.Plan(ctx, document, PlanOptions{Prune: text != ""})
		if err != nil {
			t.Fatal(err)
		}
		if text != "" {
			break // a plan of removals; everything is removed below
		}
		if _, err := a.Apply(ctx, plan, nil); err != nil {
			t.Fatal(err)
		}
	}
	initial, err := a.CreateInitialToken(ctx, InitialTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	note("the initial access token", []byte(initial.Token))
	digest := handle.Digest(initial.Token)
	note("the hash of the initial access token", digest[:])
	me := &endpoint.RegisteredClient{ID: "me", Token: sha256.Sum256([]byte("registration")), Issued: time.Now(),
		Secrets:  []avouch.Secret{{SHA256: sha256.Sum256([]byte("a secret of me"))}},
		Metadata: endpoint.Metadata{AuthMethod: methodSecretBasic, GrantTypes: []string{grantClientCredentials}}}
	note("the hash of the registration token", me.Token[:])
	noteHash("the secret of a registered client", []byte("a secret of me"))
	if err := a.Registrar().RegisterClient(ctx, time.Now(), me, &digest); err != nil {
		t.Fatal(err)
	}
	access := signed(t, a, live, "")
	note("an access token", []byte(access))
	note("its signature", []byte(access[strings.LastIndex(access, ".")+1:]))
	if _, err := a.RevokeToken(ctx, access); err != nil {
		t.Fatal(err)
	}
	ring, err := a.store.SigningKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range ring {
		note("a sealed signing key", k.Sealed)
		var jwk map[string]string
		if err := json.Unmarshal(k.Public, &jwk); err != nil {
			t.Fatal(err)
		}
		note("a public signing key", []byte(jwk["x"]))
	}
	if _, err := a.RotateSigningKey(ctx, RotateInput{Now: true}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"pair", "hashed", "sealed", "doc", "me"} {
		if err := a.RemoveClient(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.MaintainSigningKeys(ctx); err != nil {
		t.Fatal(err)
	}

	entries, err := a.store.Log(ctx, storage.LogQuery{Kind: changeLog, Limit: 10_000})
	if err != nil || len(entries) < 15 {
		t.Fatal(len(entries), err)
	}
	var all strings.Builder
	for _, e := range entries {
		all.WriteString(strings.Join(e.Labels[:], " ") + " ")
		all.Write(e.Data)
	}
	for what, text := range secrets {
		if strings.Contains(all.String(), text) {
			t.Errorf("%s is recorded", what)
		}
	}
	if !strings.Contains(all.String(), private.ID) {
		t.Errorf("the key is not named")
	}
}

// TestChangeJSON holds changes to the form in which they are kept and shown: programs read the one, databases have the
// other. A new member may be added; none may go or get another name.
func TestChangeJSON(t *testing.T) {
	const kept = `{"caller":{"name":"alice","host":"laptop","via":"cli"},"action":"client_key.revoke","noun":"client","id":"billing","key":"k1",` +
		`"fields":[{"field":"keys k1.state","old":"\"active\"","new":"\"revoked\""},{"field":"secrets s1","new":"(hidden)"}]}`
	at := time.Date(2026, 11, 24, 3, 12, 44, 123_000_000, time.UTC)
	c, err := changeOf(&storage.Entry{Kind: changeLog, Number: 7, Time: at, Data: json.RawMessage(kept)})
	if err != nil {
		t.Fatal(err)
	}
	want := Change{
		Number: 7, Time: at, Caller: Caller{Name: "alice", Host: "laptop", Via: "cli"}, Action: "client_key.revoke", Noun: "client", ID: "billing", Key: "k1",
		Fields: []FieldChange{{"keys k1.state", `"active"`, `"revoked"`}, {"secrets s1", "", "(hidden)"}},
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("%+v, want %+v", *c, want)
	}
	if shown := asJSON(t, c); shown != `{"number":7,"time":"2026-11-24T03:12:44.123Z",`+kept[1:] {
		t.Errorf("it is shown as %s", shown)
	}
	e, err := changeEntry(*c, at)
	if err != nil || string(e.Data) != kept || e.Labels != [3]string{"client", "billing", "alice"} || e.Kind != "change" || !e.Time.Equal(at) {
		t.Errorf("it is kept as %+v, %v", e, err)
	}
	for _, broken := range []string{`[]`, `{"action":1}`} {
		if _, err := changeOf(&storage.Entry{Number: 9, Data: json.RawMessage(broken)}); err == nil || !strings.Contains(err.Error(), "change 9") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

// TestChanges lists by noun, id, caller, time and number, page by page.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, ctx := newAdmin(&memStore{}, newTestSealer(t), Options{}), t.Context()
		add(t, a, AddClientInput{ID: "billing"})
		time.Sleep(time.Hour)
		start := time.Now()
		client, err := a.Client(ctx, "billing")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.RevokeClientKey(ctx, "billing", client.Keys[0].ID); err != nil {
			t.Fatal(err)
		}
		bob := a.As(Caller{Name: "bob", Host: "desk", Via: "cli", May: All()})
		for range 5 {
			time.Sleep(time.Minute)
			if _, err := bob.DisableClient(ctx, "billing"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bob.DisableSubject(ctx, "billing", ""); err != nil { // a subject of the same name
			t.Fatal(err)
		}
		numbers := func(q ChangeQuery) (all []int64) {
			t.Helper()
			page, err := a.Changes(ctx, q)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			for _, c := range page.Changes {
				all = append(all, c.Number)
			}
			return all
		}
		for _, c := range []struct {
			q    ChangeQuery
			want []int64
		}{
			{ChangeQuery{}, []int64{8, 7, 6, 5, 4, 3, 2, 1}},
			{ChangeQuery{OldestFirst: true, Limit: 3}, []int64{1, 2, 3}},
			{ChangeQuery{ID: "billing"}, []int64{8, 7, 6, 5, 4, 3, 2, 1}},
			{ChangeQuery{Noun: "client", ID: "billing"}, []int64{7, 6, 5, 4, 3, 2, 1}},
			{ChangeQuery{Noun: "client_key"}, []int64{2}},
			{ChangeQuery{Noun: "client_key", Limit: 1, OldestFirst: true}, []int64{2}},
			{ChangeQuery{Noun: "client_secret"}, nil},
			{ChangeQuery{Noun: "subject"}, []int64{8}},
			{ChangeQuery{Noun: "rule"}, nil},
			{ChangeQuery{ID: "Billing"}, nil},
			{ChangeQuery{Caller: "alice"}, []int64{2, 1}},
			{ChangeQuery{Caller: "bob", Noun: "client", Limit: 2}, []int64{7, 6}},
			{ChangeQuery{Since: start}, []int64{8, 7, 6, 5, 4, 3, 2}},
			{ChangeQuery{Until: start}, []int64{1}},
			{ChangeQuery{Since: start.Add(time.Minute), Until: start.Add(3 * time.Minute), Noun: "client"}, []int64{4, 3}},
			{ChangeQuery{After: 2, Before: 5}, []int64{4, 3}},
		} {
			if got := numbers(c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.q, got, c.want)
			}
		}
		for _, oldest := range []bool{false, true} {
			var all []int64
			for q := (ChangeQuery{Noun: "client", Limit: 2, OldestFirst: oldest}); ; {
				page, err := a.Changes(ctx, q)
				if err != nil || len(page.Changes) > 2 {
					t.Fatal(page, err)
				}
				for _, c := range page.Changes {
					all = append(all, c.Number)
				}
				if page.Next == 0 {
					break
				}
				if q.Before = page.Next; oldest {
					q.Before, q.After = 0, page.Next
				}
			}
			if len(all) != 7 || slices.IsSorted(all) != oldest {
				t.Errorf("the pages have %v", all)
			}
		}
		if _, err := a.Changes(ctx, ChangeQuery{Noun: "clients"}); code(err) != Invalid || !slices.Equal(faultsAt(t, err), []string{"noun"}) {
			t.Errorf("a noun that there is not: %v", err)
		}
		c, err := a.Change(ctx, 2)
		if err != nil || c.Action != "client_key.revoke" || c.Key != client.Keys[0].ID || c.Caller.Name != "alice" || !c.Time.Equal(start) {
			t.Errorf("%+v, %v", c, err)
		}
		for _, none := range []int64{0, -1, 9, 1 << 60} {
			if _, err := a.Change(ctx, none); code(err) != NotFound {
				t.Errorf("change %d: %v", none, err)
			}
		}
	})
}

// TestChangesAreDropped: what is older than is configured goes within a day, by the background task of the server, and
// that it goes is recorded.
func TestChangesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		server := Caller{Name: "avouch", Via: "serve", May: All()}
		a, ctx := New(&memStore{}, newTestSealer(t), Options{KeepChanges: 30 * day}).As(server), t.Context()
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			if _, err := a.DisableSubject(ctx, "s"+strconv.Itoa(i), ""); err != nil {
				t.Fatal(err)
			}
			for range 24 {
				time.Sleep(time.Hour)
				live.maintain(ctx)
			}
		}
		all := changesOf(t, a)
		oldest := time.Since(all[0].Time)
		if oldest > 31*day+2*time.Hour || oldest < 29*day {
			t.Errorf("the oldest change is %s old", oldest)
		}
		drops := 0
		for _, c := range all {
			if c.Action != "change.drop" {
				continue
			}
			drops++
			if c.Caller.Name != "avouch" || c.ID != "" || len(c.Fields) != 2 || c.Fields[1].Field != "numbers" || !strings.HasPrefix(c.Fields[1].Old, "[") {
				t.Errorf("%+v", c)
			}
		}
		if drops < 1 || drops > 10 {
			t.Errorf("%d drops are recorded in ten days", drops)
		}
		if all[0].Number == 1 || all[len(all)-1].Number != int64(1+40+drops) {
			t.Errorf("the numbers are %d to %d, with %d drops", all[0].Number, all[len(all)-1].Number, drops)
		}
		// By hand, never what is still kept.
		for _, before := range []time.Time{time.Now(), time.Now().Add(-30*day + time.Second), time.Now().Add(time.Hour)} {
			if _, err := a.DropChanges(ctx, before); code(err) != Invalid {
				t.Errorf("drop what is younger than is kept: %v", err)
			}
		}
		time.Sleep(10 * day)
		result, err := a.DropChanges(ctx, time.Now().Add(-35*day))
		if err != nil || result.Dropped == 0 {
			t.Errorf("%+v, %v", result, err)
		}
		n := len(changesOf(t, a))
		if result, err := a.DropChanges(ctx, time.Now().Add(-35*day)); err != nil || result.Dropped != 0 || len(changesOf(t, a)) != n {
			t.Errorf("again: %+v, %v: what drops nothing records nothing", result, err)
		}
		forever := New(a.store, nil, Options{}).As(server)
		if _, err := forever.DropChanges(ctx, time.Time{}); code(err) != Invalid {
			t.Errorf("drop where changes are kept for ever: %v", err)
		}
		if err := forever.dropOldChanges(ctx); err != nil || len(changesOf(t, a)) != n {
			t.Errorf("where changes are kept for ever: %v", err)
		}
	})
}

// TestRevoke ends what this server has issued and nothing else.
func TestRevoke(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	revokedIs := func(id string, want bool) {
		t.Helper()
		if is, err := a.store.Revoked(ctx, time.Now(), id); err != nil || is != want {
			t.Errorf("%s is revoked: %t, %v; want %t", id, is, err, want)
		}
	}
	other := newTest(t)
	otherLive, err := other.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, a, live, "")
	before := len(changesOf(t, a))
	for what, c := range map[string]struct {
		text string
		want Code
	}{
		"nothing":                   {"", Invalid},
		"a token of another server": {signed(t, other, otherLive, ""), NotFound},
		"a changed token":           {good[:len(good)-8] + "AAAAAAAA", NotFound},
		"no token":                  {"a.b.c", NotFound},
		"an unknown refresh token":  {strings.Repeat("A", 43), NotFound},
		"a long text":               {strings.Repeat("x", 1<<20), NotFound},
	} {
		if r, err := a.RevokeToken(ctx, c.text); code(err) != c.want || r != nil {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
	}
	for _, bad := range []string{"", "a b", "a\nb", strings.Repeat("a", 300), "\xff"} {
		if _, err := a.RevokeConsent(ctx, bad); code(err) != Invalid {
			t.Errorf("consent %q: %v", bad, err)
		}
	}
	if n := len(changesOf(t, a)); n != before {
		t.Errorf("%d changes came of what was refused", n-before)
	}
	nameless := New(a.store, a.sealer, Options{}).As(alice)
	if _, err := nameless.RevokeToken(ctx, good); code(err) != Invalid || !strings.Contains(err.Error(), "issuer") {
		t.Errorf("without an issuer: %v", err)
	}
	r, err := a.RevokeToken(ctx, good)
	if want := (RevokeResult{"token", "jti-", "app", "idp/alice", "a b"}); err != nil || *r != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
	revokedIs(handle.TokenID("jti-"), true)
	r, err = a.RevokeToken(ctx, signed(t, a, live, "f"))
	if want := (RevokeResult{"consent", "f", "app", "idp/alice", "a b"}); err != nil || *r != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
	revokedIs(handle.FamilyID("f"), true)
	revokedIs(handle.TokenID("jti-f"), false)
	r, err = a.RevokeConsent(ctx, "g")
	if want := (RevokeResult{Revoked: "consent", ID: "g"}); err != nil || *r != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
	revokedIs(handle.FamilyID("g"), true)
	if _, err := a.RotateSigningKey(ctx, RotateInput{Now: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.RevokeToken(ctx, good); code(err) != NotFound {
		t.Errorf("a token whose key was withdrawn: %v", err)
	}
}
