package safehttp

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	type verdicts struct{ strict, private string } // what the error speaks of; "" is good
	both := func(s string) verdicts { return verdicts{s, s} }
	for url, want := range map[string]verdicts{
		"https://idp.example.com/keys":           both(""),
		"https://idp.example.com:8443/k?v=1":     both(""),
		"https://8.8.8.8/keys":                   both(""),
		"https://[2606:4700::1111]/keys":         both(""),
		"HTTPS://IDP.EXAMPLE.COM/":               both(""),
		"https://127.0.0.1/":                     {"loopback", ""},
		"https://[::1]:8443/":                    {"loopback", ""},
		"https://[::ffff:10.0.0.1]/":             {"private", ""},
		"https://10.1.2.3/":                      {"private", ""},
		"https://localhost/":                     {"loopback", ""},
		"https://LOCALHOST./":                    {"loopback", ""},
		"https://x.localhost/":                   {"loopback", ""},
		"https://169.254.169.254/latest":         both("link-local"),
		"https://[fd00:ec2::254]/latest":         both("metadata service"),
		"https://0.0.0.0/":                       both("unspecified"),
		"https://[fe80::1%25eth0]/":              both("one link"),
		"http://idp.example.com/keys":            {"https", "https"},
		"http://localhost:8080/":                 {"https", ""},
		"http://127.0.0.1:8080/":                 {"https", ""},
		"http://[::1]/":                          {"https", ""},
		"http://10.0.0.1/":                       both("https"),
		"http://localhost.example.com/":          both("https"),
		"http://8.8.8.8/":                        both("https"),
		"ftp://idp.example.com/":                 both("scheme"),
		"file:///etc/passwd":                     both("host"),
		"unix:///run/docker.sock":                both("host"),
		"gopher://127.0.0.1:6379/_x":             both("scheme"),
		"":                                       both("host"),
		"idp.example.com/keys":                   both("host"),
		"//idp.example.com/keys":                 both("scheme"),
		"https:idp.example.com":                  both("host"),
		"https:///keys":                          both("host"),
		"https://:443/keys":                      both("host"),
		"https://idp.example.com:/keys":          both("port"),
		"https://u:hunter2@idp.example.com/":     both("user"),
		"https://u:hunter2@idp.example.com/%":    both("URL"),
		"https://@idp.example.com/":              both("user"),
		"https://idp.example.com/#x":             both("fragment"),
		"https://idp.example.com/#":              both("fragment"),
		"https://idp.example.com/\n":             both("escaped"),
		"https://idp.example.com/ü":              both("escaped"),
		"https://a/" + strings.Repeat("x", 2048): both("longer"),
	} {
		for _, c := range []struct {
			options Options
			want    string
		}{{Options{}, want.strict}, {Options{AllowPrivate: true}, want.private}} {
			err := c.options.Check(url)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%.60q, private %t: %v; should speak of %q", url, c.options.AllowPrivate, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: the error shows a password", url)
			}
		}
	}
}

func TestInsideName(t *testing.T) {
	for host, want := range map[string]bool{
		"idp.example.com": false, "IDP.EXAMPLE.COM": false, "xn--bcher-kva.example": false, "internal.example.com": false, "127.0.0.1": false, "::1": false,
		"localhost": true, "a.LOCALHOST": true, "metadata.google.internal": true, "METADATA.GOOGLE.INTERNAL": true, "nas.local": true, "x.home.arpa": true,
		"intranet": true, "idp.example.com.": true, "2130706433": true, "0x7f.1": true, "127.1": true, "": true,
	} {
		if got := InsideName(host); got != want {
			t.Errorf("InsideName(%q) is %v", host, got)
		}
	}
}
