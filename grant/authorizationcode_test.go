package grant_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// TestCode: a code becomes an access token and a refresh token, for whom and what the user has consented to.
func TestCode(t *testing.T) {
	s := newCodeSite(t, false)
	a := s.redeem(t, s.code(t, "scope", "read write"))
	claims := a.claims(t)
	if a.Status != 200 || a.TokenType != "Bearer" || a.Scope != "read write" || claims["sub"] != "alice" ||
		claims["client_id"] != "app" || claims["iss"] != s.issuer || claims["aud"] != api || family(t, a) == "" {
		t.Errorf("%+v %v", a, claims)
	}
	if e := s.last(); e.GrantType != "authorization_code" || e.Subject != "alice" || e.AuthMethod != "client_secret_post" {
		t.Errorf("%+v", e)
	}
	again := s.refresh(t, a.Members["refresh_token"].(string), "scope", "read")
	if again.Status != 200 || again.Scope != "read" || again.claims(t)["sub"] != "alice" || family(t, again) != family(t, a) {
		t.Errorf("%+v", again)
	}
	if a := s.refresh(t, a.Members["refresh_token"].(string), "scope", "read admin"); a.Error != "invalid_scope" {
		t.Errorf("%+v", a)
	}
}

// family is the family of an access token.
func family(t testing.TB, a answer) string {
	t.Helper()
	origin, _ := a.claims(t)["avouch_origin"].(map[string]any)
	name, _ := origin["fam"].(string)
	return name
}

// TestCodePublicClient: a client without a secret has PKCE alone, and its refresh token rotates.
func TestCodePublicClient(t *testing.T) {
	s := newCodeSite(t, false)
	uri := "http://127.0.0.1:51004/cb"
	code := s.code(t, "client_id", "native", "redirect_uri", uri)
	native := []string{"client_id", "native", "client_secret", "", "redirect_uri", uri}
	if a := s.redeem(t, code, append(native, "redirect_uri", "http://127.0.0.1:51005/cb")...); a.Error != "invalid_grant" {
		t.Errorf("another port at the token endpoint: %+v", a)
	}
	a := s.redeem(t, code, native...)
	if a.Status != 200 {
		t.Fatalf("%+v %v", a, s.last().Err)
	}
	first := a.Members["refresh_token"].(string)
	b := s.refresh(t, first, native...)
	if b.Status != 200 || b.Members["refresh_token"] == first {
		t.Errorf("%+v", b)
	}
}

// TestCodeRefused: a code is for one client, one redirect URI and one challenge, and what is refused does not use it up.
func TestCodeRefused(t *testing.T) {
	s := newCodeSite(t, false)
	code := s.code(t)
	for _, test := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no code", []string{"code", ""}, "invalid_request"},
		{"unknown code", []string{"code", strings.Repeat("A", 43)}, "invalid_grant"},
		{"code cut short", []string{"code", code[:42]}, "invalid_grant"},
		{"code with a blank", []string{"code", code + " "}, "invalid_grant"},
		{"another client", []string{"client_id", "other"}, "invalid_grant"},
		{"another client, its own redirect URI", []string{"client_id", "other", "redirect_uri", "https://other.example/cb"}, "invalid_grant"},
		{"a public client", []string{"client_id", "native", "client_secret", ""}, "invalid_grant"},
		{"client not authenticated", []string{"client_secret", ""}, "invalid_client"},
		{"wrong secret", []string{"client_secret", "guess"}, "invalid_client"},
		{"client without the grant", []string{"client_id", "idle"}, "unauthorized_client"},
		{"no redirect URI", []string{"redirect_uri", ""}, "invalid_grant"},
		{"another redirect URI", []string{"redirect_uri", "https://app.example/cb/"}, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, "invalid_grant"},
		{"another verifier", []string{"code_verifier", strings.Repeat("a", 43)}, "invalid_grant"},
		{"the challenge as verifier", []string{"code_verifier", challenge}, "invalid_grant"},
		{"verifier too short", []string{"code_verifier", verifier[:42]}, "invalid_grant"},
		{"verifier too long", []string{"code_verifier", strings.Repeat("a", 129)}, "invalid_grant"},
		{"verifier with a line break", []string{"code_verifier", verifier + "\n"}, "invalid_grant"},
		{"scope beyond", []string{"scope", "read write"}, "invalid_scope"},
		{"resource beyond", []string{"resource", "https://elsewhere.example"}, "invalid_target"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if a := s.redeem(t, code, test.pairs...); a.Error != test.want || a.AccessToken != "" {
				t.Errorf("%+v", a)
			}
			if test.want == "invalid_grant" && s.last().Err.(*avouch.Error).Description != "the code is not accepted" {
				t.Errorf("%v", s.last().Err)
			}
		})
	}
	if a := s.redeem(t, code); a.Status != 200 {
		t.Errorf("afterwards: %+v %v", a, s.last().Err)
	}
}

