package pages

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

const (
	override  = "\u202e"
	zeroWidth = "\u200b\u2060\ufeff"
	markup    = `"><script>alert(1)</script><img src=x onerror=alert(2)> {{.}} </style></title>`
)

// hostile is a text with all that a stranger may try.
var hostile = "Bank" + override + markup + zeroWidth + "\x00\x1b[31m\u2028" + strings.Repeat("\u0301", 500) + strings.Repeat("A", 10_000)

// hostilePage has it everywhere.
func hostilePage() *Page {
	return &Page{
		Site: hostile, Title: hostile, Text: []string{hostile}, Client: hostile, Scopes: []string{hostile}, ScopesTitle: "It asks to",
		ScopeTexts: map[string]string{hostile: hostile}, Facts: []Fact{{Name: hostile, Value: hostile}, {Name: hostile, Value: hostile, Code: true}}, Warning: hostile,
		Links: []Link{{Text: hostile, URL: "javascript:alert(3)"}, {Text: hostile, URL: hostile}},
		Form: &Form{
			Action: "javascript:alert(4)", Problem: hostile, Hidden: []Hidden{{hostile, hostile}},
			Inputs:  []Input{{Name: hostile, Label: hostile, Hint: hostile, Value: hostile}},
			Buttons: []Button{{Text: hostile, Name: hostile, Value: hostile}},
		},
		RefusalID: hostile, FormTarget: "https: script-src *",
	}
}

func get(t *testing.T, p *Page) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	Write(w, p)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

// element is one element of a page as a reader of HTML sees it, and the text in it.
type element struct {
	xml.StartElement
	within string
	text   string
}

