package safehttp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// maxURL bounds URLs, in bytes.
const maxURL = 2048

// Check says why a client with these options would never fetch rawURL, as far as the URL shows it: what a name
// resolves to is seen when it is fetched. The error shows no password.
func (o Options) Check(rawURL string) error {
	if len(rawURL) > maxURL {
		return fmt.Errorf("the URL is longer than %d bytes", maxURL)
	}
	for i := range len(rawURL) {
		if rawURL[i] <= ' ' || rawURL[i] > '~' {
			return errors.New("the URL has a character that must be escaped")
		}
	}
	if strings.Contains(rawURL, "#") { // an empty fragment leaves no trace in a url.URL
		return errors.New("the URL has a fragment; leave it out")
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return errors.New("it cannot be read as a URL") // the error of url.Parse would show a password
	}
	return o.check(u)
}

// check is Check for a URL that has been parsed.
func (o Options) check(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.User != nil:
		return errors.New("the URL has a user or password in it; nothing is sent with a fetch")
	case u.Fragment != "":
		return errors.New("the URL has a fragment; leave it out")
	case u.Opaque != "" || host == "":
		return errors.New("the URL has no host: it should look like https://idp.example.com/keys")
	case strings.HasSuffix(u.Host, ":"):
		return errors.New("the URL has a colon without a port")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("the URL has scheme %.32q; https is wanted", u.Scheme)
	}
	allowed := toPublic
	switch {
	case u.Scheme == "http" && !o.AllowPrivate:
		return errors.New("the URL is http; https is wanted (http is for loopback, where private addresses are allowed)")
	case u.Scheme == "http":
		allowed = toLoopback
	case o.AllowPrivate:
		allowed = toPrivate
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return allowed.check(ip)
	}
	switch local := localName(host); {
	case local && allowed == toPublic:
		return fmt.Errorf("%w: %s is loopback: use a public address, or allow private addresses for this source", ErrBlocked, host)
	case !local && allowed == toLoopback:
		return fmt.Errorf("%w: http is for loopback only: use https for %.255q", ErrBlocked, host)
	}
	return nil
}

// localName reports whether a name means this machine by RFC 6761 §6.3. What it resolves to is looked at all the same.
func localName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// InsideName reports whether a host is, by its very name, not on the public Internet.
func InsideName(host string) bool {
	host = strings.ToLower(host)
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; last == "" || last[0] >= '0' && last[0] <= '9' {
		return true // 2130706433 and 0x7f.1: resolvers read them as addresses
	}
	for _, end := range []string{"localhost", "internal", "local", "home.arpa", "lan", "intranet"} {
		if host == end || strings.HasSuffix(host, "."+end) {
			return true
		}
	}
	return !strings.Contains(host, ".")
}
