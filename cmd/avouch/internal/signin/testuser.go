package signin

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/pages"
)

// testName stands before the subjects of test users, as TESTNAME/NAME.
const testName = "dev"

// askTest is the page on which a test user says who he is.
func (s *SignIn) askTest(w http.ResponseWriter, place, problem, value string) {
	p := &pages.Page{
		Title: "Sign in as a test user",
		Text:  []string{"This server was started for development (--dev). Type in any name: there is no password."},
		Form: &pages.Form{
			Action: s.way(place, false, ""), Problem: problem,
			Inputs:  []pages.Input{{Name: "name", Label: "Name", Hint: "Letters, digits and . _ @ -, such as alice", Value: value, Autocomplete: "username", MaxLength: 64}},
			Buttons: []pages.Button{{Text: "Sign in", Name: "step", Value: "signin"}},
		},
	}
	if problem != "" {
		p.Status = http.StatusBadRequest
	}
	s.write(w, p)
}

// test is POST /signin: a test user signs in. Where there is an upstream, and without --dev, there are none.
func (s *SignIn) test(w http.ResponseWriter, r *http.Request) {
	if !s.dev {
		s.refuse(w, r, &pages.Page{
			Title: "There are no test users here", Status: http.StatusForbidden,
			Text: []string{"This server was not started for development. Nobody was signed in."},
		}, errors.New("a test user wants to sign in, and there are none"))
		return
	}
	_, place, ok := s.beginning(w, r)
	if !ok {
		return
	}
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	name := strings.TrimSpace(form.Get("name"))
	switch {
	case place == "":
		s.status(w, r)
		return
	case !regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`).MatchString(name):
		s.askTest(w, place, "That is no name for a test user. Use letters, digits and . _ @ -, at most 64 of them.", cut(name, 64))
		return
	}
	s.welcome(w, r, time.Now(), testName+"/"+name, "", place)
}

// welcome signs somebody in, and leads him to where he wanted to go.
func (s *SignIn) welcome(w http.ResponseWriter, r *http.Request, now time.Time, subject, name, place string) {
	if disabled, err := s.disabled(r, subject); err != nil {
		s.unavailable(w, r, place, err)
		return
	} else if disabled {
		s.refuseDisabled(w, r, subject, s.way(place, true, ""))
		return
	}
	if err := s.open(w, r, now, subject, name, place); err != nil {
		s.unavailable(w, r, place, err)
		return
	}
	s.tell(r, SignedIn, "signed in", subject)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", place) // not http.Redirect: it would clean the path, and write the place into a page
	w.WriteHeader(http.StatusSeeOther)
}

// ownHost reports whether a request was made for the host of the issuer. Where anybody may sign in without a password, a
// page of somebody else's whose name is made to mean this machine (DNS rebinding) must not.
func (s *SignIn) ownHost(r *http.Request) bool { return strings.EqualFold(r.Host, s.issuer.Host) }

// otherHost is the page for that.
func (s *SignIn) otherHost(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, &pages.Page{
		Title: "This is another address", Status: http.StatusMisdirectedRequest,
		Text: []string{"Test users sign in at " + s.issuer.Host + " and at no other address of this server."},
	}, errors.New("the Host is "+cut(r.Host, 100)))
}
