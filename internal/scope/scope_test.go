package scope

import "testing"

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		"read": true, "invoices:read": true, "https://a.example/scope?x#y": true, "!": true, "~": true,
		"": false, "a b": false, " ": false, "a\t": false, "a\n": false, `"`: false, `a\`: false, "a\x7f": false, "ä": false, "a\x00": false,
	} {
		if got := Valid(s); got != want {
			t.Errorf("Valid(%q) = %t", s, got)
		}
	}
}
