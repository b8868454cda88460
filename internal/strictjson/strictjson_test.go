package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseAccepts(t *testing.T) {
	for _, in := range []string{
		`{}`, " \t\r\n{ \t\r\n} \t\r\n", `{"":""}`, `{"a":null}`, `{"a":[{},[],"",0,true,false,null]}`,
		`{"iss":"a","ISS":"b","iſs":"c"}`, // three names to whoever reads exactly
		`{"a":{"b":1},"c":{"b":1}}`,       // the same name in two objects
		`{"a":[{"b":1},{"b":1}]}`,
		`{"a":"\u0000\"\\\/\b\f\n\r\t"}`, `{"a":"😀"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\uFFFD\uffff"}`, "{\"a\":\"\u007f\ufffd\"}",
		`{"a":0}`, `{"a":-0}`, `{"a":-0.0e-0}`, `{"a":1E400}`, `{"a":1e-400}`, `{"a":1.5e+9}`,
		`{"a":` + strings.Repeat("9", MaxNumber) + `}`,
		`{"a":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `}`,
		strings.Repeat(`{"a":`, MaxDepth-1) + "{}" + strings.Repeat("}", MaxDepth-1),
	} {
		if _, err := Parse([]byte(in)); err != nil {
			t.Errorf("Parse(%s): %v", in, err)
		}
		if !json.Valid([]byte(in)) {
			t.Errorf("%s is not even JSON", in)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ in, reason string }{
		// Not an object (RFC 7519 §7.2).
		{``, "an object was expected"}, {` `, "an object was expected"}, {`null`, "an object"}, {`[]`, "an object"},
		{`"x"`, "an object"}, {`1`, "an object"}, {`true`, "an object"}, {`[{}]`, "an object"},
		// More than one value, or less.
		{`{}{}`, "after the end"}, {`{}x`, "after the end"}, {"{}\x00", "after the end"}, {`{},`, "after the end"}, {`{}]`, "after the end"},
		{`{`, "member name"}, {`{"a"`, "colon"}, {`{"a":`, "too early"}, {`{"a":1`, "closing brace"}, {`{"a":1,`, "member name"},
		{`{"a":"`, "within a string"}, {`{"a`, "within a string"}, {`{"a":"\`, "within a string"}, {`{"a":"\u12`, "hexadecimal"},
		{`{"a":[`, "too early"}, {`{"a":[1`, "closing bracket"}, {`{"a":[1,`, "too early"}, {`{"a":tru`, "a value"}, {`{"a":-`, "digit"},
		// The same name twice, at any depth and in any spelling.
		{`{"a":1,"a":1}`, `"a" is given twice`}, {`{"":1,"":1}`, "twice"}, {`{"x":{"a":1,"b":2,"a":3}}`, "twice"},
		{`{"x":[[{"a":1,"a":1}]]}`, "twice"}, {`{"cnf":{"jkt":"1","jkt":"2"}}`, `"jkt" is given twice`},
		{`{"sub":"1","s\u0075b":"2"}`, `"sub" is given twice`}, {`{"s\u0075b":"1","sub":"2"}`, "twice"},
		{`{"\ud83d\ude00":1,"😀":1}`, "twice"}, {`{"a":{"b":{}},"a":0}`, "twice"},
		{`{"a":1,"x":{"y":{"a":1}},"a":1}`, "twice"},
		// Grammar.
		{`{a:1}`, "member name"}, {`{'a':1}`, "member name"}, {`{1:1}`, "member name"}, {`{"a":1,}`, "member name"},
		{`{,"a":1}`, "member name"}, {`{"a":[1,]}`, "a value"}, {`{"a":[,1]}`, "a value"}, {`{"a" 1}`, "colon"}, {`{"a":1 "b":1}`, "comma"},
		{`{"a":[1 2]}`, "comma"}, {`{"a":nul}`, "a value"}, {`{"a":True}`, "a value"}, {`{"a":NaN}`, "a value"}, {`{"a":Infinity}`, "a value"},
		{`{"a":/**/1}`, "a value"}, {`{"a":1}//`, "after the end"}, {"{\"a\":\u00a01}", "a value"}, {`{"a":truefalse}`, "comma"},
		// Numbers.
		{`{"a":01}`, "comma"}, {`{"a":-01}`, "comma"}, {`{"a":+1}`, "a value"}, {`{"a":.5}`, "a value"}, {`{"a":1.}`, "digit"},
		{`{"a":1e}`, "digit"}, {`{"a":1e+}`, "digit"}, {`{"a":--1}`, "digit"}, {`{"a":0x10}`, "comma"}, {`{"a":1_000}`, "comma"},
		{`{"a":` + strings.Repeat("9", MaxNumber+1) + `}`, "longer than 64 bytes"},
		{`{"a":1e` + strings.Repeat("0", 1<<20) + `}`, "longer than 64 bytes"},
		// Strings.
		{"{\"a\":\"\n\"}", "control"}, {"{\"a\":\"\x00\"}", "control"}, {"{\"a\":\"\x1f\"}", "control"}, {`{"a":"\x41"}`, "escape"},
		{`{"a":"\'"}`, "escape"}, {`{"a":"\U0041"}`, "escape"}, {`{"a":"\u00g0"}`, "hexadecimal"}, {`{"a":"\u004"}`, "hexadecimal"},
		// Not UTF-8, not a character (RFC 8725 §3.7, RFC 8259 §8.2).
		{"{\"a\":\"\xff\"}", "UTF-8"}, {"{\"a\":\"\xc3\"}", "UTF-8"}, {"{\"a\":\"\xc0\x80\"}", "UTF-8"}, {"{\"a\":\"\xed\xa0\x80\"}", "UTF-8"},
		{"{\"a\":\"\xf4\x90\x80\x80\"}", "UTF-8"}, {"{\"\xff\":1}", "UTF-8"},
		{`{"a":"\ud800"}`, "surrogate"}, {`{"a":"\udc00"}`, "surrogate"}, {`{"a":"\ud800\ud800"}`, "surrogate"}, {`{"a":"\ud800x"}`, "surrogate"},
		{`{"a":"\udc00\ud800"}`, "surrogate"}, {`{"a":"\ud800\n"}`, "surrogate"}, {`{"\ud800":1}`, "surrogate"},
		{"\ufeff{}", "byte order mark"}, {"\xfe\xff\x00{\x00}", "an object"}, {"{\x00}\x00", "member name"},
		// Depth.
		{strings.Repeat(`{"a":`, MaxDepth) + "{}" + strings.Repeat("}", MaxDepth), "too deeply"},
		{`{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, "too deeply"},
		{`{"a":` + strings.Repeat("[", 100_000), "too deeply"},
		{strings.Repeat("[", 100_000), "an object"},
		{strings.Repeat(`{"a":`, 100_000), "too deeply"},
		{`{"a":"` + strings.Repeat("x", MaxSize) + `"}`, "16 MiB"},
	} {
		o, err := Parse([]byte(test.in))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("Parse(%.60q): %v, want %q", test.in, err, test.reason)
		}
		if o.Len() != 0 {
			t.Errorf("Parse(%.60q) leaves members", test.in)
		}
	}
}

// An error goes into logs: a name is quoted and cut.
func TestErrorIsFitForALog(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, name := range []string{long, "\u202e", `\u001b[31m`, `\n`, "😀"} {
		_, err := Parse([]byte(`{"` + name + `":1,"` + name + `":1}`))
		if err == nil || len(err.Error()) > 160 || strings.ContainsAny(err.Error(), "\n\x1b\u202e") {
			t.Errorf("%.40q: %v", name, err)
		}
	}
}

func TestGet(t *testing.T) {
	o := parse(t, `{"iss":"a","ISS":"b","\u0065xp":1,"n":null,"o":{"x":[1]},"e":""}`)
	if o.Len() != 6 {
		t.Errorf("Len is %d", o.Len())
	}
	for _, test := range []struct {
		name string
		kind Kind
		raw  string
	}{
		{"iss", String, `"a"`}, {"ISS", String, `"b"`}, {"Iss", Absent, ""}, {"iſs", Absent, ""}, {"is", Absent, ""}, {"iss ", Absent, ""},
		{"exp", Number, "1"}, {`\u0065xp`, Absent, ""}, {"n", Null, "null"}, {"o", ObjectKind, `{"x":[1]}`}, {"x", Absent, ""}, {"", Absent, ""},
		{"e", String, `""`},
	} {
		if v := o.Get(test.name); v.Kind() != test.kind || string(v.Raw()) != test.raw {
			t.Errorf("Get(%q) = %v %s, want %v %s", test.name, v.Kind(), v.Raw(), test.kind, test.raw)
		}
	}
	var zero Object
	if zero.Get("").Kind() != Absent || zero.Len() != 0 {
		t.Error("the zero Object has members")
	}
}

// More members than are held inline, and more than are compared one by one.
func TestManyMembers(t *testing.T) {
	for _, n := range []int{inline - 1, inline, inline + 1, fewNames - 1, fewNames, fewNames + 1, 200} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"m%d":%d`, i, i)
		}
		text := b.String()[1:]
		o := parse(t, "{"+text+"}")
		for i := range n {
			if v, ok := o.Get(fmt.Sprint("m", i)).Int(); !ok || v != int64(i) {
				t.Errorf("of %d members, m%d is %d, %v", n, i, v, ok)
			}
		}
		var names []string
		for name := range o.Members() {
			names = append(names, name)
		}
		if len(names) != n || names[n-1] != fmt.Sprint("m", n-1) {
			t.Errorf("Members gives %d of %d: %v", len(names), n, names)
		}
		for i := range n {
			for _, twice := range []string{fmt.Sprintf(`"m%d":0`, i), fmt.Sprintf(`"\u006d%d":0`, i)} {
				if _, err := Parse([]byte("{" + text + "," + twice + "}")); err == nil {
					t.Errorf("of %d members, m%d stands twice and nobody minds", n, i)
				}
				if _, err := Parse([]byte(`{"x":[{` + text + "," + twice + "}]}")); err == nil {
					t.Errorf("of %d inner members, m%d stands twice and nobody minds", n, i)
				}
			}
		}
	}
}

// Whoever writes the document must not be able to make the search for equal names slow.
func TestManyMembersStayCheap(t *testing.T) {
	document := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return []byte(`{"x":{` + b.String()[1:] + `}}`)
	}
	cost := func(doc []byte) time.Duration {
		start := time.Now()
		if _, err := Parse(doc); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	few, many := document(2_000), document(64_000)
	small, large := time.Hour, time.Hour
	for range 30 { // a machine with other work gets it right once
		small, large = min(small, cost(few)), min(large, cost(many))
		if large <= 32*10*small {
			return
		}
	}
	t.Errorf("2,000 members take %v and 64,000 take %v: that is not linear", small, large)
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`""`: "", `"plain"`: "plain", `"a\"b\\c\/d"`: `a"b\c/d`, `"\b\f\n\r\t"`: "\b\f\n\r\t", `"\u0041\u00e9\u20ac"`: "Aé€",
		`"\ud83d\ude00"`: "😀", `"x\uD83D\uDE00y"`: "x😀y", `"é€😀"`: "é€😀", `"\u0000"`: "\x00", `"\ufffd"`: "\ufffd", `"\\u0041"`: `\u0041`,
		`"\uFFFD"`: "\ufffd", `"\uabcd\uEF01"`: "\uabcd\uef01",
	} {
		v := value(t, in)
		if got, ok := v.Text(); !ok || got != want {
			t.Errorf("Text of %s = %q, %v, want %q", in, got, ok, want)
		}
		if !v.TextIs(want) || v.TextIs(want+"x") || v.TextIs("no") {
			t.Errorf("TextIs of %s is wrong", in)
		}
	}
	for _, in := range []string{"1", "null", "true", `["a"]`, `{"a":"a"}`} {
		if got, ok := value(t, in).Text(); ok || got != "" {
			t.Errorf("Text of %s = %q", in, got)
		}
		if value(t, in).TextIs("") {
			t.Errorf("%s is the empty string", in)
		}
	}
	if _, ok := (Value{}).Text(); ok {
		t.Error("an absent value has a text")
	}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		in    string
		float string // "" is not ok
		whole string
		date  string // in UTC
	}{
		{"0", "0", "0", "1970-01-01T00:00:00Z"},
		{"1700000000", "1.7e+09", "1700000000", "2023-11-14T22:13:20Z"},
		{"1700000000.5", "1.7000000005e+09", "", "2023-11-14T22:13:20.5Z"},
		{"1.7e9", "1.7e+09", "", "2023-11-14T22:13:20Z"},
		{"1e9", "1e+09", "", "2001-09-09T01:46:40Z"},
		{"0.25", "0.25", "", "1970-01-01T00:00:00.25Z"},
		{"1700000000000", "1.7e+12", "1700000000000", "55840-11-08T22:13:20Z"}, // milliseconds: for the caller to tell
		{"999999999999999", "9.99999999999999e+14", "999999999999999", "31690708-"},
		{"1000000000000000", "1e+15", "1000000000000000", ""},
		{"9223372036854775807", "9.223372036854776e+18", "9223372036854775807", ""},
		{"9223372036854775808", "9.223372036854776e+18", "", ""},
		{"-1", "-1", "-1", ""}, {"-0", "-0", "0", ""}, {"-0.5", "-0.5", "", ""},
		{"1e400", "", "", ""}, {"-1e400", "", "", ""}, {"1e14", "1e+14", "", "3170843-"}, {"1E-400", "0", "", "1970-01-01T00:00:00Z"},
		{`"1"`, "", "", ""}, {"null", "", "", ""}, {"true", "", "", ""}, {"[1]", "", "", ""}, {"{}", "", "", ""},
	} {
		v := value(t, test.in)
		if f, ok := v.Float(); show(f, ok) != test.float {
			t.Errorf("Float of %s = %v, %v, want %q", test.in, f, ok, test.float)
		}
		if n, ok := v.Int(); show(n, ok) != test.whole {
			t.Errorf("Int of %s = %v, %v, want %q", test.in, n, ok, test.whole)
		}
		date, ok := v.NumericDate()
		if got := show(date.UTC().Format(time.RFC3339Nano), ok); got != test.date && (test.date == "" || !strings.HasPrefix(got, test.date)) {
			t.Errorf("NumericDate of %s = %s, want %s", test.in, got, test.date)
		}
	}
}

func TestBool(t *testing.T) {
	for in, want := range map[string][2]bool{"true": {true, true}, "false": {false, true}, "1": {}, `"true"`: {}, "null": {}} {
		if b, ok := value(t, in).Bool(); b != want[0] || ok != want[1] {
			t.Errorf("Bool of %s = %v, %v", in, b, ok)
		}
	}
}

func TestArrays(t *testing.T) {
	for in, want := range map[string][]string{
		`[]`: nil, `["a"]`: {"a"}, ` [ "a" , "b" ,"c"]`: {"a", "b", "c"}, `["\u0061"]`: {"a"}, `["]",","]`: {"]", ","},
	} {
		if got, ok := value(t, in).Strings(); !ok || !slices.Equal(got, want) {
			t.Errorf("Strings of %s = %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{`"a"`, `{}`, `null`, `[1]`, `["a",null]`, `[["a"]]`, `["a",{}]`} {
		if got, ok := value(t, in).Strings(); ok || got != nil {
			t.Errorf("Strings of %s = %q, %v", in, got, ok)
		}
	}
	var raw []string
	for v := range value(t, `[1, {"a":[2]}, [3,[4]] ,"]" , null,true]`).Elements() {
		raw = append(raw, v.Kind().String()+" "+string(v.Raw()))
	}
	if want := []string{"number 1", `object {"a":[2]}`, "array [3,[4]]", `string "]"`, "null null", "boolean true"}; !slices.Equal(raw, want) {
		t.Errorf("Elements gives %q", raw)
	}
	for v := range value(t, "[1,2]").Elements() {
		if string(v.Raw()) == "2" {
			t.Error("Elements does not stop")
		}
		break
	}
	for range value(t, `{"a":1}`).Elements() {
		t.Error("an object has elements")
	}
}

func TestInnerObject(t *testing.T) {
	o, ok := value(t, `{"jkt":"x","n":{"m":1}}`).Object()
	if !ok || o.Len() != 2 || !o.Get("jkt").TextIs("x") {
		t.Errorf("Object gives %v, %v", o.Len(), ok)
	}
	for _, in := range []string{`[]`, `"{}"`, "null", "1"} {
		if _, ok := value(t, in).Object(); ok {
			t.Errorf("%s is an object", in)
		}
	}
}

const claims = `{"iss":"https://idp.example.com","sub":"repo:acme/app:ref:refs/heads/main","aud":"https://as.example.com",
	"exp":1763000000,"nbf":1762999400,"iat":1762999400.25,"jti":"0190b3c2-7d1a-7cc0-b8a5-3f1e2d4c5b6a",
	"scope":"invoices:read invoices:write","cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},"auth":true}`

func TestOrdinaryClaimsMakeNoGarbage(t *testing.T) {
	doc := []byte(claims)
	if n := testing.AllocsPerRun(100, func() {
		o, err := Parse(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := o.Get("exp").NumericDate(); !ok {
			t.Fatal("no exp")
		}
		if !o.Get("aud").TextIs("https://as.example.com") {
			t.Fatal("no aud")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseClaims(b *testing.B) {
	doc := []byte(claims)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func show(v any, ok bool) string {
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

func parse(t *testing.T, in string) Object {
	t.Helper()
	o, err := Parse([]byte(in))
	if err != nil {
		t.Fatalf("Parse(%s): %v", in, err)
	}
	return o
}

func value(t *testing.T, in string) Value {
	t.Helper()
	o := parse(t, `{"v":`+in+`}`)
	return o.Get("v")
}
