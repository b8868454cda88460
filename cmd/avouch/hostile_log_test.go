package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/avouch-oauth/avouch/keys"
)

// logRecord is what the server has logged.
type logRecord struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logRecord) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logRecord) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keep notes something that no log may hold.
func (h *hostile) keep(secrets ...string) {
	h.sent.mu.Lock()
	defer h.sent.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= shortestSecret {
			h.sent.beginnings[s[:min(len(s), 60)]] = true
		}
	}
}

// shortestSecret: what is shorter may stand in a log by chance.
const shortestSecret = 24

// keepToken notes a token, and its parts: each is worth stealing, or worth hiding.
func (h *hostile) keepToken(token string) {
	if len(token) > 64<<10 {
		token = token[:64<<10]
	}
	h.keep(token)
	if _, rest, ok := strings.Cut(token, "."); ok {
		payload, signature, _ := strings.Cut(rest, ".")
		h.keep(payload, signature)
	}
}

func (h *hostile) keepPrivate(key *keys.Private) {
	h.t.Helper()
	text, err := key.MarshalPEM()
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "-----") {
			h.keep(strings.TrimSpace(line))
		}
	}
	jwk, err := key.MarshalJWK()
	if err != nil {
		h.t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(jwk, &members); err != nil {
		h.t.Fatal(err)
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		if s, ok := members[name].(string); ok {
			h.keep(s)
		}
	}
}

// longestLine is the longest line that anybody may cause in the log.
const longestLine = 16 << 10

var textLine = regexp.MustCompile(`^time=\S+ level=(DEBUG|INFO|WARN|ERROR) msg=`)

var failedLine = regexp.MustCompile(`^({"time":"[^"]*","level":"ERROR"|time=\S+ level=ERROR )`)

// checkLog holds the whole log to what holds for every log: no secret in it, one line for each record whatever was in
// the request, nothing that a terminal obeys, no panic, no failure that was not staged.
func (h *hostile) checkLog(t testing.TB, format string) {
	text := h.log.String()
	for _, id := range h.refusals {
		if !strings.Contains(text, id) {
			t.Errorf("the refusal_id %q does not lead to the log", id)
		}
	}
	for secret := range h.sent.beginnings {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("a secret that was sent is in the log: %q", text[max(0, i-200):i+len(secret)])
		}
	}
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		switch {
		case len(line) > longestLine:
			t.Errorf("a line of %d bytes in the log: %.200q", len(line), line)
		case body == line:
			t.Errorf("half a line in the log: %.200q", line)
		case strings.IndexFunc(body, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0:
			t.Errorf("characters in the log that a terminal obeys or hides: %.300q", line)
		case format == "json" && !json.Valid([]byte(body)), format == "text" && !textLine.MatchString(body):
			t.Errorf("a line of the log is no record: %.300q", line)
		case strings.Contains(line, "panic"), strings.Contains(line, "goroutine "):
			t.Errorf("something panicked: %.2000s", line)
		case !h.outage && failedLine.MatchString(line):
			t.Errorf("the server failed: %.500s", line)
		}
	}
}
