package assertion

import (
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func TestNear(t *testing.T) {
	for _, test := range []struct{ got, want, how string }{
		{us, us, ""},
		{us + "/", us, "trailing slash"},
		{us, us + "/", "trailing slash"},
		{" " + us + "\n", us, "white space"},
		{"HTTPS://AS.example.com", us, "case"},
		{"http://as.example.com", us, "only in the scheme"},
		{"as.example.com", us, "without https"},
		{us, "as.example.com", "without https"},
		{us + ":8443", us, "port"},
		{us + ":8443/a", us + "/a", "port"},
		{"HTTP://AS.example.com:80/", us, "case, scheme, port"},
		{us + "/oauth/token", us, "below"},
		{us, us + "/tenant", "path"},
		{"https://other.example.com", us, ""},
		{us + ".evil.example", us, ""},
		{"", us, ""},
		{us, "", ""},
	} {
		if how := near(test.got, test.want); (how == "") != (test.how == "") || !strings.Contains(how, test.how) {
			t.Errorf("near(%q, %q) = %q, want one with %q", test.got, test.want, how, test.how)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"https://a.example", "billing-batch", us}
	for _, test := range []struct{ got, name string }{
		{"billing_batch", "billing-batch"},
		{"biling-batch", "billing-batch"},
		{"billing-batchh", "billing-batch"},
		{"Billing-Batch", "billing-batch"},
		{"billing-batch", ""}, // it is known, so this is not what is wrong
		{us + "/", us},
		{"https://b.example", "https://a.example"},
		{"https://bb.example", ""},
		{"", ""},
	} {
		if name, _ := nearest(test.got, known); name != test.name {
			t.Errorf("nearest(%q) = %q, want %q", test.got, name, test.name)
		}
	}
}

func TestNearClock(t *testing.T) {
	for _, test := range []struct {
		off  time.Duration
		hint string
	}{
		{30 * time.Second, "30s ahead of ours: set both by NTP, or raise Skew"},
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
