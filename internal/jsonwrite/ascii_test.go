package jsonwrite

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzASCII(f *testing.F) {
	for _, s := range []string{"", "plain", `quote " and \ backslash`, "\x00\x1b[2J\x7f\u009b\u202e\u2028", "J\u00fcrgen \U0001f600", "\xff\xc3", "\n\r\t", "\ufffd"} {
		for _, limit := range []int{3, 4, 8, 1000} {
			f.Add(s, limit)
		}
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 3 || limit > 1<<16 {
			return
		}
		out, cut := ASCII([]byte("x"), s, limit)
		got := string(out[1:])
		if len(got)-2 > limit || strings.IndexFunc(got, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0 {
			t.Fatalf("%d: %q", limit, got)
		}
		var read string
		if err := json.Unmarshal([]byte(got), &read); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		want := strings.ToValidUTF8(s, "\ufffd")
		if !cut {
			// ToValidUTF8 makes one character of several bytes, ASCII one of each.
			if strings.ReplaceAll(read, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
				t.Errorf("%q reads as %q", s, read)
			}
			return
		}
		if begin, ok := strings.CutSuffix(read, ellipsis); !ok || !strings.HasPrefix(strings.ReplaceAll(want, "\ufffd", ""), strings.ReplaceAll(begin, "\ufffd", "")) {
			t.Errorf("%q is cut to %q", s, read)
		}
	})
}

// TestASCIICut: a string is cut only if it does not fit.
func TestASCIICut(t *testing.T) {
	for _, c := range []struct {
		s     string
		limit int
		want  string
		cut   bool
	}{
		{"abc", 3, `"abc"`, false}, {"abcd", 3, `"..."`, true}, {"abcd", 4, `"abcd"`, false}, {"abcde", 4, `"a..."`, true},
		{"a\u00fcc", 8, `"a\u00fcc"`, false}, {"a\u00fcce", 8, `"a..."`, true}, {"\U0001f600x", 14, `"\ud83d\ude00x"`, false},
		{"\U0001f600xyz", 14, `"..."`, true}, {"ab\x7f", 100, `"ab\u007f"`, false},
	} {
		if out, cut := ASCII(nil, c.s, c.limit); string(out) != c.want || cut != c.cut {
			t.Errorf("%q in %d: %s %v, want %s", c.s, c.limit, out, cut, c.want)
		}
	}
}

func BenchmarkASCII(b *testing.B) {
	buf := make([]byte, 0, 256)
	s := "https://orders.example.com/api/v2"
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = ASCII(buf[:0], s, 256)
	}
}
