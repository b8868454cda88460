package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// changes returns what "avouch changes list" shows beside a running server, the oldest first.
func (s *testServer) changes(args ...string) []admin.Change {
	s.t.Helper()
	var out, trouble bytes.Buffer
	code := run(s.t.Context(), process{
		args: append([]string{"changes", "list", "--limit", "1000", "-o", "json", "--store", s.conf.Store.Path}, args...), stdin: strings.NewReader(""), stdout: &out, stderr: &trouble,
	})
	if code != exitOK {
		s.t.Fatalf("exit code %d: %s", code, trouble.String())
	}
	var page admin.ChangePage
	if err := json.Unmarshal(out.Bytes(), &page); err != nil {
		s.t.Fatal(err)
	}
	slices.Reverse(page.Changes)
	return page.Changes
}

// short is a change in a few words: via, the caller's name, action and id.
func short(c *admin.Change) string {
	return c.Caller.Via + " " + c.Caller.Name + " " + c.Action + " " + c.ID
}

// ask sends a request with a JSON body and returns the answer.
func (s *testServer) ask(method, address, bearer, body string) (status int, answer map[string]any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			s.t.Fatal(err)
		}
	}
	return resp.StatusCode, answer
}

// TestRegistrationIsRecorded: a client that registers itself by HTTP, changes its registration and leaves is the caller of
// each change, or the initial access token is. Nothing that it was given is in the database as it was given.
func TestRegistrationIsRecorded(t *testing.T) {
	t.Parallel()
	s := startDevServer(t, func(c *config.Config) { c.Registration.Mode, c.Registration.Scopes = "token", []string{"orders:read"} })
	initial, err := s.admin.CreateInitialToken(t.Context(), admin.InitialTokenInput{Label: "partner"})
	if err != nil {
		t.Fatal(err)
	}
	metadata := `{"client_name":"Partner","token_endpoint_auth_method":"client_secret_basic","redirect_uris":["https://partner.example/cb"],"scope":"orders:read"}`
	status, me := s.ask("POST", s.url+"/oauth/register", initial.Token, metadata)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, me)
	}
	id, secret, bearer, address := me["client_id"].(string), me["client_secret"].(string), me["registration_access_token"].(string), me["registration_client_uri"].(string)
	changed := strings.Replace(metadata, `"Partner"`, `"Partners","client_id":"`+id+`"`, 1)
	if status, got := s.ask("PUT", address, bearer, changed); status != http.StatusOK {
		t.Fatalf("%d %v", status, got)
	}
	if status, got := s.ask("PUT", address, strings.Repeat("A", 43), changed); status != http.StatusUnauthorized {
		t.Fatalf("%d %v", status, got)
	}
	if status, got := s.ask("DELETE", address, bearer, ""); status != http.StatusNoContent {
		t.Fatalf("%d %v", status, got)
	}

	var got []string
	all := s.changes()
	for i := range all {
		got = append(got, strings.NewReplacer(id, "ID", initial.ID, "TOKEN").Replace(short(&all[i])))
		if all[i].Number != int64(i+1) || all[i].Caller.Host == "" {
			t.Errorf("change %d is %+v", i+1, all[i])
		}
	}
	user := caller("").Name
	kid := all[0].ID
	want := []string{
		"serve " + user + " signing_key.add " + kid,
		"serve " + user + " initial_token.add TOKEN",
		"registration TOKEN initial_token.use TOKEN",
		"registration TOKEN client.register ID",
		"management ID client.update ID",
		"management ID client.remove ID",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if update := all[4].Fields; len(update) != 1 || update[0] != (admin.FieldChange{Field: "client_name", Old: `"Partner"`, New: `"Partners"`}) {
		t.Errorf("the update is %+v", update)
	}
	for by, n := range map[string]int{initial.ID: 2, id: 2, user: 2} {
		if found := s.changes("--by", by); len(found) != n {
			t.Errorf("%d changes by %s, want %d", len(found), by, n)
		}
	}
	files, err := os.ReadFile(s.conf.Store.Path)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(s.conf.Store.Path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"the secret": secret, "the registration access token": bearer, "the initial access token": initial.Token} {
		if bytes.Contains(append(files, wal...), []byte(text)) {
			t.Errorf("%s is in the database", what)
		}
	}
}

