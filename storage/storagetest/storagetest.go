// Package storagetest says how a store behaves, as tests. Who writes a store, or a replay guard, runs them:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, storagetest.Stores{
//			Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "my.db") },
//			Open:  func(place string) (storage.Store, error) { return mystore.Open(place) },
//		})
//	}
//
// There are three judges:
//
//   - [Run] for a [storage.Store]. It includes the other two.
//   - [RunGuard] for a [replay.Guard] in the memory of one process.
//   - [RunSharedGuard] for a replay guard that keeps what it knows somewhere: several processes use it, and it outlives
//     them.
//
// [BenchmarkGuard] measures a guard.
//
// Some of the tests start the test binary again, to race with it and to kill it. The second process runs the same test
// function and comes to the same call of Run, which then does not return. Such a function must call Run without doing
// anything before that could hurt when it is done twice, and must make no place of its own: it gets the place of the
// first process.
//
// What is proved here is what a client could abuse or an operator could lose. A store that passes may still be slow, or
// lie about what its disk has written: no test can cut the power.
package storagetest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
)

// Stores is a kind of store.
type Stores struct {
	// Place returns the place of a new, empty store, as Open takes it: a file name, a connection string. It arranges
	// for its removal at the end of the test.
	Place func(t testing.TB) string

	// Open opens the store at a place. It is called several times for one place, also at the same time and in several
	// processes.
	Open func(place string) (storage.Store, error)

	// Faults are ways to make a store unable to answer: take away its disk, fill it. Each gets a store that is open
	// and in use; afterwards it must refuse. Nil means that nothing but a closed store is tried.
	Faults map[string]func(t testing.TB, place string, s storage.Store)
}

// Guards is a kind of replay guard whose memory is shared and outlives the process. A guard that is an io.Closer is
// closed after use.
type Guards struct {
	Place  func(t testing.TB) string
	Open   func(place string) (replay.Guard, error)
	Faults map[string]func(t testing.TB, place string, g replay.Guard)
}

// Run judges a kind of store.
func Run(t *testing.T, s Stores) {
	serveChild(s.Open, func(place string) (replay.Guard, error) { return s.Open(place) })

	g := Guards{Place: s.Place, Open: func(place string) (replay.Guard, error) { return s.Open(place) }}
	for name, fault := range s.Faults {
		if g.Faults == nil {
			g.Faults = map[string]func(testing.TB, string, replay.Guard){}
		}
		g.Faults[name] = func(t testing.TB, place string, g replay.Guard) { fault(t, place, g.(storage.Store)) }
	}
	t.Run("Guard", func(t *testing.T) { judgeGuard(t, g.one) })
	t.Run("SharedGuard", func(t *testing.T) { judgeSharedGuard(t, g) })
	t.Run("Records", func(t *testing.T) { judgeRecords(t, s) })
}

// RunGuard judges a guard. Open returns one that has seen nothing; where it is an io.Closer it is closed after use.
func RunGuard(t *testing.T, open func(t testing.TB) replay.Guard) {
	judgeGuard(t, func(t testing.TB) replay.Guard {
		g := open(t)
		closeAtEnd(t, g)
		return g
	})
}

// RunSharedGuard judges a guard as RunGuard does, and how it behaves between processes and through restarts.
func RunSharedGuard(t *testing.T, g Guards) {
	serveChild(nil, g.Open)
	judgeGuard(t, g.one)
	judgeSharedGuard(t, g)
}

// one opens a guard at a place of its own.
func (g Guards) one(t testing.TB) replay.Guard { return g.at(t, g.Place(t)) }

func (g Guards) at(t testing.TB, place string) replay.Guard {
	t.Helper()
	guard, err := g.Open(place)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAtEnd(t, guard)
	return guard
}

func (s Stores) at(t testing.TB, place string) storage.Store {
	t.Helper()
	store, err := s.Open(place)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAtEnd(t, store)
	return store
}

// closeAtEnd closes v at the end of the test, again where the test has done so itself: Close may be called twice.
func closeAtEnd(t testing.TB, v any) {
	if c, ok := v.(io.Closer); ok {
		t.Cleanup(func() { c.Close() })
	}
}

// sweep does what the background task of a server does, where the guard has something to sweep.
func sweep(t testing.TB, g replay.Guard, now time.Time) {
	t.Helper()
	s, ok := g.(interface {
		Sweep(ctx context.Context, now time.Time) error
	})
	if !ok {
		return
	}
	if err := s.Sweep(t.Context(), now); err != nil {
		t.Fatalf("Sweep: %v", err)
	}
}