// TestVerifierSyntax: a verifier that anybody could guess is refused, although its challenge fits (RFC 7636 §4.1, §7.1).
func TestVerifierSyntax(t *testing.T) {
	s := newCodeSite(t, true)
	for _, test := range []struct {
		verifier string
		good     bool
	}{
		{strings.Repeat("a", 43), true}, {strings.Repeat("~", 128), true}, {verifier, true},
		{"a", false}, {strings.Repeat("a", 42), false}, {strings.Repeat("a", 129), false}, {strings.Repeat("ä", 43), false}, {verifier + "+", false},
	} {
		sum := sha256.Sum256([]byte(test.verifier))
		code := s.code(t, "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		if a := s.redeem(t, code, "code_verifier", test.verifier); (a.Status == 200) != test.good {
			t.Errorf("%q: %+v", test.verifier, a)
		}
	}
}

// TestPKCEDowngrade: a code cannot be had without a challenge, so there is none that could be redeemed without a
// verifier, or with any (RFC 9700 §4.8.2).
func TestPKCEDowngrade(t *testing.T) {
	s := newCodeSite(t, false)
	for _, pairs := range [][]string{
		{"code_challenge", "", "code_challenge_method", ""}, {"code_challenge", ""}, {"code_challenge_method", ""},
		{"code_challenge", verifier, "code_challenge_method", "plain"},
	} {
		if got := s.authorize(t, with(pairs...)); got.params.Get("error") != "invalid_request" || got.params.Has("code") {
			t.Errorf("%q: %v", pairs, got.params)
		}
		if a := s.post(t, "/oauth/par", changed(with(pairs...), "client_secret", secretOf)); a.Error != "invalid_request" {
			t.Errorf("%q: %+v", pairs, a)
		}
	}
	// An attacker's code, brought to an honest client: its verifier belongs to another challenge (RFC 9700 §4.5).
	injected := s.code(t, "code_challenge", base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	if a := s.redeem(t, injected); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
}

// TestCodeWithoutRedirectURI: a request that names no redirect URI is bound to the one that is registered.
func TestCodeWithoutRedirectURI(t *testing.T) {
	s := newCodeSite(t, false)
	for _, test := range []struct{ sent, want string }{
		{"", ""}, {appURI, ""}, {"https://other.example/cb", "invalid_grant"}, {appURI + "/", "invalid_grant"},
	} {
		code := s.code(t, "redirect_uri", "")
		if a := s.redeem(t, code, "redirect_uri", test.sent); a.Error != test.want {
			t.Errorf("%q: %+v", test.sent, a)
		}
	}
}

// TestCodeOnce: a code that comes again ends everything that was issued on it (RFC 6749 §4.1.2).
func TestCodeOnce(t *testing.T) {
	s := newCodeSite(t, false)
	code := s.code(t)
	a := s.redeem(t, code)
	refreshToken := a.Members["refresh_token"].(string)
	if b := s.refresh(t, refreshToken); b.Status != 200 {
		t.Fatalf("%+v", b)
	}
	revoked := func() bool {
		ended, err := s.server.Handles().Revoked(t.Context(), time.Now(), handle.FamilyID(family(t, a)))
		if err != nil {
			t.Fatal(err)
		}
		return ended
	}
	// Who knows the code alone can neither use it nor end what its client has.
	for _, pairs := range [][]string{{"client_id", "other"}, {"code_verifier", strings.Repeat("a", 43)}, {"redirect_uri", ""}} {
		if b := s.redeem(t, code, pairs...); b.Error != "invalid_grant" || revoked() {
			t.Errorf("%q: %+v", pairs, b)
		}
	}
	for range 2 {
		if b := s.redeem(t, code); b.Error != "invalid_grant" || b.AccessToken != "" || !revoked() {
			t.Errorf("%+v", b)
		}
	}
	if b := s.refresh(t, refreshToken); b.Error != "invalid_grant" {
		t.Errorf("the refresh token lives: %+v", b)
	}
	// Another consent of the same user is another family.
	if b := s.redeem(t, s.code(t)); b.Status != 200 || family(t, b) == family(t, a) {
		t.Errorf("%+v", b)
	}
}

// TestCodeReplayedWhileStoreIsDown: where what was issued cannot be revoked now, the caller is told to come again, and
// never that all is well.
func TestCodeReplayedWhileStoreIsDown(t *testing.T) {
	f := &faulty{}
	s := newCodeSite(t, true, breakable(f))
	code := s.code(t)
	if a := s.redeem(t, code); a.Status != 200 {
		t.Fatalf("%+v", a)
	}
	f.breaks("Revoke")
	if a := s.redeem(t, code); a.Status != 503 || a.AccessToken != "" {
		t.Errorf("%+v", a)
	}
	f.breaks("")
	if a := s.redeem(t, code); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
}

// TestCodeInParallel: of many who bring a code at the same moment one gets a token.
func TestCodeInParallel(t *testing.T) {
	s := newCodeSite(t, false)
	code := s.code(t)
	answers := make([]answer, 64)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-start
			answers[i] = s.redeem(t, code)
		})
	}
	close(start)
	all.Wait()
	won := 0
	for _, a := range answers {
		switch {
		case a.Status == 200:
			won++
		case a.Error != "invalid_grant":
			t.Errorf("%+v", a)
		}
	}
	if won != 1 {
		t.Errorf("%d got a token", won)
	}
}

