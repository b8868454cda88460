package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
)

// fake is an output that fails, stops in the middle of a line or blocks as the test says.
type fake struct {
	mu      sync.Mutex
	text    bytes.Buffer
	writes  int
	most    int           // bytes that one write takes; 0 for all
	err     error         // of the next writes, after what they take
	anew    bool          // the next Ready says so, and what was written before is another file
	before  string        // what was written before
	blocked chan struct{} // if not nil, a write waits until it is closed
	closed  bool
}

func (f *fake) Ready(time.Time) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	anew := f.anew
	if f.anew = false; anew {
		f.before += f.text.String()
		f.text.Reset()
	}
	return anew, nil
}

func (f *fake) Write(p []byte) (int, error) {
	f.mu.Lock()
	blocked := f.blocked
	f.mu.Unlock()
	if blocked != nil {
		<-blocked
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	n := len(p)
	if f.most > 0 && n > f.most {
		n = f.most
	}
	if f.closed {
		return 0, errors.New("closed")
	}
	f.text.Write(p[:n])
	if f.err != nil {
		return n, f.err
	}
	return n, nil
}

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// lines returns what was written, and checks that each line is whole.
func (f *fake) lines(t testing.TB) []map[string]any {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	return parse(t, f.text.String())
}

func parse(t testing.TB, text string) (lines []map[string]any) {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("the last line is not whole: %q", text)
	}
	for line := range strings.Lines(text) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, members)
	}
	return lines
}

// record is a log.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), text)
}

func newSink(lines int) (*Sink, *fake, *record) {
	out, log := &fake{}, &record{}
	return start(out, Config{To: "events.jsonl", Lines: lines, Log: slog.New(slog.NewTextHandler(log, nil))}), out, log
}

var background = context.Background()

func issued(id string) avouch.Event {
	return avouch.Event{
		Time: time.Date(2026, 3, 4, 5, 6, 7, 8_900_000, time.FixedZone("", 3600)), Duration: 1234567 * time.Nanosecond, Endpoint: "token",
		GrantType: "client_credentials", AuthMethod: "private_key_jwt", KeyID: "kid-1", ClientID: "billing", Claimed: "billing",
		Subject: "billing", Scopes: []string{"orders:read", "orders:write"}, Audience: []string{"https://orders.example.com"}, TokenID: id,
		RemoteAddr: "192.0.2.1:4711",
	}
}

// token reserves a place and uses it.
func token(t testing.TB, s *Sink, id string) {
	t.Helper()
	if err := s.Reserve(background); err != nil {
		t.Fatal(err)
	}
	e := issued(id)
	e.Reserved = true
	s.Observe(background, e)
}

// junk is a refusal that anyone can cause.
func junk() avouch.Event {
	return avouch.Event{
		Time: time.Now(), Endpoint: "token", GrantType: "client_credentials", RefusalID: "abc",
		Err: &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed"},
	}
}

// invalid is a refusal of a client that has authenticated.
func invalid() avouch.Event {
	e := issued("")
	e.Err, e.RefusalID = &avouch.Error{Code: avouch.InvalidScope, Description: "the scope is not allowed"}, "def"
	return e
}

func closeSink(t testing.TB, s *Sink) {
	t.Helper()
	if err := s.Close(10 * time.Second); err != nil {
		t.Error(err)
	}
	if stats := s.Stats(); stats.Used != 0 {
		t.Errorf("%d places are still taken", stats.Used)
	}
}
