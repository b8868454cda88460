// Command from-nothing is a whole authorization server: people who sign in, apps, televisions, programs and a partner who
// get tokens, an API that asks about them, and a database. The guide builds it step by step.
package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"flag"
	"html/template"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// signingKey reads the key that signs access tokens, and makes it the first time.
func signingKey(file string) (*keys.Private, error) {
	key, err := keys.LoadPrivate(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = keys.Generate(keys.ES256); err != nil {
		return nil, err
	}
	text, err := key.MarshalPEM()
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(file, text, 0o600)
}

// newClients are those who may ask for tokens. A client may do what stands here, and nothing else.
func newClients(batchKeys keys.Source) avouch.ClientList {
	return avouch.ClientList{{
		ID: "photos", Name: "Photo Book", AuthMethod: "none", // an app on the user's machine: it can keep no secret
		RedirectURIs: []string{"http://127.0.0.1/callback"}, // with any port, because this is a loopback address
		Grants:       []string{grant.AuthorizationCodeType, grant.RefreshTokenType},
		Scopes:       []string{"photos:read", "photos:print"}, DefaultScopes: []string{"photos:read"},
	}, {
		ID: "tv", Name: "Living Room TV", AuthMethod: "none",
		Grants: []string{grant.DeviceCodeType, grant.RefreshTokenType},
		Scopes: []string{"photos:read"}, DefaultScopes: []string{"photos:read"},
	}, {
		ID: "batch", Keys: batchKeys, // it signs with a private key that this server never sees
		Grants: []string{"client_credentials"},
		Scopes: []string{"photos:count"}, DefaultScopes: []string{"photos:count"},
		Introspects: []string{"https://photos.example.com"}, // it is the API too, and may ask about tokens for it
	}}
}

// people are the users of this program, and who of them is signed in.
type people struct {
	secure    bool                // whether cookies are for https only
	passwords map[string]password // by user id

	mu       sync.Mutex
	sessions map[string]session // by the value of the cookie
}

type password struct{ salt, hash []byte }

type session struct {
	user    string
	expires time.Time
}

// newPassword keeps of a password what opens nothing.
func newPassword(text string) (password, error) {
	salt := []byte(rand.Text())
	hash, err := pbkdf2.Key(sha256.New, text, salt, 600_000, 32)
	return password{salt, hash}, err
}

// signIn says which user this is, "" for nobody. Slow down who guesses here: by address, or by a proof of work.
func (p *people) signIn(user, text string) string {
	known := p.passwords[user] // a user who is not there takes as long as a wrong password
	hash, err := pbkdf2.Key(sha256.New, text, known.salt, 600_000, 32)
	if err != nil || subtle.ConstantTimeCompare(hash, known.hash) != 1 {
		return ""
	}
	return user
}

// who is signed in at this browser, "" for nobody.
func (p *people) who(r *http.Request) string {
	cookie, err := r.Cookie("session")
	if err != nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[cookie.Value]; time.Now().Before(s.expires) {
		return s.user
	}
	return ""
}

// begin makes a new session: never one whose name the browser brought along.
func (p *people) begin(w http.ResponseWriter, user string) {
	id := rand.Text()
	p.mu.Lock()
	p.sessions[id] = session{user, time.Now().Add(8 * time.Hour)} // sweep them in a real program
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode})
}

var loginPage = template.Must(template.New("login").Parse(`<!doctype html><html lang="en"><title>Sign in</title>
<h1>Sign in</h1>{{if .Problem}}<p role="alert">{{.Problem}}</p>{{end}}
<form method="post"><input type="hidden" name="next" value="{{.Next}}">
<p><label>Name <input name="user" autocomplete="username" required></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p><button>Sign in</button></form>`))

