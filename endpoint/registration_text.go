package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/internal/safehttp"
)

// maxURI is how long a URI may be, in bytes.
const maxURI = 2048

// checkRedirectURI says why a browser must not be sent to a URI. It is compared byte by byte later, so all that counts
// here is that it is a place of the client's alone, and read alike by every browser: https; http on this machine (RFC 8252
// §7.3); or a private-use scheme, which has a dot (RFC 8252 §7.1, RFC 7595 §3.8), so that neither javascript nor data
// nor any other scheme of the browser's own is one.
func checkRedirectURI(uri string) error {
	if err := checkURI(uri); err != nil {
		return err
	}
	if strings.Contains(uri, "*") {
		return errors.New("it has a wildcard; register each URI")
	}
	if strings.Contains(uri, "#") {
		return errors.New("it has a fragment (RFC 6749 section 3.1.2)")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("it cannot be read as a URI") // the error of url.Parse would show a password
	}
	switch {
	case u.User != nil:
		return errors.New("it has a user or password in it")
	case u.Scheme == "":
		return errors.New("it is not absolute (RFC 6749 section 3.1.2)")
	case u.Scheme == "https", u.Scheme == "http":
		if err := checkAuthority(u); err != nil {
			return err
		}
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return errors.New("it is http, which is for loopback only: use https")
		}
	case !strings.Contains(u.Scheme, ".") || strings.HasSuffix(u.Scheme, "."):
		return errors.New("its scheme is none of https, http on loopback, and a private-use one such as com.example.app (RFC 8252 section 7.1)")
	case u.Opaque != "":
		return errors.New("it has no slash behind its scheme: com.example.app:/callback is what it should look like")
	}
	return nil
}

// checkURI says why a URI is none that everybody reads alike.
func checkURI(uri string) error {
	if len(uri) > maxURI {
		return fmt.Errorf("it is longer than %d bytes", maxURI)
	}
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c > '~' || strings.IndexByte("\"\\<>^`{|}", c) >= 0 {
			return errors.New("it has a character that must be escaped in a URI")
		}
	}
	return nil
}

// checkAuthority checks the host and port of an http or https URL.
func checkAuthority(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.Opaque != "" || host == "":
		return errors.New("it has no host")
	case strings.HasSuffix(u.Host, ":"):
		return errors.New("it has a colon without a port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("its port is none")
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return errors.New("its host is an address of one link only")
		}
		return nil
	}
	if host[0] == '.' || strings.Contains(host, "..") {
		return errors.New("its host has an empty label")
	}
	for i := range len(host) {
		if c := host[i]; c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return errors.New("its host is not of letters, digits, hyphens and dots; write other names as in DNS (xn--...)")
		}
	}
	if last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]; last[0] >= '0' && last[0] <= '9' {
		return errors.New("its host is a number that browsers read as an address; write the address")
	}
	return nil
}

// loopback reports whether a host is this machine, whoever asks.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkHost refuses a URL whose host is, by its name, within somebody's network.
func checkHost(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it cannot be read as a URL")
	}
	if err := checkAuthority(u); err != nil {
		return err
	}
	if safehttp.InsideName(u.Hostname()) {
		return errors.New("its host is the name of something inside a network; it must be a public one")
	}
	return nil
}

// checkTextOf checks a member by its name: those that end in _uri are for a browser to go to, and never fetched here.
func checkTextOf(name, text string) error {
	if !strings.HasSuffix(name, "_uri") {
		return checkText(text)
	}
	if err := checkURI(text); err != nil {
		return err
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it cannot be read as a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("it is not an https or http URL")
	case u.User != nil:
		return errors.New("it has a user or password in it")
	}
	return checkAuthority(u)
}

// checkText says why a text is not fit to be shown to people: what cannot be seen, or turns round what stands beside it,
// makes one name look like another.
func checkText(text string) error {
	switch {
	case utf8.RuneCountInString(text) > maxText:
		return fmt.Errorf("it is longer than %d characters", maxText)
	case strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) // bidi controls are not graphic
	}):
		return errors.New("it has control or invisible characters")
	case text != strings.TrimSpace(text):
		return errors.New("it begins or ends with white space")
	}
	return nil
}