// TestCodeFailures: who cannot tell issues nothing, and the code is still good afterwards.
func TestCodeFailures(t *testing.T) {
	f := &faulty{}
	s := newCodeSite(t, true, breakable(f))
	code := s.code(t)
	for _, method := range []string{"Handle", "Revoked", "FirstUse"} {
		f.breaks(method)
		if a := s.redeem(t, code); a.Status != 503 || a.AccessToken != "" {
			t.Errorf("%s: %+v", method, a)
		}
	}
	f.breaks("")
	if a := s.redeem(t, code); a.Status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
	code = s.code(t)
	f.breaks("PutHandle") // of the refresh token
	if a := s.redeem(t, code); a.Status != 503 || a.AccessToken != "" {
		t.Errorf("%+v", a)
	}
}

// TestCodeExpires: a code is good for a minute, or as long as the grant says.
func TestCodeExpires(t *testing.T) {
	for _, test := range []struct {
		configured, after time.Duration
		good              bool
	}{
		{0, 59 * time.Second, true}, {0, time.Minute, false}, {10 * time.Minute, 9 * time.Minute, true}, {time.Second, time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newCodeSite(t, true, func(s *codeSite) { s.grant.CodeLifetime = test.configured })
			code := s.code(t)
			time.Sleep(test.after)
			if a := s.redeem(t, code); (a.Status == 200) != test.good || !test.good && a.Error != "invalid_grant" {
				t.Errorf("%v after %v: %+v", test.configured, test.after, a)
			}
		})
	}
}

