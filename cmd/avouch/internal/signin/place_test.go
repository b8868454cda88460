package signin

import (
	"net/url"
	"strings"
	"testing"
)

func TestReturnTo(t *testing.T) {
	f := newFixture(t, nil)
	b := f.browser()
	host := f.issuer.Host
	for _, to := range []string{
		"https://evil.example", "https://evil.example" + authorizePath, "//evil.example", "//evil.example" + authorizePath, "///evil.example",
		`/\evil.example`, `\/evil.example`, `\\evil.example`, "/%2f/evil.example", "%2f%2fevil.example", "/%5cevil.example",
		"https:evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x", "HTTPS://" + host + authorizePath,
		"https://" + host + authorizePath, "//" + host + authorizePath, "https://user@" + host + authorizePath,
		authorizePath + "/", authorizePath + "/../../signin", "/x/.." + authorizePath, "/." + authorizePath, "/" + authorizePath, authorizePath + "%2f..", "/oauth%2fauthorize",
		"/oauth/authoriz%65", authorizePath + ";x", authorizePath + "\\", authorizePath + "\t", "\t" + authorizePath, " " + authorizePath, authorizePath + "\r\nSet-Cookie: a=b", authorizePath + "\x00",
		authorizePath + "?%zz", authorizePath + "?a;b",
		"oauth/authorize", "?x", "#x", "", "/", "/signin", "/signin/out", "/signin/callback?code=x", "/OAuth/Authorize",
		"/oauth/token", "@evil.example", ".evil.example", strings.Repeat("/", 5000), authorizePath + "?" + strings.Repeat("x", maxPlace),
	} {
		p := b.get("/signin?return_to=" + url.QueryEscape(to))
		if p.status != 400 || p.url.Host != host {
			t.Errorf("%.60q: got %d %q at %s", to, p.status, p.title(), p.url)
		}
		if _, err := f.place(to); err == nil {
			t.Errorf("%.60q is a place", to)
		}
	}
	for _, query := range []string{"return_to=/device&return_to=/device", "return_to=%zz", "return_to=/device;x", "return_to=/device&x=" + strings.Repeat("x", maxQuery)} {
		b.get("/signin?"+query).is(400, "This link does not work")
	}
	for _, to := range []string{authorizePath, devicePath, somePage, authorizePath + "?x=%2F%2Fevil.example"} {
		if got, err := f.place(to); err != nil || got != to {
			t.Errorf("%q: got %q, %v", to, got, err)
		}
	}
	if strings.Contains(f.handles.kept.String(), "evil") {
		t.Error("something of it was kept")
	}
}
