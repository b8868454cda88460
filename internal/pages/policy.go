package pages

import (
	"net/url"
	"strings"
)

// policy is the Content-Security-Policy of a page. target is checked once more: nothing that was registered by a
// stranger may add a directive.
func policy(nonce, target string) string {
	form := "form-action 'self'"
	if isSource(target) {
		form += " " + target
	}
	return "default-src 'none'; style-src 'nonce-" + nonce + "'; " + form + "; frame-ancestors 'none'; base-uri 'none'"
}

// FormTarget is the [Page.FormTarget] of a form that ends in a redirect to redirectURI. Chromium applies form-action to
// every redirect that follows a form, and so to those of the client as well, whose callback often leads on to another
// host of its own. Therefore it is the scheme, as in "https:", and not the origin. "" where redirectURI has none.
func FormTarget(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	return u.Scheme + ":"
}

// isSource reports whether s is one scheme or one origin, as they are written in a policy (CSP3 §2.3.1), and of no scheme
// that would run in this page.
func isSource(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !isScheme(scheme) {
		return false
	}
	switch strings.ToLower(scheme) {
	case "javascript", "data", "blob", "filesystem", "about", "vbscript":
		return false
	}
	if rest == "" {
		return true
	}
	host, ok := strings.CutPrefix(rest, "//")
	if !ok || host == "" {
		return false
	}
	for _, c := range []byte(host) {
		if !isLetter(c) && (c < '0' || c > '9') && !strings.ContainsRune("-._:[]", rune(c)) {
			return false
		}
	}
	return true
}

// isScheme is RFC 3986 §3.1.
func isScheme(s string) bool {
	if s == "" || !isLetter(s[0]) {
		return false
	}
	for _, c := range []byte(s) {
		if !isLetter(c) && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
