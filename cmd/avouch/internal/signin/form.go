package signin

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/avouch-oauth/avouch/internal/pages"
)

// maxForm bounds the forms of our pages, in bytes.
const maxForm = 16 << 10

// form reads a form that one of our pages has posted: from our own site, small, each field once. Where it is not, the
// page that says so is written.
func (s *SignIn) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if err := s.cross.Check(r); err != nil {
		s.refuse(w, r, &pages.Page{
			Title: "This did not come from our page", Status: http.StatusForbidden,
			Text: []string{"Another site tried to answer in your name. Nothing was done.", "If you filled in a page of ours yourself, go back to it and try again."},
		}, err)
		return nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	for _, values := range r.PostForm {
		if len(values) != 1 {
			err = errors.New("a field is there twice")
		}
	}
	if err != nil {
		s.refuse(w, r, &pages.Page{
			Title: "This form cannot be read", Status: http.StatusBadRequest,
			Text: []string{"Nothing was done. Go back to the page and try again."},
		}, err)
		return nil, false
	}
	return r.PostForm, true
}
