package metadata

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch/internal/urlcheck"
)

// CheckIssuer refuses what no issuer identifier may be: anything but an https URL without query and fragment (RFC 8414
// §2), or an http URL of a loopback host.
func CheckIssuer(issuer string) error {
	if issuer == "" {
		return errors.New("it is empty")
	}
	if err := CheckURL(issuer); err != nil {
		return err
	}
	if strings.Contains(issuer, "?") {
		return fmt.Errorf("%q has a query, which no issuer identifier has (RFC 8414 §2)", issuer)
	}
	return nil
}

// CheckURL refuses URLs that an authorization server cannot have: without a host, with a user or a fragment in them, or
// over which a credential could be read on the way (RFC 6749 §3.1, §3.2).
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it cannot be read as a URL") // the error of url.Parse would show a password
	case u.User != nil:
		return fmt.Errorf("%q has a user in it", u.Redacted())
	case u.Host == "" || u.Opaque != "":
		return fmt.Errorf("%q has no host", text)
	case strings.Contains(text, "#"):
		return fmt.Errorf("%q has a fragment", text)
	}
	return CheckConfidential(u)
}

// CheckConfidential refuses URLs over which a credential could be read on the way: all but https, and http to loopback
// hosts.
func CheckConfidential(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && urlcheck.Loopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%q must be https; http is for loopback hosts only", u.Redacted())
}
