package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// look opens an address as a browser does, follows nothing, and checks what holds for every page and redirect that
// people are shown.
func (h *hostile) look(t testing.TB, method, address, body string, change func(*http.Request)) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(req)
	}
	resp, err := h.from("").Do(req)
	if err != nil {
		t.Fatalf("no answer: %.500s", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if a.status >= 500 {
		t.Errorf("status %d: %s", a.status, a.text)
	}
	head := a.header
	if head.Get("Cache-Control") != "no-store" || head.Get("Referrer-Policy") == "" {
		t.Errorf("headers %v", head)
	}
	location := head.Get("Location")
	if (location != "") != (a.status == http.StatusSeeOther) || len(head.Values("Location")) > 1 {
		t.Errorf("%d to %q", a.status, head.Values("Location"))
	}
	if strings.ContainsAny(location, "\r\n\"<> ") {
		t.Errorf("the location %q", location)
	}
	if head.Get("X-Injected") != "" {
		t.Errorf("a header was injected: %v", head)
	}
	if location != "" {
		return a
	}
	if head.Get("X-Frame-Options") != "DENY" || !strings.Contains(head.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
		strings.Contains(head.Get("Content-Security-Policy"), "unsafe-inline") || !strings.HasPrefix(head.Get("Content-Type"), "text/html") {
		t.Errorf("headers of a page: %v", head)
	}
	if strings.Contains(a.text, "<script") || strings.Contains(a.text, "javascript:") {
		t.Errorf("a script in the page: %s", a.text)
	}
	return a
}

// TestHostileAuthorization: whatever is wrong before the redirect URI has been verified leads nobody anywhere (RFC 6749
// §4.1.2.1, RFC 9700 §4.1, §4.11); what is wrong after that goes there, with state and iss, and never a code.
func TestHostileAuthorization(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	page := h.url + "/oauth/authorize"
	good := func(more ...string) url.Values {
		return authorizationRequest(append([]string{"client_id", "public"}, more...)...)
	}
	alive := func(t *testing.T) {
		t.Helper()
		if got := h.look(t, "GET", page+"?"+good().Encode(), "", nil); got.status != 200 || !strings.Contains(got.text, "Sign in") {
			t.Errorf("a good request gets %d %.200s", got.status, got.text)
		}
	}

	var queries []string
	for _, uri := range []string{
		"http://evil.example/callback", "http://127.0.0.1:8765@evil.example/callback", "http://evil.example@127.0.0.1:8765/callback", "http://127.0.0.1:8765/callback/", "http://127.0.0.1:8765/callback/../x",
		"http://127.0.0.1:8765/Callback", "HTTP://127.0.0.1:8765/callback", "http://127.0.0.1:8765/callback?x=1", "http://127.0.0.1:8765/callback#x", "http://127.0.0.1:8765/callback%23", "http://127.0.0.1:8765\\@evil.example/callback",
		"http://127.0.0.1:8765/callback\r\nX-Injected: 1", "http://127.0.0.1:8765/callback%0d%0aX-Injected:1", "//127.0.0.1:8765/callback", "/callback", "javascript:alert(1)//", "data:text/html,<script>alert(1)</script>",
		"http://127.0.0.2:8765/callback", "http://localhost:8765/callback", "http://127.0.0.1.evil.example:8765/callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:99999/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:08765/callback",
		"http://127.1:8765/callback", "http://2130706433:8765/callback", "http://[::1]:8765/callback", "http://127.0.0.1:8765/callback ", " http://127.0.0.1:8765/callback", "https://127.0.0.1:8765/callback", strings.Repeat("http://127.0.0.1/", 500), "\u202e",
	} {
		queries = append(queries, good("redirect_uri", "", "redirect_uri", uri).Encode())
	}
	for _, id := range []string{"", "off", "nobody", "Public", "public ", "public\r\nX-Injected: 1", "<script>alert(1)</script>", strings.Repeat("a", 5000)} {
		queries = append(queries, good("client_id", "", "client_id", id).Encode())
	}
	queries = append(queries,
		"", "%zz", ";", "&&&", good().Encode()+";x", good().Encode()+"&x=%00", good().Encode()+"&x=%ff", good().Encode()+"&client_id=other", good().Encode()+"&redirect_uri="+url.QueryEscape(redirectURI), good().Encode()+"&State=1&state=2",
		good("state", strings.Repeat("s", 17<<10)).Encode(), manyParameters(5000),
		"client_id=public&request_uri=https://evil.example/request", "client_id=public&request_uri=urn:ietf:params:oauth:request_uri:"+strings.Repeat("A", 43), "client_id=public&request_uri="+url.QueryEscape("urn:ietf:params:oauth:request_uri:\r\nX"),
	)
	for _, query := range queries {
		got := h.look(t, "GET", page+"?"+query, "", nil)
		if got.status != http.StatusBadRequest {
			t.Errorf("%.200s\ngets %d to %q", query, got.status, got.header.Get("Location"))
		}
	}
	alive(t)

	for _, method := range []string{"HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "X"} {
		if got := h.look(t, method, page+"?"+good().Encode(), "", nil); got.status != 405 || got.header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	for name, body := range map[string]string{"too long": good("state", strings.Repeat("s", 17<<10)).Encode(), "endless": strings.Repeat("x=1&", 1<<20), "junk": "\x00\xff%;", "nothing": "&"} {
		got := h.look(t, "POST", page, body, nil)
		if name == "nothing" && got.status == http.StatusSeeOther { // it is judged when it comes again
			continue
		}
		if got.status != http.StatusBadRequest {
			t.Errorf("a form, %s: %d", name, got.status)
		}
	}
	asText := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	if got := h.look(t, "POST", page, good().Encode(), asText); got.status != http.StatusBadRequest {
		t.Errorf("a form that is text: %d", got.status)
	}

	const state = "a b\r\nX-Injected: 1\r\n\r\n<script>&code=evil&iss=evil"
	for name, test := range map[string]struct {
		pairs []string
		want  string
	}{
		"implicit":             {[]string{"response_type", "", "response_type", "token"}, "unsupported_response_type"},
		"hybrid":               {[]string{"response_type", "", "response_type", "code id_token"}, "unsupported_response_type"},
		"no response type":     {[]string{"response_type", ""}, "invalid_request"},
		"fragment":             {[]string{"response_mode", "fragment"}, "invalid_request"},
		"form_post":            {[]string{"response_mode", "form_post"}, "invalid_request"},
		"no challenge":         {[]string{"code_challenge", ""}, "invalid_request"},
		"no method":            {[]string{"code_challenge_method", ""}, "invalid_request"},
		"plain":                {[]string{"code_challenge_method", "", "code_challenge_method", "plain"}, "invalid_request"},
		"method in lower case": {[]string{"code_challenge_method", "", "code_challenge_method", "s256"}, "invalid_request"},
		"short challenge":      {[]string{"code_challenge", "", "code_challenge", "abc"}, "invalid_request"},
		"padded challenge":     {[]string{"code_challenge", "", "code_challenge", codeChallenge + "="}, "invalid_request"},
		"scope":                {[]string{"scope", "", "scope", "admin"}, "invalid_scope"},
		"scope injected":       {[]string{"scope", "", "scope", "orders:read\r\nX"}, "invalid_scope"},
		"resource":             {[]string{"resource", "https://evil.example"}, "invalid_target"},
		"resource, a fragment": {[]string{"resource", h.url + "#x"}, "invalid_target"},
		"request object":       {[]string{"request", "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"},
		"foreign request_uri":  {[]string{"request_uri", "https://evil.example/request"}, "invalid_request_uri"},
		"prompt none":          {[]string{"prompt", "none"}, "login_required"},
	} {
		got := h.look(t, "GET", page+"?"+good(append(test.pairs, "state", state)...).Encode(), "", nil)
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil || !strings.HasPrefix(got.header.Get("Location"), redirectURI+"?") {
			t.Errorf("%s: %d to %q", name, got.status, got.header.Get("Location"))
			continue
		}
		q := to.Query()
		if q.Get("error") != test.want || len(q["iss"]) != 1 || q.Get("iss") != h.url || q.Has("code") || len(q["state"]) != 1 || q.Get("state") != state || to.Fragment != "" {
			t.Errorf("%s: %v", name, q)
		}
	}
	alive(t)
}

// TestHostileConsent: nobody else answers for a user, and a code is of use to nobody but its client, once (RFC 6749 §4.1.3,
// §10.12, RFC 9700 §4.5, §4.8).
func TestHostileConsent(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	user := newBrowser(t, h.url)
	ask := func(more ...string) string {
		return h.url + "/oauth/authorize?" + authorizationRequest(append([]string{"client_id", "public"}, more...)...).Encode()
	}
	user.open(ask())
	user.signIn("alice")
	proof := ""
	for _, m := range inputTag.FindAllStringSubmatch(user.page, -1) {
		if attribute(m[1], "name") == "proof" {
			proof = attribute(m[1], "value")
		}
	}
	if proof == "" {
		t.Fatalf("no proof: %s", user)
	}
	decide := func(address, proof string, header ...string) answer {
		return h.look(t, "POST", address, url.Values{"decision": {"allow"}, "proof": {proof}}.Encode(), func(r *http.Request) {
			for _, c := range user.client.Jar.Cookies(r.URL) {
				r.AddCookie(c)
			}
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
		})
	}
	same := []string{"Sec-Fetch-Site", "same-origin"}
	for name, got := range map[string]answer{
		"another site":            decide(ask(), proof, "Sec-Fetch-Site", "cross-site"),
		"a sister site":           decide(ask(), proof, "Sec-Fetch-Site", "same-site"),
		"another origin":          decide(ask(), proof, "Origin", "https://evil.example"),
		"no origin to speak of":   decide(ask(), proof, "Origin", "null"),
		"no proof":                decide(ask(), "", same...),
		"a made up proof":         decide(ask(), strings.Repeat("A", len(proof)), same...),
		"more scope":              decide(ask("scope", "", "scope", "orders:read orders:write"), proof, same...),
		"another client":          decide(ask("client_id", "", "client_id", "post"), proof, same...),
		"another place":           decide(ask("redirect_uri", "", "redirect_uri", "http://127.0.0.1:1/callback"), proof, same...),
		"somebody without cookie": h.look(t, "POST", ask(), url.Values{"decision": {"allow"}, "proof": {proof}}.Encode(), nil),
	} {
		if strings.Contains(got.header.Get("Location"), "code=") {
			t.Errorf("%s: to %q", name, got.header.Get("Location"))
		}
	}
	code := func() string {
		u, err := url.Parse(user.allow(ask(), "alice"))
		if err != nil || u.Query().Get("code") == "" || u.Query().Get("iss") != h.url {
			t.Fatalf("%v: %s", err, user)
		}
		h.keep(u.Query().Get("code"))
		return u.Query().Get("code")
	}
	redeem := func(code string, more ...string) url.Values {
		return with(url.Values{"grant_type": {grantCode}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {codeVerifier}, "client_id": {"public"}}, more...)
	}
	token := door{"token", tokenPath, nil, granted, true}
	send := func(form url.Values) answer { return h.knock(t, h.at(t, tokenPath, form), "") }
	first := code()
	h.keep(codeVerifier)
	for name, test := range map[string]struct {
		form url.Values
		want verdict
	}{
		"another client":          {redeem(first, "client_id", "", "client_id", "post", "client_secret", h.secret["post"]), invalidGrant},
		"nobody":                  {redeem(first, "client_id", ""), invalidClient},
		"no verifier":             {redeem(first, "code_verifier", ""), invalidGrant},
		"the challenge":           {redeem(first, "code_verifier", "", "code_verifier", codeChallenge), invalidGrant},
		"verifier by plain":       {redeem(first, "code_verifier", "", "code_verifier", codeChallenge, "code_challenge_method", "plain"), invalidGrant},
		"no redirect_uri":         {redeem(first, "redirect_uri", ""), invalidGrant},
		"another redirect_uri":    {redeem(first, "redirect_uri", "", "redirect_uri", redirectURI+"/"), invalidGrant},
		"more scope":              {redeem(first, "scope", "orders:read orders:write"), invalidScope},
		"as a refresh token":      {url.Values{"grant_type": {grantRefresh}, "refresh_token": {first}, "client_id": {"public"}}, invalidGrant},
		"as a device code":        {url.Values{"grant_type": {grantDevice}, "device_code": {first}, "client_id": {"public"}}, invalidGrant},
		"cut":                     {redeem(first[:len(first)-1]), invalidGrant},
		"with something behind":   {redeem(first + "A"), invalidGrant},
		"twice":                   {redeem(first, "code", first), invalidRequest},
		"no code":                 {redeem(""), invalidRequest},
		"a code with line breaks": {redeem(first + "\r\n"), invalidGrant},
	} {
		t.Run(name, func(t *testing.T) { h.want(t, send(test.form), test.want) })
	}
	got := send(redeem(first)) // nothing of all that has used it up
	h.want(t, got, token.good)
	refresh, _ := got.body["refresh_token"].(string)
	h.keep(refresh)
	access, _ := got.body["access_token"].(string)
	h.want(t, send(redeem(first)), invalidGrant)
	h.want(t, send(url.Values{"grant_type": {grantRefresh}, "refresh_token": {refresh}, "client_id": {"public"}}), invalidGrant)
	if got := h.introspectAs(t, "api", access); got["active"] != false {
		t.Errorf("the code came a second time, and its access token is %v", got)
	}
}

// TestHostileDevicePage: only a user who has seen the code decides about it, and from this very page (RFC 8628 §5).
func TestHostileDevicePage(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	begun := h.knock(t, h.at(t, "/oauth/device_authorization", url.Values{"client_id": {"public"}}), "")
	userCode, _ := begun.body["user_code"].(string)
	deviceCode, _ := begun.body["device_code"].(string)
	h.keep(deviceCode)
	page := h.url + "/device"
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "X"} {
		if got := h.look(t, method, page, "", nil); got.status != 405 || got.header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	same := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }
	for name, got := range map[string]answer{
		"another site":        h.look(t, "POST", page, "user_code="+userCode, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }),
		"another origin":      h.look(t, "POST", page, "user_code="+userCode, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }),
		"two codes":           h.look(t, "POST", page, "user_code="+userCode+"&user_code="+userCode, same),
		"a wrong code":        h.look(t, "POST", page, "user_code=BCDF-GHJK", same),
		"a long form":         h.look(t, "POST", page, "user_code="+strings.Repeat("B", 70_000), same),
		"junk":                h.look(t, "POST", page, "%zz;\x00", same),
		"a query that is not": h.look(t, "GET", page+"?user_code=%zz", "", nil),
		"a script":            h.look(t, "GET", page+"?user_code="+url.QueryEscape("<script>alert(1)</script>"), "", nil),
		"line breaks":         h.look(t, "GET", page+"?user_code="+url.QueryEscape("BCDF\r\nX-Injected: 1"), "", nil),
		"the device code":     h.look(t, "POST", page, "user_code="+deviceCode, same),
	} {
		if got.status < 400 || strings.Contains(got.text, "<script>") {
			t.Errorf("%s: %d %.300s", name, got.status, got.text)
		}
	}
	poll := func(more ...string) answer {
		return h.knock(t, h.at(t, tokenPath, with(url.Values{"grant_type": {grantDevice}, "device_code": {deviceCode}, "client_id": {"public"}}, more...)), "")
	}
	h.want(t, poll(), verdict{400, "authorization_pending"})
	h.want(t, poll("client_id", "", "client_id", "post", "client_secret", h.secret["post"]), invalidGrant)
	h.want(t, poll("device_code", "", "device_code", userCode), invalidGrant)
	user := newBrowser(t, h.url)
	user.connect(page+"?user_code="+userCode, "alice")
	h.want(t, poll("client_id", "", "client_id", "post", "client_secret", h.secret["post"]), invalidGrant)
	got := poll()
	h.want(t, got, granted)
	access, _ := got.body["access_token"].(string)
	h.want(t, poll(), invalidGrant)
	if got := h.introspectAs(t, "api", access); got["active"] != false {
		t.Errorf("the device code came a second time, and its access token is %v", got)
	}
	user.open(page + "?user_code=" + userCode)
	user.press("Yes, my device shows this code", nil)
	if user.code != http.StatusBadRequest {
		t.Errorf("a code that was decided about: %s", user)
	}
}

// introspectAs asks, as an API, what there is to know of a token.
func (h *hostile) introspectAs(t testing.TB, api, token string) map[string]any {
	t.Helper()
	got := h.knock(t, h.at(t, "/oauth/introspect", url.Values{"token": {token}, "client_id": {api}, "client_secret": {h.secret[api]}}), "")
	if got.status != 200 || got.body["active"] == nil {
		t.Errorf("introspection says %d %s", got.status, got.text)
	}
	if got.body["active"] == false && len(got.body) != 1 {
		t.Errorf("an inactive token: %s", got.text)
	}
	return got.body
}
