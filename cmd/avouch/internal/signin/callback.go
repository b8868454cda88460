package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/pages"
	"github.com/avouch-oauth/avouch/internal/remote"
	"github.com/avouch-oauth/avouch/replay"
)

const (
	// kindSignIn is the kind of the records of sign-ins that are on their way. A handle of them is a state.
	kindSignIn = "signin"
	// onTheWay is how long somebody may take at the upstream.
	onTheWay = 15 * time.Minute
	// browserLife is how long a browser is known. It is longer than a sign-in takes, and says nothing about anybody.
	browserLife = time.Hour
	// leavePerAddress is how many sign-ins may begin from one address at once, and in an hour after that: anybody can begin
	// one, and each is kept for a while. A proxy in front makes one address of all browsers.
	leavePerAddress = 10_000
)

// departure is a sign-in that is on its way. The nonce and the PKCE verifier are not kept: they are made of the state and
// of what is in the cookie of the browser, so that a copy of the database finishes nobody's sign-in.
type departure struct {
	Browser string    `json:"browser"` // the hash of its cookie
	Via     string    `json:"via"`     // where somebody was sent: see SignIn.via
	Place   string    `json:"place"`
	Anew    bool      `json:"anew,omitempty"`
	At      time.Time `json:"at"`
}

func nonceOf(browser, state string) string    { return mac(browser, "nonce "+state) }
func verifierOf(browser, state string) string { return mac(browser, "verifier "+state) }

