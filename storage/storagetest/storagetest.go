// Package storagetest says how a store behaves, as tests. Who writes a store, or a replay guard, runs them:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, storagetest.Stores{
//			Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "my.db") },
//			Open:  func(place string) (storage.Store, error) { return mystore.Open(place) },
//		})
//	}
//
// There are five judges:
//
//   - [Run] for a [storage.Store]. It includes the others.
//   - [RunGuard] for a [replay.Guard] in the memory of one process.
//   - [RunSharedGuard] for a replay guard that keeps what it knows somewhere: several processes use it, and it outlives
//     them.
//   - [RunHandles] for a [handle.Store] in the memory of one process, and [RunSharedHandles] for one that keeps what it
//     knows somewhere.
//
// [BenchmarkGuard] measures a guard, [BenchmarkHandles] a store of handles.
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

	"github.com/avouch-oauth/avouch/handle"
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
	// Place, Open and Faults are as in [Stores].
	Place  func(t testing.TB) string
	Open   func(place string) (replay.Guard, error)
	Faults map[string]func(t testing.TB, place string, g replay.Guard)
}

// Handles is a kind of [handle.Store] that is shared and outlives the process. One that is an io.Closer is closed after
// use.
type Handles struct {
	// Place, Open and Faults are as in [Stores].
	Place  func(t testing.TB) string
	Open   func(place string) (handle.Store, error)
	Faults map[string]func(t testing.TB, place string, s handle.Store)
}

// Run judges a kind of store.
func Run(t *testing.T, s Stores) {
	h := Handles{Place: s.Place, Open: func(place string) (handle.Store, error) { return s.Open(place) }}
	for name, fault := range s.Faults {
		if h.Faults == nil {
			h.Faults = map[string]func(testing.TB, string, handle.Store){}
		}
		h.Faults[name] = func(t testing.TB, place string, h handle.Store) { fault(t, place, h.(storage.Store)) }
	}
	serveChild(opener{s.Open, func(place string) (replay.Guard, error) { return s.Open(place) }, h.Open})

	g := Guards{Place: s.Place, Open: func(place string) (replay.Guard, error) { return s.Open(place) }}
	for name, fault := range s.Faults {
		if g.Faults == nil {
			g.Faults = map[string]func(testing.TB, string, replay.Guard){}
		}
		g.Faults[name] = func(t testing.TB, place string, g replay.Guard) { fault(t, place, g.(storage.Store)) }
	}
	t.Run("Guard", func(t *testing.T) { judgeGuard(t, g.one) })
	t.Run("SharedGuard", func(t *testing.T) { judgeSharedGuard(t, g) })
	t.Run("Handles", func(t *testing.T) { judgeHandles(t, h.one) })
	t.Run("SharedHandles", func(t *testing.T) { judgeSharedHandles(t, h) })
	t.Run("Records", func(t *testing.T) { judgeRecords(t, s) })
	t.Run("Log", func(t *testing.T) { judgeLog(t, s) })
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
	serveChild(opener{guard: g.Open})
	judgeGuard(t, g.one)
	judgeSharedGuard(t, g)
}

// RunHandles judges a store of handles. Open returns an empty one; where it is an io.Closer it is closed after use.
func RunHandles(t *testing.T, open func(t testing.TB) handle.Store) {
	judgeHandles(t, func(t testing.TB) handle.Store {
		s := open(t)
		closeAtEnd(t, s)
		return s
	})
}

// RunSharedHandles judges a store of handles as RunHandles does, and how it behaves between processes and through
// restarts.
func RunSharedHandles(t *testing.T, h Handles) {
	serveChild(opener{handles: h.Open})
	judgeHandles(t, h.one)
	judgeSharedHandles(t, h)
}

// one opens a store of handles at a place of its own.
func (h Handles) one(t testing.TB) handle.Store { return h.at(t, h.Place(t)) }

func (h Handles) at(t testing.TB, place string) handle.Store {
	t.Helper()
	s, err := h.Open(place)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	closeAtEnd(t, s)
	return s
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

// sweep does what the background task of a server does, where there is something to sweep.
func sweep(t testing.TB, swept any, now time.Time) {
	t.Helper()
	s, ok := swept.(interface {
		Sweep(ctx context.Context, now time.Time) error
	})
	if !ok {
		return
	}
	if err := s.Sweep(t.Context(), now); err != nil {
		t.Fatalf("Sweep: %v", err)
	}
}
