package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// noteIssued notes an access token that was issued, which must have an event.
func (h *hostile) noteIssued(t testing.TB, token string) {
	t.Helper()
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatalf("%.100q: %v", token, err)
	}
	var claims struct{ Sub, Jti string }
	if err := json.Unmarshal(text, &claims); err != nil || claims.Sub == "" || claims.Jti == "" {
		t.Fatalf("%s: %v", text, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.issued == nil {
		h.issued = map[string]string{}
	}
	h.issued[claims.Jti] = claims.Sub
}

// checkEvents checks what must be true of the events of every test: a line for each token, with its own sub; no secret; one
// JSON object for each line; nothing that a terminal obeys.
func (h *hostile) checkEvents(t testing.TB) {
	if h.conf.Events.To != h.events {
		return
	}
	text, err := os.ReadFile(h.events)
	if err != nil {
		t.Error(err)
	}
	h.checkEventText(t, string(text))
}

func (h *hostile) checkEventText(t testing.TB, text string) {
	for secret := range h.sent.beginnings {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("a secret that was sent is in an event: %q", text[max(0, i-200):i+len(secret)])
		}
	}
	issued := map[string]string{}
	for line := range strings.Lines(text) {
		body, whole := strings.CutSuffix(line, "\n")
		var event struct{ Event, Sub, Jti string }
		switch {
		case !whole || len(line) > 10<<10:
			t.Errorf("%d bytes, whole: %v: %.200q", len(line), whole, line)
		case strings.IndexFunc(body, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0:
			t.Errorf("characters in an event that a terminal obeys or hides: %.300q", line)
		}
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Errorf("%.300q: %v", line, err)
		}
		if event.Event != "token_issued" {
			continue
		}
		if _, twice := issued[event.Jti]; twice || event.Sub == "" {
			t.Errorf("twice, or without a sub: %s", line)
		}
		issued[event.Jti] = event.Sub
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, sub := range h.issued {
		if got, ok := issued[id]; !ok || got != sub {
			t.Errorf("the event of token %s has the sub %q, want %q", id, got, sub)
		}
	}
}
