package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// The digests are a format: databases hold them, and servers of different versions share those.
func TestDigestFormat(t *testing.T) {
	secret := [32]byte{0: 1, 31: 2}
	long := strings.Repeat("j", 300)
	tests := []struct {
		use   Use
		input string // what is hashed, after the secret
	}{
		{Use{Purpose: "grant", Party: "https://idp.example", ID: "jti-1"}, "\x01u\x05grant\x13https://idp.example\x05jti-1"},
		{Use{}, "\x01u\x00\x00\x00"},
		{Use{Purpose: "grant", Party: "p", ID: long}, "\x01u\x05grant\x01p\xac\x02" + long},
	}
	for _, test := range tests {
		sum := sha256.Sum256([]byte(string(secret[:]) + test.input))
		d := test.use.Digest(&secret)
		if got, want := hex.EncodeToString(d[:]), hex.EncodeToString(sum[:16]); got != want {
			t.Errorf("Digest(%+v) = %s, want %s", test.use, got, want)
		}
	}
	held := Use{Purpose: "grant", Party: "p", ID: "i", Holder: "h"}
	sum := sha256.Sum256([]byte(string(secret[:]) + "\x01h\x05grant\x01p\x01i\x01h"))
	if d := held.HolderDigest(&secret); d != Digest(sum[:16]) {
		t.Errorf("HolderDigest = %x", d)
	}
}

func TestDigestDependsOnTheKeyAlone(t *testing.T) {
	secret, other := [32]byte{1}, [32]byte{2}
	u := Use{Purpose: "grant", Party: "p", ID: "i"}
	d := u.Digest(&secret)
	if u.Digest(&other) == d {
		t.Error("the secret makes no difference")
	}
	u.Until, u.Issued, u.Holder = time.Unix(1, 0), time.Unix(2, 0), "alice"
	if u.Digest(&secret) != d {
		t.Error("times or holder make a difference")
	}
	alice := u.HolderDigest(&secret)
	u.Holder = ""
	if none := u.HolderDigest(&secret); none == d || none == alice {
		t.Error("digests of different kinds collide")
	}
}

func TestDigestAllocatesNothing(t *testing.T) {
	secret := [32]byte{1}
	u := Use{Purpose: "client_assertion", Party: strings.Repeat("p", 100), ID: strings.Repeat("i", 256)}
	if n := testing.AllocsPerRun(100, func() { u.Digest(&secret) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSpanEnd(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 10, 0, 0, time.UTC)
	at := func(day, h, m int) time.Time { return time.Date(2026, 11, day, h, m, 0, 0, time.UTC) }
	month := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		until, want time.Time
	}{
		{now.Add(time.Nanosecond), at(20, 9, 30)},
		{at(20, 9, 30).Add(-time.Nanosecond), at(20, 9, 30)},
		{at(20, 9, 30), at(20, 9, 30)},
		{at(20, 9, 30).Add(time.Nanosecond), at(20, 10, 0)},
		{at(21, 9, 10), at(21, 9, 30)},
		{at(21, 9, 10).Add(1), month(2026, 12, 3)},
		{month(2026, 12, 3), month(2026, 12, 3)},
		{month(2026, 12, 3).Add(1), month(2027, 1, 2)},
		{now.Add(maxAhead), month(2029, 12, 17)},
		{now, time.Time{}}, {now.Add(-1), time.Time{}}, {time.Time{}, time.Time{}}, {now.Add(maxAhead + 1), time.Time{}},
		{time.Unix(1<<60, 0), time.Time{}}, {time.Unix(-1<<60, 0), time.Time{}},
	}
	for _, test := range tests {
		u := Use{Until: test.until}
		end, err := u.SpanEnd(now)
		if (err != nil) != test.want.IsZero() || err == nil && !end.Equal(test.want) {
			t.Errorf("SpanEnd(%s) = %s, %v; want %s", test.until, end, err, test.want)
		}
	}
	// However uses are spread over the three years, they need few tables, and none ends too early.
	ends := map[time.Time]bool{}
	for ahead := time.Minute; ahead <= maxAhead; ahead += ahead/200 + 7*time.Minute {
		u := Use{Until: now.Add(ahead)}
		end, err := u.SpanEnd(now)
		if err != nil || end.Before(u.Until) {
			t.Fatalf("SpanEnd(%s) = %s, %v", u.Until, end, err)
		}
		ends[end] = true
	}
	if len(ends) > 90 {
		t.Errorf("%d tables", len(ends))
	}
}
