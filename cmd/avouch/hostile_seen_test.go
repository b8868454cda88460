package main

import (
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
)

// givenTokens is what a user has given to a client.
type givenTokens struct {
	client          string
	access, refresh string
}

// consent has dev/USER allow a client everything, by the authorization code grant, and returns the tokens.
func (h *hostile) consent(t testing.TB, client, user string) givenTokens {
	t.Helper()
	address := h.url + "/oauth/authorize?" + authorizationRequest("client_id", client).Encode()
	back, err := url.Parse(newBrowser(t, h.url).allow(address, user))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("%v %v", back, err)
	}
	form := with(url.Values{"grant_type": {grantCode}, "redirect_uri": {redirectURI}, "code_verifier": {codeVerifier}, "code": back.Query()["code"]}, h.proof(t, client)...)
	got := h.knock(t, h.at(t, tokenPath, form), "")
	h.want(t, got, granted)
	access, _ := got.body["access_token"].(string)
	refresh, _ := got.body["refresh_token"].(string)
	if access == "" || refresh == "" {
		t.Fatalf("%s", got.text)
	}
	h.keepToken(access)
	h.keep(refresh)
	return givenTokens{client, access, refresh}
}

// proof are the credentials of a client.
func (h *hostile) proof(t testing.TB, client string) []string {
	switch {
	case h.keys[client] != nil:
		return asserting(h.assertion(t, client, client, nil))
	case h.secret[client] != "":
		return []string{"client_id", client, "client_secret", h.secret[client]}
	}
	return []string{"client_id", client}
}

// refreshes reports whether a refresh token of a client that authenticates is still good.
func (h *hostile) refreshes(t testing.TB, g givenTokens) bool {
	t.Helper()
	got := h.knock(t, h.at(t, tokenPath, with(url.Values{"grant_type": {grantRefresh}, "refresh_token": {g.refresh}}, h.proof(t, g.client)...)), "")
	if got.status != 200 && got.body["error"] != "invalid_grant" && got.body["error"] != "invalid_client" {
		t.Errorf("refreshing: %d %s", got.status, got.text)
	}
	return got.status == 200
}

func (h *hostile) active(t testing.TB, token string) bool {
	t.Helper()
	return h.introspectAs(t, "api", token)["active"] == true
}

// until waits until something is so in a server: at once if now, else when it has seen a change. It sees one within a
// second if it gets to run; how long that takes on a busy machine is not what is tested (admin.TestStands is for that).
func until(t testing.TB, what string, now bool, holds func() bool) {
	t.Helper()
	const pause = 20 * time.Millisecond
	for end := time.Now().Add(patience); !holds(); time.Sleep(pause) {
		if now || time.Now().After(end) {
			t.Errorf("%s: not seen", what)
			return
		}
	}
}

