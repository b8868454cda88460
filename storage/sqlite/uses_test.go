package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// TestRequestsShareACommit lets a hundred requests wait for the connection: they are spent together, and each gets its own
// answer, the replays too.
func TestRequestsShareACommit(t *testing.T) {
	path := place(t)
	s := open(t, path, sqlite.Options{})
	if err := s.FirstUse(t.Context(), noon, grant("used")); err != nil {
		t.Fatal(err)
	}
	before := size(t, path+"-wal")
	release := s.HoldWriter()
	const n = 100
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() {
			uses := []replay.Use{grant(fmt.Sprint(i))}
			if i%10 == 3 {
				uses = append(uses, grant("used"))
			}
			errs[i] = s.FirstUse(context.Background(), noon, uses...)
		})
	}
	time.Sleep(50 * time.Millisecond) // until most of them wait; the test holds without it
	release()
	all.Wait()
	for i, err := range errs {
		_, replayed := errors.AsType[*replay.ReplayedError](err)
		if i%10 == 3 && !replayed || i%10 != 3 && err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	// Each commit alone would write a page or two.
	if pages := (size(t, path+"-wal") - before) / 4096; pages > n/2 {
		t.Errorf("%d requests wrote %d pages: they did not share commits", n, pages)
	}
	for i := range n {
		if err := s.FirstUse(t.Context(), noon, grant(fmt.Sprint(i))); (err == nil) != (i%10 == 3) {
			t.Errorf("request %d again: %v", i, err)
		}
	}
}

// TestRequestGivenUpIsNotSpent gives up while the request waits, among others who stay.
func TestRequestGivenUpIsNotSpent(t *testing.T) {
	s := open(t, place(t), sqlite.Options{})
	release := s.HoldWriter()
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if err := s.FirstUse(context.Background(), noon, grant(fmt.Sprint("stays", i))); err != nil {
				t.Errorf("who stayed got %v", err)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := s.FirstUse(ctx, noon, grant(fmt.Sprint(i))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gave up got %v", err)
		}
		cancel()
	}
	release()
	all.Wait()
	for i := range 10 {
		if err := s.FirstUse(t.Context(), noon, grant(fmt.Sprint(i))); err != nil {
			t.Errorf("what was given up in time is spent: %v", err)
		}
	}
}

// TestNobodyWaitsForever: requests behind a writer that does not come to an end are refused in time, and not spent.
func TestNobodyWaitsForever(t *testing.T) {
	s := open(t, place(t), sqlite.Options{})
	s.SetTurnPatience(50 * time.Millisecond)
	release := s.HoldWriter()
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if err := s.FirstUse(context.Background(), noon, grant(fmt.Sprint(i))); err == nil {
				t.Error("spent beside a writer")
			}
		})
	}
	all.Wait()
	release()
	s.SetTurnPatience(time.Minute)
	for i := range 10 {
		if err := s.FirstUse(t.Context(), noon, grant(fmt.Sprint(i))); err != nil {
			t.Errorf("what was refused is spent: %v", err)
		}
	}
}

// TestGivingUpBreaksNoConnection gives up everywhere, all the time. The driver throws a connection away when a context
// ends in the middle of a statement: none may be.
func TestGivingUpBreaksNoConnection(t *testing.T) {
	s := open(t, place(t), sqlite.Options{Synchronous: sqlite.Normal})
	var clients []*storage.Client
	for i := range 40 {
		clients = append(clients, &storage.Client{ID: fmt.Sprint(i), Scopes: slices.Repeat([]string{"orders:write"}, 10)})
	}
	err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
		for _, c := range clients {
			if err := w.PutClient(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	work := func(ctx context.Context, i, n int) {
		s.Clients(ctx, "", 200)
		s.FirstUse(ctx, noon, grant(fmt.Sprint(i, ",", n)))
		s.View(ctx, func(ctx context.Context, r storage.Reader) error { _, err := r.Clients(ctx, "1", 50); return err })
		s.Write(ctx, func(ctx context.Context, w storage.Writer) error {
			c, err := w.Client(ctx, fmt.Sprint(i))
			if err != nil {
				return err
			}
			return w.PutClient(ctx, c)
		})
		s.TouchKeys(ctx, []storage.KeyUse{{Client: "1", Key: "k", At: noon}})
	}
	run := func(patience func(i, n int) time.Duration) {
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for n := range 15 {
					ctx, cancel := context.WithTimeout(context.Background(), patience(i, n))
					work(ctx, i, n)
					cancel()
				}
			})
		}
		all.Wait()
	}
	run(func(int, int) time.Duration { return time.Minute }) // opens all connections
	before := s.Sessions()
	run(func(i, n int) time.Duration { return time.Duration((i*37+n*11)%3000) * time.Microsecond })
	after := s.Sessions()
	for conn := range before {
		if !after[conn] {
			t.Errorf("a connection was thrown away")
		}
		if err := conn.PingContext(t.Context()); err != nil {
			t.Errorf("a connection is broken: %v", err)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d connections, then %d", len(before), len(after))
	}
	if err := s.FirstUse(t.Context(), noon, grant("after")); err != nil {
		t.Error(err)
	}
}

