package avouch

import (
	"encoding/base64"
	"strings"
)

// maxAuthorization is the longest Authorization header that is looked at.
const maxAuthorization = 8 << 10

// authorization is what a request says in its Authorization header.
type authorization struct {
	sent   bool   // there is one
	scheme string // as sent
	basic  bool   // the scheme is Basic and its credentials are well formed
	id     string // user of Basic: the client id
	secret string // password of Basic
}

// parseAuthorization reads an Authorization header. Credentials of Basic that are not well formed leave basic false.
func parseAuthorization(header string) authorization {
	scheme, rest, _ := strings.Cut(header, " ")
	a := authorization{sent: true, scheme: scheme}
	if strings.EqualFold(scheme, "Basic") && len(header) <= maxAuthorization {
		a.id, a.secret, a.basic = parseBasic(strings.TrimLeft(rest, " "))
	}
	return a
}

// parseBasic decodes the credentials of HTTP Basic authentication as RFC 6749 §2.3.1 uses it: canonical base64 of
// printable ASCII, id and secret each form-urlencoded. There is one way to read it or none.
func parseBasic(credentials string) (id, secret string, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(credentials)
	if err != nil || strings.ContainsAny(credentials, "\r\n") { // which the decoder would skip
		return "", "", false
	}
	for _, c := range raw {
		if c < 0x20 || c > 0x7e {
			return "", "", false
		}
	}
	id, secret, ok = strings.Cut(string(raw), ":")
	if !ok {
		return "", "", false
	}
	if id, err = unescape(id); err != nil || id == "" {
		return "", "", false
	}
	if secret, err = unescape(secret); err != nil {
		return "", "", false
	}
	return id, secret, true
}
