package signin

import (
	"net/http"
	"time"
)

// Cookies. Over TLS they have the prefix __Host-, so that no other host of the same domain can set them (RFC 6265bis
// §4.1.3.2). SameSite is Lax and not Strict: people come from the site of a client, and back from the upstream's.

const (
	sessionCookie = "avouch"         // the text of a session
	browserCookie = "avouch-browser" // which browser a sign-in was begun in
)

// secretLength is how long the texts in our cookies are: see handle.New.
const secretLength = 43

func (s *SignIn) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// readCookie returns what is in a cookie of ours, "" where there is none, where it cannot be one, or where there are two:
// then one was set by somebody else.
func (s *SignIn) readCookie(r *http.Request, name string) string {
	all := r.CookiesNamed(s.cookieName(name))
	if len(all) != 1 || len(all[0].Value) != secretLength {
		return ""
	}
	return all[0].Value
}

// setCookie sets a cookie for so long. "" removes it.
func (s *SignIn) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