// TestCodeIsRememberedAfterItsEnd: a code that was used in its last moment cannot be used again at the same one, and the
// guard keeps it longer than the store keeps the code.
func TestCodeIsRememberedAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var uses []replay.Use
		s := newCodeSite(t, true, func(s *codeSite) { s.config.Replay = recording{&uses} })
		code := s.code(t)
		issued := time.Now()
		time.Sleep(59 * time.Second)
		if a := s.redeem(t, code); a.Status != 200 {
			t.Fatalf("%+v", a)
		}
		if len(uses) != 1 || uses[0].Purpose != "code" || uses[0].Party != "app" || uses[0].Holder != "" || uses[0].ID == "" ||
			!uses[0].Issued.Equal(issued) || !uses[0].Until.Equal(issued.Add(3*time.Minute)) || strings.Contains(uses[0].ID, code) {
			t.Errorf("%+v", uses)
		}
	})
}

// TestCodeResources: resources are asked for at both endpoints, and the second narrows the first (RFC 8707 §2.2).
func TestCodeResources(t *testing.T) {
	s := newCodeSite(t, false)
	for _, test := range []struct {
		name               string
		asked, at, refresh []string
		want               any
		err, refreshErr    string
	}{
		{name: "none", want: api},
		{name: "at the token endpoint only", at: []string{api2}, refresh: []string{api}, want: api2},
		{name: "one", asked: []string{api2}, want: api2},
		{name: "two", asked: []string{api2, api}, at: []string{api2, api}, want: []any{api2, api}},
		{name: "one of two", asked: []string{api2, api}, at: []string{api}, refresh: []string{api2}, want: api},
		{name: "beyond", asked: []string{api2}, at: []string{api}, err: "invalid_target"},
		{name: "beyond, at refresh", asked: []string{api2}, refresh: []string{api}, want: api2, refreshErr: "invalid_target"},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := with()
			form["resource"] = test.asked
			got := s.authorize(t, form)
			a := s.token(t, url.Values{
				"grant_type": {grant.AuthorizationCodeType}, "client_id": {"app"}, "client_secret": {secretOf},
				"code": got.params["code"], "redirect_uri": {appURI}, "code_verifier": {verifier}, "resource": test.at,
			})
			if a.Error != test.err {
				t.Fatalf("%+v", a)
			}
			if test.err != "" {
				return
			}
			aud := a.claims(t)["aud"]
			if list, ok := aud.([]any); ok && !slices.Equal(list, test.want.([]any)) || !ok && aud != test.want {
				t.Errorf("aud is %v", aud)
			}
			b := s.token(t, url.Values{
				"grant_type": {grant.RefreshTokenType}, "client_id": {"app"}, "client_secret": {secretOf},
				"refresh_token": {a.Members["refresh_token"].(string)}, "resource": test.refresh,
			})
			if b.Error != test.refreshErr {
				t.Errorf("%+v", b)
			}
		})
	}
}

// TestCodeOfTheDisabled: who is disabled between consent and exchange gets nothing.
func TestCodeOfTheDisabled(t *testing.T) {
	clients := codeClients()
	var off disabledSubjects
	s := newCodeSite(t, true, func(s *codeSite) {
		s.config.Clients = clients
		s.config.Subjects = &off
	})
	code := s.code(t)
	off = disabledSubjects{"alice"}
	if a := s.redeem(t, code); a.Error != "invalid_grant" {
		t.Errorf("subject: %+v", a)
	}
	off = nil
	changed := *clients[0]
	changed.Disabled = true
	before := clients[0]
	clients[0] = &changed
	if a := s.redeem(t, code); a.Error != "invalid_client" {
		t.Errorf("client: %+v", a)
	}
	narrowed := *before
	narrowed.Scopes = nil
	clients[0] = &narrowed
	if a := s.redeem(t, code); a.Status != 200 || a.Scope != "" {
		t.Errorf("scopes taken away: %+v", a)
	}
}

