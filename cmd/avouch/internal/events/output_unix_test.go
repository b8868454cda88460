//go:build unix

package events

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func open(t *testing.T, to string, stdout io.Writer) (*Sink, *record) {
	t.Helper()
	log := &record{}
	s, err := Open(Config{To: to, Lines: 1000, Stdout: stdout, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 seconds: %s", what)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for i := range 2 {
		s, log := open(t, path, nil)
		token(t, s, "1")
		closeSink(t, s)
		if info, err := os.Stat(path); err != nil || i == 0 && info.Mode() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		if warned := log.count("can be read by every user"); warned != i {
			t.Errorf("warned %d times of readers", warned)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if lines := parse(t, read(t, path)); len(lines) != 2 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestSharedFile: the lines of two servers that write to one file stay whole.
func TestSharedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	var ended sync.WaitGroup
	for range 2 {
		s, _ := open(t, path, nil)
		ended.Go(func() {
			for i := range 2000 {
				for s.Reserve(background) != nil {
					time.Sleep(time.Millisecond)
				}
				e := issued(fmt.Sprint(i))
				e.Reserved = true
				s.Observe(background, e)
			}
			closeSink(t, s)
		})
	}
	ended.Wait()
	if lines := parse(t, read(t, path)); len(lines) != 4000 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestFileOfCrash: half a line of a server that died spoils no other one.
func TestFileOfCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(path, []byte("{\"whole\":1}\n{\"half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, path, nil)
	token(t, s, "1")
	closeSink(t, s)
	lines := strings.Split(read(t, path), "\n")
	if len(lines) != 4 || lines[1] != `{"half` || !strings.Contains(lines[2], `"jti":"1"`) {
		t.Errorf("%q", lines)
	}
}

// TestRotation: a file that was renamed or deleted is followed within a second, and no line is lost.
func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s, _ := open(t, path, nil)
	written := func(n uint64) func() bool { return func() bool { return s.Stats().Written == n } }
	token(t, s, "1")
	eventually(t, "the first line is written", written(1))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookEvery)
	token(t, s, "2")
	eventually(t, "the second line is written", written(2))
	if lines := parse(t, read(t, path)); len(lines) != 1 || lines[0]["jti"] != "2" {
		t.Errorf("%v", lines)
	}
	if lines := parse(t, read(t, path+".1")); len(lines) != 1 || lines[0]["jti"] != "1" {
		t.Errorf("%v", lines)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookEvery)
	token(t, s, "3")
	closeSink(t, s)
	if lines := parse(t, read(t, path)); len(lines) != 1 || lines[0]["jti"] != "3" {
		t.Errorf("%v", lines)
	}
}

// TestRotationToALink: what must not be written to is not written to, at a rotation either. Lines wait until it is gone.
func TestRotationToALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "victim")
	s, log := open(t, path, nil)
	if err := errors.Join(os.WriteFile(victim, nil, 0o600), os.Rename(path, path+".1"), os.Symlink(victim, path)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookEvery)
	token(t, s, "1")
	eventually(t, "the trouble is noticed", func() bool { return s.Stats().Failing && log.count("symbolic link") == 1 })
	if read(t, victim) != "" {
		t.Errorf("%s\n%s", log, read(t, victim))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	closeSink(t, s)
	if lines := parse(t, read(t, path)); len(lines) != 1 {
		t.Errorf("%v", lines)
	}
}

func TestRefusedFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(in("file"), nil, 0o600), os.Symlink(in("file"), in("link")), os.Symlink(in("none"), in("dangling")),
		os.WriteFile(in("two names"), nil, 0o600), os.Link(in("two names"), in("second")),
		os.WriteFile(in("everyone's"), nil, 0o600), os.Chmod(in("everyone's"), 0o666),
		syscall.Mkfifo(in("everyone's pipe"), 0o600), os.Chmod(in("everyone's pipe"), 0o622),
		os.Mkdir(in("folder"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cases := map[string]string{
		"link": "is a symbolic link", "dangling": "is a symbolic link", "two names": "hard link", "everyone's": "every user of this machine",
		"everyone's pipe": "", "folder": "", "socket": "", "none/file": "no such file",
	}
	if os.Getuid() == 0 { // else nothing can be given away
		if err := errors.Join(os.WriteFile(in("another's"), nil, 0o600), os.Chown(in("another's"), 4711, 4711),
			syscall.Mkfifo(in("another's pipe"), 0o600), os.Chown(in("another's pipe"), 4711, 4711)); err != nil {
			t.Fatal(err)
		}
		cases["another's"], cases["another's pipe"] = "belongs to another user (user 4711)", ""
	}
	for name, want := range cases {
		s, err := Open(Config{To: in(name), Lines: 1000, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			closeSink(t, s)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "events.to: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := Check(in(name)); err == nil {
			t.Errorf("Check finds nothing wrong with %s", name)
		}
	}
	for _, name := range []string{"file", "new"} {
		if err := Check(in(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Lstat(in("new")); err == nil {
		t.Error("Check has made a file")
	}
	if text := read(t, in("file")); text != "" {
		t.Errorf("a link was followed: %q", text)
	}
}

// TestDevice: a device is written to as it is.
func TestDevice(t *testing.T) {
	s, _ := open(t, "/dev/null", nil)
	token(t, s, "1")
	closeSink(t, s)
	if s.Stats().Written != 1 {
		t.Errorf("%+v", s.Stats())
	}
}

// TestPipe: lines wait for the reader of a named pipe, and for the next one after it has gone.
func TestPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s, log := open(t, path, nil)
	token(t, s, "1")
	eventually(t, "the trouble is noticed", func() bool { return s.Stats().Failing })
	readLine := func() map[string]any {
		t.Helper()
		r, err := os.OpenFile(path, os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(r).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		return parse(t, line)[0]
	}
	if line := readLine(); line["jti"] != "1" {
		t.Errorf("%v", line)
	}
	eventually(t, "the line is written", func() bool { return s.Stats().Written == 1 })
	token(t, s, "2") // to a pipe whose reader has gone
	eventually(t, "the trouble is noticed again", func() bool { return s.Stats().Failing })
	if line := readLine(); line["jti"] != "2" {
		t.Errorf("%v", line)
	}
	closeSink(t, s)
	if begins, ends := log.count("cannot be written"), log.count("written again"); begins != 2 || ends != 2 {
		t.Errorf("trouble began %d times and ended %d times", begins, ends)
	}
}

// TestStuckPipe: a reader that does not read cannot keep the server from ending.
func TestStuckPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, _ := open(t, path, nil)
	for s.Reserve(background) == nil {
		e := issued("1")
		e.Reserved = true
		s.Observe(background, e)
	}
	err = s.Close(100 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "events lost: ") {
		t.Errorf("got %v", err)
	}
	select {
	case <-s.stopped:
	case <-time.After(5 * time.Second):
		t.Error("the writer is still there")
	}
}

// TestStandardOutput: a broken pipe at standard output is an error like others, and standard output stays open.
func TestStandardOutput(t *testing.T) {
	for _, to := range []string{"stdout", "/dev/stdout"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		s, _ := open(t, to, w)
		token(t, s, "1")
		line, err := bufio.NewReader(r).ReadString('\n')
		if err != nil || parse(t, line)[0]["jti"] != "1" {
			t.Errorf("%q %v", line, err)
		}
		r.Close()
		token(t, s, "2")
		eventually(t, "the trouble is noticed", func() bool { return s.Stats().Failing })
		if err := s.Close(time.Millisecond); err == nil || !strings.Contains(err.Error(), "events lost: 1, ") {
			t.Errorf("got %v", err)
		}
		if _, err := w.WriteString("x"); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("standard output was closed: %v", err)
		}
	}
	var text strings.Builder
	s, _ := open(t, "stdout", &text)
	token(t, s, "1")
	closeSink(t, s)
	if len(parse(t, text.String())) != 1 {
		t.Errorf("%q", text.String())
	}
}
