//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/events"
)

// eventLine is the part of an event that these tests look at.
type eventLine struct {
	Event, Level, Endpoint, Sub, Scope, Jti, Consent, Kid, Iss, Reason, Party, Error, Remote string
	Grant                                                                                    string `json:"grant_type"`
	Auth                                                                                     string `json:"auth_method"`
	Client                                                                                   string `json:"client_id"`
	Claimed                                                                                  string `json:"claimed_client"`
	RefusalID                                                                                string `json:"refusal_id"`
	Aud                                                                                      []string
	Verified                                                                                 *bool
	Count                                                                                    int
}

// eventsOf waits until a file has so many events, and returns them.
func eventsOf(t testing.TB, file string, n int) (lines []eventLine) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), "\n") >= n {
			return parseEvents(t, string(text))
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events are not there:\n%s", n, text)
		}
	}
}

func parseEvents(t testing.TB, text string) (lines []eventLine) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e eventLine
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, e)
	}
	return lines
}

// TestEvents: what a running server writes about tokens and refusals.
func TestEvents(t *testing.T) {
	t.Parallel()
	management, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := newHostileDoors(t, func(c *config.Config) { c.Management.Listen = management })
	h.issuer("idp", "k1")
	n := 0
	next := func() eventLine {
		t.Helper()
		n++
		lines := eventsOf(t, h.events, n)
		if len(lines) != n {
			t.Fatalf("%d events, want %d: %+v", len(lines), n, lines)
		}
		return lines[n-1]
	}

	// A client for itself, and one that signs; a user of an issuer; a refusal before the signature, and one after it.
	h.attack(t, attack{form: clientCredentials("client_id", "post", "client_secret", h.secret["post"], "scope", "orders:read"), want: granted})
	if e := next(); e.Event != "token_issued" || e.Level != "info" || e.Endpoint != "token" || e.Grant != grantClientCredentials || e.Auth != "client_secret_post" ||
		e.Client != "post" || e.Claimed != "" || e.Sub != "post" || e.Scope != "orders:read" || len(e.Aud) != 1 || e.Aud[0] != h.url || e.Jti == "" ||
		e.Consent != "" || !strings.HasPrefix(e.Remote, "127.0.0.") {
		t.Errorf("%+v", e)
	}
	h.attack(t, attack{form: asClient(h.assertion(t, "both", "both", nil)), want: granted})
	if e := next(); e.Client != "both" || e.Sub != "both" || e.Kid != h.keys["both"].ID {
		t.Errorf("%+v", e)
	}
	grant := asGrant(h.assertion(t, "idp", "ann", nil))
	h.attack(t, attack{form: grant, want: granted})
	if e := next(); e.Client != "idp-app" || e.Sub != "idp/ann" || e.Iss != issuerURL("idp") || e.Auth != "" || e.Grant != grantJWTBearer {
		t.Errorf("%+v", e)
	}
	h.attack(t, attack{form: grant, want: invalidGrant})
	if e := next(); e.Event != "refused" || e.Reason != "replayed" || e.Iss != issuerURL("idp") || e.Sub != "idp/ann" || e.RefusalID == "" || e.Jti != "" {
		t.Errorf("%+v", e)
	}
	h.attack(t, attack{form: asGrant(h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Issuer = "https://nobody.example.com" })), want: invalidGrant})
	if e := next(); e.Reason != "unknown_issuer" || e.Verified == nil || *e.Verified || e.Party != "" || e.Iss != "https://nobody.example.com" {
		t.Errorf("%+v", e)
	}
	h.attack(t, attack{form: asGrant(h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Audience = "https://other.example.com" })), want: invalidGrant})
	if e := next(); e.Reason != "wrong_audience" || e.Verified == nil || !*e.Verified || e.Party == "" || e.Error != "invalid_grant" {
		t.Errorf("%+v", e)
	}

	// A consent; a refresh token of it that comes a second time is a theft.
	given := h.consent(t, "public", "alice")
	issued := next()
	if issued.Sub != "dev/alice" || issued.Consent == "" || issued.Grant != grantCode || issued.Auth != "none" {
		t.Errorf("%+v", issued)
	}
	refresh := url.Values{"grant_type": {grantRefresh}, "refresh_token": {given.refresh}, "client_id": {"public"}}
	h.want(t, h.knock(t, h.at(t, tokenPath, refresh), ""), granted)
	if e := next(); e.Consent != issued.Consent || e.Sub != "dev/alice" {
		t.Errorf("%+v", e)
	}
	h.want(t, h.knock(t, h.at(t, tokenPath, refresh), ""), invalidGrant)
	if e := next(); e.Event != "grant_reused" || e.Level != "warn" || e.Consent != issued.Consent || e.Client != "public" || e.Sub != "dev/alice" || e.Reason != "reused" {
		t.Errorf("%+v", e)
	}

	// Other endpoints: refusals only.
	h.want(t, h.knock(t, h.at(t, "/oauth/introspect", with(url.Values{"token": {"x"}}, "client_id", "api", "client_secret", h.secret["api"])), ""), granted)
	h.want(t, h.knock(t, h.at(t, "/oauth/introspect", url.Values{"token": {"x"}}), ""), invalidClient)
	if e := next(); e.Event != "refused" || e.Endpoint != "introspection" || e.Error != "invalid_client" {
		t.Errorf("%+v", e)
	}

	resp, err := h.from("").Get("http://" + management + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`avouch_grants_reused_total{grant="refresh_token"} 1`, `avouch_assertion_refusals_total{reason="replayed"} 1`, "avouch_event_lines_total 10",
		"avouch_event_tokens_refused_total 0", `avouch_event_refusals_suppressed_total{why="sampled"} 0`, "avouch_event_places_used 0", "avouch_event_write_failing 0",
	} {
		if !strings.Contains(string(text), "\n"+want+"\n") {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// TestEventMetricsDocumented holds the table of docs/events.md to the metrics.
func TestEventMetricsDocumented(t *testing.T) {
	sink, err := events.Open(events.Config{To: "stdout", Lines: 64, Stdout: io.Discard, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close(time.Second)
	registry := prometheus.NewRegistry()
	registry.MustRegister(eventMetrics{sink})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range families {
		want = append(want, f.GetName())
	}
	_, section, _ := strings.Cut(readText(t, "../../docs/events.md"), "\n## Metrics\n")
	var got []string
	for row := range strings.Lines(section) {
		if name, _, ok := strings.Cut(row, " | "); ok && strings.HasPrefix(name, "| `") {
			for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(name, -1) {
				got = append(got, m[1])
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the page has\n%q\nthe server has\n%q", got, want)
	}
}

// TestEventsAreStuck: while events cannot be written, tokens are refused once the buffer is full, and nothing is spent:
// the same assertions and codes are valid afterwards.
func TestEventsAreStuck(t *testing.T) {
	t.Parallel()
	t.Run("a named pipe without a reader", func(t *testing.T) {
		t.Parallel()
		pipe := filepath.Join(t.TempDir(), "events.pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		testStuck(t, io.Discard, pipe, func() io.Reader {
			r, err := os.OpenFile(pipe, os.O_RDONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			return r
		})
	})
	t.Run("standard output without a reader", func(t *testing.T) {
		t.Parallel()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		testStuck(t, w, "stdout", func() io.Reader { return r })
		w.Close() // the server has a descriptor of its own
	})
}

func testStuck(t *testing.T, stdout io.Writer, to string, reader func() io.Reader) {
	management, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := newHostileOn(t, stdout, true, func(c *config.Config) {
		c.Events.To, c.Events.Buffer, c.Management.Listen = to, 64, management
	})
	h.settleDoors()
	h.issuer("idp", "k1")
	h.outage = true
	ready := func() bool {
		resp, err := h.from("").Get("http://" + management + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if ok := strings.Contains(string(text), `"events":"ok"`); err != nil || ok != (resp.StatusCode == 200) {
			t.Errorf("%d %s %v", resp.StatusCode, text, err)
		}
		return resp.StatusCode == 200
	}
	cheap := clientCredentials("client_id", "post", "client_secret", h.secret["post"])
	tokens := 0
	for ; ; tokens++ {
		got := h.attackAny(t, attack{form: cheap})
		if got.status == 503 {
			break
		}
		h.want(t, got, granted)
		if tokens > 2000 {
			t.Fatal("the buffer is never full")
		}
	}
	if ready() {
		t.Error("ready, without room for events")
	}
	back, err := url.Parse(newBrowser(t, h.url).allow(h.url+"/oauth/authorize?"+authorizationRequest("client_id", "public").Encode(), "alice"))
	if err != nil {
		t.Fatal(err)
	}
	code := url.Values{"grant_type": {grantCode}, "redirect_uri": {redirectURI}, "code_verifier": {codeVerifier}, "code": back.Query()["code"], "client_id": {"public"}}
	forms := []url.Values{h.vouching(t, "both"), asGrant(h.assertion(t, "idp", "ann", nil)), code}
	for _, form := range forms {
		for range 2 {
			if got := h.attack(t, attack{form: form, want: unavailable}); got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	// What is bad is still refused as such.
	h.attack(t, attack{form: asClient("a.b.c"), want: invalidClient})

	var text strings.Builder
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&text, reader())
	}()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is no room again")
		}
	}
	for _, form := range forms {
		h.want(t, h.knock(t, h.at(t, tokenPath, form), ""), granted)
	}
	if err := h.stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if w, ok := stdout.(*os.File); ok {
		w.Close()
	}
	select {
	case <-read:
	case <-time.After(patience):
		t.Fatal("the output is still open")
	}
	h.checkEventText(t, text.String())
	issued := 0
	for _, e := range parseEvents(t, text.String()) {
		if e.Event == "token_issued" {
			issued++
		}
	}
	if issued != tokens+len(forms) {
		t.Errorf("%d events of tokens, want %d", issued, tokens+len(forms))
	}
	if log := h.log.String(); strings.Count(log, "no room for events") != 1 || strings.Count(log, "there is room for events again") != 1 {
		t.Errorf("the log of the trouble:\n%s", log)
	}
}

// TestEventsFlood: ten thousand refusals that anyone can cause make some dozens of lines, and are all accounted for.
func TestEventsFlood(t *testing.T) {
	t.Parallel()
	const junk = 10_000
	h := newHostileTown(t, func(c *config.Config) { c.Log.Level = "error" }) // each would be in the log
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	began := time.Now()
	var ended sync.WaitGroup
	for i := range 16 {
		ended.Go(func() {
			for range junk / 16 {
				body := "grant_type=client_credentials&client_id=post"
				if i%2 == 0 {
					body = "grant_type=" + url.QueryEscape(grantJWTBearer) + "&assertion=a.b.c"
				}
				resp, err := client.Post(h.url+tokenPath, "application/x-www-form-urlencoded", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	ended.Wait()
	took := time.Since(began)
	h.alive(t)
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	file, err := os.Open(h.events)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(bufio.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	refused, reports, counted, tokens := 0, 0, 0, 0
	for _, e := range parseEvents(t, string(text)) {
		switch e.Event {
		case "refused":
			refused++
		case "refusals_suppressed":
			reports++
			counted += e.Count
		case "token_issued":
			tokens++
		}
	}
	if seconds := int(took/time.Second) + 1; refused < 10 || refused > 10+10*seconds || reports > 1+seconds/10 || tokens != 1 {
		t.Errorf("in %s %d refusals have lines, in %d reports", took, refused, reports)
	}
	if refused+counted != junk {
		t.Errorf("%d written and %d counted are not %d", refused, counted, junk)
	}
	t.Logf("%s: %d lines, %d reports", took, refused, reports)
}
