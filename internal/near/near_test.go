package near

import (
	"strings"
	"testing"
)

const us = "https://as.example.com"

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
		{"repo:acme/app", "repo:other/app", ""}, // no ports
		{"", us, ""},
		{us, "", ""},
	} {
		if how := Miss(test.got, test.want); (how == "") != (test.how == "") || !strings.Contains(how, test.how) {
			t.Errorf("Miss(%q, %q) = %q, want one with %q", test.got, test.want, how, test.how)
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
		if name, _ := Nearest(test.got, known); name != test.name {
			t.Errorf("Nearest(%q) = %q, want %q", test.got, name, test.name)
		}
	}
}
