package grant

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/urlcheck"
)

// redirectURI is where the answer to an authorization request goes: what the request names, where it is registered byte
// by byte (RFC 9700 §4.1.3), or the one that is registered where it names none (RFC 6749 §3.1.2.3). Nobody is sent
// anywhere before it has returned without an error.
func redirectURI(client *avouch.Client, sent string) (string, error) {
	uri := sent
	switch {
	case sent == "" && len(client.RedirectURIs) != 1:
		return "", notRegistered("redirect_uri is missing", errors.New("the client has not exactly one redirect URI"))
	case sent == "":
		uri = client.RedirectURIs[0]
	case !registered(client.RedirectURIs, sent):
		return "", notRegistered("redirect_uri is none that is registered for this client", errors.New("redirect URI "+strconv.QuoteToASCII(sent[:min(len(sent), 256)])))
	}
	if !urlcheck.Sendable(uri) {
		return "", notRegistered("redirect_uri is one that nobody is sent to", errors.New("redirect URI "+strconv.QuoteToASCII(uri[:min(len(uri), 256)])+" is registered, and should not be"))
	}
	return uri, nil
}

func notRegistered(description string, reason error) error {
	return &avouch.Error{Code: avouch.InvalidRequest, Description: description, Err: reason}
}

// registered reports whether a redirect URI is one of those that are registered. An app on the user's own machine
// listens at whatever port is free, so the port of a loopback address may be another one (RFC 8252 §7.3). localhost is
// no address: what it stands for is not for sure this machine (§8.3).
func registered(uris []string, sent string) bool {
	sentHost, sentRest, sentLoopback := cutLoopback(sent)
	for _, uri := range uris {
		if uri == sent {
			return true
		}
		if host, rest, ok := cutLoopback(uri); ok && sentLoopback && host == sentHost && rest == sentRest {
			return true
		}
	}
	return false
}

// cutLoopback takes the port out of an http URI of a loopback address. ok is false for every other URI.
func cutLoopback(uri string) (host, rest string, ok bool) {
	for _, host := range [...]string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(uri, host)
		if !found {
			continue
		}
		if port, found := strings.CutPrefix(rest, ":"); found {
			digits := 0
			for digits < len(port) && '0' <= port[digits] && port[digits] <= '9' {
				digits++
			}
			if n, err := strconv.ParseUint(port[:digits], 10, 16); err != nil || n == 0 || port[0] == '0' {
				return "", "", false
			}
			rest = port[digits:]
		}
		if rest != "" && rest[0] != '/' && rest[0] != '?' { // the host goes on, or was none
			return "", "", false
		}
		return host, rest, true
	}
	return "", "", false
}

// withParams adds parameters, name and value in turn, to the query of a URI, whose own is kept (RFC 6749 §3.1.2). One
// without a value is left out.
func withParams(uri string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(uri)
	separator := "?"
	if _, query, found := strings.Cut(uri, "?"); found {
		if separator = "&"; query == "" || strings.HasSuffix(query, "&") {
			separator = ""
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		b.WriteString(separator)
		b.WriteString(pairs[i])
		b.WriteByte('=')
		// %20 is a blank to every reader, + is one to most
		b.WriteString(strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
		separator = "&"
	}
	return b.String()
}
