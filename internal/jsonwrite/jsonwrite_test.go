package jsonwrite

import (
	"encoding/json"
	"testing"
)

func TestStringReadsBack(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, s := range []string{"", "plain", "quote\" back\\ slash/", "\x00\x01\b\f\n\r\t\x1f\x7f", "ü \u2028 😀", "bad \xff\xc3", string(all)} {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var wantText, text string
		if err := json.Unmarshal(want, &wantText); err != nil {
			t.Fatal(err)
		}
		got := String(nil, s)
		if err := json.Unmarshal(got, &text); err != nil {
			t.Errorf("String(%q) = %s: %v", s, got, err)
		}
		if text != wantText {
			t.Errorf("String(%q) reads as %q, want %q", s, text, wantText)
		}
	}
}

func TestStrings(t *testing.T) {
	if got := string(Strings([]byte("x"), []string{"a", `"`})); got != `x["a","\""]` {
		t.Errorf("got %s", got)
	}
	if got := string(Strings(nil, nil)); got != "[]" {
		t.Errorf("got %s", got)
	}
}
