package storagetest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

// Judge a store of your own: a test that hands Run a way to open it.
func ExampleRun() {
	// In your package this is func TestStore(t *testing.T).
	testStore := func(t *testing.T) {
		storagetest.Run(t, storagetest.Stores{
			Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "my.db") },
			Open: func(place string) (storage.Store, error) {
				return sqlite.Open(context.Background(), place, sqlite.Options{}) // yours
			},
		})
	}
	fmt.Printf("%T\n", testStore)
	// Output: func(*testing.T)
}

// Judge a replay guard of your own that lives in one process.
func ExampleRunGuard() {
	// In your package this is func TestGuard(t *testing.T).
	testGuard := func(t *testing.T) {
		storagetest.RunGuard(t, func(testing.TB) replay.Guard {
			return replay.NewMemory(replay.MemoryConfig{}) // yours
		})
	}
	fmt.Printf("%T\n", testGuard)
	// Output: func(*testing.T)
}