// toUpstream sends somebody to the upstream.
func (s *SignIn) toUpstream(w http.ResponseWriter, r *http.Request, place string, anew bool, hint string) {
	p, err := s.upstream.provider(r.Context())
	if err != nil {
		s.upstreamDown(w, r, s.way(place, anew, hint), err)
		return
	}
	now := time.Now()
	if wait := s.leaving.Take(now, remote.Network(r.RemoteAddr), leavePerAddress); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		s.refuse(w, r, &pages.Page{
			Title: "Too many sign-ins", Status: http.StatusTooManyRequests,
			Text:  []string{"Too many sign-ins have begun where you come from. That is not your fault. Nothing was given to anybody.", "Wait a moment, then try again."},
			Links: []pages.Link{{Text: "Try again", URL: s.way(place, anew, hint)}},
		}, errors.New("too many sign-ins have begun from this address"))
		return
	}
	browser := s.readCookie(r, browserCookie)
	if browser == "" {
		browser, _ = handle.New()
	}
	state, digest := handle.New()
	data, err := json.Marshal(departure{Browser: hash(browser), Via: s.via(), Place: place, Anew: anew, At: now})
	if err == nil {
		err = s.conf.Handles.PutHandle(r.Context(), now, &handle.Record{Kind: kindSignIn, Digest: digest, Data: data, Expires: now.Add(onTheWay)})
	}
	if err != nil {
		s.unavailable(w, r, s.way(place, anew, hint), err)
		return
	}
	s.setCookie(w, browserCookie, browser, browserLife)
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonceOf(browser, state)), oauth2.S256ChallengeOption(verifierOf(browser, state))}
	if anew {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	if hint != "" && len(hint) <= 256 {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", p.oauth.AuthCodeURL(state, options...))
	w.WriteHeader(http.StatusSeeOther)
}

// callback is GET /signin/callback: the upstream has sent somebody back. Everything that can be wrong about who comes is
// looked at before the sign-in is used up.
func (s *SignIn) callback(w http.ResponseWriter, r *http.Request) {
	if s.upstream == nil {
		s.nobodyCan(w)
		return
	}
	now := time.Now()
	q, err := query(r)
	if err != nil {
		s.notBegun(w, r, err)
		return
	}
	state, browser := q.Get("state"), s.readCookie(r, browserCookie)
	d, err := s.departure(r.Context(), now, state)
	switch {
	case err != nil:
		s.unavailable(w, r, "", err)
		return
	case d == nil:
		s.notBegun(w, r, errors.New("there is no sign-in with this state"))
		return
	case browser == "" || !equal(hash(browser), d.Browser):
		// Somebody else's sign-in: who follows such a link would act as the other (login CSRF, RFC 6749 §10.12).
		s.refuse(w, r, &pages.Page{
			Title: "This sign-in was begun in another browser", Status: http.StatusForbidden,
			Text: []string{"You were not signed in. If somebody sent you this link, do not use it.", "If you began this yourself, go back to the program that you came from, start again, and let your browser keep cookies of this site."},
		}, errors.New("the cookie of the browser is missing or another"))
		return
	}
	p, err := s.upstream.provider(r.Context())
	if err != nil {
		s.upstreamDown(w, r, s.way(d.Place, d.Anew, ""), err)
		return
	}
	if iss := q.Get("iss"); iss != s.upstream.Issuer && (iss != "" || p.saysIss) {
		s.notBegun(w, r, fmt.Errorf("the answer has the iss %.200q (RFC 9207)", iss))
		return
	}
	code, failure := q.Get("code"), q.Get("error")
	if (code == "") == (failure == "") || len(code) > 8<<10 {
		s.notBegun(w, r, errors.New("the answer has no code and no error, or both, or a very long one"))
		return
	}
	err = s.conf.Replay.FirstUse(r.Context(), now, replay.Use{
		Purpose: "signin", Party: "avouch", ID: hash(state), Issued: d.At, Until: d.At.Add(onTheWay + 2*time.Minute),
	})
	if replayed, ok := errors.AsType[*replay.ReplayedError](err); ok {
		s.notBegun(w, r, replayed)
		return
	} else if err != nil {
		s.unavailable(w, r, "", err)
		return
	}
	if failure != "" {
		s.upstreamSaysNo(w, r, d, failure, q)
		return
	}
	s.arrive(w, r, p, d, code, browser, state)
}

// arrive turns a code into somebody who is signed in.
func (s *SignIn) arrive(w http.ResponseWriter, r *http.Request, p *provider, d *departure, code, browser, state string) {
	again := s.way(d.Place, d.Anew, "")
	raw, err := s.upstream.exchange(r.Context(), p, code, verifierOf(browser, state))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil && refused.Response.StatusCode < 500 {
		status := http.StatusBadGateway // it does not take us, or not what we send
		if refused.ErrorCode == "invalid_grant" {
			status = http.StatusBadRequest // it does not take the code
		}
		s.notBelieved(w, r, status, again, fmt.Errorf("the upstream refuses the code with status %d, error %.100q, %.300q", refused.Response.StatusCode, refused.ErrorCode, refused.ErrorDescription))
		return
	} else if err != nil {
		s.upstreamDown(w, r, again, fmt.Errorf("the code cannot be exchanged: %w", err))
		return
	}
	var authAfter time.Time
	if d.Anew {
		authAfter = d.At
	}
	who, err := s.upstream.judge(r.Context(), p, raw, nonceOf(browser, state), authAfter)
	if err != nil && strings.Contains(err.Error(), "fetching keys") { // go-oidc has no other word for it
		s.upstreamDown(w, r, again, err)
		return
	} else if err != nil {
		s.notBelieved(w, r, http.StatusBadGateway, again, fmt.Errorf("the ID token is not believed: %w", err))
		return
	}
	s.welcome(w, r, time.Now(), who.subject, who.name, d.Place)
}

// departure finds the sign-in with a state, nil where there is none.
func (s *SignIn) departure(ctx context.Context, now time.Time, state string) (*departure, error) {
	if len(state) != secretLength {
		return nil, nil
	}
	record, err := s.conf.Handles.Handle(ctx, now, kindSignIn, handle.Digest(state))
	if err != nil || record == nil {
		return nil, err
	}
	d := new(departure)
	if err := json.Unmarshal(record.Data, d); err != nil || d.Via != s.via() {
		return nil, err
	}
	d.Place, err = s.place(d.Place) // pages may have been configured away since
	return d, err
}

// upstreamSaysNo is the page for an error that the upstream has sent somebody back with (OpenID Connect Core §3.1.2.6).
// What it says beside the code is for the operator.
func (s *SignIn) upstreamSaysNo(w http.ResponseWriter, r *http.Request, d *departure, failure string, q url.Values) {
	p := &pages.Page{
		Title: "You are not signed in", Status: http.StatusBadGateway,
		Text:  []string{s.upstream.host + " could not sign you in. Nothing was given to anybody.", "Try again. If it happens again, tell the people who run this server."},
		Links: []pages.Link{{Text: "Try again", URL: s.way(d.Place, d.Anew, "")}},
	}
	switch failure {
	case "access_denied":
		p.Status = http.StatusForbidden
		p.Text = []string{"You did not sign in at " + s.upstream.host + ", or it does not let you in here. Nothing was given to anybody.", "You can try again, or close this page."}
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		p.Status = http.StatusForbidden
		p.Text[0] = s.upstream.host + " wants something from you first. Nothing was given to anybody."
	case "temporarily_unavailable", "server_error":
		p.Status = http.StatusServiceUnavailable
	}
	s.refuse(w, r, p, fmt.Errorf("the upstream answers with %.100q, %.300q", failure, q.Get("error_description")))
}

// notBegun is the page for an answer to nothing.
func (s *SignIn) notBegun(w http.ResponseWriter, r *http.Request, reason error) {
	s.refuse(w, r, &pages.Page{
		Title: "This sign-in is over", Status: http.StatusBadRequest,
		Text: []string{"It was finished already, took longer than 15 minutes, or was not begun here. You were not signed in by it.", "Go back to the program that you came from, and start there again."},
	}, reason)
}

// notBelieved is the page where the upstream answers with what cannot be believed.
func (s *SignIn) notBelieved(w http.ResponseWriter, r *http.Request, status int, again string, reason error) {
	s.refuse(w, r, &pages.Page{
		Title: "You are not signed in", Status: status,
		Text:  []string{"What " + s.upstream.host + " says about you cannot be verified here. Nothing was given to anybody.", "Try again. If it happens again, tell the people who run this server."},
		Links: []pages.Link{{Text: "Try again", URL: again}},
	}, reason)
}

// upstreamDown is the page where the upstream cannot be reached.
func (s *SignIn) upstreamDown(w http.ResponseWriter, r *http.Request, again string, reason error) {
	w.Header().Set("Retry-After", "5")
	s.refuse(w, r, &pages.Page{
		Title: "Nobody can sign in at the moment", Status: http.StatusServiceUnavailable,
		Text:  []string{s.upstream.host + ", where you would sign in, cannot be reached. That is not your fault. Nothing was given to anybody.", "Wait a moment, then try again."},
		Links: []pages.Link{{Text: "Try again", URL: again}},
	}, reason)
}
