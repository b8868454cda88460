//go:build unix

package events

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// openFlags keep a link from being followed, a pipe without a reader from being waited for, and a terminal from becoming
// that of the server.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_NOCTTY

// judgeOwner returns why a file is not one that only its owner and root can have made. In a folder that everyone may
// write to, a stranger could put a file or pipe of theirs in the place of ours, and read or forge events; or a second name
// of a file of ours, to have it spoilt.
func judgeOwner(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	mode := info.Mode()
	switch {
	case stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user (%s)", path, nameOf(stat.Uid))
	case mode.IsRegular() && stat.Nlink > 1:
		return fmt.Errorf("%s has a second name (a hard link), so it may be a file with another purpose; give a file of its own", path)
	case mode&fs.ModeDevice == 0 && mode.Perm()&0o002 != 0:
		return fmt.Errorf("%s can be written by every user of this machine, who could forge events; chmod o-w", path)
	}
	return nil
}

func nameOf(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "user " + id
}

func isLink(err error) bool { return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) }

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// isPipeWithoutReader reports whether a path is that of a named pipe which could not be opened because nothing reads it
// yet.
func isPipeWithoutReader(path string, err error) bool {
	if !errors.Is(err, syscall.ENXIO) {
		return false
	}
	info, statErr := os.Lstat(path)
	return statErr == nil && info.Mode()&fs.ModeNamedPipe != 0 && judgeOwner(path, info) == nil
}

// duplicate makes an output of standard output. A write to a broken pipe ends the process if it goes to the descriptor 1;
// to another one it is an error like others.
func duplicate(f *os.File) (output, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	if err := conn.Control(func(old uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if fd, dupErr = syscall.Dup(int(old)); dupErr == nil {
			syscall.CloseOnExec(fd)
		}
	}); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, fmt.Errorf("standard output: %w", dupErr)
	}
	own := os.NewFile(uintptr(fd), "standard output")
	return descriptor{stream{own}, own}, nil
}
