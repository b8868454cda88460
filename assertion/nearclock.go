package assertion

import (
	"fmt"
	"math"
	"time"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// nearDate says what a NumericDate that cannot be right probably is; "" where it may be right.
func nearDate(v strictjson.Value) string {
	if v.Kind() == strictjson.String {
		return "it is a JSON string: write the number without quotes"
	}
	f, ok := v.Float()
	if !ok {
		return ""
	}
	var unit string
	switch {
	case f >= 1e11 && f < 1e14:
		unit = fmt.Sprintf("milliseconds: read as seconds it is the year %d", time.Unix(int64(f), 0).UTC().Year())
	case f >= 1e14 && f < 1e17:
		unit = "microseconds"
	case f >= 1e17 && f < 1e20:
		unit = "nanoseconds"
	case f > 0 && f < 1e8:
		unit = "a lifetime, not a date"
	default:
		return ""
	}
	return "it looks like " + unit + "; a NumericDate is in seconds since 1970 (RFC 7519 section 2)"
}

// nearClock explains a time that is off by so much, positive where the signer is ahead of us.
func nearClock(off, skew time.Duration) string {
	size := off.Abs()
	if zone := size.Round(30 * time.Minute); zone > 0 && zone <= 14*time.Hour && (size-zone).Abs() <= 2*time.Minute {
		return fmt.Sprintf("the clocks are apart by about %s, which looks like a time zone: a NumericDate is in UTC", zone)
	}
	side := "ahead of"
	if off < 0 {
		side = "behind"
	}
	hint := fmt.Sprintf("the signer's clock looks %s %s ours: set both by NTP", short(size), side)
	if size > skew && size <= maxSkew {
		hint += fmt.Sprintf(", or raise skew for this party (%s now, %s at most)", skew, maxSkew)
	}
	return hint
}

// showDate writes a NumericDate for people.
func showDate(v strictjson.Value, now time.Time) string {
	t, ok := v.NumericDate()
	switch {
	case v.Kind() == strictjson.Absent:
		return "absent"
	case !ok:
		return showRaw(v)
	}
	raw := cleanTo(string(v.Raw()), 64)
	switch off := t.Sub(now); {
	case t.Year() > 9999:
		return raw
	case off < 0:
		return raw + " = " + t.UTC().Format(time.RFC3339) + ", " + short(-off) + " ago"
	default:
		return raw + " = " + t.UTC().Format(time.RFC3339) + ", in " + short(off)
	}
}

// short is d to the second, or to the millisecond below ten seconds.
func short(d time.Duration) string {
	if d.Abs() == math.MaxInt64 { // as much as a Duration holds, and so as much as Sub says
		return "more than 290 years"
	}
	if d.Abs() < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// showValue writes a claim for people, in its JSON text.
func showValue(v strictjson.Value) string {
	if v.Kind() == strictjson.Absent {
		return "absent"
	}
	if s, ok := v.Text(); ok && s != "" {
		return clean(s)
	}
	return showRaw(v)
}

func showRaw(v strictjson.Value) string {
	return clean(string(v.Raw()[:min(len(v.Raw()), maxShown+1)]))
}

// shownDate is the date for a report; zero where JSON could not write it.
func shownDate(v strictjson.Value) time.Time {
	t, ok := v.NumericDate()
	if !ok || t.UTC().Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}
