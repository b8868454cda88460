package storagetest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // the order of a test, to be repeated from its seed
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
)

// childEnv tells a test binary that it is the second process. Its value is a job.
const childEnv = "AVOUCH_STORAGETEST_JOB"

// job is what a second process is to do. It prints lines that begin with childMark.
type job struct {
	Do    string // "race", "spend", "write", "append", "put", "revoke"
	Place string
	Seed  uint64
	N     int // "race", "put": how many things to race for; "append": how many entries for each goroutine
}

const childMark = "storagetest: "

// callers is how many goroutines of a second process call at a time.
const callers = 8

// opener opens what a second process works on; what is not judged is nil.
type opener struct {
	store   func(place string) (storage.Store, error)
	guard   func(place string) (replay.Guard, error)
	handles func(place string) (handle.Store, error)
}

// serveChild does the job of a second process and ends it. In the first process it does nothing.
func serveChild(open opener) {
	text, ok := os.LookupEnv(childEnv)
	if !ok {
		return
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.run(open)
	}
	if err != nil {
		say("failed %v", err)
		os.Exit(1)
	}
	say("done")
	os.Exit(0)
}

// say prints one line, in one write: whoever reads it after we have been killed sees all of it or nothing.
func say(format string, args ...any) {
	os.Stdout.WriteString(childMark + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ") + "\n")
}

func (j job) run(open opener) error {
	switch j.Do {
	case "write", "append":
		s, err := open.store(j.Place)
		if err != nil {
			return err
		}
		if j.Do == "append" {
			return errors.Join(j.append(s), s.Close())
		}
		return j.write(s)
	case "put", "revoke":
		s, err := open.handles(j.Place)
		if err != nil {
			return err
		}
		if c, ok := s.(io.Closer); ok {
			defer c.Close()
		}
		if j.Do == "put" {
			return j.put(s)
		}
		return j.revoke(s)
	}
	g, err := open.guard(j.Place)
	if err != nil {
		return err
	}
	if c, ok := g.(io.Closer); ok {
		defer c.Close()
	}
	if j.Do == "race" {
		return j.race(g)
	}
	return j.spend(g)
}

// race presents N things, each from all goroutines, and says which ones passed.
func (j job) race(g replay.Guard) error {
	say("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	return inParallel(func(i int) error {
		for _, n := range rand.New(rand.NewPCG(j.Seed, uint64(i))).Perm(j.N) {
			switch err := g.FirstUse(context.Background(), noon, grant(fmt.Sprint(n), noon)); {
			case err == nil:
				say("passed %d", n)
			case !isReplayed(err):
				return err
			}
		}
		return nil
	})
}

// spend spends one thing after the other until it is killed, and says so of each when it has been told so.
func (j job) spend(g replay.Guard) error {
	return inParallel(func(i int) error {
		for n := 0; ; n++ {
			id := fmt.Sprint(j.Seed, ",", i, ",", n)
			if err := g.FirstUse(context.Background(), noon, killed(id)...); err != nil {
				return err
			}
			say("passed %s", id)
		}
	})
}

// put races for N handles, counts in one record, and says what came of it.
func (j job) put(s handle.Store) error {
	say("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	return inParallel(func(i int) error {
		for _, n := range rand.New(rand.NewPCG(j.Seed, uint64(i))).Perm(j.N) {
			switch err := s.PutHandle(context.Background(), noon, record("code", fmt.Sprint(n))); {
			case err == nil:
				say("passed %d", n)
			case !errors.Is(err, handle.ErrExists):
				return err
			}
			if n%10 == 0 {
				if err := countUp(context.Background(), s, "counter"); err != nil {
					return err
				}
				say("counted")
			}
		}
		return nil
	})
}

// revoke keeps a handle and revokes two ids, again and again until it is killed, and says so of each.
func (j job) revoke(s handle.Store) error {
	return inParallel(func(i int) error {
		for n := 0; ; n++ {
			id := fmt.Sprint(j.Seed, ",", i, ",", n)
			if err := s.PutHandle(context.Background(), noon, record("code", id)); err != nil {
				return err
			}
			say("put %s", id)
			if err := s.Revoke(context.Background(), noon, noon.Add(time.Hour), handle.TokenID(id), handle.FamilyID(id)); err != nil {
				return err
			}
			say("revoked %s", id)
		}
	})
}

