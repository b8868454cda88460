package grant_test

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// program stands for yours: it has users, and a login of its own with a cookie.
type program struct {
	mu       sync.Mutex
	sessions map[string]string // user by session
}

// login is where your users sign in. It leads back to where they came from, on this site and nowhere else.
func (p *program) login(w http.ResponseWriter, r *http.Request) {
	back := r.FormValue("back")
	if r.FormValue("password") != "correct horse" || !strings.HasPrefix(back, "/oauth/authorize?") {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	session, _ := handle.New() // any unguessable text
	p.mu.Lock()
	p.sessions[session] = r.FormValue("user")
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, back, http.StatusSeeOther)
}

var consentPage = template.Must(template.New("").Parse(
	`<h1>May {{.Client.Name}} do this in your name?</h1><ul>{{range .Scopes}}<li>{{.}}{{end}}</ul>
<form method="post"><button name="decision" value="yes">Yes</button><button name="decision" value="no">No</button></form>`))

// ask is all that the grant wants to know of the program: who is it, and does he agree?
func (p *program) ask(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
	user := ""
	if cookie, err := r.Cookie("session"); err == nil {
		p.mu.Lock()
		user = p.sessions[cookie.Value]
		p.mu.Unlock()
	}
	switch {
	case user == "": // sign in, and come back to this same URL
		http.Redirect(w, r, "/login?back="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return nil, nil
	case r.Method == http.MethodGet:
		return nil, consentPage.Execute(w, q)
	}
	// The form was posted to this same URL. Those of other sites do not get here.
	return &grant.Consent{Subject: user, Denied: r.PostFormValue("decision") != "yes"}, nil
}

// Users of your program let an app act for them: your own login, your own consent page, and a client that gets an access
// token and a refresh token.
func ExampleAuthorizationCode() {
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	defer site.Close()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := &program{sessions: map[string]string{}}
	code := &grant.AuthorizationCode{Ask: p.ask}
	server, err := avouch.New(avouch.Config{
		Issuer:     site.URL,
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{code},
		Refresh:    &grant.RefreshToken{},
		Handles:    handle.NewMemory(0), // the default; a database if there is more than one process
		Endpoints:  []avouch.Endpoint{code.Authorization(), code.Pushed()},
		ClientAuth: []avouch.ClientAuth{clientauth.None{}},
		Clients: avouch.ClientList{{
			ID: "photo-app", Name: "Photo App", AuthMethod: "none",
			Grants:       []string{grant.AuthorizationCodeType, grant.RefreshTokenType},
			Scopes:       []string{"photos:read", "photos:write"},
			RedirectURIs: []string{"http://127.0.0.1/callback"}, // any port of the user's machine
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Mount(mux)
	mux.HandleFunc("/login", p.login)

	// The app makes a request that its user's browser takes to the server.
	app := oauth2.Config{
		ClientID: "photo-app", RedirectURL: "http://127.0.0.1:52000/callback", Scopes: []string{"photos:read"},
		Endpoint: oauth2.Endpoint{AuthURL: server.URL("authorization"), TokenURL: site.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	request := app.AuthCodeURL("a-state", oauth2.S256ChallengeOption(verifier))

	// The user signs in and says yes.
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" || r.Method == http.MethodGet && r.URL.Path == "/login" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := browser.Get(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	loginPage, _ := resp.Location()
	resp, err = browser.PostForm(loginPage.String(), url.Values{"user": {"alice"}, "password": {"correct horse"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, _ := io.ReadAll(resp.Body)
	fmt.Println(strings.SplitN(string(page), "\n", 2)[0])
	resp, err = browser.PostForm(resp.Request.URL.String(), url.Values{"decision": {"yes"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	callback, _ := resp.Location()

	// The app checks state and issuer, and exchanges the code.
	answer := callback.Query()
	fmt.Println(callback.Host, answer.Get("state") == "a-state", answer.Get("iss") == site.URL)
	tokens, err := app.Exchange(context.Background(), answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tokens.TokenType, tokens.Extra("scope"), tokens.RefreshToken != "")
	_, err = app.Exchange(context.Background(), answer.Get("code"), oauth2.VerifierOption(verifier))
	fmt.Println("again:", err.(*oauth2.RetrieveError).ErrorCode)
	// Output:
	// <h1>May Photo App do this in your name?</h1><ul><li>photos:read</ul>
	// 127.0.0.1:52000 true true
	// Bearer photos:read true
	// again: invalid_grant
}
