package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// TestHostileEncoding: there is one way to write a token, and what two readers could understand differently is none
// (RFC 7515 §2, RFC 7519 §4, RFC 8725 §3.7).
func TestHostileEncoding(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)

	t.Run("base64url", func(t *testing.T) {
		var all []forgery
		for i, part := range []string{"header", "payload", "signature"} {
			for name, change := range map[string]func(string) string{
				"bits that mean nothing": looseBits, "padding": func(s string) string { return s + "=" }, "more padding": func(s string) string { return s + "==" },
				"a line end": func(s string) string { return s + "\n" }, "CR LF inside": func(s string) string { return s[:8] + "\r\n" + s[8:] },
				"a blank": func(s string) string { return s[:5] + " " + s[5:] }, "a blank before it": func(s string) string { return " " + s }, "a tab": func(s string) string { return s + "\t" },
				"a length that cannot be": func(s string) string { return s + strings.Repeat("A", (5-len(s)%4)%4) },
				"a plus":                  func(s string) string { return s[:4] + "+" + s[5:] }, "a slash": func(s string) string { return s[:4] + "/" + s[5:] },
				"a question mark": func(s string) string { return s + "?" }, "a comma": func(s string) string { return s + "," }, "a letter of Cyrillic": func(s string) string { return s[:4] + "а" + s[5:] },
				"empty": func(string) string { return "" },
			} {
				all = append(all, forgery{name: name + " in the " + part, make: func(f *forger) string {
					p := strings.Split(f.padded(), ".")
					p[i] = change(p[i])
					return strings.Join(p, ".")
				}})
			}
			all = append(all, forgery{name: "the standard alphabet in the " + part, make: func(f *forger) string {
				p := strings.Split(f.padded(), ".")
				b, err := base64.RawURLEncoding.DecodeString(p[i])
				if err != nil {
					t.Fatal(err)
				}
				p[i] = base64.StdEncoding.EncodeToString(append(b, 0xfb, 0xff))
				return strings.Join(p, ".")
			}})
		}
		h.forge(t, "both", notVerified, all)
	})

	t.Run("parts", func(t *testing.T) {
		var all []forgery
		whole := func(name string, make func(f *forger, good string) string) {
			all = append(all, forgery{name: name, make: func(f *forger) string { return make(f, f.good()) }})
		}
		whole("one part", func(_ *forger, s string) string { return strings.ReplaceAll(s, ".", "") })
		whole("two parts", func(_ *forger, s string) string { return s[:strings.LastIndex(s, ".")] })
		whole("four parts", func(_ *forger, s string) string { return s + ".AAAA" })
		whole("five parts", func(_ *forger, s string) string { return s + ".AAAA.AAAA" })
		whole("a dot at the end", func(_ *forger, s string) string { return s + "." })
		whole("a dot at the start", func(_ *forger, s string) string { return "." + s })
		whole("two in a row", func(f *forger, s string) string { return s + s })
		whole("two and a blank", func(f *forger, s string) string { return s + " " + f.good() })
		whole("two and a comma", func(f *forger, s string) string { return s + "," + f.good() })
		whole("two and a tilde", func(f *forger, s string) string { return s + "~" + f.good() })
		whole("with the name of a scheme", func(_ *forger, s string) string { return "Bearer " + s })
		whole("in quotes", func(_ *forger, s string) string { return `"` + s + `"` })
		whole("flattened JSON", func(_ *forger, s string) string {
			a, b, c := parts(s)
			return object("protected", a, "payload", b, "signature", c)
		})
		whole("general JSON", func(_ *forger, s string) string {
			a, b, c := parts(s)
			return object("payload", b, "signatures", raw("["+object("protected", a, "signature", c)+"]"))
		})
		whole("JSON that splits at dots like a good one", func(_ *forger, s string) string { // CVE-2022-39227
			a, b, c := parts(s)
			return `{" ` + a + `.` + b + `.` + c + `":"","protected":"` + a + `","payload":"` + encode([]byte(`{"iss":"other"}`)) + `","signature":"` + c + `"}`
		})
		for _, text := range []string{".", "..", "...", "a.b.c", "e30.e30.", "null", "{}", "\u00e9", strings.Repeat(".", 16000), strings.Repeat("a.", 8000), "undefined", "%", "<xml/>"} {
			all = append(all, forgery{name: fmt.Sprintf("%.20q", text), make: func(*forger) string { return text }})
		}
		for _, n := range []int{17 << 10, 60 << 10} {
			whole(fmt.Sprintf("%d bytes", n), func(_ *forger, s string) string { return s + strings.Repeat("A", n-len(s)) })
		}
		whole("a header of 5 KiB", func(f *forger, _ string) string { return f.name("x", strings.Repeat("x", 5<<10)) })
		whole("a header of 10 KiB", func(f *forger, _ string) string { return f.name("x", strings.Repeat("x", 10<<10)) })
		whole("claims of 13 KiB", func(f *forger, _ string) string { return f.say("x", strings.Repeat("x", 13<<10)) })
		h.forge(t, "both", notVerified, all)
	})

	// Longer than any form, or not text: the request is refused and nobody looks at the token.
	t.Run("beyond the form", func(t *testing.T) {
		for name, token := range map[string]string{
			"a million dots": strings.Repeat(".", 1e6), "a million parts": strings.Repeat("a.", 1e6), "ten megabytes": strings.Repeat("A", 10<<20),
		} {
			started := givenTime()
			h.forge(t, "both", "", []forgery{{name: name, make: func(*forger) string { return token }, client: tooLarge, grant: tooLarge}})
			if took := givenTime() - started; took > 15*time.Second {
				t.Errorf("%s took %s", name, took)
			}
		}
		h.forge(t, "both", "", []forgery{
			{name: "NUL", make: func(f *forger) string { return f.good() + "\x00" }, client: invalidRequest, grant: invalidRequest},
			{name: "invalid UTF-8", make: func(f *forger) string { return f.good() + "\xff" }, client: invalidRequest, grant: invalidRequest},
			{name: "empty", make: func(*forger) string { return "" }, client: invalidRequest, grant: invalidRequest},
		})
	})

	t.Run("JSON", func(t *testing.T) {
		deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
		square := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
		// Each of these changes a whole document, header or claims.
		changes := map[string]func(document string) string{
			"a byte order mark":                 func(d string) string { return "\ufeff" + d },
			"UTF-16":                            func(d string) string { return wide(d, false) },
			"UTF-16 with its mark":              func(d string) string { return wide(d, true) },
			"invalid UTF-8":                     func(d string) string { return member(d, "\"x\":\"a\xff\"") },
			"overlong UTF-8":                    func(d string) string { return member(d, "\"x\":\"\xc0\xaf\"") },
			"half a pair":                       func(d string) string { return member(d, `"x":"\ud800"`) },
			"the other half":                    func(d string) string { return member(d, `"x":"\udc00a"`) },
			"half a pair as name":               func(d string) string { return member(d, `"\ud800":1`) },
			"a control character":               func(d string) string { return member(d, "\"x\":\"a\nb\"") },
			"NUL in text":                       func(d string) string { return member(d, "\"x\":\"a\x00b\"") },
			"NUL behind it":                     func(d string) string { return d + "\x00" },
			"two documents":                     func(d string) string { return d + d },
			"rubbish behind it":                 func(d string) string { return d + "rubbish" },
			"a comma behind it":                 func(d string) string { return d + "," },
			"a comma too many":                  func(d string) string { return d[:len(d)-1] + ",}" },
			"a comment":                         func(d string) string { return d[:1] + "/* */" + d[1:] },
			"single quotes":                     func(d string) string { return strings.ReplaceAll(d, `"`, `'`) },
			"no quotes":                         func(d string) string { return strings.ReplaceAll(d, `"`, ``) },
			"cut":                               func(d string) string { return d[:len(d)-1] },
			"in a list":                         func(d string) string { return "[" + d + "]" },
			"as text":                           func(d string) string { return quoted(d) },
			"null":                              func(string) string { return "null" },
			"a list":                            func(string) string { return "[]" },
			"a number":                          func(string) string { return "1" },
			"true":                              func(string) string { return "true" },
			"an empty string":                   func(string) string { return `""` },
			"a blank":                           func(string) string { return " " },
			"an empty object":                   func(string) string { return "{}" },
			"17 deep":                           func(d string) string { return member(d, `"x":`+deep(17)) },
			"500 deep":                          func(d string) string { return member(d, `"x":`+deep(400)) },
			"1400 lists deep":                   func(d string) string { return member(d, `"x":`+square(1400)) },
			"lists that never end":              func(d string) string { return d[:len(d)-1] + `,"x":` + strings.Repeat("[", 2000) },
			"a number of 2000 digits":           func(d string) string { return member(d, `"x":`+strings.Repeat("9", 2000)) },
			"NaN":                               func(d string) string { return member(d, `"x":NaN`) },
			"Infinity":                          func(d string) string { return member(d, `"x":-Infinity`) },
			"a hexadecimal number":              func(d string) string { return member(d, `"x":0x10`) },
			"a leading zero":                    func(d string) string { return member(d, `"x":010`) },
			"a plus":                            func(d string) string { return member(d, `"x":+1`) },
			"a member twice":                    func(d string) string { return member(d, `"x":1,"x":1`) },
			"a member of an inner object twice": func(d string) string { return member(d, `"cnf":{"jkt":"a","jkt":"b"}`) },
		}
		var all []forgery
		for name, change := range changes {
			all = append(all,
				forgery{name: name + ", the header", make: func(f *forger) string { return f.signed(change(f.header()), f.claims()) }},
				forgery{name: name + ", the claims", make: func(f *forger) string { return f.signed(f.header(), change(f.claims())) }})
		}
		all = append(all, forgery{name: "claims 5000 lists deep", make: func(f *forger) string { return f.signed(f.header(), member(f.claims(), `"x":`+square(5000))) }})
		h.forge(t, "both", notVerified, all)
	})

	t.Run("duplicates", func(t *testing.T) {
		twice := func(name string) []forgery {
			text := map[string]string{"iss": `"other"`, "sub": `"alice"`, "aud": `"https://evil.example.com"`, "jti": `"x"`, "exp": "9999999999", "iat": "1", "nbf": "1"}[name]
			if text == "" {
				text = `"none"`
			}
			put := func(spelling string, behind bool) func(f *forger) string {
				return func(f *forger) string {
					header, claims := f.header(), f.claims("nbf", f.now-1)
					document := &claims
					if name == "alg" || name == "kid" || name == "typ" {
						document = &header
					}
					if behind {
						*document = (*document)[:len(*document)-1] + "," + spelling + ":" + text + "}"
					} else {
						*document = member(*document, spelling+":"+text)
					}
					return f.signed(header, claims)
				}
			}
			escaped := fmt.Sprintf(`"\u%04x%s"`, name[0], name[1:])
			return []forgery{
				{name: name + " before", make: put(quoted(name), false)}, {name: name + " behind", make: put(quoted(name), true)},
				{name: name + " escaped", make: put(escaped, false)}, {name: name + " escaped behind", make: put(escaped, true)},
			}
		}
		h.forge(t, "both", notVerified, slices.Concat(
			twice("iss"), twice("sub"), twice("aud"), twice("jti"), twice("exp"), twice("iat"), twice("nbf"), twice("alg"), twice("kid"), twice("typ")))
	})

	// Names are exact: what looks like a claim is none, neither instead of it nor over it.
	t.Run("case", func(t *testing.T) {
		instead := func(name, like string) forgery {
			return forgery{name: like + " instead of " + name, make: func(f *forger) string {
				claims := f.claims()
				return f.signed(f.header(), strings.Replace(claims, quoted(name), quoted(like), 1))
			}}
		}
		h.forge(t, "both", "", []forgery{
			instead("iss", "ISS"), instead("iss", "Iss"), instead("iss", "i\u017fs"), instead("iss", "iss "), instead("iss", "\u0130ss"),
			instead("sub", "SUB"), instead("sub", "\u017fub"), instead("aud", "AUD"), instead("aud", "Aud"), instead("exp", "EXP"), instead("exp", "Exp"),
		})
		for _, extra := range []string{`"ISS":"other"`, `"i\u017fs":"other"`, `"SUB":"alice"`, `"Sub":"alice"`, `"AUD":"https://evil.example.com"`, `"EXP":1`, `"Client_ID":"other"`} {
			for _, behind := range []bool{false, true} {
				for _, in := range []func(string) url.Values{asClient, asGrant} {
					f := h.forger("both")
					claims := member(f.claims(), extra)
					if behind {
						claims = strings.TrimSuffix(f.claims(), "}") + "," + extra + "}"
					}
					got := h.send(t, h.request(t, in(f.signed(f.header(), claims))), "")
					h.want(t, got, granted)
					if caller := h.whoAmI(t, got); caller["sub"] != "both" || caller["client_id"] != "both" {
						t.Errorf("%s: the token is for %v", extra, caller)
					}
				}
			}
		}
	})
}

// padded is a good token whose parts all end in bits that mean nothing, so that they could be others.
func (f *forger) padded() string {
	header, claims := f.header(), f.claims()
	for len(header)%3 != 1 {
		header = member(header, `"`+strings.Repeat("x", len(header)%3)+`":1`)
	}
	for n := 0; len(claims)%3 != 1; n++ {
		claims = member(claims, fmt.Sprintf(`"%s":1`, strings.Repeat("x", n+1)))
	}
	return f.signed(header, claims) // a signature has 64 bytes
}

// looseBits changes the bits of the last character that no byte is made of.
func looseBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + alphabet[last^1:last^1+1]
}

func wide(s string, mark bool) string {
	var b strings.Builder
	if mark {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}
