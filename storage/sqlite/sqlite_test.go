package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

func place(t testing.TB) string { return filepath.Join(t.TempDir(), "avouch.db") }

func TestStore(t *testing.T) {
	for name, options := range map[string]sqlite.Options{
		"Full":   {},
		"Normal": {Synchronous: sqlite.Normal},
	} {
		t.Run(name, func(t *testing.T) {
			storagetest.Run(t, storagetest.Stores{
				Place: place,
				Open: func(place string) (storage.Store, error) {
					return sqlite.Open(context.Background(), place, options)
				},
			})
		})
	}
}
