package admin

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// alice may do everything.
var alice = Caller{Name: "alice", Host: "laptop", Via: "cli", May: All()}

// newAdmin returns the operations on a store for alice.
func newAdmin(s storage.Store, sealer *Sealer, o Options) *Admin { return New(s, sealer, o).As(alice) }

// newTest returns the operations on a SQLite file of its own.
func newTest(t *testing.T) *Admin {
	t.Helper()
	return newAdmin(openStore(t), newTestSealer(t), Options{Issuer: "https://as.example.com"})
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
	return &auditedStore{s, t}
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
