package assertion

import (
	"math"
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// latestDate bounds a NumericDate, in seconds: far beyond every real date, far below what overflows. Milliseconds are
// below it, so that they can be told from nonsense.
const latestDate = 1e15

// numericDate reads a NumericDate (RFC 7519 §2): a JSON number, fractions allowed, of seconds since 1970. ok is false
// for anything else, and for what is negative or out of range.
func numericDate(v strictjson.Value) (t time.Time, ok bool) {
	raw := v.Raw()
	if v.Kind() != strictjson.Number || len(raw) == 0 || len(raw) > 64 || raw[0] == '-' {
		return time.Time{}, false
	}
	if len(raw) <= 15 {
		if seconds, ok := digits(raw); ok {
			return time.Unix(seconds, 0), true
		}
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(f >= 0 && f < latestDate) {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}

// digits reads a number that is written in digits only, as nearly all are.
func digits(raw []byte) (n int64, ok bool) {
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
