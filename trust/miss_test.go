package trust

import (
	"strings"
	"testing"
)

func TestMiss(t *testing.T) {
	tests := []struct{ seen, want, what string }{
		{"alice", "alice", ""},
		{"Alice", "alice", "case"},
		{"alice ", "alice", "white space"},
		{"https://a.example/", "https://a.example", "slash"},
		{"repo:acme@12/app@34:ref:refs/heads/main", "repo:acme/app:ref:refs/heads/main", "repo:OWNER@ID"},
		{"repo:acme@12/app@34:x", "repo:acme@12/app@35:x", "numeric ids"},
		{"repo:acme/app:x", "repo:other/app:x", ""},
		{"repo:acme/ap:ref:x", "repo:acme/app:ref:x", "one character"},
		{"https://one.example", "https://two.example", ""},
		{"", "x", ""},
		{"x", "", ""},
		{strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20) + "/", ""},
	}
	for _, tt := range tests {
		got := miss(tt.seen, tt.want)
		if tt.what == "" && got != "" || !strings.Contains(got, tt.what) {
			t.Errorf("miss(%.40q, %.40q) = %q, want %q", tt.seen, tt.want, got, tt.what)
		}
	}
}
