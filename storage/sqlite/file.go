package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/avouch-oauth/avouch/storage"
)

// file is the file of a database.
type file struct {
	path string
	info fs.FileInfo
}

// unchanged returns an error where the path names another file by now, or none. SQLite would go on writing to the old
// one, which nobody else sees any more: what is spent here could be spent again there.
func (f *file) unchanged() error {
	info, err := os.Lstat(f.path)
	if err != nil {
		return fmt.Errorf("storage/sqlite: the database has gone: %w", err)
	}
	if !os.SameFile(info, f.info) {
		return fmt.Errorf("storage/sqlite: %s was replaced while it was in use; restart", f.path)
	}
	return nil
}

// prepare makes the file where there is none and refuses one that is not safe to use.
//
// It never opens a file that exists: to close it again would take away the locks that other connections of this
// process hold on it.
func prepare(path string) (*file, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("storage/sqlite: %w", err)
	}
	// Directories may be links; from here on nobody can point them elsewhere.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("storage/sqlite: the directory of the database: %w", err)
	}
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
	path = filepath.Join(dir, filepath.Base(path))
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("storage/sqlite: make the database: %w", err)
	}
	// SQLite gives the files beside it the mode of the database itself, but follows what it finds there.
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := checkFile(path + suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("storage/sqlite: %w", err)
	}
	return &file{path, info}, nil
}

// create makes an empty file for nobody but us, and makes sure that its name is still there after a power cut. It does
// not follow a link, and does not touch what exists.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func checkFile(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("storage/sqlite: %w", err)
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("storage/sqlite: %s is a symbolic link; name the file itself, since the files beside it must lie there too", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("storage/sqlite: %s is not a file", path)
	case !owned(info):
		return fmt.Errorf("%w: %s; run this as its owner (%s)", storage.ErrNotOwner, path, ownerOf(info))
	case shared(info):
		return fmt.Errorf("storage/sqlite: other users may read or write %s (mode %04o); run chmod 600 on it", path, info.Mode().Perm())
	}
	return nil
}

// checkDirectory refuses a directory where anybody may put another file in the place of the database.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("storage/sqlite: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("storage/sqlite: %s is not a directory", dir)
	}
	if openToAll(info) {
		return fmt.Errorf("storage/sqlite: everybody may replace files in %s; run chmod o-w on it, or use another directory", dir)
	}
	return nil
}
