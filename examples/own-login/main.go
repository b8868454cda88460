// Command own-login is a program with users and a sign-in of its own that lets apps act for them: the authorization code
// grant in its mux. What it has anyway is its session; what is new is the page that asks the user.
package main

import (
	"crypto/rand"
	"flag"
	"html/template"
	"log"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// sessions is what the program has anyway: who is signed in at which browser. This one believes everybody his name; put
// your own in its place.
type sessions struct {
	mu    sync.Mutex
	users map[string]string // by the value of the cookie
}

func (s *sessions) user(r *http.Request) string {
	cookie, err := r.Cookie("session")
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[cookie.Value]
}

func (s *sessions) signIn(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Write([]byte(`<!doctype html><html lang="en"><title>Sign in</title><form method="post"><label>Name <input name="user"></label> <button>Sign in</button></form>`))
		return
	}
	id := rand.Text()
	s.mu.Lock()
	s.users[id] = r.PostFormValue("user")
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	next := r.URL.Query().Get("next")
	if !strings.HasPrefix(next, "/oauth/authorize?") { // never to wherever somebody else's link says
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Allow access?</title>
<h1>May {{.Client.Name}} act for you?</h1><ul>{{range .Scopes}}<li>{{.}}{{end}}</ul>
<form method="post"><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>`))

// ask is the whole of it: who is there, and what does he say?
func (s *sessions) ask(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
	user := s.user(r)
	if user == "" {
		http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return nil, nil // answered; when the user is signed in he comes back here
	}
	if r.Method == http.MethodPost { // from the page below, and from no other site: the server has seen to that
		if r.PostFormValue("decision") == "allow" {
			return &grant.Consent{Subject: user}, nil
		}
		return &grant.Consent{Denied: true}, nil
	}
	return nil, page.Execute(w, q)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	mux, err := newMux("http://" + *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("http://%s/oauth/authorize?response_type=code&client_id=photos&code_challenge_method=S256&code_challenge=...", *listen)
	log.Fatal(http.ListenAndServe(*listen, mux))
}

func newMux(issuer string) (*http.ServeMux, error) {
	key, err := keys.Generate(keys.ES256) // keep it in a file, or tokens end when the program does
	if err != nil {
		return nil, err
	}
	s := &sessions{users: map[string]string{}}
	code := &grant.AuthorizationCode{Ask: s.ask}
	server, err := avouch.New(avouch.Config{
		Issuer:     issuer,
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{code},
		Refresh:    &grant.RefreshToken{},
		Handles:    handle.NewMemory(0), // codes and refresh tokens; package storage/sqlite keeps them through a restart
		Endpoints:  []avouch.Endpoint{code.Authorization(), code.Pushed()},
		ClientAuth: []avouch.ClientAuth{clientauth.None{}},
		Clients: avouch.ClientList{{
			ID: "photos", Name: "Photo Book", AuthMethod: "none",
			RedirectURIs:  []string{"http://127.0.0.1/callback"},
			Grants:        []string{grant.AuthorizationCodeType, grant.RefreshTokenType},
			Scopes:        []string{"photos:read", "photos:print"},
			DefaultScopes: []string{"photos:read"},
		}},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	server.Mount(mux)
	mux.Handle("/sign-in", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.signIn)))
	return mux, nil
}
