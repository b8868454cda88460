package keys

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAge is how long an answer may still be kept by its Cache-Control (RFC 9111 §5.2.2), less the time it has spent in
// caches on the way. Zero means that it does not say. One that must not be kept at all is kept for as short as any.
func maxAge(h http.Header) time.Duration {
	said := false
	var age time.Duration
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "no-store", "no-cache":
			return minLife
		case "max-age":
			if seconds, ok := deltaSeconds(strings.Trim(strings.TrimSpace(value), `"`)); ok && (!said || seconds < age) {
				said, age = true, seconds // of two that differ, the shorter one
			}
		}
	}
	if !said {
		return 0
	}
	if spent, ok := deltaSeconds(strings.TrimSpace(h.Get("Age"))); ok {
		age -= spent
	}
	return max(age, time.Second) // never zero, which would mean unsaid
}

// deltaSeconds reads a number of seconds (RFC 9111 §1.2.2). One too large to count is as good as a year.
func deltaSeconds(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	const year = 365 * 24 * time.Hour
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > int64(year/time.Second) {
		return year, true
	}
	return time.Duration(n) * time.Second, true
}
