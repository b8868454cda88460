package avouch

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseForm(t *testing.T) {
	many := func(n int) string { return strings.Repeat("&", n) }
	distinct := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("p" + strings.Repeat("x", i) + "=1&")
		}
		return b.String()
	}
	tests := []struct {
		name, body string
		want       form
		err        error
	}{
		{name: "empty", body: ""},
		{name: "one", body: "a=1", want: form{{"a", "1"}}},
		{name: "order is kept", body: "b=2&a=1", want: form{{"b", "2"}, {"a", "1"}}},
		{name: "no value is absent", body: "a=&b&=&c=3", want: form{{"c", "3"}}},
		{name: "an absent one does not count as the first", body: "a=&a=1", want: form{{"a", "1"}}},
		{name: "escapes and plus", body: "a%20b=c+d%2B%2b%26%3D%3B", want: form{{"a b", "c d++&=;"}}},
		{name: "further equals signs", body: "a=b=c==", want: form{{"a", "b=c=="}}},
		{name: "UTF-8", body: "a=%C3%BC&b=ü", want: form{{"a", "ü"}, {"b", "ü"}}},
		{name: "resource twice", body: "resource=x&resource=y&resource=x", want: form{{"resource", "x"}, {"resource", "y"}, {"resource", "x"}}},
		{name: "audience twice", body: "audience=x&audience=y", want: form{{"audience", "x"}, {"audience", "y"}}},
		{name: "empty pairs", body: many(1000) + "a=1" + many(1000), want: form{{"a", "1"}}},

		{name: "twice", body: "a=1&a=2", err: duplicateError("a")},
		{name: "twice the same", body: "a=1&b=2&a=1", err: duplicateError("a")},
		{name: "twice, once escaped", body: "scope=1&s%63ope=2", err: duplicateError("scope")},
		{name: "twice but for case", body: "client_id=1&Client_ID=2", err: duplicateError("Client_ID")},
		{name: "semicolon", body: "a=1;b=2", err: errFormSemicolon},
		{name: "semicolon in a value", body: "a=1%3B;", err: errFormSemicolon},
		{name: "percent at the end", body: "a=%", err: errFormEscape},
		{name: "percent and one digit", body: "a=%4", err: errFormEscape},
		{name: "percent and no digits", body: "a=%zz", err: errFormEscape},
		{name: "percent across pairs", body: "a=%4&b=1", err: errFormEscape},
		{name: "bad escape in a name without value", body: "%g0", err: errFormEscape},
		{name: "NUL", body: "a=%00", err: errFormText},
		{name: "raw NUL", body: "a=\x00", err: errFormText},
		{name: "NUL in a name", body: "a%00=1", err: errFormText},
		{name: "invalid UTF-8", body: "a=%ff", err: errFormText},
		{name: "raw invalid UTF-8", body: "a=\xc3\x28", err: errFormText},
		{name: "encoded surrogate", body: "a=%ED%A0%80", err: errFormText},
		{name: "overlong UTF-8", body: "a=%C0%80", err: errFormText},
		{name: "just enough", body: distinct(maxParams), want: nil},
		{name: "too many", body: distinct(maxParams + 1), err: errFormTooMany},
		{name: "too many of a repeatable one", body: strings.Repeat("resource=x&", maxParams+1), err: errFormTooMany},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseForm(test.body)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if test.want != nil && !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestCredentialInQuery(t *testing.T) {
	for query, want := range map[string]bool{
		"":                              false,
		"client-request-id=1&x-client=": false,
		"scope=admin&client_id=a":       false,
		"client_secret=x":               true,
		"a=b&assertion=x":               true,
		"client_assertion":              true,
		"Client_Secret=x":               true,
		"client%5Fsecret=x":             true,
		"a=1;client_secret=x":           true,
		"refresh_token=&x":              true,
		"password=x":                    true,
		"%zz=1&code=2":                  true,
	} {
		if got := credentialInQuery(query); got != want {
			t.Errorf("credentialInQuery(%q) = %v", query, got)
		}
	}
}

// FuzzForm compares with the reader of the standard library: what is accepted here means the same there.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"", "a=1", "grant_type=client_credentials&scope=a+b", "a=%C3%BC", "a=%zz", "a;b", "a=1&a=2", "a=&a=1",
		"resource=x&resource=y", "%00", "=", "&&", "a=%ED%A0%80", "A=1&a=2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseForm(body)
		want, wantErr := url.ParseQuery(body)
		if err != nil {
			return
		}
		if strings.Count(body, "&") >= 1000 { // net/url has a limit of its own, which counts empty pairs
			return
		}
		if wantErr != nil {
			t.Fatalf("accepted %q, which net/url refuses: %v", body, wantErr)
		}
		if len(got) > maxParams {
			t.Fatalf("%d parameters", len(got))
		}
		for i, p := range got {
			if p.value == "" || !utf8.ValidString(p.name) || !utf8.ValidString(p.value) || strings.ContainsRune(p.name+p.value, 0) {
				t.Fatalf("bad parameter %q", p)
			}
			if !slices.Contains(want[p.name], p.value) {
				t.Fatalf("%q has %q, which net/url reads as %q", body, p, want[p.name])
			}
			for _, other := range got[:i] {
				if other.name == p.name && !repeatable(p.name) {
					t.Fatalf("%q twice", p.name)
				}
			}
		}
		for name, values := range want {
			for _, value := range values {
				if value != "" && !slices.Contains(got, param{name, value}) {
					t.Fatalf("%q: %q=%q is lost", body, name, value)
				}
			}
		}
	})
}
