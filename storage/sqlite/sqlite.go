// Package sqlite keeps everything the server knows in one SQLite file.
//
//	store, err := sqlite.Open(ctx, "/var/lib/avouch/avouch.db", sqlite.Options{})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// Open makes the file where there is none, and brings an older database up to date. Several processes may have it open
// at once: a server, and the command line beside it. All of them must run as the user who owns the file, and on one
// machine: SQLite's locks do not reach across a network.
//
// Beside the file lie two more, its name with -wal and -shm after it. They belong to it: copy, move and delete them
// together, or better, make copies by the VACUUM INTO command of SQLite, which needs no pause.
//
// # What is safe when
//
// When FirstUse, PutHandle, Revoke or Write returns nil, the change is on the disk: it survives a crash of the process and a power cut, as
// far as the disk tells the truth. With [Normal] a power cut may take the last moments away, and with them the memory
// of what was used in them; a crash of the process still takes nothing.
//
// Requests that arrive while a commit is under way share the next one, so that the cost of waiting for the disk is
// divided among them. A commit that fails is a refusal for all of them, never a pass.
//
// A context that ends never interrupts SQLite. A call that waits for its turn gives up; one that has begun is finished
// in the background, and its caller gets the context's error.
package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/avouch-oauth/avouch/storage"
)

// Options configures a [Store]. The zero value is right for a server.
type Options struct {
	// Synchronous says what a commit waits for. The zero value is Full.
	Synchronous Synchronous
}

// Synchronous says what a commit waits for.
type Synchronous int

const (
	// Full waits for the disk at each commit.
	Full Synchronous = iota
	// Normal waits for the disk now and then. A power cut may undo the last commits: an assertion that was used in
	// them can be used again.
	Normal
)

// Store is a [storage.Store] in a SQLite file.
type Store struct {
	reader // of single reads
	reads  *pool
	writes *pool // of one
	file   *file

	committer *committer
	secret    [32]byte // keys the digests of uses
	close     sync.Once
	closed    error
}

var _ storage.Store = (*Store)(nil)

const (
	readers = 4

	// busyTimeout is how long a writer waits for another process.
	busyTimeout = 5 * time.Second
)

var errClosed = errors.New("storage/sqlite: the store is closed")

// Open opens the database at path. It returns [storage.ErrNotOwner] where the file belongs to somebody else, and an
// error where others may read it, where it is a symbolic link, where it is no database of avouch, or one of a newer
// version.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	file, err := prepare(path)
	if err != nil {
		return nil, err
	}
	path = file.path
	if err := migrate(ctx, path); err != nil {
		return nil, err
	}
	synchronous := "FULL"
	if o.Synchronous == Normal {
		synchronous = "NORMAL"
	}
	s := &Store{
		file: file,
		reads: newPool(readers, source(path, "_query_only=1", "_busy_timeout="+milliseconds(busyTimeout),
			"_pragma=cache_size(-2000)")),
		// A writer has a patience of its own, see begin.
		writes: newPool(1, source(path, "_busy_timeout=0", "_synchronous="+synchronous, "_pragma=cache_size(-16000)",
			"_pragma=wal_autocheckpoint("+checkpointPages+")", "_pragma=journal_size_limit("+journalLimit+")")),
	}
	s.reader = reader{s.reads}
	if err := s.readSecret(ctx); err != nil {
		s.reads.close()
		s.writes.close()
		return nil, err
	}
	s.committer = newCommitter(s)
	return s, nil
}

// A use changes one page in a place that nobody can foresee. The log is moved to the database in portions large enough
// for many changes of one page to be moved as one.
const (
	checkpointPages = "2000"
	journalLimit    = "16777216" // what is left of the log's file when it has grown in a long transaction
)

// source returns the name of a connection to the driver. The parameters are parts of a query.
func source(path string, parameters ...string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/…
	}
	// mode=rw: a file that has gone is not made again.
	query := append([]string{"mode=rw", "_txlock=immediate", "_dqs=0", "_defensive=1", "_error_rc=1",
		"_pragma=trusted_schema(0)"}, parameters...)
	return "file://" + (&url.URL{Path: p}).EscapedPath() + "?" + strings.Join(query, "&")
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// readSecret reads the secret that keys the digests of uses, and makes it in a new database.
//
// It is in the database because every process that shares the database must have it, and it must outlive them. Who has
// the database knows what was used anyway. What the key is for: no client can choose where in the tables its digests
// lie, and the digests of two deployments have nothing in common.
func (s *Store) readSecret(ctx context.Context) error {
	return s.transaction(ctx, func(tx *transaction) error {
		var secret []byte
		if err := tx.row(ctx, "SELECT secret FROM use_memory", nil, &secret); err != nil {
			return err
		}
		if len(secret) == 0 {
			secret = make([]byte, len(s.secret))
			rand.Read(secret)
			if _, err := tx.exec("UPDATE use_memory SET secret = ?", secret); err != nil {
				return err
			}
		}
		if copy(s.secret[:], secret) != len(s.secret) {
			return errors.New("storage/sqlite: the secret of the database is damaged")
		}
		return nil
	})
}

// Close implements [storage.Store].
func (s *Store) Close() error {
	s.close.Do(func() {
		s.committer.close()
		s.closed = errors.Join(s.writes.close(), s.reads.close())
	})
	return s.closed
}
