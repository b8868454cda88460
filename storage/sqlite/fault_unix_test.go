//go:build unix

package sqlite_test

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/avouch-oauth/avouch/storage"
)

const diskFullEnv = "AVOUCH_SQLITE_DISK_FULL"

// TestDiskFull judges a store whose disk is full. It does so in a process of its own, because what keeps the files of the
// store from growing keeps all files of the process from it, also those of the testing package.
func TestDiskFull(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestStore$/^Full$/./^Fault$/^DiskFull$", "-test.v")
	cmd.Env = append(os.Environ(), diskFullEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "/DiskFull ("); n != 3 {
		t.Fatalf("%d tests were run, want 3\n%s", n, out)
	}
}

// addDiskFull adds the fault in that process.
func addDiskFull(faults map[string]func(testing.TB, string, storage.Store)) {
	if _, ok := os.LookupEnv(diskFullEnv); ok {
		faults["DiskFull"] = fillDisk
	}
}

// fillDisk lets no file grow beyond what the log has now.
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