// TestHostileRevocationIsSeen: what was withdrawn holds from the next request on, at the token endpoint and at
// introspection; what can be given back holds again.
func TestHostileRevocationIsSeen(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	h.issuer("idp", "k1")
	ctx := t.Context()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	token := func(form url.Values) string {
		got := h.attack(t, attack{form: form, want: granted})
		text, _ := got.body["access_token"].(string)
		return text
	}
	is := func(what string, g givenTokens, want bool) {
		t.Helper()
		if got := h.active(t, g.access); got != want {
			t.Errorf("%s: the access token is active: %t", what, got)
		}
		if g.refresh != "" {
			if got := h.refreshes(t, g); got != want {
				t.Errorf("%s: the refresh token refreshes: %t", what, got)
			}
		}
	}
	t.Run("client", func(t *testing.T) {
		g := h.consent(t, "post", "alice")
		_, err := h.admin.DisableClient(ctx, "post")
		do(err)
		is("disabled", g, false)
		_, err = h.admin.EnableClient(ctx, "post")
		do(err)
		is("enabled", g, true)
	})
	t.Run("subject", func(t *testing.T) {
		g, other := h.consent(t, "post", "bob"), h.consent(t, "post", "carol")
		_, err := h.admin.DisableSubject(ctx, "dev/bob", "left")
		do(err)
		is("disabled", g, false)
		is("somebody else", other, true)
		_, err = h.admin.EnableSubject(ctx, "dev/bob")
		do(err)
		is("enabled", g, true)
	})
	t.Run("key", func(t *testing.T) {
		g := givenTokens{access: token(h.vouching(t, "other"))}
		is("before", g, true)
		_, err := h.admin.RevokeClientKey(ctx, "other", h.keys["other"].ID)
		do(err)
		is("revoked", g, false)
		h.attack(t, attack{form: h.vouching(t, "other"), want: invalidClient})
	})
	t.Run("issuer", func(t *testing.T) {
		g := givenTokens{access: token(asGrant(h.assertion(t, "idp", "ann", nil)))}
		is("before", g, true)
		_, err := h.admin.DisableIssuer(ctx, "idp")
		do(err)
		is("disabled", g, false)
		h.attack(t, attack{form: asGrant(h.assertion(t, "idp", "ann", nil)), want: invalidGrant})
		_, err = h.admin.EnableIssuer(ctx, "idp")
		do(err)
		is("enabled", g, true)
	})
	t.Run("rule", func(t *testing.T) {
		g := givenTokens{access: token(asGrant(h.assertion(t, "both", "alice", nil)))}
		other := givenTokens{access: token(asGrant(h.assertion(t, "both", "both", nil)))} // by another rule
		is("before", g, true)
		_, err := h.admin.DisableRule(ctx, "both-alice")
		do(err)
		is("disabled", g, false)
		is("by another rule", other, true)
		_, err = h.admin.EnableRule(ctx, "both-alice")
		do(err)
		is("enabled", g, true)
		rule, err := h.admin.Rule(ctx, "both-alice")
		do(err)
		do(h.admin.RemoveRule(ctx, "both-alice"))
		is("removed", g, false)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // a token says in which second it was issued
		_, err = h.admin.AddRule(ctx, rule.RuleMetadata)
		do(err)
		is("another one of its name", g, false)
		is("its own", givenTokens{access: token(asGrant(h.assertion(t, "both", "alice", nil)))}, true)
	})
	revoke := func(client, token string) {
		t.Helper()
		h.want(t, h.knock(t, h.at(t, "/oauth/revoke", with(url.Values{"token": {token}}, h.proof(t, client)...)), ""), verdict{200, ""})
	}
	t.Run("access token", func(t *testing.T) {
		g := h.consent(t, "post", "alice")
		revoke("both", g.access)
		is("by another client", g, true)
		revoke("post", g.access)
		if h.active(t, g.access) || !h.refreshes(t, g) {
			t.Error("the access token alone was to end")
		}
	})
	t.Run("refresh token", func(t *testing.T) {
		g := h.consent(t, "post", "alice")
		revoke("both", g.refresh)
		revoke("public", g.refresh)
		is("by another client", g, true)
		revoke("post", g.refresh)
		is("by its own", g, false)
	})
	t.Run("client removed, and another one of its name", func(t *testing.T) {
		g := h.consent(t, "post", "alice")
		do(h.admin.RemoveClient(ctx, "post"))
		is("removed", g, false)
		in := admin.AddClientInput{ID: "post", Secret: &admin.SecretInput{Value: []byte(h.secret["post"])}}
		in.AuthMethod, in.GrantTypes, in.RedirectURIs = "client_secret_post", []string{grantCode, grantRefresh}, []string{redirectURI}
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // a token says in which second it was issued
		h.add(in)
		is("added again", g, false)
		is("its own", h.consent(t, "post", "alice"), true)
	})
	t.Run("registration", func(t *testing.T) {
		c := h.registered(t, h.knock(t, h.register(t, `{"redirect_uris":["`+redirectURI+`"],"token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code","refresh_token"],"scope":"demo:read"}`, ""), ""))
		h.secret[c.id] = c.secret
		address := h.url + "/oauth/authorize?" + authorizationRequest("client_id", c.id, "scope", "", "scope", "demo:read").Encode()
		back, err := url.Parse(newBrowser(t, h.url).allow(address, "alice"))
		do(err)
		got := h.knock(t, h.at(t, tokenPath, with(url.Values{"grant_type": {grantCode}, "redirect_uri": {redirectURI}, "code_verifier": {codeVerifier}, "code": back.Query()["code"]}, h.proof(t, c.id)...)), "")
		h.want(t, got, granted)
		g := givenTokens{client: c.id}
		g.access, _ = got.body["access_token"].(string)
		g.refresh, _ = got.body["refresh_token"].(string)
		is("before", g, true)
		if got := h.knock(t, h.manage(t, "DELETE", c.id, c.token, ""), ""); got.status != 204 {
			t.Fatalf("%d %s", got.status, got.text)
		}
		is("deleted", g, false)
		h.want(t, h.knock(t, h.manage(t, "GET", c.id, c.token, ""), ""), invalidToken)
	})
}

