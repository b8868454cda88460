package assertion

import (
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func TestNearClock(t *testing.T) {
	for _, test := range []struct {
		off  time.Duration
		hint string
	}{
		{30 * time.Second, "30s ahead of ours: set both by NTP, or raise skew"},
		{5 * time.Second, "5s ahead of ours"},
		{-5 * time.Minute, "5m0s behind ours"},
		{time.Hour + time.Second, "about 1h0m0s, which looks like a time zone"},
		{-5*time.Hour - 30*time.Minute, "5h30m0s, which looks like a time zone"},
		{30 * 24 * time.Hour, "720h0m0s ahead of ours"},
	} {
		if hint := nearClock(test.off, 10*time.Second); !strings.Contains(hint, test.hint) {
			t.Errorf("nearClock(%s) = %q, want one with %q", test.off, hint, test.hint)
		}
	}
}

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, out string }{
		{"", ""},
		{`plain "text" with \ and /`, `plain "text" with \ and /`},
		{"line\r\nbreak", `line\r\nbreak`},
		{"\x1b[31mred\x00", `\x1b[31mred\x00`},
		{"\xff\xfe", `\xff\xfe`},
		{"ali\u200bce \u202eevil \u0430", `ali\u200bce \u202eevil \u0430`},
		{strings.Repeat("x", 256), strings.Repeat("x", 256)},
		{strings.Repeat("x", 257), strings.Repeat("x", 253) + "..."},
	} {
		if out := clean(test.in); out != test.out {
			t.Errorf("clean(%q) = %q, want %q", test.in, out, test.out)
		}
	}
	if err := quick.Check(func(s string) bool {
		out := clean(s + strings.Repeat(s, len(s)%40))
		return plain(out) && len(out) <= maxShown && clean(out) == out
	}, nil); err != nil {
		t.Error(err)
	}
}