// login is the page to sign in at. It leads back to where the user came from, and only within this server.
func (p *people) login(w http.ResponseWriter, r *http.Request) {
	next, problem := r.FormValue("next"), ""
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		next = "/"
	}
	if r.Method == http.MethodPost {
		if user := p.signIn(r.PostFormValue("user"), r.PostFormValue("password")); user != "" {
			p.begin(w, user)
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
		problem = "That name and that password do not belong together."
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	if err := loginPage.Execute(w, map[string]string{"Next": next, "Problem": problem}); err != nil {
		log.Print(err)
	}
}

var consentPage = template.Must(template.New("consent").Parse(`<!doctype html><html lang="en"><title>Allow access?</title>
<h1>Allow {{.Question.Client.Name}} access?</h1><p>You are {{.User}}. It asks for:
<ul>{{range .Question.Scopes}}<li>{{.}}{{end}}</ul>{{with .Question.UserCode}}<p>Your device shows {{.}}.{{end}}
<form method="post" action="{{.Here}}"><button name="decision" value="yes">Allow</button>
<button name="decision" value="no">Deny</button></form>`))

// ask is what the grants with a browser ask this program: who is there, and what does he allow? It is called again and
// again until it returns an answer; a page in between leads back to the same address.
func (p *people) ask(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
	user := p.who(r)
	switch {
	case user == "" && q.Param("prompt") == "none":
		return nil, &avouch.Error{Code: avouch.LoginRequired, Description: "nobody is signed in"}
	case user == "":
		http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return nil, nil
	case r.Method == http.MethodPost && r.PostFormValue("decision") == "yes":
		return &grant.Consent{Subject: user}, nil
	case r.Method == http.MethodPost && r.PostFormValue("decision") == "no":
		return &grant.Consent{Denied: true}, nil
	case q.Param("prompt") == "none":
		return nil, &avouch.Error{Code: avouch.ConsentRequired, Description: "the user has to decide"}
	}
	return nil, consentPage.Execute(w, map[string]any{"Question": q, "User": user, "Here": r.URL.RequestURI()})
}

// newServer puts everything together.
func newServer(issuer string, key *keys.Private, store storage.Store, clients avouch.Clients, p *people, partner keys.Source) (*avouch.Server, error) {
	code, device := &grant.AuthorizationCode{Ask: p.ask}, &grant.DeviceCode{Ask: p.ask}
	bearer := &grant.JWTBearer{
		Trust: trust.List{{Issuer: "https://idp.partner.example", Name: "partner", Keys: partner}},
		Subject: func(_ context.Context, a *assertion.Assertion) (string, error) {
			return map[string]string{"4711": "alice"}[a.Subject], nil // the partner's name for a user, and ours
		},
		Scopes: func(context.Context, string, string, *assertion.Assertion) ([]string, error) {
			return []string{"photos:read"}, nil
		},
	}
	return avouch.New(avouch.Config{
		Issuer:  issuer,
		Minter:  &token.Minter{Key: key},
		Grants:  []avouch.Grant{code, device, grant.ClientCredentials{}, avouch.ClientOptional(bearer)},
		Refresh: &grant.RefreshToken{},
		Endpoints: []avouch.Endpoint{
			code.Authorization(), code.Pushed(), device.Authorization(), device.Verification(),
			endpoint.Introspection(), endpoint.Revocation(),
		},
		ClientAuth:      []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, clientauth.None{}},
		Clients:         clients,
		Replay:          store,
		Handles:         store,
		Audience:        "https://photos.example.com", // the API that tokens are for
		ScopesSupported: []string{"photos:read", "photos:print", "photos:count"},
		Log:             slog.Default(),
	})
}

// newHandler is everything that this program serves.
func newHandler(server *avouch.Server, p *people) http.Handler {
	mux := http.NewServeMux()
	server.Mount(mux)
	mux.Handle("/login", http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.login)))
	return mux
}

func main() {
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "the URL by which everybody knows this server")
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	dir := flag.String("dir", ".", "where the database and the keys are")
	flag.Parse()
	if err := run(context.Background(), *issuer, *listen, *dir); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, issuer, listen, dir string) error {
	store, err := sqlite.Open(ctx, dir+"/server.db", sqlite.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	key, err := signingKey(dir + "/signing.pem")
	if err != nil {
		return err
	}
	batch, err := signingKey(dir + "/batch.pem") // of a client: the private half belongs on another machine
	if err != nil {
		return err
	}
	partner, err := keys.Discover("https://idp.partner.example", keys.FetchOptions{}) // fetched when the first one comes
	if err != nil {
		return err
	}
	alice, err := newPassword("a-password-for-trying-things-out")
	if err != nil {
		return err
	}
	p := &people{
		secure:    strings.HasPrefix(issuer, "https://"),
		passwords: map[string]password{"alice": alice}, sessions: map[string]session{},
	}
	server, err := newServer(issuer, key, store, newClients(batch.PublicKeys(time.Now())), p, partner)
	if err != nil {
		return err
	}
	go func() {
		for now := range time.Tick(time.Minute) {
			if err := store.Sweep(ctx, now); err != nil {
				log.Print("sweep: ", err)
			}
		}
	}()
	log.Printf("%s/.well-known/oauth-authorization-server", issuer)
	s := &http.Server{
		Addr: listen, Handler: newHandler(server, p),
		ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	return s.ListenAndServe()
}