// elements reads a page, and fails where an element is not closed or is closed by another.
func elements(t *testing.T, page string) []element {
	t.Helper()
	page = strings.ReplaceAll(page, "\x1b", "") // a hidden field is sent back as it came; XML has no such character
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "input", "br"}, xml.HTMLEntity
	var all []element
	var open []int
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 {
				t.Errorf("<%s> is not closed", all[open[0]].Name.Local)
			}
			return all
		}
		if err != nil {
			t.Fatalf("%v in:\n%.4000s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{StartElement: token.Copy()}
			if len(open) > 0 {
				e.within = all[open[len(open)-1]].Name.Local
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			if len(open) == 0 || all[open[len(open)-1]].Name.Local != token.Name.Local {
				t.Fatalf("</%s> closes nothing in:\n%.4000s", token.Name.Local, page)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			for _, i := range open {
				all[i].text += string(token)
			}
		}
	}
}

func (e element) attr(name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func TestPagesAreWellFormed(t *testing.T) {
	for name, p := range samples() {
		t.Run(name, func(t *testing.T) {
			_, body := get(t, p)
			count := map[string]int{}
			for _, e := range elements(t, body) {
				count[e.Name.Local]++
			}
			for _, once := range []string{"html", "head", "title", "style", "body", "main", "h1"} {
				if count[once] != 1 {
					t.Errorf("<%s> is there %d times", once, count[once])
				}
			}
		})
	}
}

func TestHostileTextsChangeNothingButThemselves(t *testing.T) {
	_, body := get(t, hostilePage())
	all := elements(t, body)
	plain := hostilePage()
	plain.Site, plain.Title, plain.Client = "s", "t", "c"
	_, other := get(t, plain)
	if a, b := len(all), len(elements(t, other)); a != b {
		t.Errorf("%d elements with hostile texts, %d without", a, b)
	}
	for _, e := range all {
		switch e.Name.Local {
		case "script", "img":
			t.Errorf("<%s> got in", e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") {
				t.Errorf("an event handler got in: %v", a)
			}
			if a.Name.Local == "href" || a.Name.Local == "action" {
				if strings.HasPrefix(a.Value, "javascript:") {
					t.Errorf("%s leads to a script", a.Name.Local)
				}
			}
		}
		if e.Name.Local == "style" || e.Name.Local == "html" || e.Name.Local == "body" || e.Name.Local == "main" || e.Name.Local == "head" || e.Name.Local == "form" || e.Name.Local == "section" || e.Name.Local == "ul" || e.Name.Local == "li" || e.Name.Local == "code" {
			continue // what is around the texts; scopes are whole
		}
		if n := len([]rune(e.text)); n > 900 && e.within != "li" && e.within != "code" {
			t.Errorf("<%s> has %d characters", e.Name.Local, n)
		}
	}
	for _, e := range all {
		if e.within == "code" && !strings.HasSuffix(e.text, strings.Repeat("A", 10_000)) {
			t.Error("a scope was cut: what is consented to is shown whole")
		}
	}
	visible := regexp.MustCompile(` (value|name)="[^"]*"`).ReplaceAllString(body, "") // what is sent back is sent back as it came
	for _, r := range override + zeroWidth + "\x00\x1b\u2028" {
		if strings.ContainsRune(visible, r) {
			t.Errorf("%+q is in the page", r)
		}
	}
	if strings.Contains(visible, strings.Repeat("\u0301", maxMarks+1)) {
		t.Error("a pile of accents is in the page")
	}
	for _, e := range all {
		if e.attr("class") == "client" && !strings.Contains(body, `<p class="client"><bdi>`) || e.Name.Local == "dd" && !strings.Contains(body, "<dd><bdi>") {
			t.Errorf("<%s> does not stand by itself", e.Name.Local)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"Orders App":                      "Orders App",
		"  Orders\t\r\n App ":             "Orders App",
		"Goo\u200bgle":                    "Google",
		"\u202egro.live":                  "gro.live",
		"a\u2066b\u2069":                  "ab",
		"\u3164\u2800\uffa0":              "",
		"\u0301x\u0301\u0301":             "x\u0301\u0301",
		"ไม่รู้":                          "ไม่รู้",
		"Ångström 株式会社":                   "Ångström 株式会社",
		"\xff\xfe":                        "\ufffd",
		"abcdefghijklmnop":                "abcdefghijklm…",
		"abcde fghijkl mnop":              "abcde fghijkl…",
		"\U000e0041\U000e0042tag":         "tag",
		strings.Repeat("\u200b", 1<<20):   "",
		strings.Repeat("株", 15):           strings.Repeat("株", 13) + "…",
		strings.Repeat("\u00a0", 9) + "x": "x",
	} {
		if got := line(in, 14); got != want {
			t.Errorf("%.40q: got %q, want %q", in, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		resp, body := get(t, &Page{Title: "t", Status: http.StatusTeapot})
		if resp.StatusCode != http.StatusTeapot {
			t.Errorf("status %d", resp.StatusCode)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		m := regexp.MustCompile(`^default-src 'none'; style-src 'nonce-([A-Z2-7]{26})'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$`).
			FindStringSubmatch(resp.Header.Get("Content-Security-Policy"))
		if m == nil || !strings.Contains(body, `<style nonce="`+m[1]+`">`) || seen[m[1]] {
			t.Errorf("the policy is %q, with a nonce of its own for each page", resp.Header.Get("Content-Security-Policy"))
			continue
		}
		seen[m[1]] = true
	}
}

func TestFormTargetAddsOneSourceOrNothing(t *testing.T) {
	for target, want := range map[string]string{
		"":                             "form-action 'self';",
		"https:":                       "form-action 'self' https:;",
		"https://app.example":          "form-action 'self' https://app.example;",
		"http://127.0.0.1:8080":        "form-action 'self' http://127.0.0.1:8080;",
		"http://[::1]:8080":            "form-action 'self' http://[::1]:8080;",
		"com.example.app:":             "form-action 'self' com.example.app:;",
		"*":                            "form-action 'self';",
		"https://*":                    "form-action 'self';",
		"'unsafe-inline'":              "form-action 'self';",
		"javascript:":                  "form-action 'self';",
		"DATA:":                        "form-action 'self';",
		"https://a; script-src *":      "form-action 'self';",
		"https://a, default-src *":     "form-action 'self';",
		"https://a\r\nSet-Cookie: a=b": "form-action 'self';",
		"https://a https://b":          "form-action 'self';",
		"https://a\u00a0b":             "form-action 'self';",
		"https://a/path?x;y":           "form-action 'self';",
		"https://":                     "form-action 'self';",
		"://a":                         "form-action 'self';",
	} {
		resp, _ := get(t, &Page{Title: "t", FormTarget: target})
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, want) || strings.Count(csp, ";") != 4 {
			t.Errorf("%q: got %q", target, csp)
		}
	}
}

func TestFormTargetOfRedirectURI(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/cb": "https:", "http://127.0.0.1:1/cb": "http:", "com.example.app:/cb": "com.example.app:",
		"/cb": "", "": "", "%": "", "java script:x": "",
	} {
		if got := FormTarget(uri); got != want {
			t.Errorf("%q: got %q, want %q", uri, got, want)
		}
	}
}

// TestProblemIsTold: a screen reader hears of it in the title, by the alert, and at the field that has the focus.
func TestProblemIsTold(t *testing.T) {
	_, body := get(t, samples()["device-problem"])
	told := 0
	for _, e := range elements(t, body) {
		switch {
		case e.Name.Local == "title" && strings.HasPrefix(e.text, "Problem: "),
			e.attr("role") == "alert" && e.attr("id") == "problem",
			e.attr("id") == "in0" && e.attr("aria-describedby") == "problem hint0" && e.attr("aria-invalid") == "true",
			e.attr("id") == "in1" && e.attr("aria-describedby") == "problem":
			told++
		}
	}
	if told != 4 {
		t.Errorf("told in %d places of 4:\n%s", told, body)
	}
}
