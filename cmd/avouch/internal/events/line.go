package events

import (
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/jsonwrite"
)

// The values of the member "event".
const (
	tokenIssued        = "token_issued"
	refused            = "refused"
	grantReused        = "grant_reused"
	refusalsSuppressed = "refusals_suppressed"
)

// The values of the member "level".
const (
	info = "info"
	warn = "warn"
)

// maxLine is the most bytes that a line can have: the sum of the limits below, and the names. A test makes such a line.
const maxLine = 10 << 10

// line is a line that is being made. Each string is bounded in its encoded form, so that no stranger decides how long a
// line is.
type line struct {
	b   []byte
	cut bool // a string was too long
}

// begin starts a line with the members that every line has.
func (l *line) begin(at time.Time, event, level string) {
	l.b = append(l.b, `{"time":"`...)
	l.b = appendTime(l.b, at)
	l.b = append(l.b, `","event":"`...)
	l.b = append(l.b, event...)
	l.b = append(l.b, `","level":"`...)
	l.b = append(l.b, level...)
	l.b = append(l.b, '"')
}

func (l *line) end() {
	if l.cut {
		l.b = append(l.b, `,"cut":true`...)
	}
	l.b = append(l.b, '}', '\n')
}

func (l *line) name(name string) {
	l.b = append(l.b, ',', '"')
	l.b = append(l.b, name...)
	l.b = append(l.b, '"', ':')
}

// text adds a member, unless the value is empty.
func (l *line) text(name, value string, limit int) {
	if value == "" {
		return
	}
	l.name(name)
	l.value(value, limit)
}

func (l *line) value(value string, limit int) {
	var cut bool
	l.b, cut = jsonwrite.ASCII(l.b, value, limit)
	l.cut = l.cut || cut
}

// list adds a member with an array of strings, unless it is empty. If it is too long, its last string is cut.
func (l *line) list(name string, values []string, limit int) {
	if len(values) == 0 {
		return
	}
	l.name(name)
	l.b = append(l.b, '[')
	for i, start := 0, len(l.b); i < len(values); i++ {
		left := limit - (len(l.b) - start) - len(`,""`)
		if left < shortest {
			l.cut = true
			break
		}
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.value(values[i], left)
	}
	l.b = append(l.b, ']')
}

// words adds a member with the values as one string, separated by spaces, as a token has its scopes. If it is too long,
// its last word is cut.
func (l *line) words(name string, values []string, limit int) {
	if len(values) == 0 {
		return
	}
	l.name(name)
	l.b = append(l.b, '"')
	for i, start := 0, len(l.b); i < len(values); i++ {
		left := limit - (len(l.b) - start) - len(` `)
		if left < shortest {
			l.cut = true
			break
		}
		if i > 0 {
			l.b = append(l.b, ' ')
		}
		word := len(l.b)
		l.value(values[i], left)
		l.b = append(l.b[:word], l.b[word+1:len(l.b)-1]...) // without the quotes
	}
	l.b = append(l.b, '"')
}

// shortest is the least limit that jsonwrite.ASCII can work with.
const shortest = 3

func (l *line) number(name string, n uint64) {
	l.name(name)
	l.b = strconv.AppendUint(l.b, n, 10)
}

func (l *line) boolean(name string, value bool) {
	l.name(name)
	l.b = strconv.AppendBool(l.b, value)
}

// milliseconds adds a duration with three decimals.
func (l *line) milliseconds(name string, d time.Duration) {
	us := uint64(max(d, 0) / time.Microsecond)
	l.name(name)
	l.b = strconv.AppendUint(l.b, us/1000, 10)
	l.b = append(l.b, '.', '0'+byte(us/100%10), '0'+byte(us/10%10), '0'+byte(us%10))
}

// appendTime appends a time as RFC 3339 in UTC, with milliseconds.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

// appendEvent appends the line of an event. r is nil for a token that was issued. Members without a value are left out;
// the order is fixed, and documented in docs/events.md.
func appendEvent(b []byte, e *avouch.Event, r *refusal) []byte {
	l := line{b: b}
	event, level, iss := tokenIssued, info, e.Issuer
	if r != nil {
		event, level = r.event, r.level
		if iss == "" {
			iss = r.iss
		}
	}
	l.begin(e.Time, event, level)
	l.text("endpoint", e.Endpoint, 64)
	l.text("grant_type", e.GrantType, 128)
	l.text("auth_method", e.AuthMethod, 64)
	l.text("client_id", e.ClientID, 384)
	if e.Claimed != e.ClientID {
		l.text("claimed_client", e.Claimed, 384)
	}
	l.text("sub", e.Subject, 512)
	l.words("scope", e.Scopes, 2048)
	l.list("aud", e.Audience, 2048)
	l.text("jti", e.TokenID, 128)
	l.text("consent", e.Consent, 128)
	l.text("kid", e.KeyID, 256)
	l.text("iss", iss, 384)
	l.text("remote", e.RemoteAddr, 64)
	l.milliseconds("duration_ms", e.Duration)
	l.list("notices", e.Notices, 256)
	if r != nil {
		l.text("refusal_id", e.RefusalID, 32)
		l.text("error", r.code, 64)
		l.text("error_description", r.description, 384)
		l.text("reason", r.reason, 64)
		l.text("detail", r.detail, 768)
		l.text("party", r.party, 256)
		l.text("assertion_sub", r.subject, 512)
		l.text("assertion_jti", r.id, 64)
		if r.assertion {
			l.boolean("verified", r.verified)
		}
	}
	l.end()
	return l.b
}

// appendSummary appends the line that reports refusals without a line of their own.
func appendSummary(b []byte, now time.Time, s *suppressed) []byte {
	l := line{b: b}
	l.begin(now, refusalsSuppressed, warn)
	l.number("count", s.sampled+s.noRoom)
	l.number("no_room", s.noRoom)
	l.name("since")
	l.b = append(l.b, '"')
	l.b = append(appendTime(l.b, s.since), '"')
	l.end()
	return l.b
}
