package grant

import (
	"net/http"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/pages"
)

// answered is where the browser goes with a code (RFC 6749 §4.1.2, RFC 9207 §2).
func (a *asked) answered(issuer, code string) string {
	return withParams(a.redirect, "code", code, "state", a.state, "iss", issuer)
}

// refused is where the browser goes with an error (RFC 6749 §4.1.2.1, RFC 9207 §2).
func (a *asked) refused(issuer string, e *avouch.Error, refusalID string) string {
	code := plain(string(e.Code))
	if code == "" {
		code = string(avouch.ServerError)
	}
	return withParams(a.redirect, "error", code, "error_description", plain(e.Description), "refusal_id", refusalID,
		"state", a.state, "iss", issuer)
}

// redirect sends the browser on, by GET whatever it came by (RFC 9700 §4.12), with an answer that nobody keeps and that
// does not say where it came from.
func redirect(w http.ResponseWriter, location string) {
	h := w.Header()
	h.Set("Location", location)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Length", "0")
	h.Del("Content-Type")
	w.WriteHeader(http.StatusSeeOther)
}

// writeRefusalPage tells the user of a request that is not to be answered to the client, because nobody knows for sure
// that it is the client's.
func writeRefusalPage(w http.ResponseWriter, site string, e *avouch.Error, refusalID string) {
	p := refusalPage(e, "You cannot go on here",
		"The application that sent you here has made a mistake, or somebody else wants you to believe that it sent you. Go back to the application and try again from there; if that does not help, tell its makers what is written below.",
		plain(e.Description)+".")
	p.Site, p.RefusalID = site, refusalID
	pages.Write(w, p)
}

// refusalPage is the page for a user whose request is refused: with this title and text, unless the server itself is at
// fault.
func refusalPage(e *avouch.Error, title string, text ...string) *pages.Page {
	p := &pages.Page{Title: title, Text: text, Status: e.Status}
	switch {
	case e.Code == avouch.ServerError:
		p.Title, p.Text, p.Status = "Something went wrong", []string{"This is a fault of this server. Its operator finds the reason under the reference below."}, http.StatusInternalServerError
	case e.Code == avouch.TemporarilyUnavailable:
		p.Title, p.Text, p.Status = "Not at the moment", []string{"This server cannot answer just now. Try again in a moment."}, http.StatusServiceUnavailable
	case p.Status == 0:
		p.Status = http.StatusBadRequest
	}
	return p
}

// plain makes text fit for error and error_description: printable ASCII without quotes and backslashes (RFC 6749
// §4.1.2.1).
func plain(s string) string {
	b := []byte(s[:min(len(s), 500)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			b[i] = '?'
		}
	}
	return string(b)
}
