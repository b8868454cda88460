package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// injections are texts that would be more than text to a log, a terminal, a page or a database.
var injections = []string{
	"marker\r\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\r\n", "marker\ntime=2026-01-01T00:00:00Z level=ERROR msg=forged\n", "marker\x1b[2J\x1b[1;31mforged\x1b]0;title\a", "marker\u009b31mforged", "marker\x7f\x7f\x7fforged",
	"marker\u202egnp.exe\u2066", "marker\u200b\ufeff\u00ad", "marker\u2028forged\u2029", "marker\" level=ERROR msg=\"forged", "marker\\\" \\n \\u000a", "marker\t\v\f\b", "marker<script>alert(1)</script>",
	"marker' OR 1=1; DROP TABLE clients--", "marker${jndi:ldap://127.0.0.1/a}", "marker%s%n%x%!d(MISSING)", "marker" + strings.Repeat("A", 9000), "marker\U0001f600\u65e5\u672c", "marker refusal_id=aaaaaaaaaaaa",
}

// TestHostileInjection: what strangers write stays text, wherever it is shown; the log is judged at the end of this test as
// of every other.
func TestHostileInjection(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			management, err := freePort(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h := newHostileTown(t, func(c *config.Config) { c.Log.Format, c.Management.Listen = format, management })
			for _, text := range injections {
				shown := func(got answer) {
					t.Helper()
					if strings.Contains(got.text, "marker") || strings.Contains(got.header.Get("WWW-Authenticate"), "marker") {
						t.Errorf("the answer repeats the request: %s", got.text)
					}
				}
				short := text[:min(len(text), 2000)]
				for _, a := range []attack{
					{form: clientCredentials("client_id", text), want: invalidClient},
					{form: clientCredentials("client_id", text, "client_secret", "hidden "+text), want: invalidClient},
					{form: clientCredentials(), with: basicAuth(short, "hidden "+short), want: invalidClient},
					{form: url.Values{"grant_type": {text}}, want: unsupportedGrantType},
					{form: with(h.vouching(t, "both"), "scope", text), want: invalidScope},
					{form: with(h.vouching(t, "both"), "resource", text), want: invalidTarget},
					{form: with(h.vouching(t, "both"), text, "1"), want: granted},
					{form: with(h.vouching(t, "both"), text, "1", strings.ToUpper(text), "2"), want: invalidRequest},
					{form: with(asGrant(h.assertion(t, "both", "alice", nil)), "avouch_rule", text), want: invalidGrant},
					{form: clientCredentials("client_assertion", "hidden "+text, "client_assertion_type", text), want: invalidClient},
					{form: asClient("hidden " + text), want: invalidClient},
					{form: asGrant("hidden " + text), want: invalidGrant},
					{form: asClient(h.forger("both").name("kid", short)), want: invalidClient},
					{form: asClient(h.forger("both").name("alg", short)), want: invalidClient},
					{form: asClient(h.forger("both").name("typ", short)), want: invalidClient},
					{form: asClient(h.forger("both").signed(h.forger("both").header(), member(h.forger("both").claims(), quoted(short)+":1,"+quoted(short)+":1"))), want: invalidClient},
					{form: asClient(h.forger("both").say("iss", text, "sub", text)), want: invalidClient},
					{form: asClient(h.forger("both").say("sub", text)), want: invalidClient},
					{form: asGrant(h.forger("both").say("sub", text)), want: invalidGrant},
					{form: asClient(h.forger("both").say("aud", text)), want: invalidClient},
					{form: asClient(h.forger("both").say("jti", text+strings.Repeat("j", 300))), want: invalidClient},
					{form: asGrant(h.forger("both").say("exp", text)), want: invalidGrant},
				} {
					a.from = "127.0.7.1"
					got := h.attackAny(t, a)
					if got.status != http.StatusTooManyRequests || a.form.Get("client_secret") == "" && a.with == nil { // guesses are slowed down
						h.want(t, got, a.want)
					}
					if a.want != granted && !strings.Contains(got.told(), "there more than once") {
						shown(got)
					}
				}
				// Headers cannot hold a line end; what they can hold is in no log at all.
				req := h.request(t, h.vouching(t, "both"))
				line := strings.Map(func(r rune) rune {
					if r < 0x20 || r == 0x7f {
						return -1
					}
					return r
				}, short)
				for _, name := range []string{"User-Agent", "X-Forwarded-For", "X-Request-Id", "Traceparent", "Referer", "X-Ssl-Client-Cert", "X-Client-Id"} {
					req.Header.Set(name, line)
				}
				h.want(t, h.send(t, req, ""), granted)
			}
			if format == "json" {
				for line := range strings.Lines(h.log.String()) {
					var record map[string]any
					if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == "forged" {
						t.Errorf("a record was forged: %s", line)
					}
				}
			}
			h.checkMetrics(t, "http://"+management+"/metrics")
			h.alive(t)
		})
	}
}

// checkMetrics: no request has put a name of its own into the metrics.
func (h *hostile) checkMetrics(t *testing.T, address string) {
	t.Helper()
	resp, err := h.from("").Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{"marker", "forged", "both", "alice", "127.0.", "kid"} {
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "avouch_") && strings.Contains(line, foreign) {
				t.Errorf("%q is in the metrics: %s", foreign, line)
			}
		}
	}
	series := 0
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "avouch_") && !strings.Contains(lines.Text(), "_bucket") {
			series++
		}
	}
	if series < 10 || series > 120 {
		t.Errorf("there are %d series:\n%s", series, text)
	}
}