// TestHostileRevocationIsSeenByOthers: the same in a second process on the same database, within a second.
func TestHostileRevocationIsSeenByOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.town.settleDoorsBeside()
	serve := func(address string) *hostile {
		cmd := s.command("serve", "--dev", "--listen", address)
		cmd.Stdout = io.Discard // what it says to people
		return s.serveBy(address, cmd).hostile
	}
	a := serve(s.town.address)
	second, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := serve(second)
	token := func(form url.Values) string {
		got := a.attack(t, attack{form: form, want: granted})
		text, _ := got.body["access_token"].(string)
		return text
	}
	see := func(what string, g givenTokens, want, now bool) {
		t.Helper()
		for name, h := range map[string]*hostile{"first": a, "second": b} {
			// Only the token is asked about again and again. A client that is disabled has its secret refused, and ten refused
			// secrets are too many from one address.
			until(t, what+", in the "+name+" process", now, func() bool { return h.active(t, g.access) == want })
			if g.refresh == "" {
				continue
			}
			if got := h.refreshes(t, g); got != want {
				t.Errorf("%s, in the %s process: the refresh token refreshes: %t", what, name, got)
			}
		}
	}
	for _, test := range []struct {
		off, on string
		given   func() givenTokens
	}{
		{"client disable web", "client enable web", func() givenTokens { return a.consent(t, "web", "alice") }},
		{"subject disable dev/alice", "subject enable dev/alice", func() givenTokens { return a.consent(t, "web", "alice") }},
		{"issuer disable twin", "issuer enable twin", func() givenTokens { return givenTokens{access: token(asGrant(a.assertion(t, "twin", "ann", nil)))} }},
		{"rule disable both-alice", "rule enable both-alice", func() givenTokens { return givenTokens{access: token(asGrant(a.assertion(t, "both", "alice", nil)))} }},
		{"client key revoke ed " + a.keys["ed"].ID, "", func() givenTokens { return givenTokens{access: token(a.vouching(t, "ed"))} }},
	} {
		t.Run(test.off[:strings.LastIndex(test.off, " ")], func(t *testing.T) {
			g := test.given()
			see("before", g, true, false)
			s.run(strings.Fields(test.off)...)
			see("off", g, false, false)
			if test.on != "" {
				s.run(strings.Fields(test.on)...)
				see("on", g, true, false)
			}
		})
	}
	// What a client revokes is in the one store, and needs no second.
	for _, kind := range []string{"access", "refresh"} {
		t.Run("revoked "+kind+" token", func(t *testing.T) {
			g := a.consent(t, "web", "alice")
			text := map[string]string{"access": g.access, "refresh": g.refresh}[kind]
			a.want(t, a.knock(t, a.at(t, "/oauth/revoke", with(url.Values{"token": {text}}, a.proof(t, "web")...)), ""), verdict{200, ""})
			if kind == "access" {
				g.refresh = ""
			}
			see("revoked", g, false, true)
		})
	}
	t.Run("race", func(t *testing.T) {
		// Each of these is good once, whichever process it comes to, and many at the same time are one.
		atOnce := func(what string, form url.Values) answer {
			t.Helper()
			var mu sync.Mutex
			var good []answer
			var all sync.WaitGroup
			for i := range 8 {
				h := []*hostile{a, b}[i%2]
				all.Go(func() {
					got := h.knock(t, h.at(t, tokenPath, form), "")
					mu.Lock()
					defer mu.Unlock()
					if got.status == 200 {
						good = append(good, got)
					} else {
						h.want(t, got, invalidGrant)
					}
				})
			}
			all.Wait()
			if len(good) != 1 {
				t.Fatalf("%s: %d of 8 are granted", what, len(good))
			}
			text, _ := good[0].body["access_token"].(string)
			see(what+" came again", givenTokens{access: text}, false, true)
			return good[0]
		}
		for range 5 {
			address := a.url + "/oauth/authorize?" + authorizationRequest("client_id", "app").Encode()
			back, err := url.Parse(newBrowser(t, a.url).allow(address, "alice"))
			if err != nil {
				t.Fatal(err)
			}
			got := atOnce("a code", url.Values{"grant_type": {grantCode}, "redirect_uri": {redirectURI}, "code_verifier": {codeVerifier}, "code": back.Query()["code"], "client_id": {"app"}})
			refresh, _ := got.body["refresh_token"].(string)
			b.want(t, b.knock(t, b.at(t, tokenPath, url.Values{"grant_type": {grantRefresh}, "refresh_token": {refresh}, "client_id": {"app"}}), ""), invalidGrant)
			atOnce("a refresh token", url.Values{"grant_type": {grantRefresh}, "refresh_token": {a.consent(t, "app", "alice").refresh}, "client_id": {"app"}})

			begun := b.knock(t, b.at(t, "/oauth/device_authorization", url.Values{"client_id": {"app"}}), "")
			userCode, _ := begun.body["user_code"].(string)
			deviceCode, _ := begun.body["device_code"].(string)
			newBrowser(t, a.url).connect(a.url+"/device?user_code="+userCode, "alice")
			atOnce("a device code", url.Values{"grant_type": {grantDevice}, "device_code": {deviceCode}, "client_id": {"app"}})
		}
	})
	t.Run("code", func(t *testing.T) {
		// redeemed in both processes: one gets tokens, and what it gets ends
		address := a.url + "/oauth/authorize?" + authorizationRequest("client_id", "web").Encode()
		back, err := url.Parse(newBrowser(t, a.url).allow(address, "alice"))
		if err != nil {
			t.Fatal(err)
		}
		redeem := func(h *hostile) answer {
			return h.knock(t, h.at(t, tokenPath, with(url.Values{"grant_type": {grantCode}, "redirect_uri": {redirectURI}, "code_verifier": {codeVerifier}, "code": back.Query()["code"]}, h.proof(t, "web")...)), "")
		}
		got := redeem(a)
		a.want(t, got, granted)
		b.want(t, redeem(b), invalidGrant)
		g := givenTokens{client: "web"}
		g.access, _ = got.body["access_token"].(string)
		g.refresh, _ = got.body["refresh_token"].(string)
		see("the code came again", g, false, true)
	})
	t.Run("pushed request", func(t *testing.T) {
		got := a.knock(t, a.at(t, "/oauth/par", with(authorizationRequest(), a.proof(t, "web")...)), "")
		uri, _ := got.body["request_uri"].(string)
		address := a.url + "/oauth/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {uri}}.Encode()
		user := newBrowser(t, a.url)
		if back := user.allow(address, "alice"); !strings.Contains(back, "code=") {
			t.Fatal(back)
		}
		got = b.look(t, "GET", b.base+"/oauth/authorize?"+url.Values{"client_id": {"web"}, "request_uri": {uri}, "redirect_uri": {redirectURI}}.Encode(), "", nil)
		if strings.Contains(got.header.Get("Location"), "code=") {
			t.Errorf("a pushed request that was used leads to %s", got.header.Get("Location"))
		}
	})
}

// settleDoorsBeside registers who takes part in grants with people, beside those of settle.
func (h *hostile) settleDoorsBeside() {
	h.t.Helper()
	web := admin.AddClientInput{ID: "web", GenerateSecret: true}
	web.AuthMethod, web.GrantTypes, web.RedirectURIs = "client_secret_post", []string{grantCode, grantRefresh}, []string{redirectURI}
	api := admin.AddClientInput{ID: "api", GenerateSecret: true}
	api.AuthMethod, api.GrantTypes, api.Introspects = "client_secret_post", []string{grantClientCredentials}, []string{h.url}
	for _, in := range []admin.AddClientInput{web, api} {
		h.secret[in.ID] = h.add(in).Secret
		h.keep(h.secret[in.ID])
	}
	app := admin.AddClientInput{ID: "app"}
	app.AuthMethod, app.GrantTypes, app.RedirectURIs = "none", []string{grantCode, grantRefresh, grantDevice}, []string{redirectURI}
	h.add(app)
}
