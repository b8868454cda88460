package signin

import (
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/internal/pages"
)

// Ask implements [grant.Ask]: it finds out who is at the browser, has him sign in where nobody is, and asks him what the
// client wants to be allowed. He is asked each time: another program on his machine may pass for a public client (RFC
// 8252 §8.6), and nothing is remembered of confidential ones either.
func (s *SignIn) Ask(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
	now := time.Now()
	place, err := s.here(r)
	if err != nil {
		return nil, err
	}
	wish, err := readWish(q)
	if err != nil {
		return nil, err
	}
	switch {
	case !s.offered() && wish.none:
		return nil, required(avouch.InteractionRequired, "nobody can sign in at this server", "neither signin.issuer nor --dev")
	case !s.offered():
		s.nobodyCan(w)
		return nil, nil
	case len(place) > maxPlace:
		s.write(w, &pages.Page{
			Title: "This request is too long", Status: http.StatusRequestURITooLong,
			Text: []string{"The program that sent you here asked for more than fits into an address. Nothing was given to it.",
				"Its makers can push the request to the server first (RFC 9126), and send you here with a short address."},
		})
		return nil, nil
	case s.dev && !s.ownHost(r):
		s.otherHost(w, r)
		return nil, nil
	}

	ses, err := s.session(r, now)
	if err != nil {
		return nil, cannotTell(err)
	}
	if ses == nil || !wish.satisfied(ses, now, place) {
		if wish.none {
			return nil, required(avouch.LoginRequired, "the user has to sign in", "prompt=none")
		}
		s.handOff(w, q, s.way(place, wish.anew || wish.maxAge >= 0, wish.hint))
		return nil, nil
	}
	if disabled, err := s.disabled(r, ses.Subject); err != nil {
		return nil, cannotTell(err)
	} else if disabled {
		if wish.none {
			return nil, required(avouch.InteractionRequired, "the user cannot go on", "the subject is disabled")
		}
		s.refuseDisabled(w, r, ses.Subject, s.way(place, true, ""))
		return nil, nil
	}
	if wish.none {
		return nil, required(avouch.ConsentRequired, "the user has to consent", "prompt=none, and consent is always asked for")
	}
	if err := s.touch(r.Context(), now, ses); err != nil {
		return nil, cannotTell(err)
	}
	if r.Method != http.MethodPost {
		s.consent(w, ses, q, place, "")
		return nil, nil
	}
	return s.decide(w, r, now, ses, q, place)
}

// decide reads the answer to the page.
func (s *SignIn) decide(w http.ResponseWriter, r *http.Request, now time.Time, ses *session, q *grant.Question, place string) (*grant.Consent, error) {
	form, ok := s.form(w, r)
	if !ok {
		return nil, nil
	}
	switch decision := form.Get("decision"); {
	case !equal(form.Get("proof"), ses.proof(seen(ses, q, place))):
		s.consent(w, ses, q, place, "Something on this page has changed since you opened it. Look at it again, then decide.")
		return nil, nil
	case decision == "allow", decision == "deny":
		if err := s.answered(r.Context(), now, ses); err != nil {
			return nil, cannotTell(err)
		}
		told, happened := "access allowed", Allowed
		if decision == "deny" {
			told, happened = "access denied", Denied
		}
		s.tell(r, happened, told, ses.Subject, "client", q.Client.ID, "scopes", q.Scopes, "resources", q.Resources, "device", q.UserCode != "")
		return &grant.Consent{Subject: ses.Subject, Denied: decision == "deny"}, nil
	}
	s.consent(w, ses, q, place, "Choose one of the two buttons.")
	return nil, nil
}

// disabled reports whether a user is disabled.
func (s *SignIn) disabled(r *http.Request, subject string) (bool, error) {
	if s.conf.Subjects == nil {
		return false, nil
	}
	return s.conf.Subjects.SubjectDisabled(r.Context(), subject)
}

// cannotTell is the error where the store is down.
func cannotTell(err error) error {
	return &avouch.Error{Code: avouch.TemporarilyUnavailable, Description: "cannot look it up at the moment", Err: err, RetryAfter: time.Second}
}
