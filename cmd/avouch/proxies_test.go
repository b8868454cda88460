package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestCallersBehindProxies: who is the caller, by what the connection and the header say.
func TestCallersBehindProxies(t *testing.T) {
	t.Parallel()
	conf := config.Config{Proxies: []string{"10.1.0.0/16", "192.0.2.7", "2001:db8:1::/48", "fe80::/10"}}
	proxies, err := conf.TrustedProxies()
	if err != nil {
		t.Fatal(err)
	}
	const proxy, browser = "10.1.2.3:4567", "203.0.113.9"
	for _, test := range []struct {
		name, peer string
		headers    []string
		want       string
	}{
		{"nothing said", proxy, nil, proxy},
		{"one address", proxy, []string{browser}, "203.0.113.9:0"},
		{"with a port", proxy, []string{"203.0.113.9:55"}, "203.0.113.9:55"},
		{"white space", proxy, []string{" \t203.0.113.9 "}, "203.0.113.9:0"},
		{"IPv6", proxy, []string{"2001:db8:2::9"}, "[2001:db8:2::9]:0"},
		{"IPv6 in brackets", proxy, []string{"[2001:db8:2::9]"}, "[2001:db8:2::9]:0"},
		{"IPv6 with a port", proxy, []string{"[2001:db8:2::9]:55"}, "[2001:db8:2::9]:55"},
		{"IPv6 with a zone", proxy, []string{"2001:db8:2::9%eth0"}, "[2001:db8:2::9]:0"},
		{"IPv4 in IPv6", proxy, []string{"::ffff:203.0.113.9"}, "203.0.113.9:0"},

		{"IPv4 in IPv6 connects", "[::ffff:10.1.2.3]:4567", []string{browser}, "203.0.113.9:0"},
		{"IPv6 connects", "[2001:db8:1::1]:4567", []string{browser}, "203.0.113.9:0"},
		{"an interface connects", "[fe80::1%eth0]:4567", []string{browser}, "203.0.113.9:0"},

		{"what the caller wrote", proxy, []string{"198.51.100.1, " + browser}, "203.0.113.9:0"},
		{"what the caller wrote in a header of its own", proxy, []string{"198.51.100.1", browser}, "203.0.113.9:0"},
		{"the caller writes a proxy", proxy, []string{"198.51.100.1, 10.1.2.3, " + browser}, "203.0.113.9:0"},
		{"the caller writes junk", proxy, []string{"\x1b[2J, ,,'\", " + browser}, "203.0.113.9:0"},
		{"the caller writes 10 KB", proxy, []string{strings.Repeat("x", 10<<10) + ", " + browser}, "203.0.113.9:0"},
		{"the caller writes 5000 addresses", proxy, []string{strings.Repeat("1,", 5000) + browser}, "203.0.113.9:0"},
		{"two proxies", proxy, []string{"198.51.100.1, 203.0.113.9, 192.0.2.7"}, "203.0.113.9:0"},
		{"two proxies, two headers", proxy, []string{"198.51.100.1, 203.0.113.9", "192.0.2.7"}, "203.0.113.9:0"},
		{"a proxy as caller", proxy, []string{"10.1.9.9"}, "10.1.9.9:0"},
		{"only proxies", proxy, []string{"10.1.9.9, 192.0.2.7, [2001:db8:1::2]:1"}, "10.1.9.9:0"},

		// What is no address, where one of a proxy should be.
		{"empty", proxy, []string{""}, proxy},
		{"empty at the right", proxy, []string{browser + ","}, proxy},
		{"empty between", proxy, []string{browser + ", , 192.0.2.7"}, proxy},
		{"a header more, empty", proxy, []string{browser, ""}, proxy},
		{"unknown", proxy, []string{"unknown"}, proxy},
		{"a name", proxy, []string{"browser.example"}, proxy},
		{"as in Forwarded", proxy, []string{`for="203.0.113.9"`}, proxy},
		{"leading zeros", proxy, []string{"203.000.113.009"}, proxy},
		{"a number", proxy, []string{"3405803785"}, proxy},
		{"a network", proxy, []string{"203.0.113.0/24"}, proxy},
		{"IPv4 in brackets", proxy, []string{"[203.0.113.9]"}, proxy},
		{"half a bracket", proxy, []string{"[2001:db8:2::9"}, proxy},
		{"a port too high", proxy, []string{"203.0.113.9:65536"}, proxy},
		{"no port", proxy, []string{"203.0.113.9:"}, proxy},
		{"a long zone", proxy, []string{"fe80::1%" + strings.Repeat("x", 10<<10)}, proxy},
		{"10 KB", proxy, []string{strings.Repeat("9", 10<<10)}, proxy},
		{"more proxies than anybody has", proxy, []string{browser + strings.Repeat(",10.1.2.3", 16)}, proxy},
		{"more headers than anybody has", proxy, append([]string{browser}, strings.Split(strings.Repeat("10.1.2.3 ", 16)+"10.1.2.3", " ")...), proxy},

		{"a stranger", "10.2.2.3:4567", []string{browser}, "10.2.2.3:4567"},
		{"a stranger over IPv6", "[2001:db8:2::1]:4567", []string{browser}, "[2001:db8:2::1]:4567"},
		{"a stranger as a proxy", "198.51.100.1:4567", []string{browser + ", 10.1.2.3"}, "198.51.100.1:4567"},
		{"no address at all", "@", []string{browser}, "@"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/oauth/token", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = test.peer, test.headers
			got := ""
			callersBehind(proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
			if got != test.want || r.RemoteAddr != test.peer {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestOperatorHearsOfProxy: who runs the server behind a proxy and has not named it is told, and nobody else.
func TestOperatorHearsOfProxy(t *testing.T) {
	t.Parallel()
	for want, conf := range map[bool]config.Config{
		true:  {Issuer: "https://as.example.com"},
		false: {Issuer: "https://as.example.com", Proxies: []string{"10.0.0.1"}},
	} {
		var told strings.Builder
		warnOfProxy(conf, slog.New(slog.NewTextHandler(&told, nil)))
		warnOfProxy(config.Config{Issuer: "http://127.0.0.1:8080"}, slog.New(slog.NewTextHandler(&told, nil)))
		warnOfProxy(config.Config{Issuer: "https://as.example.com", TLS: config.TLS{Cert: "cert.pem"}}, slog.New(slog.NewTextHandler(&told, nil)))
		if got := strings.Count(told.String(), "level=WARN"); (got == 1) != want || got > 1 {
			t.Errorf("proxies %q: told %d times", conf.Proxies, got)
		}
	}
}

// TestHostileProxy: behind a proxy that is trusted, guessers are told apart by what it says, and by nothing that they say;
// from anywhere else nothing is believed.
func TestHostileProxy(t *testing.T) {
	t.Parallel()
	next := addresses(9)
	proxy, stranger, direct := next(), next(), next()
	h := newHostileTown(t, func(c *config.Config) { c.Proxies = []string{proxy} })
	guess := func(from, forwarded string, want verdict) {
		t.Helper()
		h.attack(t, attack{form: clientCredentials("client_id", "post", "client_secret", "wrong"), from: from, want: want, with: func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", forwarded)
			r.Header.Set("X-Forwarded-Host", "evil.example.com")
			r.Header.Set("Forwarded", "for=198.51.100.77;host=evil.example.com")
		}})
	}
	for i := range 10 { // whoever is behind the proxy writes more addresses into the header, and has one
		guess(proxy, fmt.Sprintf("198.51.100.%d, 203.0.113.9", i), invalidClient)
	}
	guess(proxy, "198.51.100.99, 203.0.113.9", tooMany)
	guess(proxy, "203.0.113.9", tooMany)
	guess(proxy, "203.0.113.9, 203.0.113.10", invalidClient) // a neighbour behind the same proxy
	for i := range 10 {
		guess(stranger, fmt.Sprintf("198.51.100.%d", i), invalidClient)
	}
	guess(stranger, "198.51.100.99", tooMany)
	guess(stranger, proxy, tooMany)
	guess(direct, "203.0.113.9", invalidClient)
	if log := h.log.String(); !strings.Contains(log, `"remote":"203.0.113.9:0"`) || !strings.Contains(log, `"remote":"`+stranger+":") || strings.Contains(log, `"remote":"198.51.100.`) {
		t.Error("the log does not have the addresses of the callers")
	}
}
