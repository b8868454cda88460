//go:build unix

package sqlite_test

import (
	"os/signal"
	"syscall"
	"testing"

	"github.com/avouch-oauth/avouch/storage"
)

// fillDisk lets no file grow beyond what the log has now, until the end of the test.
func fillDisk(t testing.TB, place string, s storage.Store) {
	signal.Ignore(syscall.SIGXFSZ) // a write fails instead
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = uint64(size(t, place+"-wal"))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) })
}
