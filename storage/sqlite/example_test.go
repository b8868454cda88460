package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// What was used is remembered through a restart.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	now := time.Now()
	for range 2 {
		store, err := sqlite.Open(ctx, filepath.Join(dir, "avouch.db"), sqlite.Options{})
		if err != nil {
			log.Fatal(err)
		}
		err = store.FirstUse(ctx, now, replay.Use{
			Purpose: "grant",
			Party:   "https://idp.partner.example",
			ID:      "9f3c",
			Until:   now.Add(7 * time.Minute),
		})
		_, replayed := errors.AsType[*replay.ReplayedError](err)
		fmt.Println("replayed:", replayed)
		store.Close()
	}
	// Output:
	// replayed: false
	// replayed: true
}

// Changes belong together in one Write. Every other process sees by the change row that it must read again.
func ExampleStore_Write() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "avouch.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	err = store.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		if err := w.PutIssuer(ctx, &storage.Issuer{Name: "ci", URL: "https://ci.example", KeySource: "discovery"}); err != nil {
			return err
		}
		return w.PutRule(ctx, &storage.Rule{Name: "deploy", Issuer: "ci", Subject: "repo:main", AsClient: "deployer"})
	})
	if err != nil {
		log.Fatal(err)
	}

	rules, err := store.Rules(ctx)
	if err != nil {
		log.Fatal(err)
	}
	change, err := store.Change(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rules), "rule after change", change)
	// Output: 1 rule after change 1
}
