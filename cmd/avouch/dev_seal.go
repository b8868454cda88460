package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// devSealFile is where --dev and demo keep the seal key that they make.
func devSealFile(conf config.Config) string { return conf.Store.Path + ".sealkey" }

// makeDevSealKey makes the seal key of --dev where there is neither a configured one nor one made before.
func makeDevSealKey(ctx context.Context, conf config.Config) error {
	if conf.Seal.Key != "" {
		return nil
	}
	if _, err := os.Stat(devSealFile(conf)); err == nil {
		return nil
	}
	if _, err := os.Stat(conf.Store.Path); err == nil { // "client add" may have made it, which seals nothing
		sealed, err := hasSealed(ctx, conf.Store.Path)
		if err != nil {
			return err
		}
		if sealed {
			return fmt.Errorf("the database %s is there, and its seal key %s is not: a new key would open nothing in it; bring the key back, or start with another --store", conf.Store.Path, devSealFile(conf))
		}
	}
	return writePrivate(devSealFile(conf), []byte(admin.GenerateSealKey()+"\n"))
}

// hasSealed reports whether a database has anything in it that only a seal key opens.
func hasSealed(ctx context.Context, path string) (sealed bool, err error) {
	store, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = store.View(ctx, func(ctx context.Context, r storage.Reader) error {
		signing, err := r.SigningKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range signing {
			sealed = sealed || len(k.Sealed) > 0
		}
		const page = 1000
		for after := ""; ; {
			clients, err := r.Clients(ctx, after, page)
			if err != nil {
				return err
			}
			for _, c := range clients {
				for _, s := range c.Secrets {
					sealed = sealed || len(s.Sealed) > 0
				}
				after = c.ID
			}
			if sealed || len(clients) < page {
				return nil
			}
		}
	})
	return sealed, err
}
