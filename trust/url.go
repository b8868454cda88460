package trust

import (
	"errors"
	"net/url"
	"strings"

	"github.com/avouch-oauth/avouch/internal/urlcheck"
)

// checkIssuer says what is wrong with an issuer URL (RFC 8414 §2). It is compared byte by byte later on, so nothing
// is normalised here: what could be written in two ways is the operator's choice of one.
func checkIssuer(s string) error {
	if s == "" {
		return errors.New("an issuer needs its iss value")
	}
	if !printable(s) || strings.ContainsAny(s, " \"<>\\^`{|}") {
		return errors.New("it has characters that belong into no URL")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme == "" || u.Hostname() == "":
		return errors.New("it is not an absolute URL; if it is the id of a client that signs for itself, set SelfIssued")
	case u.User != nil || strings.Contains(u.Host, "@"):
		return errors.New("it has a user before the host")
	case strings.Contains(s, "#") || strings.Contains(s, "?"):
		return errors.New("it has a query or a fragment")
	case strings.HasSuffix(u.Host, ":"):
		return errors.New("its port is empty")
	case u.Scheme == "http" && urlcheck.Loopback(u.Hostname()):
		return nil
	case u.Scheme != "https":
		return errors.New("it is not https")
	}
	return nil
}

func printable(s string) bool {
	for k := 0; k < len(s); k++ {
		if s[k] < 0x20 || s[k] > 0x7e {
			return false
		}
	}
	return true
}
