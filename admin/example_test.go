package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// open returns operations on a database in a folder of its own.
func open() (operations *admin.Admin, close func()) {
	dir, err := os.MkdirTemp("", "avouch")
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "avouch.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := admin.ParseSealKey([]byte(admin.GenerateSealKey())) // in earnest: from a file or the environment
	if err != nil {
		log.Fatal(err)
	}
	sealer, err := admin.NewSealer(key, nil)
	if err != nil {
		log.Fatal(err)
	}
	return admin.New(store, sealer, admin.Options{Issuer: "https://as.example.com"}).As(admin.Caller{Name: "alice", May: admin.All()}), func() {
		store.Close()
		os.RemoveAll(dir)
	}
}

// A client is registered with two public keys. The private halves are made and kept on the client's side.
func ExampleAdmin_AddClient() {
	ctx := context.Background()
	operations, done := open()
	defer done()

	private, public, err := keys.GeneratePairs(2, keys.ES256)
	if err != nil {
		log.Fatal(err)
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		log.Fatal(err)
	}
	client, err := operations.AddClient(ctx, admin.AddClientInput{
		ID:             "billing",
		ClientMetadata: admin.ClientMetadata{GrantTypes: []string{"client_credentials"}, Scope: "invoices:read"},
		Keys:           jwks,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.ID, client.AuthMethod, len(client.Keys), client.Keys[0].ID == private[0].ID, client.Keys[0].State)

	// Rotate: the first key goes on for a day, the second one is there already.
	retired, err := operations.RetireClientKey(ctx, "billing", private[0].ID, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(retired.State, retired.Verifies)
	// Output:
	// billing private_key_jwt 2 true active
	// retiring true
}

// Every fault of an input is told at once, with the member it is in.
func ExampleError() {
	operations, done := open()
	defer done()
	_, err := operations.AddRule(context.Background(), admin.RuleMetadata{
		Name: "deploy", Issuer: "github", Mode: "on", TokenLifetime: admin.Duration(72 * time.Hour),
	})
	if refused, ok := errors.AsType[*admin.Error](err); ok {
		for _, f := range refused.Faults {
			fmt.Println(f.Field + ": " + f.Problem)
		}
	}
	// Output:
	// mode: "on" is not one of enforce, audit
	// issuer: there is no issuer "github"
	// subject: a rule without a subject would be for everybody whom the issuer knows; give the exact sub
	// token_lifetime: 72h is not between 10s and 24h
}

// The state is made as a document says.
func ExampleAdmin_Apply() {
	ctx := context.Background()
	operations, done := open()
	defer done()

	document, err := admin.ParseDocument([]byte(`{
		"issuers": [{"name": "ci", "issuer": "https://ci.example.com", "discovery": true}],
		"clients": [{"client_id": "deployer", "token_endpoint_auth_method": "none", "scope": "deploy",
			"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}],
		"rules":   [{"name": "deploy", "issuer": "ci", "subject": "project_path:shop/web:ref_type:branch:ref:main", "as_client": "deployer"}]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		plan, err := operations.Plan(ctx, document, admin.PlanOptions{})
		if err != nil {
			log.Fatal(err)
		}
		for _, step := range plan.Steps {
			fmt.Println(step.Action, step.Kind, step.ID)
		}
		result, err := operations.Apply(ctx, plan, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Applied, "applied,", plan.Unchanged, "unchanged")
	}
	// Output:
	// create issuer ci
	// create client deployer
	// create rule deploy
	// 3 applied, 0 unchanged
	// 0 applied, 3 unchanged
}

// The key that signs access tokens gets a successor, which is public before it signs.
func ExampleAdmin_RotateSigningKey() {
	ctx := context.Background()
	operations, done := open()
	defer done()

	if err := operations.MaintainSigningKeys(ctx); err != nil { // a server does this by itself
		log.Fatal(err)
	}
	rotated, err := operations.RotateSigningKey(ctx, admin.RotateInput{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rotated.Key.State, rotated.Key.Algorithm, rotated.Key.NotBefore.Sub(rotated.Key.Created))
	for _, k := range rotated.Others {
		fmt.Println(k.State, "until the other takes over:", k.NotAfter.Equal(rotated.Key.NotBefore))
	}
	// Output:
	// next ES256 31m0s
	// active until the other takes over: true
}

// A caller may do what it is permitted to do, and every change says who it was.
func ExampleAdmin_As() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "avouch")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "avouch.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	in := admin.AddClientInput{ID: "billing"}
	in.AuthMethod, in.GrantTypes = "none", []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}
	if _, err := admin.New(store, nil, admin.Options{}).As(admin.Caller{Name: "alice", Via: "cli", May: admin.All()}).AddClient(ctx, in); err != nil {
		log.Fatal(err)
	}
	if err := support(ctx, store, nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 bob by support: client.disable billing [{disabled false true}]
	// 1 alice by cli: client.add billing
	// denied client.remove
}

// support is what somebody at a support desk does and may do.
func support(ctx context.Context, store storage.Store, sealer *admin.Sealer) error {
	operations := admin.New(store, sealer, admin.Options{Issuer: "https://as.example.com", KeepChanges: 366 * 24 * time.Hour})
	support := operations.As(admin.Caller{
		Name: "bob",
		Via:  "support",
		May:  admin.Permissions{"client.show", "client.disable", "*.list"},
	})
	if _, err := support.DisableClient(ctx, "billing"); err != nil {
		return err
	}
	page, err := support.Changes(ctx, admin.ChangeQuery{Noun: "client", ID: "billing"})
	if err != nil {
		return err
	}
	for _, c := range page.Changes {
		fmt.Print(c.Number, " ", c.Caller.Name, " by ", c.Caller.Via, ": ", c.Action, " ", c.ID)
		if c.Action == "client.disable" {
			fmt.Print(" ", c.Fields)
		}
		fmt.Println()
	}
	if refused, ok := errors.AsType[*admin.Error](support.RemoveClient(ctx, "billing")); ok {
		fmt.Println(refused.Code, refused.ID)
	}
	return nil
}
