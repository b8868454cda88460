package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is somebody at a browser without JavaScript: he follows links and redirects on the server's own site, fills in
// forms and presses buttons. Where he is sent elsewhere, he stops.
type browser struct {
	t      testing.TB
	client *http.Client
	site   string // what belongs to the server begins so

	at   *url.URL // where he is, or was sent
	page string   // what he sees; "" elsewhere
	code int
}

func newBrowser(t testing.TB, site string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, site: site, client: &http.Client{Jar: jar}}
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), site+"/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

func (b *browser) open(address string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(r)
}

func (b *browser) do(r *http.Request) {
	b.t.Helper()
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.page, b.code = resp.Request.URL, string(body), resp.StatusCode
	if to := resp.Header.Get("Location"); to != "" {
		away, err := resp.Request.URL.Parse(to)
		if err != nil {
			b.t.Fatal(err)
		}
		b.at, b.page = away, ""
	}
}

var (
	formTag   = regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?s)<input([^>]*)>`)
	buttonTag = regexp.MustCompile(`(?s)<button([^>]*)>(.*?)</button>`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
)

// attribute is the value of an attribute of a tag, "" where it has none.
func attribute(tag, name string) string {
	m := regexp.MustCompile(`(?:^|\s)` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// press fills in the form that has a button of this text and presses it.
func (b *browser) press(button string, fields map[string]string) {
	b.t.Helper()
	for _, form := range formTag.FindAllStringSubmatch(b.page, -1) {
		for _, m := range buttonTag.FindAllStringSubmatch(form[2], -1) {
			if strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(m[2], ""))) != button {
				continue
			}
			values := url.Values{}
			for _, input := range inputTag.FindAllStringSubmatch(form[2], -1) {
				values.Set(attribute(input[1], "name"), attribute(input[1], "value"))
			}
			for name, value := range fields {
				if !values.Has(name) {
					b.t.Fatalf("the form has no field %q: %s", name, form[0])
				}
				values.Set(name, value)
			}
			if name := attribute(m[1], "name"); name != "" {
				values.Set(name, attribute(m[1], "value"))
			}
			to := *b.at
			if strings.Contains(form[1], "action=") {
				parsed, err := b.at.Parse(attribute(form[1], "action"))
				if err != nil {
					b.t.Fatal(err)
				}
				to = *parsed
			}
			r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(values.Encode()))
			if err != nil {
				b.t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			b.do(r)
			return
		}
	}
	b.t.Fatalf("at %s (%d) there is no button %q:\n%s", b.at, b.code, button, b.text())
}

// text is what the page says.
func (b *browser) text() string {
	page := regexp.MustCompile(`(?s)<style.*?</style>`).ReplaceAllString(b.page, "")
	return strings.Join(strings.Fields(html.UnescapeString(anyTag.ReplaceAllString(page, " "))), " ")
}

var linkTag = regexp.MustCompile(`(?s)<a([^>]*)>(.*?)</a>`)

// follow follows the link of this text.
func (b *browser) follow(text string) {
	b.t.Helper()
	for _, m := range linkTag.FindAllStringSubmatch(b.page, -1) {
		if strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(m[2], ""))) == text {
			to, err := b.at.Parse(attribute(m[1], "href"))
			if err != nil {
				b.t.Fatal(err)
			}
			b.open(to.String())
			return
		}
	}
	b.t.Fatalf("there is no link %q: %s", text, b)
}

// signIn signs in as a test user, where the page asks for that.
func (b *browser) signIn(user string) {
	b.t.Helper()
	const link = "Sign in as a test user"
	if strings.Contains(b.text(), link) {
		b.follow(link)
		b.press("Sign in", map[string]string{"name": user})
	}
}

// allow goes to an authorization request, signs in as a test user where it must, and allows what is asked. It returns
// where the browser was sent with the answer.
func (b *browser) allow(address, user string) string {
	b.t.Helper()
	b.open(address)
	b.signIn(user)
	b.press("Allow", nil)
	return b.at.String()
}

// connect goes to the page of a device and allows what it asks.
func (b *browser) connect(address, user string) {
	b.t.Helper()
	const yes = "Yes, my device shows this code"
	b.open(address)
	b.press(yes, nil)
	b.signIn(user)
	if strings.Contains(b.text(), yes) { // whoever comes back from signing in compares once more
		b.press(yes, nil)
	}
	b.press("Allow", nil)
}

func (b *browser) String() string { return fmt.Sprintf("%s (%d): %s", b.at, b.code, b.text()) }
