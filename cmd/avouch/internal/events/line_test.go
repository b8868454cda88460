package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
)

const page = "../../../../docs/events.md"

var noon = time.Date(2026, 3, 4, 12, 0, 0, 250e6, time.UTC)

// refusedAssertion returns how a real assertion is refused.
func refusedAssertion(t testing.TB, subject, id string) error {
	t.Helper()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	const idp = "https://idp.example.com"
	checker := assertion.Checker{Purpose: assertion.Grant}
	party := assertion.PartyFunc(func(context.Context, assertion.Unverified) (*assertion.Party, error) {
		return &assertion.Party{Name: idp, Keys: key.PublicKeys(noon), Policy: assertion.Policy{
			Audience: assertion.Audience{Accept: []string{"https://as.example.com"}},
		}}, nil
	})
	signed, err := assertion.Sign(assertion.Claims{Issuer: idp, Subject: subject, Audience: "https://as.example.org", ID: id, IssuedAt: noon}, key)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = checker.Check(t.Context(), noon, signed, "", party)
	refused, ok := errors.AsType[*assertion.Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	return &avouch.Error{Code: avouch.InvalidGrant, Description: refused.Public, Err: refused}
}

// shown are the events of the examples on the page.
func shown(t testing.TB) []avouch.Event {
	token := avouch.Event{
		Time: noon, Duration: 4812 * time.Microsecond, Endpoint: "token", GrantType: "urn:ietf:params:oauth:grant-type:jwt-bearer",
		AuthMethod: "private_key_jwt", KeyID: "kid-2", ClientID: "billing", Claimed: "billing", Subject: "idp/alice",
		Scopes: []string{"orders:read", "orders:write"}, Audience: []string{"https://orders.example.com"}, TokenID: "Q5FFM7DJAMEIBZZRKXXX7RZERO",
		Issuer: "https://idp.example.com", RemoteAddr: "192.0.2.7:50112", Reserved: true,
	}
	refusal := avouch.Event{
		Time: noon, Duration: 391 * time.Microsecond, Endpoint: "token", GrantType: token.GrantType, Claimed: "billing",
		RemoteAddr: "192.0.2.7:50114", RefusalID: "mfzwizlonnqw", Err: refusedAssertion(t, "alice", "7be1c2d0-55aa"),
	}
	theft := avouch.Event{
		Time: noon, Duration: 2204 * time.Microsecond, Endpoint: "token", GrantType: "refresh_token", AuthMethod: "none", ClientID: "app",
		Claimed: "app", Subject: "login/bob", Scopes: []string{"orders:read"}, Audience: []string{"https://orders.example.com"},
		Consent: "F7K2M4", RemoteAddr: "198.51.100.20:40022", RefusalID: "onswg4tforxa", Reused: true, Reserved: true,
		Err: &avouch.Error{
			Code: avouch.InvalidGrant, Description: "the grant was used before; get a new one for each request",
			Err: &replay.ReplayedError{Use: replay.Use{Purpose: "refresh_token", Party: "app"}},
		},
	}
	return []avouch.Event{token, refusal, theft}
}

// examples are the lines of the page.
func examples(t testing.TB) string {
	var b []byte
	for _, e := range shown(t) {
		b = appendLine(b, &e)
	}
	return string(appendSummary(b, noon, &suppressed{sampled: 4711, noRoom: 3, since: noon.Add(-10 * time.Second)}))
}

func appendLine(b []byte, e *avouch.Event) []byte {
	if !isRefusal(e) {
		return appendEvent(b, e, nil)
	}
	r := readRefusal(e)
	return appendEvent(b, e, &r)
}

// TestExamplesOfThePage: what the page shows is what is written.
func TestExamplesOfThePage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```json\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
		got.WriteString(block[1])
	}
	if want := examples(t); got.String() != want {
		t.Errorf("the page has\n%s\nwritten is\n%s", got.String(), want)
	}
}

// documented returns the names in a table of the page, in order.
func documented(t testing.TB, heading string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		names = append(names, row[1])
	}
	return names
}

// check checks what must be true of every line: it is short and ASCII, and a JSON object of documented members, each once and
// in order.
func check(t testing.TB, members, events []string, line string) map[string]any {
	t.Helper()
	body, ok := strings.CutSuffix(line, "\n")
	if !ok || len(line) > maxLine || strings.IndexFunc(body, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0 {
		t.Fatalf("%d bytes: %q", len(line), line)
	}
	decoder := json.NewDecoder(strings.NewReader(body))
	values, at := map[string]any{}, -1
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		t.Fatalf("%q: %v", line, err)
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		name, _ := token.(string)
		i := slices.Index(members, name)
		if i <= at {
			t.Fatalf("the member %q is not documented, is a duplicate, or is in the wrong place: %s", name, line)
		}
		at = i
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if value == "" || value == nil {
			t.Errorf("the member %q has no value: %s", name, line)
		}
		values[name] = value
	}
	if token, err := decoder.Token(); err != nil || token != json.Delim('}') || decoder.More() {
		t.Fatalf("%q: %v", line, err)
	}
	if event, _ := values["event"].(string); !slices.Contains(events, event) {
		t.Errorf("the event %q is not documented", event)
	}
	if level := values["level"]; level != info && level != warn {
		t.Errorf("level %v", level)
	}
	if at, err := time.Parse(time.RFC3339, values["time"].(string)); err != nil || at.Location() != time.UTC {
		t.Errorf("%v: %v", values["time"], err)
	}
	return values
}

// TestEveryLine makes lines of events with whatever strings there are, and finds each member of the page in one of them.
func TestEveryLine(t *testing.T) {
	t.Parallel()
	members, events := documented(t, "Members"), documented(t, "Events")
	if len(members) < 25 || len(events) != 4 {
		t.Fatalf("the page has the members %q and the events %q", members, events)
	}
	seen := map[string]bool{}
	note := func(line string) map[string]any {
		values := check(t, members, events, line)
		for name := range values {
			seen[name] = true
		}
		seen["event "+values["event"].(string)] = true
		return values
	}
	for line := range strings.Lines(examples(t)) {
		note(line)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		e := randomEvent(t, r)
		note(string(appendLine(nil, &e)))
	}
	for _, name := range members {
		if !seen[name] {
			t.Errorf("no line has the member %q", name)
		}
	}
	for _, name := range events {
		if !seen["event "+name] {
			t.Errorf("no line has the event %q", name)
		}
	}
}

var pieces = []string{
	"", "a", "orders:read", "idp/alice", "\x1b[2J", "\u202eevil", "\"", "\\", "\n{\"event\":\"token_issued\"}\n", "\xff\xfe", "\u00fc", "\U0001f600", "\x00", "\u2028", "\x7f",
	strings.Repeat("x", 100), strings.Repeat("\x01", 3000), strings.Repeat("\U0001f600", 2000),
}

func randomText(r *rand.Rand) (s string) {
	for range r.IntN(4) {
		s += pieces[r.IntN(len(pieces))]
	}
	return s
}

func randomList(r *rand.Rand) (list []string) {
	for range r.IntN(5) * r.IntN(100) {
		list = append(list, randomText(r)+"x")
	}
	return list
}

var assertions []error // of real checks, because signing takes its time

func randomEvent(t testing.TB, r *rand.Rand) avouch.Event {
	if assertions == nil {
		for _, s := range pieces[1:] {
			if len(s) < 200 {
				assertions = append(assertions, refusedAssertion(t, strings.ToValidUTF8(s, "?"), strings.ToValidUTF8(s, "?")+"-id"))
			}
		}
	}
	e := avouch.Event{
		Time: noon.Add(time.Duration(r.Int64N(1e18))), Duration: time.Duration(r.Int64N(1e11)) - 1e6, Endpoint: randomText(r), GrantType: randomText(r),
		AuthMethod: randomText(r), KeyID: randomText(r), ClientID: randomText(r), Claimed: randomText(r), Subject: randomText(r),
		Scopes: randomList(r), Audience: randomList(r), TokenID: randomText(r), Issuer: randomText(r), Consent: randomText(r),
		RemoteAddr: randomText(r), Notices: randomList(r), RefusalID: randomText(r), Reused: r.IntN(4) == 0,
	}
	cause := []error{
		nil, errors.New(randomText(r)), &replay.ReplayedError{Use: replay.Use{Purpose: randomText(r), Party: randomText(r)}}, badError{},
		fmt.Errorf("panic: %s\ngoroutine 1 [running]:\nsecret", randomText(r)), &assertion.Error{Reason: assertion.Reason(randomText(r)), Hint: randomText(r)},
		(*assertion.Error)(nil), (*avouch.Error)(nil),
	}[r.IntN(8)]
	switch r.IntN(5) {
	case 0:
		e.Err = &avouch.Error{Code: avouch.Code(randomText(r)), Description: randomText(r), Err: cause}
	case 1:
		e.Err = assertions[r.IntN(len(assertions))]
	case 2:
		e.Err = cause
	case 3:
		e.Err = &avouch.Error{Code: avouch.ServerError, Err: cause}
	}
	if e.Err == nil {
		e.Endpoint = "token"
	}
	return e
}

// TestLongestLine: no event makes a line that does not fit into its place.
func TestLongestLine(t *testing.T) {
	for _, filler := range []string{"\x01", "x", "\U0001f600", "\xff"} {
		long := strings.Repeat(filler, 5000)
		list := slices.Repeat([]string{strings.Repeat(filler, 10)}, 1000)
		e := avouch.Event{
			Time: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), Duration: 1<<63 - 1, Endpoint: long, GrantType: long, AuthMethod: long, KeyID: long, ClientID: long,
			Claimed: long, Subject: long, Scopes: list, Audience: list, TokenID: long, Issuer: long, Consent: long, RemoteAddr: long, Notices: list, RefusalID: long,
		}
		r := refusal{
			event: refusalsSuppressed, level: warn, code: long, description: long, reason: long, detail: long, assertion: true,
			party: long, iss: long, subject: long, id: long,
		}
		line := appendEvent(nil, &e, &r)
		if len(line) > maxLine || len(line) < maxLine*8/10 {
			t.Errorf("%d bytes of %q", len(line), filler)
		}
		if !strings.HasSuffix(string(line), `,"cut":true}`+"\n") {
			t.Errorf("%q", line[len(line)-40:])
		}
	}
}

// TestCut: a value is cut only if it is too long, and the line says so.
func TestCut(t *testing.T) {
	e := issued("1")
	e.Scopes = slices.Repeat([]string{"orders:read"}, 170) // 2039 bytes
	line := string(appendLine(nil, &e))
	if strings.Contains(line, `"cut"`) || !strings.Contains(line, `"`+strings.Join(e.Scopes, " ")+`"`) {
		t.Error(line)
	}
	e.Scopes = append(e.Scopes, "orders:write")
	line = string(appendLine(nil, &e))
	if !strings.Contains(line, `,"cut":true}`) || !strings.Contains(line, `...","aud":["https`) {
		t.Error(line)
	}
}

// TestNoStack: what a panic leaves in the log is not in the line.
func TestNoStack(t *testing.T) {
	e := junk()
	e.Err = &avouch.Error{Code: avouch.ServerError, Err: errors.New("panic: nil map\ngoroutine 7 [running]:\nmain.main()")}
	if line := string(appendLine(nil, &e)); !strings.Contains(line, `"detail":"panic: nil map"`) || strings.Contains(line, "goroutine") || !strings.Contains(line, `"level":"warn"`) {
		t.Error(line)
	}
}
