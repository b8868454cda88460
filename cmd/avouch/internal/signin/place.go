package signin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// maxPlace is how long the path and query of a page may be that one comes back to, in bytes. A longer authorization
// request is to be pushed (RFC 9126).
const maxPlace = 8 << 10

// here is where a request to one of our pages can be come back to: its path and query.
func (s *SignIn) here(r *http.Request) (string, error) {
	if !slices.Contains(s.pages, r.URL.Path) || r.URL.RawPath != "" {
		return "", errors.New("signin: Ask is called at " + cut(r.URL.Path, 100) + ", which is not among its Pages")
	}
	return rejoin(r.URL), nil
}

// place judges a return_to, whoever wrote it. What it returns is the path of a page of ours, put together anew, and a
// query: it cannot lead to another host, whatever a browser makes of slashes, backslashes and escapes.
func (s *SignIn) place(returnTo string) (string, error) {
	if len(returnTo) > maxPlace {
		return "", errors.New("return_to is too long")
	}
	u, err := url.ParseRequestURI(returnTo)
	if err != nil {
		return "", errors.New("return_to is no path and query")
	}
	if u.Scheme != "" || u.Opaque != "" || u.Host != "" || u.User != nil || u.RawPath != "" || !slices.Contains(s.pages, u.Path) {
		return "", errors.New("return_to leads to no page of ours")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return "", errors.New("the query of return_to cannot be read")
	}
	return rejoin(u), nil
}

// rejoin writes path and query in one way only: a browser, a template and a Location header may each write some characters
// of a query in another, and the place is the same.
func rejoin(u *url.URL) string {
	if u.RawQuery == "" {
		return u.Path
	}
	if q, err := url.ParseQuery(u.RawQuery); err == nil {
		return u.Path + "?" + q.Encode()
	}
	return u.Path + "?" + u.RawQuery
}

// way is the URL at which a sign-in begins that comes back to a place.
func (s *SignIn) way(place string, anew bool, hint string) string {
	query := url.Values{"return_to": {place}}
	if anew {
		query.Set("anew", "1")
	}
	if hint != "" && len(hint) <= 256 {
		query.Set("login_hint", hint)
	}
	return s.base + signInPath + "?" + query.Encode()
}
