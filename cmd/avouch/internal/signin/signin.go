// Package signin is how people sign in at the browser pages of the avouch binary, and how they decide there: it gives the
// authorization endpoint and the device page their [grant.Ask].
//
// Who somebody is, an OpenID provider says, which the operator has configured (the upstream); with serve --dev a test
// user says it himself. Here, he has a session: a random text in a cookie, a record behind its hash. What he is asked is
// on a page of its own, and his answer counts for the question that he has seen and for no other.
//
//	GET  /signin           to the upstream and back to return_to; without one: who is signed in
//	GET  /signin/callback  where the upstream sends people back to
//	GET  /signin/out       asks whether to sign out
//	POST /signin/out       signs out
//	POST /signin           the test user of --dev signs in
package signin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/pages"
	"github.com/avouch-oauth/avouch/internal/remote"
	"github.com/avouch-oauth/avouch/replay"
)

// Config says who signs in where. Issuer, Pages, Handles and Replay are required.
type Config struct {
	// Issuer is the issuer identifier of this server. Its pages are below it.
	Issuer string

	// Pages are the paths below the issuer at which Ask is called, such as "/oauth/authorize": whoever has signed in is
	// led there and nowhere else.
	Pages []string

	// Handles keeps sessions, and sign-ins that are on their way.
	Handles handle.Store

	// Replay sees to it that a sign-in comes back once.
	Replay replay.Guard

	// Subjects says which users are disabled. Nil means that none is.
	Subjects avouch.Subjects

	// Upstream is where people sign in. Nil means nowhere.
	Upstream *Upstream

	// Dev lets anybody sign in as a test user, without a password: where there is no upstream, and on a loopback issuer
	// only.
	Dev bool

	// ScopeTexts say in words what scopes mean. One without a text is shown by its name.
	ScopeTexts map[string]string

	// Idle is how long a session lives without being used, Lifetime how long at most. Zero means 1 h and 12 h.
	Idle, Lifetime time.Duration

	// Log is told who signs in and out, what he allows to whom, and why somebody could not sign in: never a code, a token
	// or a cookie. Nil discards.
	Log *slog.Logger

	// Observe is told the same as one of a few words, fit to be a metric label: SignedIn and the other constants. Nil tells
	// nobody.
	Observe func(happened string)
}

// What Config.Observe is told.
const (
	SignedIn      = "signed_in"
	SignedOut     = "signed_out"
	SignInRefused = "refused" // an answer of the upstream, a form or a link; not a user who denies
	Allowed       = "allowed"
	Denied        = "denied"
)

// SignIn signs people in and asks them. Make one with [New].
type SignIn struct {
	conf     Config
	issuer   *url.URL
	base     string   // the path of the issuer, "" for none
	pages    []string // with base
	secure   bool     // cookies go over TLS only
	dev      bool     // test users may sign in
	upstream *upstream
	cross    *http.CrossOriginProtection
	log      *slog.Logger
	begun    *remote.Rate // sign-ins, by network
}

// New makes a SignIn. It calls nobody: the upstream may be down.
func New(c Config) (*SignIn, error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fmt.Errorf("signin: Issuer %.200q is no URL", c.Issuer)
	}
	var faults []error
	if c.Handles == nil || c.Replay == nil {
		faults = append(faults, errors.New("signin: Handles and Replay are required"))
	}
	if len(c.Pages) == 0 || slices.ContainsFunc(c.Pages, func(p string) bool { return !strings.HasPrefix(p, "/") }) {
		faults = append(faults, fmt.Errorf("signin: Pages %q must be paths", c.Pages))
	}
	s := &SignIn{conf: c, issuer: issuer, base: strings.TrimSuffix(issuer.Path, "/"), secure: issuer.Scheme == "https", log: c.Log, cross: new(http.CrossOriginProtection), begun: new(remote.Rate)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.conf.Idle <= 0 {
		s.conf.Idle = time.Hour
	}
	if s.conf.Lifetime <= 0 {
		s.conf.Lifetime = 12 * time.Hour
	}
	for _, p := range c.Pages {
		s.pages = append(s.pages, s.base+p)
	}
	// Behind a proxy the Host that arrives may be another one than the browser sees.
	if err := s.cross.AddTrustedOrigin(issuer.Scheme + "://" + issuer.Host); err != nil {
		faults = append(faults, fmt.Errorf("signin: Issuer: %w", err))
	}
	if c.Upstream != nil {
		s.upstream, err = newUpstream(*c.Upstream, c.Issuer+callbackPath)
		faults = append(faults, err)
	} else if c.Dev {
		if s.dev = config.IsLoopback(issuer.Hostname()); !s.dev {
			s.log.Warn("nobody can sign in: test users are for a loopback issuer only", "issuer", c.Issuer, "hint", "configure signin.issuer")
		}
	}
	return s, errors.Join(faults...)
}

const (
	signInPath   = "/signin"
	callbackPath = "/signin/callback"
	outPath      = "/signin/out"
)

// Mount puts the pages into mux, below the path of the issuer.
func (s *SignIn) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+s.base+signInPath, s.begin)
	mux.HandleFunc("POST "+s.base+signInPath, s.test)
	mux.HandleFunc("GET "+s.base+callbackPath, s.callback)
	mux.HandleFunc("GET "+s.base+outPath, s.askOut)
	mux.HandleFunc("POST "+s.base+outPath, s.out)
}

// via is where people sign in. Who signed in elsewhere, before the operator had another place for it, is nobody now.
func (s *SignIn) via() string {
	if s.upstream != nil {
		return s.upstream.Name + " " + s.upstream.Issuer
	}
	return testName
}

// offered reports whether anybody can sign in.
func (s *SignIn) offered() bool { return s.upstream != nil || s.dev }

// write writes a page of ours.
func (s *SignIn) write(w http.ResponseWriter, p *pages.Page) {
	p.Site = s.issuer.Host
	pages.Write(w, p)
}

// refuse writes the page of something that went wrong, and logs the reason with the reference that the page shows.
func (s *SignIn) refuse(w http.ResponseWriter, r *http.Request, p *pages.Page, reason error) {
	p.RefusalID = strings.ToLower(rand.Text()[:12])
	level := slog.LevelInfo
	if p.Status >= 500 {
		level = slog.LevelError
	}
	s.log.Log(r.Context(), level, "sign-in refused", "refusal_id", p.RefusalID, "status", p.Status, "reason", cut(reason.Error(), 1000), "remote", r.RemoteAddr)
	s.observe(SignInRefused)
	s.write(w, p)
}

// tell tells the operator of something that somebody has done.
func (s *SignIn) tell(r *http.Request, happened, text, subject string, more ...any) {
	s.log.InfoContext(r.Context(), text, append([]any{"sub", subject, "remote", r.RemoteAddr}, more...)...)
	s.observe(happened)
}

func (s *SignIn) observe(happened string) {
	if s.conf.Observe != nil {
		s.conf.Observe(happened)
	}
}

// cut shortens what a stranger says to n bytes.
func cut(text string, n int) string {
	if len(text) > n {
		text = text[:n] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
