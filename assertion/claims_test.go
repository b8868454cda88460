package assertion

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// judgeClaims runs the rules, which know nothing but claims, policy and time, and returns the first that refuses.
func judgeClaims(t rapid.TB, claims string, p Policy, now time.Time) Reason {
	t.Helper()
	o, err := strictjson.Parse([]byte(claims))
	if err != nil {
		t.Fatalf("%s: %v", claims, err)
	}
	r := readRegistered(&o)
	p = p.effective(Grant)
	for i := range steps {
		if steps[i].rule == nil {
			continue
		}
		if e := steps[i].rule(&r, &p, now); e != nil {
			return e.Reason
		}
	}
	return ""
}

// rational is a NumericDate as a rational number, exactly as it is written.
func rational(t rapid.TB, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("not a number: %s", text)
	}
	return r
}

func seconds(d time.Duration) *big.Rat { return big.NewRat(int64(d), int64(time.Second)) }

func at(t time.Time) *big.Rat {
	return new(big.Rat).Add(big.NewRat(t.Unix(), 1), big.NewRat(int64(t.Nanosecond()), 1e9))
}

// TestTimes holds the rules about time against the same rules in rational numbers.
func TestTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		date := rapid.Custom(func(t *rapid.T) string {
			n := now.Unix() + rapid.OneOf(rapid.Int64Range(-130, 130), rapid.Int64Range(3400, 3800), rapid.Int64Range(-3800, -3400),
				rapid.SampledFrom([]int64{-10, -11, 10, 11, 60, 61, 3600, 3610, 3611, 1 << 40})).Draw(t, "offset")
			switch rapid.IntRange(0, 3).Draw(t, "form") {
			case 0:
				return fmt.Sprintf("%d.%d", n, rapid.SampledFrom([]int{0, 1, 25, 5, 75, 125}).Draw(t, "fraction"))
			case 1:
				return fmt.Sprintf("%de0", n)
			}
			return fmt.Sprint(n)
		})
		p := Policy{Audience: Audience{Accept: []string{us}}}
		p.Skew = rapid.SampledFrom([]time.Duration{0, -1, time.Second, 30 * time.Second, time.Minute, time.Hour, 1<<63 - 1}).Draw(t, "skew")
		p.MaxLifetime = rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour, 1<<63 - 1}).Draw(t, "max")
		judged := now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 250e6, 999999999}).Draw(t, "ns")))

		exp := date.Draw(t, "exp")
		claims := `{"sub":"a","aud":"` + us + `","exp":` + exp
		var iat, nbf string
		if rapid.Bool().Draw(t, "has iat") {
			iat = date.Draw(t, "iat")
			claims += `,"iat":` + iat
		}
		if rapid.Bool().Draw(t, "has nbf") {
			nbf = date.Draw(t, "nbf")
			claims += `,"nbf":` + nbf
		}
		claims += "}"

		skew := map[time.Duration]time.Duration{0: 10 * time.Second, -1: 0, time.Hour: time.Minute, 1<<63 - 1: time.Minute}
		s := p.Skew
		if v, ok := skew[s]; ok {
			s = v
		}
		most := p.MaxLifetime
		switch most {
		case 0:
			most = time.Hour
		case 1<<63 - 1:
			most = 365 * 24 * time.Hour
		}
		bound := new(big.Rat).Add(seconds(most), seconds(s))
		clock, skewed := at(judged), seconds(s)

		good := rational(t, exp).Cmp(new(big.Rat).Sub(clock, skewed)) > 0
		good = good && new(big.Rat).Sub(rational(t, exp), clock).Cmp(bound) <= 0
		if iat != "" {
			good = good && rational(t, iat).Cmp(new(big.Rat).Add(clock, skewed)) <= 0
			good = good && new(big.Rat).Sub(rational(t, exp), rational(t, iat)).Cmp(bound) <= 0
		}
		if nbf != "" {
			good = good && rational(t, nbf).Cmp(new(big.Rat).Add(clock, skewed)) <= 0
		}
		if reason := judgeClaims(t, claims, p, judged); (reason == "") != good {
			t.Fatalf("%s at %v with %+v: refused as %q, want good = %t", claims, judged, p, reason, good)
		}
	})
}

