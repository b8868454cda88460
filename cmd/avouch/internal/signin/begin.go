package signin

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/internal/pages"
)

// handOff is the page before the sign-in: it says who asks, and where the password goes.
func (s *SignIn) handOff(w http.ResponseWriter, q *grant.Question, way string) {
	p := &pages.Page{
		Title:  "Sign in to go on",
		Client: clientName(q),
		Text:   []string{"This program asks to act for you. Sign in first; what it asks for you will see after that, and decide."},
	}
	if q.RedirectURI == "" {
		p.Text[0] = "This device asks to act for you. Sign in first; what it asks for you will see after that, and decide."
	}
	if s.upstream != nil {
		p.Text = append(p.Text, "You sign in at "+s.upstream.host+". Type your password in there, and nowhere else.")
		p.Links = []pages.Link{{Text: "Sign in at " + s.upstream.host, URL: way, Button: true}}
	} else {
		p.Text = append(p.Text, "This server was started for development: sign in as any test user, without a password.")
		p.Links = []pages.Link{{Text: "Sign in as a test user", URL: way, Button: true}}
	}
	s.write(w, p)
}

// nobodyCan is the page of a server without sign-in.
func (s *SignIn) nobodyCan(w http.ResponseWriter) {
	s.write(w, &pages.Page{
		Title: "Nobody can sign in here yet", Status: http.StatusNotImplemented,
		Text: []string{"This server has not been told where people sign in, so it cannot ask you. Nothing was given to anybody.",
			"If you run it: set signin.issuer in its configuration, or start it with --dev on your own machine."},
	})
}

// maxQuery bounds the queries of our own pages, in bytes.
const maxQuery = 32 << 10

// query reads the query of one of our pages: small, each parameter once.
func query(r *http.Request) (url.Values, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, errors.New("the query is too long")
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the query cannot be read")
	}
	for _, values := range q {
		if len(values) != 1 {
			return nil, errors.New("a parameter is there twice")
		}
	}
	return q, nil
}

// begin is GET /signin.
func (s *SignIn) begin(w http.ResponseWriter, r *http.Request) {
	q, place, ok := s.beginning(w, r)
	switch {
	case !ok:
	case place == "":
		s.status(w, r)
	case s.upstream != nil:
		s.toUpstream(w, r, place, q.Get("anew") == "1", q.Get("login_hint"))
	default:
		s.askTest(w, place, "", q.Get("login_hint"))
	}
}

// beginning judges a request to /signin. place is "" where it names none. Where ok is false the answer is written.
func (s *SignIn) beginning(w http.ResponseWriter, r *http.Request) (q url.Values, place string, ok bool) {
	if !s.offered() {
		s.nobodyCan(w)
		return nil, "", false
	}
	if s.dev && !s.ownHost(r) {
		s.otherHost(w, r)
		return nil, "", false
	}
	q, err := query(r)
	if err == nil && q.Has("return_to") {
		place, err = s.place(q.Get("return_to"))
	}
	if err != nil {
		s.refuse(w, r, &pages.Page{
			Title: "This link does not work", Status: http.StatusBadRequest,
			Text: []string{"It does not lead to a page of this server, so you were not signed in with it.", "Go back to the program that you came from, and start there again."},
		}, err)
		return nil, "", false
	}
	return q, place, true
}

// status is the page of who is signed in.
func (s *SignIn) status(w http.ResponseWriter, r *http.Request) {
	ses, err := s.session(r, time.Now())
	if err != nil {
		s.unavailable(w, r, "", err)
		return
	}
	if ses == nil {
		s.write(w, &pages.Page{Title: "You are not signed in", Text: []string{"You will be asked to sign in when a program wants you to allow it something. There is nothing to do here."}})
		return
	}
	s.write(w, &pages.Page{
		Title: "You are signed in", Facts: []pages.Fact{{Name: "Signed in as", Value: ses.who()}},
		Links: []pages.Link{{Text: "Sign out", URL: s.base + outPath}},
	})
}

// unavailable is the page where the store is down. again, where not "", is where to try once more.
func (s *SignIn) unavailable(w http.ResponseWriter, r *http.Request, again string, reason error) {
	p := &pages.Page{
		Title: "This does not work at the moment", Status: http.StatusServiceUnavailable,
		Text: []string{"The server cannot reach what it keeps its sign-ins in. That is not your fault. Nothing was given to anybody.", "Wait a moment, then try again."},
	}
	if again != "" {
		p.Links = []pages.Link{{Text: "Try again", URL: again}}
	}
	s.refuse(w, r, p, reason)
}

// refuseDisabled is the page for a user who is disabled.
func (s *SignIn) refuseDisabled(w http.ResponseWriter, r *http.Request, subject, other string) {
	s.refuse(w, r, &pages.Page{
		Title: "This account is switched off", Status: http.StatusForbidden,
		Text:  []string{"You are signed in, but your account may not be used here. Nothing was given to anybody.", "If you think that is wrong, ask the people who run this server."},
		Links: []pages.Link{{Text: "Sign in as someone else", URL: other}},
	}, errors.New("the subject "+cut(subject, 300)+" is disabled"))
}