// killed is what a process spends before it is killed: two things at a time, of two spans.
func killed(id string) []replay.Use {
	a, b := grant(id, noon), grant(id, noon)
	b.Purpose, b.Until = "client_assertion", noon.Add(90*time.Minute)
	return []replay.Use{a, b}
}

// write counts in two records at once until it is killed, and says each number when it has been written.
func (j job) write(s storage.Store) error {
	for n := 1; ; n++ {
		change, err := count(s, n)
		if err != nil {
			return err
		}
		say("wrote %d %d", n, change)
	}
}

// append appends entries to a log, and says the number of each.
func (j job) append(s storage.Store) error {
	say("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	return inParallel(func(i int) error {
		for n := range j.N {
			e := entry(fmt.Sprint(j.Seed, ",", i, ",", n))
			if err := s.Write(context.Background(), func(ctx context.Context, w storage.Writer) error { return w.Append(ctx, e) }); err != nil {
				return err
			}
			say("appended %d %s", e.Number, e.Labels[1])
		}
		return nil
	})
}

// count writes n into two records and a log in one transaction. It returns the number of the change.
func count(s storage.Store, n int) (change int64, err error) {
	err = s.Write(context.Background(), func(ctx context.Context, w storage.Writer) error {
		for _, name := range []string{"first", "second"} {
			r, err := w.Rule(ctx, name)
			if errors.Is(err, storage.ErrNotFound) {
				r, err = &storage.Rule{Name: name}, nil
			}
			if err != nil {
				return err
			}
			r.Subject = fmt.Sprint(n)
			if err := w.PutRule(ctx, r); err != nil {
				return err
			}
		}
		text := fmt.Sprint(n)
		if err := w.Append(ctx, &storage.Entry{Kind: "count", Time: noon, Labels: [3]string{text}, Data: json.RawMessage(text)}); err != nil {
			return err
		}
		change, err = w.Change(ctx)
		return err
	})
	return change, err
}

func inParallel(f func(i int) error) error {
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// child is a second process, as the first one sees it.
type child struct {
	t     testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string // without the mark; closed at the end of its output
}

// startChild starts the test binary again, with the same test function, to do a job. name is that of the test which
// called Run.
func startChild(t testing.TB, name string, j job) *child {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+strings.Join(parts, "/"), "-test.timeout=2m")
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the test binary again: %v", err)
	}
	c := &child{t: t, cmd: cmd, stdin: stdin, lines: make(chan string, 1<<16)}
	go func() {
		defer close(c.lines)
		for r := bufio.NewReader(stdout); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return // what has no end was cut off
			}
			if said, ok := strings.CutPrefix(line, childMark); ok {
				c.lines <- strings.TrimSuffix(said, "\n")
			}
		}
	}()
	t.Cleanup(c.kill)
	return c
}

// next returns the next line, or "" at the end of the output.
func (c *child) next() string {
	c.t.Helper()
	select {
	case line := <-c.lines:
		if strings.HasPrefix(line, "failed ") {
			c.t.Fatalf("the second process %s", line)
		}
		return line
	case <-time.After(time.Minute):
		c.t.Fatal("the second process says nothing")
		return ""
	}
}

// kill kills the process as the kernel does when memory runs out: it gets no chance to tidy up.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		c.killAndRead()
	}
}

// killAndRead kills the process and returns what else it had said.
func (c *child) killAndRead() (said []string) {
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Errorf("kill the second process: %v", err)
	}
	for line := range c.lines { // until the end of its output: Wait closes the pipe
		said = append(said, line)
	}
	_ = c.cmd.Wait() // it says that it was killed
	return said
}

// wait waits until the process has ended by itself, and returns what else it said before "done".
func (c *child) wait() (said []string) {
	c.t.Helper()
	for {
		switch line := c.next(); line {
		case "done":
			for range c.lines {
			}
			if err := c.cmd.Wait(); err != nil {
				c.t.Fatalf("the second process: %v", err)
			}
			return said
		case "":
			c.t.Fatalf("the second process ended too early: %v", c.cmd.Wait())
		default:
			said = append(said, line)
		}
	}
}
