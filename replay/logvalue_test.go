package replay_test

import (
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/replay"
)

// The operator reads whose use it was, and never the whole id.
func TestReplayedErrorInLogs(t *testing.T) {
	e := &replay.ReplayedError{Use: replay.Use{Purpose: "grant", Party: strings.Repeat("p", 300), ID: "0123456789abcdef0123456789abcdef0123456789abcdef"}}
	text := e.LogValue().String()
	for _, want := range []string{"reason=replayed", "purpose=grant", "id=012345678...", "ppp..."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(text, "9abc") || len(text) > 600 {
		t.Errorf("too much is told: %s", text)
	}
	for id, want := range map[string]string{"589469": "id=...", "0123456789abcde": "id=...", "0123456789abcdef": "id=0123..."} {
		e.Use.ID = id
		if text := e.LogValue().String(); !strings.Contains(text, want) || strings.Contains(text, "5894") || strings.Contains(text, "01234") {
			t.Errorf("of the id %s: %s", id, text)
		}
	}
	e.BeforeStart = true
	if text := e.LogValue().String(); !strings.Contains(text, "a store remembers") {
		t.Errorf("%s", text)
	}
	e.Use.ID = strings.Repeat("ü", 20)
	if text := e.LogValue().String(); strings.Contains(text, "\ufffd") {
		t.Errorf("a letter is cut in two: %q", text)
	}
}
