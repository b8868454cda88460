package events

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// stdoutPath is another name of standard output. Opening it fails if standard output is a socket, as under systemd.
const stdoutPath = "/dev/stdout"

// ToStdout reports whether a value of events.to names standard output.
func ToStdout(to string) bool { return to == "stdout" || to == stdoutPath }

// openOutput opens what the configuration names.
func openOutput(c Config) (output, error) {
	if !ToStdout(c.To) {
		f := &file{path: c.To}
		if _, err := f.Ready(time.Now()); err != nil && !isPipeWithoutReader(c.To, err) {
			return nil, err
		}
		if f.info != nil && f.info.Mode().IsRegular() && f.info.Mode().Perm()&0o004 != 0 {
			c.Log.Warn("events can be read by every user of this machine; make the file the server's own: chmod o-r", "to", c.To)
		}
		return f, nil
	}
	if f, ok := c.Stdout.(*os.File); ok {
		return duplicate(f)
	}
	return stream{c.Stdout}, nil
}

// Check returns why a server could not write events to a file, as far as that can be known without writing.
func Check(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if info, err = os.Stat(filepath.Dir(path)); err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a folder", filepath.Dir(path))
		}
		return err
	}
	if err != nil {
		return err
	}
	if err := judge(path, info); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|openFlags, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// stream is an output that is open for as long as the process lives.
type stream struct{ io.Writer }

func (stream) Ready(time.Time) (bool, error) { return false, nil }
func (stream) Close() error                  { return nil }

// descriptor is a stream that is ours to close.
type descriptor struct {
	stream
	io.Closer
}

func (d descriptor) Close() error { return d.Closer.Close() }

// lookEvery is how often a file is compared with what has its name now, at most.
const lookEvery = time.Second

// file is a file, a named pipe or a device, found by its path. It follows a rotation: if something else has the path, it
// opens that.
type file struct {
	path string

	mu     sync.Mutex // Close may come at any time
	f      *os.File
	info   fs.FileInfo // of f
	looked time.Time
	closed bool
}

// Ready implements output.
func (o *file) Ready(now time.Time) (anew bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return false, fs.ErrClosed
	case o.f != nil && now.Sub(o.looked) < lookEvery:
		return false, nil
	}
	if o.f != nil {
		info, err := os.Lstat(o.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err // the open file may or may not still be the one
		}
		if err == nil && os.SameFile(info, o.info) {
			o.looked = now
			return false, nil
		}
		o.drop()
	}
	if o.f, o.info, err = openFile(o.path); err != nil {
		o.f = nil
		return true, err
	}
	o.looked = now
	return true, nil
}

// drop closes the file, so that Ready opens it again.
func (o *file) drop() {
	_ = o.f.Close() // everything that was written whole has been counted
	o.f = nil
}

// Write implements output.
func (o *file) Write(p []byte) (int, error) {
	o.mu.Lock()
	f := o.f
	o.mu.Unlock()
	if f == nil {
		return 0, fs.ErrClosed
	}
	n, err := f.Write(p)
	if err != nil && isBrokenPipe(err) { // the next reader begins with a whole line
		o.mu.Lock()
		if o.f != nil {
			o.drop()
		}
		o.mu.Unlock()
	}
	return n, err
}

// Close implements output.
func (o *file) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.f == nil {
		return nil
	}
	err := o.f.Close()
	o.f = nil
	return err
}

// openFile opens a file to append to, and makes it if it does not exist: readable by its owner only. It follows no
// symbolic link, and refuses a file that another user could have put there.
func openFile(path string) (f *os.File, info fs.FileInfo, err error) {
	for range 3 { // it may come and go
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|openFlags, 0)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL|openFlags, 0o600)
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		if isLink(err) {
			err = fmt.Errorf("%s is a symbolic link; give the path of the file itself", path)
		}
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = judge(path, info)
	}
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		err = endLine(f, path)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// judge returns why events must not be written to a file.
func judge(path string, info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link; give the path of the file itself", path)
	case mode.IsRegular(), mode&fs.ModeNamedPipe != 0, mode&fs.ModeCharDevice != 0:
		return judgeOwner(path, info)
	}
	return fmt.Errorf("%s is neither a file nor a pipe", path)
}

// endLine ends a line that was left unfinished when the server died, so that the next one begins on a line of its own. A
// file that cannot be read is left as it is: being able to write to it is what counts.
func endLine(f *os.File, path string) error {
	if lastByte(path) == '\n' {
		return nil
	}
	_, err := f.Write([]byte{'\n'})
	return err
}

// lastByte returns the last byte of a file, or a newline if it cannot be read.
func lastByte(path string) byte {
	r, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return '\n'
	}
	defer r.Close()
	last := [1]byte{'\n'}
	if info, err := r.Stat(); err == nil && info.Size() > 0 {
		_, _ = r.ReadAt(last[:], info.Size()-1) // if it fails, nothing was read
	}
	return last[0]
}