// TestAudienceIsOursAlone: whatever aud is, it passes only as one string that is on the list.
func TestAudienceIsOursAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{us, us + "/", us + "/token", "", "x", "https://as.example.com.evil", strings.ToUpper(us)})
		p := Policy{}
		p.Audience.Accept = rapid.SliceOfN(name, 0, 3).Draw(t, "accept")
		p.Audience.Legacy = rapid.SliceOfN(name, 0, 2).Draw(t, "legacy")
		p.Audience.NearMiss = rapid.SliceOfN(name, 0, 2).Draw(t, "near misses")
		p.Audience.StringOnly = rapid.Bool().Draw(t, "string only")
		var aud any
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			aud = name.Draw(t, "aud")
		case 1:
			aud = rapid.SliceOfN(name, 0, 3).Draw(t, "aud")
		case 2:
			aud = []any{name.Draw(t, "aud"), rapid.SampledFrom([]any{nil, 1, true, []string{us}}).Draw(t, "other")}
		case 3:
			aud = rapid.SampledFrom([]any{nil, 1, true, object{}, []any{nil}}).Draw(t, "aud")
		}
		text, err := json.Marshal(object{"sub": "a", "aud": aud, "exp": now.Unix() + 60})
		if err != nil {
			t.Fatal(err)
		}
		value, isString := aud.(string)
		if list, ok := aud.([]string); ok && len(list) == 1 && !p.Audience.StringOnly {
			value, isString = list[0], true
		}
		good := isString && value != "" && (slices.Contains(p.Audience.Accept, value) || slices.Contains(p.Audience.Legacy, value))
		if reason := judgeClaims(t, string(text), p, now); (reason == "") != good {
			t.Fatalf("%s with %+v: refused as %q, want good = %t", text, p.Audience, reason, good)
		}
	})
}

// TestRulesStandAnyJSON: no claim of any form makes a rule panic, and none passes that has the wrong type.
func TestRulesStandAnyJSON(t *testing.T) {
	value := rapid.SampledFrom([]string{
		`null`, `true`, `0`, `-0`, `-1`, `1e400`, `1E-400`, `0.1`, `1e308`, `9223372036854775807`, `9223372036854775808`,
		`18446744073709551616`, `-9223372036854775809`, `999999999999999`, `1000000000000000`, `253402300800`, `1.7976931348623157e308`,
		`12345678901234567890123456789012345678901234567890`, `""`, `" "`, `"a"`, `"\u0000"`, `"1795486860"`, `[]`, `[[]]`, `{}`, `{"a":1}`,
		`1795486860`, `1795486860.5`, `1.79548686e9`, `1795486860000`,
	})
	rapid.Check(t, func(t *rapid.T) {
		var members []string
		texts := map[string]string{}
		for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} {
			if rapid.Bool().Draw(t, "has "+name) {
				texts[name] = value.Draw(t, name)
				members = append(members, `"`+name+`":`+texts[name])
			}
		}
		p := Policy{
			Audience:        Audience{Accept: []string{"a", " ", "1795486860"}},
			SubjectOptional: rapid.Bool().Draw(t, "subject optional"),
			RequireID:       rapid.Bool().Draw(t, "require id"),
		}
		reason := judgeClaims(t, "{"+strings.Join(members, ",")+"}", p, now)
		if reason != "" {
			return
		}
		for name, wanted := range map[string]string{"sub": `"`, "jti": `"`, "exp": "123456789", "nbf": "0123456789", "iat": "0123456789"} {
			if text := texts[name]; text != "" && !strings.Contains(wanted, text[:1]) {
				t.Fatalf("%s is %s, and it passed", name, text)
			}
		}
		if texts["exp"] == "" || texts["aud"] == "" || texts["sub"] == "" && !p.SubjectOptional || texts["jti"] == "" && p.RequireID {
			t.Fatalf("something is missing, and it passed: %v", texts)
		}
	})
}
