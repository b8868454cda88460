package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

func place(t testing.TB) string { return filepath.Join(t.TempDir(), "avouch.db") }

func open(t testing.TB, place string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), place, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var noon = time.Date(2041, 5, 17, 12, 0, 0, 0, time.UTC)

func grant(id string) replay.Use {
	return replay.Use{Purpose: "grant", Party: "https://idp.example", ID: id, Until: noon.Add(7 * time.Minute)}
}

func TestStore(t *testing.T) {
	faults := map[string]func(testing.TB, string, storage.Store){"Damaged": damage, "Replaced": replace, "Locked": lock}
	addDiskFull(faults)
	for name, options := range map[string]sqlite.Options{
		"Full":   {},
		"Normal": {Synchronous: sqlite.Normal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // both wait for the disk most of the time
			storagetest.Run(t, storagetest.Stores{
				Place: place,
				Open: func(place string) (storage.Store, error) {
					return sqlite.Open(context.Background(), place, options)
				},
				Faults: faults,
			})
		})
	}
}

// damage takes away what the store needs to know, from outside.
func damage(t testing.TB, place string, s storage.Store) {
	other := open(t, place, sqlite.Options{})
	for _, statement := range []string{"BEGIN", "DELETE FROM use_memory", "DROP TABLE change", "DROP TABLE handles", "DROP TABLE revocations", "COMMIT"} {
		if err := other.OnWriter(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// replace puts another database in the place of this one, as somebody does who restores a backup under a running server.
func replace(t testing.TB, place string, s storage.Store) {
	other := place + ".backup"
	open(t, other, sqlite.Options{}).Close()
	if err := os.Rename(other, place); err != nil {
		t.Fatal(err)
	}
}

// lock lets another process write and never come to an end.
func lock(t testing.TB, place string, s storage.Store) {
	s.(*sqlite.Store).SetPatience(20 * time.Millisecond)
	other := open(t, place, sqlite.Options{})
	if err := other.OnWriter("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
}
