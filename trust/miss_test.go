package trust

import (
	"strings"
	"testing"
)

func TestMiss(t *testing.T) {
	tests := []struct{ seen, want, what string }{
		{"https://a.example", "https://a.example", ""},
		{"https://a.example/", "https://a.example", "slash"},
		{"https://A.example", "https://a.example", "case"},
		{"http://a.example", "https://a.example", "scheme"},
		{"a.example", "https://a.example", "scheme"},
		{"https://a.example:443/x", "https://a.example/x", "port"},
		{"HTTP://A.example:443/", "https://a.example", "case, scheme, port"},
		{"alice ", "alice", "white space"},
		{"repo:acme@12/app@34:ref:refs/heads/main", "repo:acme/app:ref:refs/heads/main", "repo:OWNER@ID"},
		{"repo:acme/ap:ref:x", "repo:acme/app:ref:x", "one or two characters"},
		{"system:serviceaccount:prod:job", "system:serviceaccount:prod:jbo", "one or two characters"},
		{"bob", "rob", ""}, // short names are too many to be near
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
