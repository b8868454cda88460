package signin

import (
	"errors"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch/internal/pages"
)

// seenOut is what somebody has seen who signs out.
const seenOut = "sign out"

// askOut is GET /signin/out: a link alone signs nobody out.
func (s *SignIn) askOut(w http.ResponseWriter, r *http.Request) {
	ses, err := s.session(r, time.Now())
	switch {
	case err != nil:
		s.unavailable(w, r, s.base+outPath, err)
	case ses == nil:
		s.isOut(w)
	default:
		s.write(w, &pages.Page{
			Title: "Sign out?",
			Text:  []string{"Programs that you have allowed something keep it: signing out takes nothing from them."},
			Facts: []pages.Fact{{Name: "Signed in as", Value: ses.who()}},
			Form: &pages.Form{
				Action: s.base + outPath, Hidden: []pages.Hidden{{Name: "proof", Value: ses.proof(seenOut)}},
				Buttons: []pages.Button{{Text: "Sign out", Name: "step", Value: "out"}},
			},
		})
	}
}

// out is POST /signin/out.
func (s *SignIn) out(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	now := time.Now()
	ses, err := s.session(r, now)
	if err == nil && ses != nil {
		if !equal(form.Get("proof"), ses.proof(seenOut)) {
			s.refuse(w, r, &pages.Page{
				Title: "You are still signed in", Status: http.StatusBadRequest,
				Text:  []string{"The page that you signed out with was out of date."},
				Links: []pages.Link{{Text: "Sign out", URL: s.base + outPath}},
			}, errors.New("the form has no proof of this session"))
			return
		}
		subject := ses.Subject
		if err = s.end(r.Context(), now, ses); err == nil {
			s.tell(r, SignedOut, "signed out", subject)
		}
	}
	if err != nil {
		s.unavailable(w, r, s.base+outPath, err)
		return
	}
	s.setCookie(w, sessionCookie, "", 0)
	s.isOut(w)
}

func (s *SignIn) isOut(w http.ResponseWriter) {
	p := &pages.Page{Title: "You are signed out", Done: true, Text: []string{"Nobody can allow anything in your name from this browser until you sign in again."}}
	if s.upstream != nil {
		p.Text = append(p.Text, "You may still be signed in at "+s.upstream.host+": sign out there as well if others use this browser.")
	}
	s.write(w, p)
}
