package admin

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// newTest returns the operations on a SQLite file of its own.
func newTest(t *testing.T) *Admin {
	t.Helper()
	return New(openStore(t), newTestSealer(t), Options{Issuer: "https://as.example.com"})
}

func openStore(t *testing.T) storage.Store {
	t.Helper()
	return openStoreAt(t, filepath.Join(t.TempDir(), "avouch.db"))
}

func openStoreAt(t *testing.T, path string) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Synchronous: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func add(t *testing.T, a *Admin, in AddClientInput) *AddClientResult {
	t.Helper()
	if len(in.GrantTypes) == 0 {
		in.GrantTypes = []string{grantClientCredentials, grantJWTBearer}
	}
	if in.Keys == nil && !in.GenerateSecret && in.Secret == nil && in.JWKSURL == "" && in.AuthMethod == "" {
		in.Keys = publicJWK(t)
	}
	c, err := a.AddClient(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pair(t *testing.T) (*keys.Private, []byte) {
	t.Helper()
	private, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return private[0], text
}

func publicJWK(t *testing.T) []byte {
	t.Helper()
	_, public := pair(t)
	return public
}

// faultsAt returns the fields in which an error finds faults.
func faultsAt(t *testing.T, err error) []string {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != Invalid {
		t.Fatalf("not an Invalid error: %v", err)
	}
	var fields []string
	for _, f := range e.Faults {
		fields = append(fields, f.Field)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryChangeIsTold(t *testing.T) {
	var told []Change
	a := New(openStore(t), newTestSealer(t), Options{Observe: func(_ context.Context, c Change) { told = append(told, c) }}).As("alice")
	ctx := t.Context()
	secret := "correct-horse-battery-staple-0123456789"
	add(t, a, AddClientInput{ID: "basic", ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}, Secret: &SecretInput{[]byte(secret)}})
	add(t, a, AddClientInput{ID: "c", ClientMetadata: ClientMetadata{Name: "Billing"}})
	for _, step := range []func() error{
		func() error {
			_, err := a.UpdateClient(ctx, "c", 0, ClientMetadata{Name: "Invoices", GrantTypes: []string{grantJWTBearer}})
			return err
		},
		func() error { _, err := a.DisableClient(ctx, "c"); return err },
		func() error { _, err := a.EnableClient(ctx, "c"); return err },
		func() error {
			_, err := a.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", Discovery: true})
			return err
		},
		func() error {
			_, err := a.AddRule(ctx, RuleMetadata{Name: "r", Issuer: "ci", Subject: "job:1", AsClient: "c"})
			return err
		},
		func() error { return a.RemoveRule(ctx, "r") },
		func() error { return a.RemoveIssuer(ctx, "ci") },
		func() error { return a.RemoveClient(ctx, "c") },
		func() error { return a.MaintainSigningKeys(ctx) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.RemoveClient(ctx, "nobody"); code(err) != NotFound {
		t.Errorf("remove nobody: %v", err)
	}
	var actions []string
	for _, c := range told {
		actions = append(actions, c.Action)
		if c.Actor != "alice" || c.Time.IsZero() || c.ID == "" {
			t.Errorf("%+v", c)
		}
	}
	want := []string{"client.add", "client.add", "client.update", "client.disable", "client.enable", "issuer.add", "rule.add", "rule.remove", "issuer.remove", "client.remove", "signing_key.add"}
	if !slices.Equal(actions, want) {
		t.Errorf("told %v", actions)
	}
	if all := asJSON(t, told); strings.Contains(all, secret) {
		t.Errorf("a secret is told: %s", all)
	}
	if got := told[2].Fields; len(got) < 1 || got[0] != (FieldChange{"client_name", `"Billing"`, `"Invoices"`}) {
		t.Errorf("the update is told as %+v", got)
	}
}
