// Package urlcheck has the rules for URIs that strangers give and others obey: where a browser is sent, above all. What may be
// registered and what is obeyed stand side by side here, so that neither is forgotten when the other changes.
package urlcheck

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxSize is how long a URI may be, in bytes.
const maxSize = 2048

// Redirect says why a browser must not be sent to a URI. It is compared byte by byte later, so all that counts
// here is that it is a place of the client's alone, and read alike by every browser: https; http on this machine (RFC 8252
// §7.3); or a private-use scheme, which has a dot (RFC 8252 §7.1, RFC 7595 §3.8), so that neither javascript nor data
// nor any other scheme of the browser's own is one.
func Redirect(uri string) error {
	if err := Readable(uri); err != nil {
		return err
	}
	if strings.Contains(uri, "*") {
		return errors.New("it has a wildcard; register each URI")
	}
	if strings.Contains(uri, "#") {
		return errors.New("it has a fragment (RFC 6749 §3.1.2)")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("it cannot be read as a URI") // the error of url.Parse would show a password
	}
	switch {
	case u.User != nil:
		return errors.New("it has a user or password in it")
	case u.Scheme == "":
		return errors.New("it is not absolute (RFC 6749 §3.1.2)")
	case u.Scheme == "https", u.Scheme == "http":
		if err := Authority(u); err != nil {
			return err
		}
		if u.Scheme == "http" && !Loopback(u.Hostname()) {
			return errors.New("it is http, which is for loopback only: use https")
		}
	case !strings.Contains(u.Scheme, ".") || strings.HasSuffix(u.Scheme, "."):
		return errors.New("its scheme is none of https, http on loopback, and a private-use one such as com.example.app (RFC 8252 §7.1)")
	case u.Opaque != "":
		return errors.New("it has no slash behind its scheme: com.example.app:/callback is what it should look like")
	}
	return nil
}

// Sendable reports whether a browser may be sent to a URI at all, whoever has registered it: an absolute URI without
// fragment (RFC 6749 §3.1.2), https, or http on this machine (RFC 9700 §2.6), or of an app's own scheme (RFC 8252 §7.1),
// which is none that browsers run or read themselves.
func Sendable(uri string) bool {
	if !plain(uri) || strings.Contains(uri, "#") {
		return false
	}
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "":
		return false
	case "https":
		return u.Hostname() != "" && u.User == nil
	case "http":
		return u.User == nil && Loopback(u.Hostname())
	case "javascript", "vbscript", "data", "file", "filesystem", "blob", "about", "view-source", "jar", "intent", "ws", "wss", "ftp":
		return false
	}
	return true
}

// Readable says why a URI is none that everybody reads alike.
func Readable(uri string) error {
	if len(uri) > maxSize {
		return fmt.Errorf("it is longer than %d bytes", maxSize)
	}
	if !plain(uri) {
		return errors.New("it has a character that must be escaped in a URI")
	}
	return nil
}

// plain reports whether a URI has only characters that may stand in one as they are (RFC 3986 §2), or "[" and "]".
func plain(uri string) bool {
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c > '~' || strings.IndexByte("\"\\<>^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}

// Authority checks the host and port of an http or https URL.
func Authority(u *url.URL) error {
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

// Loopback reports whether a host is this machine by its very name, whatever a resolver says.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == ""
}
