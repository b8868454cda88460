package jose

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

const limit = 16 << 10

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// compact makes a token with a signature that is not looked at.
func compact(header, payload string) string { return b64(header) + "." + b64(payload) + ".AAAA" }

func TestParse(t *testing.T) {
	header := `{"typ":"application/JWT","kid":"k\u0031","x5t":"dGh1bWI=","x5t#S256":"dGh1bWI2","alg":"ES256","x":{"y":[1]},
		"jwk":{"kty":"EC","d":"not even looked at"},"jku":"https://evil.example/","x5u":1,"x5c":["MII"],"cty":"json"}`
	token := compact(header, ` {"iss":"a","n":{"m":1}} `)
	c, err := Parse(token, limit)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{"ES256", "application/JWT", "k1", "dGh1bWI", "dGh1bWI2"}); c.Header != want {
		t.Errorf("the header is %+v, want %+v", c.Header, want)
	}
	if iss, ok := c.Claims.Get("iss").Text(); iss != "a" || !ok {
		t.Errorf("iss is %q, %v", iss, ok)
	}
	if c.SigningInput+".AAAA" != token || string(c.Signature) != "\x00\x00\x00" {
		t.Errorf("the signing input is %q, the signature %q", c.SigningInput, c.Signature)
	}
	if _, err := Parse(token, len(token)); err != nil {
		t.Errorf("exactly at the limit: %v", err)
	}
}

