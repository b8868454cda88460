package signin

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch"
)

// TestDecisionsThatAreNone: what is posted counts only where it comes from the page, to the one who has seen it, for what
// was on it.
func TestDecisionsThatAreNone(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	p := b.signIn(somePage)
	stranger := f.browser()
	f.upstream.set(func() { f.upstream.user = "mallory" })
	strangers := stranger.signIn(somePage)
	good := p.form("decision", "allow")

	const outOfDate, choose, foreign, unreadable = "Something on this page has changed", "Choose one of the two", "Another site", "Nothing was done"
	twice := p.form("decision", "allow")
	twice.Add("decision", "deny")
	for name, try := range map[string]struct {
		path   string
		form   url.Values
		header []string
		want   string
	}{
		"no proof":             {somePage, url.Values{"decision": {"allow"}}, nil, outOfDate},
		"another proof":        {somePage, url.Values{"decision": {"allow"}, "proof": {strings.Repeat("A", 43)}}, nil, outOfDate},
		"a stranger's proof":   {somePage, strangers.form("decision", "allow"), nil, outOfDate},
		"another scope":        {strings.Replace(somePage, "write", "admin", 1), good, nil, outOfDate},
		"another page":         {devicePath + "?user_code=WDJB-MJHT", good, nil, outOfDate},
		"another state":        {somePage + "1", good, nil, outOfDate},
		"a resource more":      {somePage + "&resource=https://x.example", good, nil, outOfDate},
		"no decision":          {somePage, p.form(), nil, choose},
		"another decision":     {somePage, p.form("decision", "ALLOW"), nil, choose},
		"two decisions":        {somePage, twice, nil, unreadable},
		"a long form":          {somePage, p.form("decision", "allow", "x", strings.Repeat("x", maxForm)), nil, unreadable},
		"from another site":    {somePage, good, []string{"Sec-Fetch-Site", "cross-site"}, foreign},
		"from a sibling":       {somePage, good, []string{"Sec-Fetch-Site", "same-site"}, foreign},
		"from another origin":  {somePage, good, []string{"Origin", "https://evil.example"}, foreign},
		"from a null origin":   {somePage, good, []string{"Origin", "null"}, foreign},
		"in the query instead": {somePage + "&decision=allow&proof=" + good.Get("proof"), url.Values{}, nil, outOfDate},
		"another content type": {somePage, good, []string{"Content-Type", "text/plain"}, outOfDate},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.post(try.path, try.form, try.header...)
			if got.status/100 != 4 || !strings.Contains(got.body, try.want) {
				t.Errorf("got %d %q to %q", got.status, got.title(), got.header.Get("Location"))
			}
		})
	}
	f.client.Name = "Bank"
	if got := b.post(somePage, good); !strings.Contains(got.body, outOfDate) {
		t.Error("the client has another name than the one that was seen")
	}
	f.client.Name = "Orders App"
	f.browser().post(somePage, good).is(200, "Sign in to go on")
	b.post(somePage, good, "Origin", f.server.URL, "Sec-Fetch-Site", "same-origin").leads("sub=acme%2Falice")
}

func TestConsentPage(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	p := b.signIn(somePage + "&resource=https://orders.example&resource=https://mail.example")
	for _, want := range []string{"https://orders.example", "https://mail.example"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	csp := p.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action 'self' https:;") || !strings.Contains(csp, "frame-ancestors 'none'") || p.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the policy is %s", csp)
	}
	if p.header.Get("Cache-Control") != "no-store" {
		t.Error("the page may be kept")
	}

	p = b.get(devicePath+"?user_code=WDJB-MJHT").is(200, "Allow a device access?")
	if !strings.Contains(p.body, "WDJB-MJHT") || !strings.Contains(p.body, "sends you a code") || !strings.Contains(p.header.Get("Content-Security-Policy"), "form-action 'self';") {
		t.Errorf("a device:\n%s", p.body)
	}
	b.post(devicePath+"?user_code=WDJB-MJHT", p.form("decision", "allow")).leads("sub=acme%2Falice")

	if p = b.get(authorizePath); !strings.Contains(p.body, "asks who you are") {
		t.Error("a client that asks for nothing")
	}
	f.client = avouch.Client{ID: "nameless"}
	if p = b.get(authorizePath); !strings.Contains(p.body, `<p class="client"><bdi>nameless</bdi></p>`) {
		t.Error("a client without a name has its id")
	}
	f.client.Name = `<script>alert(1)</script>` + strings.Repeat("x", 10_000)
	if p = b.get(authorizePath); strings.Contains(p.body, "<script>") || strings.Contains(p.body, strings.Repeat("x", 200)) {
		t.Error("a hostile name")
	}
}

// TestTheFormLeadsToTheQuestion: also where the page has come in answer to a form, and whatever is in the query.
func TestTheFormLeadsToTheQuestion(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	for _, path := range []string{
		somePage, authorizePath, devicePath + "?user_code=WDJB-MJHT", authorizePath + "?z=1&scope=orders:read&a=2&z=0",
		authorizePath + "?state=a|b'c(d)~e!*$,:@/?%20+%c3%a9%F0%9F%98%80é<>`{}[]^",
	} {
		p := b.get(path)
		if p.title() == "Sign in to go on" {
			p = b.get(p.link("Sign in at"))
		}
		m := regexp.MustCompile(`<form method="post" action="([^"]*)"`).FindStringSubmatch(p.body)
		if m == nil {
			t.Fatalf("%s: no form on %q", path, p.title())
		}
		b.post(html.UnescapeString(m[1]), p.form("decision", "allow")).leads("sub=acme%2Falice")
		b.post(p.url.RequestURI(), p.form("decision", "allow")).leads("sub=acme%2Falice")
		b.post(path, p.form("decision", "deny")).leads("error=access_denied")
	}
}

func TestDestination(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/cb":                    "app.example",
		"https://app.example:8443/cb":               "app.example:8443",
		"https://bank.example@evil.example/cb":      "evil.example",
		"https://bank.example.evil.example/bank":    "bank.example.evil.example",
		"http://127.0.0.1:1234/cb":                  "a program on this computer (127.0.0.1:1234)",
		"http://[::1]:1234/cb":                      "a program on this computer ([::1]:1234)",
		"http://localhost/cb":                       "a program on this computer (localhost)",
		"com.example.app:/cb":                       "an app on this device (com.example.app:)",
		"com.example.app://https://bank.example/cb": "an app on this device (com.example.app:)",
	} {
		if got := destination(uri); got != want {
			t.Errorf("%s: got %q, want %q", uri, got, want)
		}
	}
}

func TestTooLongToComeBackTo(t *testing.T) {
	f := newFixture(t, nil)
	f.browser().get(somePage+"&x="+strings.Repeat("x", maxPlace)).is(414, "This request is too long")
	b := f.browser()
	b.signIn(somePage + "&x=" + strings.Repeat("x", maxPlace-200))
}
