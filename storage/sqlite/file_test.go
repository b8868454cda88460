package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	path := place(t)
	s := open(t, path, sqlite.Options{})
	if err := s.FirstUse(t.Context(), noon, grant("a")); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", suffix, info.Mode())
		}
	}
}

func TestOpenTakesAnyName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b", "a?b=c&mode=memory", "a#b", "a%20b", "a%", "ключ", "a;b", "a'b", "file:a", ":memory:", "-"} {
		s := open(t, filepath.Join(dir, name), sqlite.Options{})
		if err := s.FirstUse(t.Context(), noon, grant("a")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%q: the database is not there: %v", name, err)
		}
		s.Close()
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 11 {
		t.Errorf("%d files, want 11: %v, %v", len(entries), entries, err)
	}
}

func TestOpenTakesARelativePathAndALinkedDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	open(t, "avouch.db", sqlite.Options{}).Close()
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	a, b := open(t, "avouch.db", sqlite.Options{}), open(t, filepath.Join("link", "avouch.db"), sqlite.Options{})
	if err := a.FirstUse(t.Context(), noon, grant("a")); err != nil {
		t.Fatal(err)
	}
	if err := b.FirstUse(t.Context(), noon, grant("a")); err == nil {
		t.Error("the same database by another name lets a replay pass")
	}
}

func TestOpenRefuses(t *testing.T) {
	made := func(t *testing.T) string {
		path := place(t)
		open(t, path, sqlite.Options{}).Close()
		return path
	}
	statement := func(t *testing.T, path string, statements ...string) {
		s := open(t, path, sqlite.Options{})
		defer s.Close()
		for _, st := range statements {
			if err := s.OnWriter(st); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(t *testing.T, path, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	chmod := func(t *testing.T, path string, mode fs.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	link := func(t *testing.T, to, path string) {
		if err := os.Symlink(to, path); err != nil {
			t.Skip(err)
		}
	}
	tests := []struct {
		name string
		path func(t *testing.T) string
		says string
	}{
		{"no directory", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none", "avouch.db") }, "directory"},
		{"a directory", func(t *testing.T) string { return t.TempDir() }, "not a file"},
		{"readable by others", func(t *testing.T) string { p := made(t); chmod(t, p, 0o640); return p }, "chmod 600"},
		{"writable by others", func(t *testing.T) string { p := made(t); chmod(t, p, 0o602); return p }, "chmod 600"},
		{"empty and readable by others", func(t *testing.T) string { p := place(t); write(t, p, ""); chmod(t, p, 0o644); return p }, "chmod 600"},
		{"a directory everybody writes to", func(t *testing.T) string { p := made(t); chmod(t, filepath.Dir(p), 0o777); return p }, "chmod o-w"},
		{"a link", func(t *testing.T) string { p := made(t); link(t, p, p+".link"); return p + ".link" }, "symbolic link"},
		{"a link to nothing", func(t *testing.T) string { p := place(t); link(t, "/nowhere/at/all", p); return p }, "symbolic link"},
		{"a log that is a link", func(t *testing.T) string { p := made(t); write(t, p+".x", ""); link(t, p+".x", p+"-wal"); return p }, "symbolic link"},
		{"a log that others may read", func(t *testing.T) string { p := made(t); write(t, p+"-wal", ""); chmod(t, p+"-wal", 0o644); return p }, "chmod 600"},
		{"no database", func(t *testing.T) string {
			p := place(t)
			write(t, p, strings.Repeat("not a database ", 1000))
			return p
		}, "not a database"},
		{"a newer version", func(t *testing.T) string {
			p := made(t)
			statement(t, p, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
			return p
		}, "newer avouch"},
		{"of another program", func(t *testing.T) string {
			p := made(t)
			statement(t, p, "PRAGMA application_id = 1")
			return p
		}, "another program"},
		{"without a usable secret", func(t *testing.T) string {
			p := made(t)
			statement(t, p, "UPDATE use_memory SET secret = x'01'")
			return p
		}, "damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := sqlite.Open(context.Background(), test.path(t), sqlite.Options{})
			if err == nil {
				s.Close()
				t.Fatal("Open = nil")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("Open = %v, want something about %q", err, test.says)
			}
		})
	}
}

// TestOpenRefusesTheFileOfAnother needs a file of somebody else: root can make one, and others find those of root.
func TestOpenRefusesTheFileOfAnother(t *testing.T) {
	path := "/etc/passwd"
	if os.Geteuid() == 0 {
		path = place(t)
		open(t, path, sqlite.Options{}).Close()
		if err := os.Chown(path, 65534, 65534); err != nil {
			t.Skip(err)
		}
	} else if _, err := os.Stat(path); err != nil {
		t.Skip(err)
	}
	if _, err := sqlite.Open(context.Background(), path, sqlite.Options{}); !errors.Is(err, storage.ErrNotOwner) {
		t.Fatalf("Open = %v, want ErrNotOwner", err)
	}
	entries, err := filepath.Glob(path + "-*")
	if err != nil || len(entries) > 0 && path != "/etc/passwd" {
		t.Errorf("Open left files that lock the owner out: %v", entries)
	}
}

// TestOpenAtOnce opens a new database from many goroutines: it is made once, with one secret.
func TestOpenAtOnce(t *testing.T) {
	for range 2 {
		path := place(t)
		var all sync.WaitGroup
		var mu sync.Mutex
		passed := 0
		for range 8 {
			all.Go(func() {
				s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if s.FirstUse(context.Background(), noon, grant("a")) == nil {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if passed != 1 {
			t.Fatalf("one assertion passed %d times", passed)
		}
	}
}