// TestOpenRegistrationIsRecorded: where anyone may register, the change says so, and serve --dev says what it made.
func TestOpenRegistrationIsRecorded(t *testing.T) {
	t.Parallel()
	s := startDevServer(t, nil)
	a := &app{process: process{stdin: strings.NewReader(""), stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}}
	if err := a.welcome(t.Context(), s.running); err != nil {
		t.Fatal(err)
	}
	status, me := s.ask("POST", s.url+"/oauth/register", "", `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, me)
	}
	var got []string
	for _, c := range s.changes("--noun", "client") {
		got = append(got, short(&c))
	}
	slices.Sort(got)
	user := caller("").Name
	want := []string{"registration  client.register " + me["client_id"].(string), "serve " + user + " client.add dev-app", "serve " + user + " client.add dev-client"}
	if !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
	var out bytes.Buffer
	run(t.Context(), process{args: []string{"changes", "list", "--store", s.conf.Store.Path}, stdin: strings.NewReader(""), stdout: &out, stderr: &out})
	if !strings.Contains(out.String(), "open registration") || !strings.Contains(out.String(), user+"@"+caller("").Host+" (serve)") {
		t.Errorf("the list says\n%s", out.String())
	}
}

// TestDeniedEndsWithThree: an operation that the caller is not permitted to run is refused, as a token is.
func TestDeniedEndsWithThree(t *testing.T) {
	s := startServer(t, nil)
	_, err := s.admin.As(admin.Caller{Name: "bob", May: admin.Permissions{"client.list"}}).DisableClient(t.Context(), "billing")
	if code := exitCode(err); code != exitDenied {
		t.Errorf("exit code %d of %v, want %d", code, err, exitDenied)
	}
	if text := errorText(nil, err); text != `operation "client.disable": caller "bob" is not permitted to do this; add client.disable to the permissions of the caller` {
		t.Errorf("it says %s", text)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "café 例": "café 例", "a\tb\nc": `a\u0009b\u000ac`, "\x1b[31mred": `\u001b[31mred`, "\u009b31m": `\u009b31m`,
		"\u202egpj.exe": `\u202egpj.exe`, "zero\u200bwidth": `zero\u200bwidth`, "bad\xff": `bad\ufffd`, "\U000e0041": `\U000e0041`, "\x7f": `\u007f`,
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
	// What a hostile record would show, in every format.
	odd := "\x1b]0;x\x07\u202e\u009b"
	c := admin.Change{Number: 1, Action: "client.add", Noun: "client", ID: odd, Key: odd, Caller: admin.Caller{Name: odd, Host: odd, Via: odd}, Fields: []admin.FieldChange{{Field: odd, Old: odd, New: `"` + odd + `"`}}}
	for _, format := range []string{"table", "json", "yaml", "name"} {
		var out bytes.Buffer
		a := &app{process: process{stdout: &out}, format: format}
		if err := a.printNew(&c); err != nil {
			t.Fatal(err)
		}
		details := c
		if format == "yaml" {
			details = visibleChange(c)
		}
		if err := a.inASCII().print(details, changeDetails(&c)); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && (r < 0x20 || r >= 0x7f) }); i >= 0 {
			t.Errorf("%s writes %q", format, out.String()[i:])
		}
	}
}

func TestSummary(t *testing.T) {
	field := func(name, old, new string) admin.FieldChange {
		return admin.FieldChange{Field: name, Old: old, New: new}
	}
	long := `"` + strings.Repeat("x", 200) + `"`
	for _, c := range []struct {
		fields []admin.FieldChange
		want   string
	}{
		{nil, "-"},
		{[]admin.FieldChange{field("disabled", "false", "true")}, "disabled: false -> true"},
		{[]admin.FieldChange{field("scope", "", `"a"`)}, `scope: "a"`},
		{[]admin.FieldChange{field("scope", `"a"`, "")}, `scope: "a" -> -`},
		{[]admin.FieldChange{field("a", "", "1"), field("b", "", long), field("c", "", "2")}, "a: 1; 2 more"},
		{[]admin.FieldChange{field("b", "", long), field("c", "", "2")}, ("b: " + long)[:longestSummary] + "...; 1 more"},
	} {
		if got := summary(&admin.Change{Fields: c.fields}); got != c.want {
			t.Errorf("%+v\nis %s, want\n%s", c.fields, got, c.want)
		}
	}
}

// TestChangesPage holds the output and the tables on docs/guide/changes.md to what the commands write and to what is
// recorded.
func TestChangesPage(t *testing.T) {
	s := startServer(t, nil)
	key, err := keys.LoadPrivate("../../keys/testdata/billing-batch.pem")
	if err != nil {
		t.Fatal(err)
	}
	in := admin.AddClientInput{ID: "billing", Keys: mustJSON(t, key.PublicKeys(time.Now()))}
	in.GrantTypes, in.Scope = []string{grantClientCredentials}, "invoices:read"
	client := s.add(in)
	meta := client.ClientMetadata
	meta.Scope = "invoices:read invoices:write"
	ctx := t.Context()
	_, update := s.admin.UpdateClient(ctx, "billing", 0, meta)
	_, disable := s.admin.DisableClient(ctx, "billing")
	_, revoke := s.admin.RevokeClientKey(ctx, "billing", client.Keys[0].ID)
	if err := errors.Join(update, disable, revoke); err != nil {
		t.Fatal(err)
	}
	page, err := s.admin.Changes(ctx, admin.ChangeQuery{Noun: "client", ID: "billing"})
	if err != nil || len(page.Changes) != 4 {
		t.Fatal(page, err)
	}
	for i := range page.Changes { // a database without a server beside it, and another day
		c := &page.Changes[i]
		c.Number--
		c.Caller.Name, c.Caller.Host, c.Caller.Via = "alice", "laptop", "cli"
		c.Time = time.Date(2026, 11, 24, 3, 12, []int{0, 9, 20, 31, 44}[c.Number], 0, time.UTC)
	}
	var outputs []string
	for _, table := range []table{changeTable(page), changeDetails(&page.Changes[2])} {
		var out bytes.Buffer
		if err := table.write(&out); err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, out.String())
	}
	text := readText(t, "../../docs/guide/changes.md")
	shown := 0
	for _, part := range strings.Split(text, "```text\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		if shown++; !slices.Contains(outputs, block) {
			t.Errorf("the commands do not write this:\n%s", block)
		}
	}
	if shown != len(outputs) || t.Failed() {
		t.Errorf("%d blocks; what the commands write is\n\n%s", shown, strings.Join(outputs, "\n"))
	}
	if want := "| `--noun` | a kind of record: " + strings.Join(admin.ChangeNouns(), ", ") + " |"; !strings.Contains(text, want) {
		t.Errorf("the page lacks the row\n%s", want)
	}
	for _, c := range []struct {
		caller admin.Caller
		want   string
	}{
		{admin.Caller{Name: "alice", Host: "laptop", Via: "cli"}, "alice@laptop"},
		{admin.Caller{Name: "avouch", Host: "as1", Via: "serve"}, "avouch@as1 (serve)"},
		{admin.Caller{Name: "3f9c0a1b2c3d4e5f", Host: "as1", Via: "registration"}, "initial token 3f9c0a1b2c3d4e5f"},
		{admin.Caller{Host: "as1", Via: "registration"}, "open registration"},
		{admin.Caller{Name: "KQ3S…", Host: "as1", Via: "management"}, "client KQ3S…"},
	} {
		if got := callerText(&c.caller); got != c.want || !strings.Contains(text, "| `"+c.want+"` |") {
			t.Errorf("%+v is shown as %q, and the page should have %q", c.caller, got, c.want)
		}
	}
}