const busyEnv = "AVOUCH_SQLITE_BUSY"

// TestCommandLineIsNotStarved runs a second process that spends as fast as it can, as a server under full load does, and
// writes beside it, as the command line does.
func TestCommandLineIsNotStarved(t *testing.T) {
	if path, ok := os.LookupEnv(busyEnv); ok {
		busyServer(path)
		os.Exit(0)
	}
	path := place(t)
	open(t, path, sqlite.Options{}).Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCommandLineIsNotStarved$")
	cmd.Env = append(os.Environ(), busyEnv+"="+path)
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
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	lines := bufio.NewReader(stdout)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}

	var waits []time.Duration
	for i := range 20 {
		began := time.Now()
		s := open(t, path, sqlite.Options{}) // each command opens the store for itself
		err := s.Write(t.Context(), func(ctx context.Context, w storage.Writer) error {
			return w.PutRule(ctx, &storage.Rule{Name: fmt.Sprint(i)})
		})
		if err != nil {
			t.Fatalf("command %d beside a busy server: %v", i, err)
		}
		s.Close()
		waits = append(waits, time.Since(began))
	}
	stdin.Close()
	rest, _ := io.ReadAll(lines)
	slices.Sort(waits)
	t.Logf("20 commands beside a busy server: median %v, longest %v; the server: %s", waits[10], waits[19], rest)
	if waits[10] > 2500*time.Millisecond { // half of what a writer waits before it gives up; usual are 50 ms
		t.Errorf("half of the commands took longer than %v", waits[10])
	}
}

// busyServer spends from a thousand goroutines until its standard input is closed.
func busyServer(path string) {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	var all sync.WaitGroup
	counts := make([]int, 1000)
	began := time.Now()
	for i := range counts {
		all.Go(func() {
			for n := 0; ; n++ {
				if n == 3 && i == 0 {
					os.Stdout.WriteString("busy\n")
				}
				if s.FirstUse(ctx, noon, grant(fmt.Sprint(i, ",", n))) != nil {
					return
				}
				counts[i]++
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	fmt.Printf("%d uses a second", int(float64(sum)/time.Since(began).Seconds()))
	s.Close()
}

// TestSweepDropsWholeTables looks at the tables themselves.
func TestSweepDropsWholeTables(t *testing.T) {
	path := place(t)
	s := open(t, path, sqlite.Options{})
	look := func() (tables, spans int) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'uses_*'").Scan(&tables); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow("SELECT count(*) FROM use_spans").Scan(&spans); err != nil {
			t.Fatal(err)
		}
		return tables, spans
	}
	for i := range 600 {
		u := grant(fmt.Sprint(i))
		u.Until = noon.Add(time.Duration(i+1) * time.Minute)
		if err := s.FirstUse(t.Context(), noon, u); err != nil {
			t.Fatal(err)
		}
	}
	if tables, spans := look(); tables != 20 || spans != 20 {
		t.Errorf("%d tables for %d spans in ten hours, want 20", tables, spans)
	}
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{0, 20}, {29 * time.Minute, 20}, {30 * time.Minute, 19}, {5*time.Hour + 29*time.Minute, 10}, {5 * time.Hour, 10}, {10 * time.Hour, 0}, {24 * time.Hour, 0}} {
		if err := s.Sweep(t.Context(), noon.Add(test.after)); err != nil {
			t.Fatal(err)
		}
		if tables, spans := look(); tables != test.want || spans != test.want {
			t.Errorf("%d tables for %d spans after %s, want %d", tables, spans, test.after, test.want)
		}
	}
	// What is given up before it begins is not done.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sweep(ctx, noon); !errors.Is(err, context.Canceled) {
		t.Errorf("Sweep with an ended context = %v", err)
	}
}

// TestOptions asks SQLite what is in force.
func TestOptions(t *testing.T) {
	for want, o := range map[string]sqlite.Options{"2": {}, "1": {Synchronous: sqlite.Normal}} {
		s := open(t, place(t), o)
		for pragma, want := range map[string]string{"synchronous": want, "journal_mode": "wal", "trusted_schema": "0"} {
			got, err := s.Ask("PRAGMA " + pragma)
			if err != nil || got != want {
				t.Errorf("%+v: %s is %s, want %s (%v)", o, pragma, got, want, err)
			}
		}
	}
}
