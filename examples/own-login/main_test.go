package main

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/resource"
)

// app is a client that its authors did not write for this server: golang.org/x/oauth2.
type app struct {
	*oauth2.Config
	verifier string
}

// newSite serves the program, to one browser and one app.
func newSite(t *testing.T) (url string, b *http.Client, a app) {
	t.Helper()
	var mux http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	made, err := newMux(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	mux = made
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s.URL, &http.Client{Jar: jar, CheckRedirect: stay}, app{&oauth2.Config{
		ClientID: "photos", RedirectURL: "http://127.0.0.1:50000/callback", Scopes: []string{"photos:print"},
		Endpoint: oauth2.Endpoint{AuthURL: s.URL + "/oauth/authorize", TokenURL: s.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}, oauth2.GenerateVerifier()}
}

// location asks, and returns where the browser is sent.
func location(t *testing.T, resp *http.Response, err error) *url.URL {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("%s, and nobody is sent anywhere: %v", resp.Status, err)
	}
	return to
}

// decide brings a user through the pages, and returns what comes back to the app.
func decide(t *testing.T, site string, b *http.Client, a app, decision string) url.Values {
	t.Helper()
	start := a.AuthCodeURL("a-state", oauth2.S256ChallengeOption(a.verifier))
	resp, err := b.Get(start)
	signIn := location(t, resp, err)
	if signIn.Path != "/sign-in" {
		t.Fatalf("somebody who is not signed in is sent to %s", signIn)
	}
	resp, err = b.PostForm(signIn.String(), url.Values{"user": {"alice"}})
	back := location(t, resp, err)
	if !strings.HasPrefix(start, site) || back.String() != start {
		t.Fatalf("after the sign-in the browser is at %s, not at %s", back, start)
	}
	resp, err = b.PostForm(back.String(), url.Values{"decision": {decision}})
	to := location(t, resp, err)
	if !strings.HasPrefix(to.String(), a.RedirectURL+"?") || to.Query().Get("state") != "a-state" || to.Query().Get("iss") != site {
		t.Errorf("sent back to %s", to)
	}
	return to.Query()
}

func TestAllow(t *testing.T) {
	site, b, a := newSite(t)
	code := decide(t, site, b, a, "allow").Get("code")
	if _, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("somebody without the verifier got a token for the code")
	}
	got, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.New(resource.Config{Issuer: site, Audience: site})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := guard.Verify(t.Context(), got.AccessToken)
	if err != nil || caller.Subject != "alice" || caller.ClientID != "photos" || !caller.Has("photos:print") || caller.Has("photos:read") {
		t.Errorf("got %+v, %v", caller, err)
	}

	_, err = a.Exchange(t.Context(), code, oauth2.VerifierOption(a.verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_grant" {
		t.Errorf("the code a second time: %v", err)
	}
	if _, err := a.TokenSource(t.Context(), &oauth2.Token{RefreshToken: got.RefreshToken}).Token(); err == nil {
		t.Error("the code came twice, and what was issued on it is still good")
	}
}

func TestDeny(t *testing.T) {
	site, b, a := newSite(t)
	if got := decide(t, site, b, a, "deny"); got.Get("error") != "access_denied" || got.Has("code") {
		t.Errorf("sent back with %s", got)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	site, b, _ := newSite(t)
	resp, err := b.PostForm(site+"/sign-in?next="+url.QueryEscape("https://evil.example/oauth/authorize?"), url.Values{"user": {"alice"}})
	if to := location(t, resp, err); to.String() != site+"/" {
		t.Errorf("sent to %s", to)
	}
}