// TestCodeOfAnEarlierClient: what was issued to a client that was deleted is of no use to one that gets its id later.
func TestCodeOfAnEarlierClient(t *testing.T) {
	clients := codeClients()
	s := newCodeSite(t, true, func(s *codeSite) { s.config.Clients = clients })
	first := s.code(t)
	refreshToken, ok := s.redeem(t, first).Members["refresh_token"].(string)
	if !ok {
		t.Fatal(s.last().Err)
	}
	code := s.code(t)
	another, before := *clients[0], clients[0]
	another.Created = time.Now()
	clients[0] = &another
	if a := s.redeem(t, code); a.Error != "invalid_grant" || a.AccessToken != "" {
		t.Errorf("code: %+v", a)
	}
	if a := s.refresh(t, refreshToken); a.Error != "invalid_grant" || a.AccessToken != "" {
		t.Errorf("refresh token: %+v", a)
	}
	if a := s.redeem(t, s.code(t)); a.Status != 200 || s.refresh(t, a.Members["refresh_token"].(string)).Status != 200 {
		t.Errorf("its own: %+v", a)
	}
	clients[0] = before // nothing of it was used up
	if a := s.redeem(t, code); a.Status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
}

// TestCodeOfFamilyThatEnded: a consent that was withdrawn before its code was exchanged gives nothing.
func TestCodeOfFamilyThatEnded(t *testing.T) {
	s := newCodeSite(t, true)
	code := s.code(t)
	now := time.Now()
	record, err := s.server.Handles().Handle(t.Context(), now, "code", handle.Digest(code))
	if err != nil || record == nil {
		t.Fatal(err)
	}
	var kept struct {
		Family string `json:"family"`
	}
	if err := json.Unmarshal(record.Data, &kept); err != nil || kept.Family == "" {
		t.Fatalf("%s: %v", record.Data, err)
	}
	if strings.Contains(string(record.Data), code) {
		t.Errorf("the code is kept: %s", record.Data)
	}
	if err := s.server.Handles().Revoke(t.Context(), now, now.Add(time.Hour), handle.FamilyID(kept.Family)); err != nil {
		t.Fatal(err)
	}
	if a := s.redeem(t, code); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
}

// TestCodeAfterRestart: the guard in memory has forgotten what was used, so a code from before is refused, and nothing
// revoked: perhaps it has never been used.
func TestCodeAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := newCodeSite(t, true)
		code := before.code(t)
		time.Sleep(30 * time.Second)
		s := newCodeSite(t, true, func(s *codeSite) { s.config.Handles = before.config.Handles })
		a := s.redeem(t, code)
		replayed, ok := errors.AsType[*replay.ReplayedError](s.last().Err)
		if a.Error != "invalid_grant" || !ok || !replayed.BeforeStart {
			t.Errorf("%+v %v", a, s.last().Err)
		}
		if a := before.redeem(t, code); a.Status != 200 {
			t.Errorf("where it is remembered: %+v", a)
		}
	})
}

// TestCodeWithoutRefresh: no refresh tokens if the server has none, or the client may not.
func TestCodeWithoutRefresh(t *testing.T) {
	s := newCodeSite(t, true, func(s *codeSite) { s.config.Refresh = nil })
	if a := s.redeem(t, s.code(t)); a.Status != 200 || a.Members["refresh_token"] != nil {
		t.Errorf("%+v", a)
	}
	clients := codeClients()
	clients[0].Grants = []string{grant.AuthorizationCodeType}
	s = newCodeSite(t, true, func(s *codeSite) { s.config.Clients = clients })
	if a := s.redeem(t, s.code(t)); a.Status != 200 || a.Members["refresh_token"] != nil {
		t.Errorf("%+v", a)
	}
}
