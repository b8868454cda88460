package admin

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/internal/scope"
	"github.com/avouch-oauth/avouch/internal/urlcheck"
)

// MaxTokenLifetime is the longest life of an access token that a client or a rule may give, and that the server's own
// must not exceed: a signing key is published this long after it has signed for the last time.
const MaxTokenLifetime = 24 * time.Hour

// minTokenLifetime is the shortest.
const minTokenLifetime = 10 * time.Second

// field is where in an input faults are found, and collects them.
type field struct {
	faults *faults
	path   string
}

func (f field) in(member string) field { return field{f.faults, join(f.path, member)} }
func (f field) at(i int) field         { return field{f.faults, f.path + "[" + strconv.Itoa(i) + "]"} }

// faulty reports whether a fault has been found in a member or below it.
func (f field) faulty() bool {
	return slices.ContainsFunc(*f.faults, func(found Fault) bool {
		rest, below := strings.CutPrefix(found.Field, f.path)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (f field) fault(format string, args ...any) { f.faults.add(f.path, format, args...) }

// text checks words for people.
func (f field) text(s string, longest int) {
	switch {
	case !utf8.ValidString(s):
		f.fault("it is not UTF-8")
	case utf8.RuneCountInString(s) > longest:
		f.fault("it is longer than %d characters", longest)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) }):
		f.fault("it has control or invisible characters")
	case s != strings.TrimSpace(s):
		f.fault("it begins or ends with white space")
	}
}

// visible checks a name that is compared byte by byte: printable ASCII without spaces.
func (f field) visible(s string, longest int) bool {
	switch {
	case len(s) > longest:
		f.fault("it is longer than %d bytes", longest)
	case !visibleASCII(s):
		f.fault("it has characters other than visible ASCII (spaces count as invisible)")
	default:
		return true
	}
	return false
}

func visibleASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// oneOf checks a word of a list; "" is left to the caller.
func (f field) oneOf(s string, allowed ...string) {
	if s != "" && !slices.Contains(allowed, s) {
		f.fault("%q is not one of %s", clip(s), strings.Join(allowed, ", "))
	}
}

// distinct checks the length of a list and that nothing is in it twice.
func (f field) distinct(list []string, longest int) {
	if len(list) > longest {
		f.fault("it has %d entries; %d is the most", len(list), longest)
	}
	seen := map[string]bool{}
	for i, s := range list {
		if s == "" {
			f.at(i).fault("it is empty")
		} else if seen[s] {
			f.at(i).fault("%q is there twice", clip(s))
		}
		seen[s] = true
	}
}

func (f field) duration(d Duration, shortest, longest time.Duration) {
	if d != 0 && (time.Duration(d) < shortest || time.Duration(d) > longest) {
		f.fault("%s is not between %s and %s", d, Duration(shortest), Duration(longest))
	}
}

// scopes splits a scope (RFC 6749 §3.3).
func (f field) scopes(s string) []string {
	if s == "" {
		return nil
	}
	list := strings.Split(s, " ")
	if len(list) > 200 {
		f.fault("it has %d scopes; 200 is the most", len(list))
		return nil
	}
	for i, scope := range list {
		switch {
		case scope == "":
			f.fault("scopes are separated by exactly one space")
			return nil
		case !isScope(scope):
			f.fault("%q is not a scope: visible ASCII without quotation marks and backslashes (RFC 6749 §3.3)", clip(scope))
		case slices.Contains(list[:i], scope):
			f.fault("%q is there twice", clip(scope))
		}
	}
	return list
}

func isScope(s string) bool { return len(s) <= 256 && scope.Valid(s) }

// scopesWithin checks that defaults lie within their ceiling.
func (f field) scopesWithin(some, ceiling []string) {
	for _, s := range some {
		if !slices.Contains(ceiling, s) {
			f.fault("%q is not among those of scope, so it could never be given", clip(s))
		}
	}
}

// resources checks what may stand in the aud of a token (RFC 8707 §2): absolute URIs without fragment, or names.
func (f field) resources(list []string) {
	f.distinct(list, 100)
	for i, s := range list {
		if f.at(i).visible(s, 512) && s != "" && strings.Contains(s, ":") {
			if u, err := url.Parse(s); err != nil || !u.IsAbs() || strings.Contains(s, "#") {
				f.at(i).fault("%q is neither an absolute URI without fragment nor a name without colons (RFC 8707 §2)", clip(s))
			}
		}
	}
}

// link checks a URL that people may be sent to.
func (f field) link(s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !visibleASCII(s) || len(s) > 2048 {
		f.fault("it is not an http or https URL of at most 2048 characters")
	}
}

// fetched checks a URL that the server will fetch keys from. What its name resolves to is checked when it is dialled.
func (f field) fetched(s string, private bool) {
	if err := (safehttp.Options{AllowPrivate: private}).Check(s); err != nil {
		f.fault("%v", err)
		return
	}
	if u, err := url.Parse(s); err == nil && !private && safehttp.InsideName(u.Hostname()) {
		f.fault("%s is the name of something inside a network: set allow_private_addresses where it is meant", clip(u.Hostname()))
	}
}

// issuerURL checks an issuer identifier: an https URL that equals itself when it is written in the usual form, because
// it is compared byte by byte.
func (f field) issuerURL(s string, private bool) {
	u, err := url.Parse(s)
	switch {
	case len(s) > 2048:
		f.fault("it is longer than 2048 characters")
	case !visibleASCII(s) || strings.ContainsAny(s, `"\<>^|{}`+"`"):
		f.fault("it has characters that belong into no URL")
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		f.fault("it is not a URL such as https://idp.example.com")
	case u.Scheme == "http" && (!private || !urlcheck.Loopback(u.Hostname())):
		f.fault("it must be https; http is for loopback hosts, with allow_private_addresses")
	case u.Scheme != "https" && u.Scheme != "http":
		f.fault("it must be https")
	case !strings.HasPrefix(s, u.Scheme+"://"):
		f.fault("write the scheme in lower case")
	case u.User != nil:
		f.fault("it must not have a user or password")
	case u.Host != strings.ToLower(u.Host):
		f.fault("write the host in lower case")
	case strings.HasSuffix(u.Host, ":") || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		f.fault("leave the default port out")
	case strings.HasSuffix(u.Hostname(), "."):
		f.fault("its host ends in a dot; leave it out")
	case strings.Contains(u.Host, "%"):
		f.fault("its host has an escape or a zone")
	case strings.ContainsAny(s, "?#"):
		f.fault("an issuer has neither query nor fragment (RFC 8414 §2)")
	case strings.Contains(u.EscapedPath(), "//") || slices.Contains(strings.Split(u.Path, "/"), "..") || slices.Contains(strings.Split(u.Path, "/"), "."):
		f.fault("its path has empty or dot segments; assertions would not carry it so")
	}
}

// clip shortens what is quoted in messages.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}