func TestEveryAlgorithmParses(t *testing.T) {
	for _, alg := range []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "HS384", "HS512",
	} {
		c, err := Parse(compact(`{"alg":"`+alg+`"}`, "{}"), limit)
		if err != nil || c.Header.Algorithm != alg {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	ok := `{"alg":"ES256"}`
	deep := strings.Repeat("[", 100_000)
	for _, test := range []struct {
		name, token string
		want        Fault
	}{
		{"too long", compact(ok, `{"a":"`+strings.Repeat("x", limit)+`"}`), TooLarge},
		{"too long, and of dots", strings.Repeat(".", 10<<20), TooLarge},
		{"ten megabytes", strings.Repeat("A", 10<<20), TooLarge},

		{"JSON serialisation", `{"payload":"e30","protected":"` + b64(ok) + `","signature":"AAAA"}`, BadAlphabet},
		{"JSON around a compact one", `{"x":"` + compact(ok, "{}") + `"}`, BadAlphabet},
		{"padding", compact(ok, `{"a":1}`) + "=", BadAlphabet},
		{"padded header", b64(ok) + "=.e30.AAAA", BadAlphabet},
		{"line break at the end", compact(ok, "{}") + "\n", BadAlphabet},
		{"line break inside", b64(ok)[:4] + "\r\n" + b64(ok)[4:] + ".e30.AAAA", BadAlphabet},
		{"blank before", " " + compact(ok, "{}"), BadAlphabet},
		{"standard alphabet", b64(ok) + ".e30.AA+/", BadAlphabet},
		{"percent", b64(ok) + ".e30.AA%41", BadAlphabet},
		{"NUL", compact(ok, "{}") + "\x00", BadAlphabet},
		{"not ASCII", b64(ok) + ".e30.ÄÄ", BadAlphabet},
		{"full-width letters", b64(ok) + ".e30.ＡＡＡＡ", BadAlphabet},
		{"Bearer in front", "Bearer " + compact(ok, "{}"), BadAlphabet},

		{"empty", "", NotThreeParts},
		{"one part", b64(ok), NotThreeParts},
		{"two parts", b64(ok) + ".e30", NotThreeParts},
		{"four parts", compact(ok, "{}") + ".", NotThreeParts},
		{"five parts, a JWE", b64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".AA.AA.AA.AA", NotThreeParts},
		{"PBES2 with 2^31 rounds", b64(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`) + ".AA.AA.AA.AA", NotThreeParts},
		{"an unsecured token wrapped in a JWE", b64(`{"alg":"A128KW","enc":"A128GCM","cty":"JWT"}`) + "..AA.AA.AA", NotThreeParts},
		{"a dot in front", "." + compact(ok, "{}"), NotThreeParts},
		{"dots only", strings.Repeat(".", limit), NotThreeParts},

		{"header of one character", "A.e30.AAAA", BadEncoding},
		{"payload of five characters", b64(ok) + ".AAAAA.AAAA", BadEncoding},
		{"unused bits in the header", strings.TrimSuffix(b64(ok+" "), "A") + "B.e30.AAAA", BadEncoding},
		{"unused bits in the payload", b64(ok) + ".e31.AAAA", BadEncoding},
		{"unused bits in the signature", b64(ok) + ".e30.QR", BadEncoding},

		{"no header", ".e30.AAAA", BadHeader},
		{"header is null", compact(`null`, "{}"), BadHeader},
		{"header is an array", compact(`[]`, "{}"), BadHeader},
		{"header is a string", compact(`"ES256"`, "{}"), BadHeader},
		{"two headers", compact(ok+ok, "{}"), BadHeader},
		{"alg twice", compact(`{"alg":"none","alg":"ES256"}`, "{}"), BadHeader},
		{"alg twice in two spellings", compact(`{"alg":"ES256","\u0061lg":"none"}`, "{}"), BadHeader},
		{"kid twice", compact(`{"alg":"ES256","kid":"a","kid":"b"}`, "{}"), BadHeader},
		{"UTF-16", compact("{\x00}\x00", "{}"), BadHeader},
		{"byte order mark", compact("\ufeff"+ok, "{}"), BadHeader},
		{"not UTF-8", compact("{\"alg\":\"ES256\",\"kid\":\"\xff\"}", "{}"), BadHeader},
		{"deep", compact(`{"alg":"ES256","x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`}`, "{}"), BadHeader},
		{"header longer than 4 KiB", compact(`{"alg":"ES256","kid":"`+strings.Repeat("x", 4<<10)+`"}`, "{}"), BadHeader},
		{"typ is a number", compact(`{"alg":"ES256","typ":1}`, "{}"), BadHeader},
		{"kid is null", compact(`{"alg":"ES256","kid":null}`, "{}"), BadHeader},
		{"kid is an object", compact(`{"alg":"ES256","kid":{"$ne":""}}`, "{}"), BadHeader},
		{"kid is an array", compact(`{"alg":"ES256","kid":["a"]}`, "{}"), BadHeader},
		{"x5t is a number", compact(`{"alg":"ES256","x5t":1}`, "{}"), BadHeader},
		{"zip", compact(`{"alg":"ES256","zip":"DEF"}`, "{}"), BadHeader},
		{"zip is null", compact(`{"alg":"ES256","zip":null}`, "{}"), BadHeader},
		{"enc", compact(`{"alg":"ES256","enc":"A256GCM"}`, "{}"), BadHeader},
		{"nested", compact(`{"alg":"ES256","cty":"JWT"}`, "{}"), BadHeader},
		{"nested, in other letters", compact(`{"alg":"ES256","cty":"application/jwt"}`, "{}"), BadHeader},
		{"cty is a number", compact(`{"alg":"ES256","cty":1}`, "{}"), BadHeader},

		{"no alg", compact(`{}`, "{}"), BadAlgorithm},
		{"alg is null", compact(`{"alg":null}`, "{}"), BadAlgorithm},
		{"alg is a number", compact(`{"alg":256}`, "{}"), BadAlgorithm},
		{"alg is an array", compact(`{"alg":["ES256"]}`, "{}"), BadAlgorithm},
		{"alg is empty", compact(`{"alg":""}`, "{}"), BadAlgorithm},
		{"ALG", compact(`{"ALG":"ES256"}`, "{}"), BadAlgorithm},
		{"none, without a signature", b64(`{"alg":"none"}`) + ".e30.", BadAlgorithm},
		{"nOnE", compact(`{"alg":"nOnE"}`, "{}"), BadAlgorithm},
		{"NONE", compact(`{"alg":"NONE"}`, "{}"), BadAlgorithm},
		{"es256", compact(`{"alg":"es256"}`, "{}"), BadAlgorithm},
		{"a blank before alg", compact(`{"alg":" ES256"}`, "{}"), BadAlgorithm},
		{"a NUL after alg", compact(`{"alg":"ES256\u0000"}`, "{}"), BadAlgorithm},
		{"ES521", compact(`{"alg":"ES521"}`, "{}"), BadAlgorithm},
		{"ES256K", compact(`{"alg":"ES256K"}`, "{}"), BadAlgorithm},
		{"Ed448", compact(`{"alg":"Ed448"}`, "{}"), BadAlgorithm},
		{"RS1", compact(`{"alg":"RS1"}`, "{}"), BadAlgorithm},
		{"RSA1_5", compact(`{"alg":"RSA1_5"}`, "{}"), BadAlgorithm},
		{"dir", compact(`{"alg":"dir"}`, "{}"), BadAlgorithm},

		{"crit", compact(`{"alg":"ES256","crit":["bork"],"bork":true}`, "{}"), CriticalHeader},
		{"crit of a header that exists", compact(`{"alg":"ES256","crit":["kid"],"kid":"a"}`, "{}"), CriticalHeader},
		{"crit of a claim", compact(`{"alg":"ES256","crit":["exp"]}`, `{"exp":1}`), CriticalHeader},
		{"crit of nothing", compact(`{"alg":"ES256","crit":[]}`, "{}"), CriticalHeader},
		{"crit is null", compact(`{"alg":"ES256","crit":null}`, "{}"), CriticalHeader},
		{"crit is a string", compact(`{"alg":"ES256","crit":"b64"}`, "{}"), CriticalHeader},
		{"b64 false", compact(`{"alg":"ES256","b64":false,"crit":["b64"]}`, "{}"), CriticalHeader},
		{"b64 false, not critical", compact(`{"alg":"ES256","b64":false}`, "{}"), CriticalHeader},
		{"b64 true", compact(`{"alg":"ES256","b64":true}`, "{}"), CriticalHeader},

		{"no payload", compact(ok, ""), BadClaims},
		{"payload is null", compact(ok, "null"), BadClaims},
		{"payload is an array", compact(ok, "[]"), BadClaims},
		{"payload is a string", compact(ok, `"x"`), BadClaims},
		{"payload is a number", compact(ok, "1"), BadClaims},
		{"payload is text", compact(ok, "Payload"), BadClaims},
		{"payload is a JWS", compact(ok, compact(ok, "{}")), BadClaims},
		{"two payloads", compact(ok, "{}{}"), BadClaims},
		{"garbage after the payload", compact(ok, "{}x"), BadClaims},
		{"sub twice", compact(ok, `{"sub":"a","sub":"b"}`), BadClaims},
		{"aud twice", compact(ok, `{"aud":"a","x":1,"aud":"b"}`), BadClaims},
		{"jkt twice, within cnf", compact(ok, `{"cnf":{"jkt":"a","jkt":"b"}}`), BadClaims},
		{"lone surrogate", compact(ok, `{"sub":"\ud800"}`), BadClaims},
		{"not UTF-8 in a claim", compact(ok, "{\"sub\":\"a\xff\"}"), BadClaims},
		{"deep claims", compact(ok, `{"a":`+deep[:10_000]), BadClaims},
		{"a number without end", compact(ok, `{"exp":`+strings.Repeat("9", 10_000)+`}`), BadClaims},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Parse(test.token, limit)
			var e *ParseError
			if !errors.As(err, &e) || e.Fault != test.want {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if c != nil {
				t.Error("it returns a token")
			}
			if len(e.Error()) > 256 || strings.ContainsFunc(e.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("not fit for a log: %q", e)
			}
		})
	}
}

// What a stranger writes comes into a log only cut and escaped.
func TestDetailIsFitForALog(t *testing.T) {
	evil := "\u202e\x1b[31m\r\n" + strings.Repeat("y", 500)
	text, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{`{"alg":` + string(text) + `}`, `{"alg":"ES256","kid":[` + string(text) + `]}`, `{"alg":"ES256",` + string(text) + `:1,` + string(text) + `:2}`} {
		_, err := Parse(compact(header, "{}"), limit)
		if err == nil {
			t.Fatalf("accepted: %s", header)
		}
		if s := err.Error(); strings.Count(s, "y") > 64+10 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("not fit for a log: %q", s)
		}
	}
}

func TestFaultNames(t *testing.T) {
	for f, want := range map[Fault]string{
		TooLarge: "too_large", BadAlphabet: "alphabet", NotThreeParts: "parts", BadEncoding: "encoding", BadHeader: "header",
		BadAlgorithm: "algorithm", CriticalHeader: "critical_header", BadClaims: "claims", 0: "Fault(0)",
	} {
		if f.String() != want {
			t.Errorf("%d is %q", byte(f), f)
		}
	}
}

// A limit that nobody set must not mean "no limit".
func TestNoLimitIsNoToken(t *testing.T) {
	for _, size := range []int{0, -1} {
		if _, err := Parse(compact(`{"alg":"ES256"}`, "{}"), size); err == nil {
			t.Errorf("accepted with a limit of %d", size)
		}
	}
}

// The worst tokens of the size that is let in must not take long.
func TestWorstTokensStayCheap(t *testing.T) {
	fill := func(unit string) string { return strings.Repeat(unit, (limit*3/4-100)/len(unit)) }
	var names strings.Builder
	for i := 0; names.Len() < limit*3/4-200; i++ {
		names.WriteString(`,"` + b64(string([]byte{byte(i), byte(i >> 8)})) + `":0`)
	}
	for name, token := range map[string]string{
		"many claims":    compact(`{"alg":"ES256"}`, "{"+names.String()[1:]+"}"),
		"many escapes":   compact(`{"alg":"ES256"}`, `{"a":"`+fill(`\u0041`)+`"}`),
		"many elements":  compact(`{"alg":"ES256"}`, `{"a":[`+fill("0,")+`0]}`),
		"many objects":   compact(`{"alg":"ES256"}`, `{"a":[`+fill(`{"a":0},`)+`0]}`),
		"only dots":      strings.Repeat(".", limit),
		"only one thing": strings.Repeat("A", limit),
	} {
		best := time.Hour
		for range 20 {
			start := time.Now()
			_, _ = Parse(token, limit)
			best = min(best, time.Since(start))
		}
		t.Logf("%s: %v", name, best)
		if best > 50*time.Millisecond { // 0.3 ms, but for a busy machine and the race detector
			t.Errorf("%s: %v", name, best)
		}
	}
}
