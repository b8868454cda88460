package grant

import (
	"errors"
	"net/http"
)

// call calls Ask. It returns nil, nil where Ask has answered the request, and sees to it that it does the one or the other.
// No page that Ask writes can be framed, kept, or tell others of the request by a Referer, unless it says so itself.
func (ask Ask) call(w *watched, r *http.Request, q *Question) (*Consent, error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "frame-ancestors 'none'")
	consent, err := ask(w, r, q)
	switch {
	case err != nil:
		return nil, err
	case consent == nil && !w.begun:
		return nil, errors.New("Ask has returned no consent, and has not answered the request either")
	case consent != nil && w.begun:
		return nil, errors.New("Ask has answered the request, and has returned a consent as well")
	}
	return consent, nil
}

// watched is a ResponseWriter that knows whether an answer has begun.
type watched struct {
	http.ResponseWriter
	begun bool
}

func (w *watched) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begun = true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController, as Unwrap is.
func (w *watched) FlushError() error {
	w.begun = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
