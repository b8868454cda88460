package main

import (
	"crypto"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// door is an endpoint beside the token endpoint at which clients authenticate: the same rules hold at each.
type door struct {
	name, path string
	form       url.Values // of a good request, without credentials
	good       verdict    // what it gets
	public     bool       // clients without credentials may come
}

const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"

	// The verifier and challenge of RFC 7636 Appendix B.
	codeVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	codeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func authorizationRequest(more ...string) url.Values {
	return with(url.Values{
		"response_type": {"code"}, "redirect_uri": {redirectURI}, "code_challenge": {codeChallenge}, "code_challenge_method": {"S256"}, "scope": {"orders:read"},
	}, more...)
}

func doors() []door {
	return []door{
		{"par", "/oauth/par", authorizationRequest(), verdict{201, ""}, true},
		{"device", "/oauth/device_authorization", url.Values{"scope": {"orders:read"}}, verdict{200, ""}, true},
		{"introspection", "/oauth/introspect", url.Values{"token": {"none"}}, verdict{200, ""}, false},
		{"revocation", "/oauth/revoke", url.Values{"token": {"none"}}, verdict{200, ""}, true},
	}
}

// newHostileDoors is a server with every door open, and a client of each authentication method that may do everything.
func newHostileDoors(t testing.TB, change func(*config.Config)) *hostile {
	t.Helper()
	h := newHostileAs(t, true, change)
	h.settleDoors()
	return h
}

func (h *hostile) settleDoors() {
	h.t.Helper()
	all := func(in *admin.AddClientInput) {
		in.GrantTypes = []string{grantClientCredentials, grantJWTBearer, grantCode, grantRefresh, grantDevice}
		in.RedirectURIs = []string{redirectURI}
	}
	for _, id := range []string{"both", "other", "legacy", "off"} {
		key, err := keys.Generate(keys.ES256)
		if err != nil {
			h.t.Fatal(err)
		}
		h.signerOf(id, key, func(in *admin.AddClientInput) {
			all(in)
			if id == "legacy" {
				in.Assertions.AudienceMode = "legacy"
			}
		})
	}
	for _, id := range []string{"basic", "post", "jwt"} {
		in := admin.AddClientInput{ID: id, GenerateSecret: true}
		in.AuthMethod = "client_secret_" + id
		all(&in)
		if id == "jwt" { // it has no keys to sign grants with
			in.GrantTypes = []string{grantClientCredentials, grantCode, grantRefresh, grantDevice}
		}
		h.secret[id] = h.add(in).Secret
		h.keep(h.secret[id])
	}
	public := admin.AddClientInput{ID: "public"}
	public.AuthMethod = "none"
	all(&public)
	public.GrantTypes = public.GrantTypes[1:]
	h.add(public)
	api := admin.AddClientInput{ID: "api", GenerateSecret: true} // the resource that tokens are for
	api.AuthMethod, api.GrantTypes, api.Introspects = "client_secret_post", []string{grantClientCredentials}, []string{h.url}
	h.secret["api"] = h.add(api).Secret
	h.keep(h.secret["api"])
	if _, err := h.admin.DisableClient(h.t.Context(), "off"); err != nil {
		h.t.Fatal(err)
	}
}

// credentials are those of "both", by a new assertion.
func (h *hostile) credentials(t testing.TB) []string {
	return []string{"client_assertion_type", assertionType, "client_assertion", h.assertion(t, "both", "both", nil)}
}

// asserting are credentials by an assertion.
func asserting(token string) []string {
	return []string{"client_assertion_type", assertionType, "client_assertion", token}
}

// at makes a request of a form to a path.
func (h *hostile) at(t testing.TB, path string, form url.Values) *http.Request {
	t.Helper()
	req := h.request(t, form)
	req.URL.Path = path
	return req
}

// knock sends a request to any endpoint that answers in JSON, or with an empty body, and checks what holds for all.
func (h *hostile) knock(t testing.TB, req *http.Request, from string) answer {
	t.Helper()
	resp, err := h.from(from).Do(req)
	if err != nil {
		t.Fatalf("no answer: %.500s", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("half an answer: %v", err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	h.checkHeader(t, a.header)
	if got := a.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	if a.status >= 500 && !h.outage {
		t.Errorf("status %d: %s", a.status, a.text)
	}
	if req.Method == http.MethodHead || len(text) == 0 && a.status < 300 {
		return a
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", a.header)
	}
	if err := json.Unmarshal(text, &a.body); err != nil {
		t.Fatalf("%d and no JSON: %.300q", a.status, text)
	}
	if a.status >= 400 {
		h.checkRefusal(t, req, a)
	} else if token, ok := a.body["access_token"].(string); ok {
		h.noteIssued(t, token)
	}
	return a
}

// enter sends a good request through a door.
func (h *hostile) enter(t testing.TB, d door, credentials ...string) answer {
	t.Helper()
	return h.knock(t, h.at(t, d.path, with(d.form, credentials...)), "")
}

// repelAt sends attacks to a door, and a good request after each; what an attack carries for spared is still good then.
func (h *hostile) repelAt(t *testing.T, d door, attacks []attack) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			req := h.at(t, d.path, a.form)
			if a.with != nil {
				a.with(req)
			}
			h.want(t, h.knock(t, req, a.from), a.want)
			if a.spared == nil {
				a.spared = with(d.form, h.credentials(t)...)
			}
			h.want(t, h.knock(t, h.at(t, d.path, a.spared), ""), d.good)
		})
	}
}

// TestHostileDoors: the endpoints beside the token endpoint take a request as strictly as that does (RFC 6749 §3.2,
// Appendix B), and their clients (RFC 6749 §2.3, RFC 7521 §4.2).
func TestHostileDoors(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	for i, d := range doors() {
		t.Run(d.name, func(t *testing.T) {
			t.Run("form", func(t *testing.T) { h.doorForm(t, d) })
			t.Run("client", func(t *testing.T) { h.doorClient(t, d, addresses(20+i)) })
			t.Run("audience", func(t *testing.T) { h.doorAudience(t, d) })
		})
	}
}

func (h *hostile) doorForm(t *testing.T, d door) {
	good := func() url.Values { return with(d.form, h.credentials(t)...) }
	contentType := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Content-Type"] = values }
	}
	add := func(text string) func(*http.Request) {
		form := good().Encode()
		return func(r *http.Request) { setBody(r, form+"&"+text) }
	}
	query := func(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }
	var attacks []attack
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "post", "X"} {
		form := good()
		req := h.at(t, d.path, form)
		req.Method = method
		got := h.knock(t, req, "")
		if got.status != 405 || got.header.Get("Allow") != "POST" {
			t.Errorf("%s: %d, Allow %q", method, got.status, got.header.Get("Allow"))
		}
		h.want(t, h.knock(t, h.at(t, d.path, form), ""), d.good)
	}
	for _, c := range [][]string{{"application/json"}, {"text/plain"}, {"multipart/form-data; boundary=x"}, {}, {""}, {"application/x-www-form-urlencoded", "application/json"}, {"application/x-www-form-urlencoded, text/plain"}} {
		form := good()
		attacks = append(attacks, attack{name: "type " + strings.Join(c, "+"), form: form, with: contentType(c...), want: invalidRequest, spared: form})
	}
	for _, text := range []string{
		"a;b=c", "x=%zz", "x=%", "x=%00", "x=%ff", "x=%c0%af", "x=\x00", "x=1&x=1", "x=1&X=2", "Token=1&TOKEN=2", "Client_assertion=x", strings.Repeat("x=1&", 20000),
		"x=" + strings.Repeat("a", 70_000), manyParameters(5000),
	} {
		want := invalidRequest
		if len(text) > 64<<10 {
			want = tooLarge
		}
		attacks = append(attacks, attack{name: "body " + text[:min(len(text), 20)], with: add(text), want: want})
	}
	for name, value := range good() {
		form := good()
		attacks = append(attacks, attack{name: name + " twice", form: with(form, name, value[0]), want: invalidRequest, spared: form})
	}
	secret := h.secret["post"]
	for _, q := range []string{
		"client_id=post&client_secret=" + secret, "client_assertion=" + h.credentials(t)[3], "Client_Secret=" + secret, "client%5Fsecret=" + secret, "x;client_secret=" + secret,
		"token=" + secret, "access_token=" + secret, "refresh_token=" + secret, "device_code=" + secret, "code=abc", "code_verifier=" + secret,
	} {
		form := good()
		attacks = append(attacks, attack{name: "query " + q[:min(len(q), 24)], form: form, with: query(q), want: invalidRequest, spared: form})
	}
	attacks = append(attacks,
		attack{name: "everything in the query", with: query(d.form.Encode() + "&client_id=public"), want: map[bool]verdict{true: invalidRequest, false: invalidClient}[d.form.Has("token")]},
		attack{name: "query that means nothing", form: good(), with: query("client_id=other&scope=admin&redirect_uri=https://evil.example"), want: d.good},
		attack{name: "unknown parameters", with: add("foo=bar&__proto__=1&%3Cscript%3E=1"), want: d.good},
		attack{name: "parameters without a value", with: add("client_secret=&client_id=&request_uri=&token_type_hint="), want: d.good},
		attack{name: "zipped", form: good(), with: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, want: invalidRequest},
		attack{name: "nothing", want: invalidClient},
	)
	if d.form.Has("token") {
		form := with(good(), "token", "")
		attacks = append(attacks, attack{name: "no token", form: form, want: invalidRequest, spared: with(form, "token", "x")})
	}
	h.repelAt(t, d, attacks)
}

func (h *hostile) doorClient(t *testing.T, d door, next func() string) {
	good := func(more ...string) url.Values { return with(with(d.form, h.credentials(t)...), more...) }
	basic := basicAuth("basic", h.secret["basic"])
	post := []string{"client_id", "post", "client_secret", h.secret["post"]}
	as := func(id string) url.Values { return with(d.form, asserting(h.assertion(t, id, id, nil))...) }
	public := invalidClient
	if d.public {
		public = d.good
	}
	one, two, three := good(), good(), good()
	jwt := &forger{h: h, who: "jwt", jti: h.forger("both").jti, now: h.forger("both").now}
	mac := func() string {
		jwt.jti = h.forger("both").jti
		return jwt.mac(object("alg", "HS256", "typ", "JWT"), jwt.claims(), crypto.SHA256.HashFunc, []byte(h.secret["jwt"]))
	}
	h.repelAt(t, d, []attack{
		// each by its method
		{name: "by key", form: good(), want: d.good},
		{name: "by Basic", form: d.form, with: basic, want: d.good},
		{name: "by post", form: with(d.form, post...), want: d.good},
		{name: "by a MAC", form: with(d.form, asserting(mac())...), want: d.good},
		{name: "by name", form: with(d.form, "client_id", "public"), want: public},

		{name: "Basic and an assertion", form: one, with: basic, want: invalidRequest, spared: one},
		{name: "a secret and an assertion", form: with(two, post...), want: invalidRequest, spared: two},
		{name: "Basic and a secret", form: with(d.form, post...), with: basic, want: invalidRequest},
		{name: "Bearer and an assertion", form: good(), with: authorization("Bearer abc"), want: invalidRequest},
		{name: "two headers", form: d.form, with: authorization("Basic YTpi", "Basic YTpi"), want: invalidRequest},
		{name: "an assertion without its type", form: good("client_assertion_type", ""), want: invalidRequest},
		{name: "a type without its assertion", form: good("client_assertion", ""), want: invalidRequest},
		{name: "another type", form: with(good("client_assertion_type", ""), "client_assertion_type", assertionType+"x"), want: invalidClient},
		{name: "another scheme", form: d.form, with: authorization("Foo x"), want: invalidClient},
		{name: "two assertions", form: with(d.form, asserting(mac()+" "+mac())...), want: invalidClient},

		{name: "client_id of another", form: with(three, "client_id", "other"), want: invalidClient, spared: three},
		{name: "client_id of nobody", form: good("client_id", "nobody"), want: invalidClient},
		{name: "client_id of its own", form: good("client_id", "both"), want: d.good},
		{name: "Basic for another", form: with(d.form, "client_id", "post"), with: basic, want: invalidClient},
		{name: "signed by another", form: with(d.form, asserting(h.foreign(t))...), want: invalidClient},
		{name: "disabled", form: as("off"), want: invalidClient},
		{name: "wrong secret", form: with(d.form, "client_id", "post", "client_secret", "guess"), from: next(), want: invalidClient},
		{name: "wrong Basic", form: d.form, with: basicAuth("basic", "guess"), from: next(), want: invalidClient},

		{name: "key downgraded to nothing", form: with(d.form, "client_id", "both"), want: invalidClient},
		{name: "key downgraded to a secret", form: with(d.form, "client_id", "both", "client_secret", h.secret["post"]), from: next(), want: invalidClient},
		{name: "key downgraded to Basic without a password", form: d.form, with: basicAuth("both", ""), want: invalidClient},
		{name: "secret downgraded to nothing", form: with(d.form, "client_id", "post"), want: invalidClient},
		{name: "Basic by post", form: with(d.form, "client_id", "basic", "client_secret", h.secret["basic"]), from: next(), want: invalidClient},
		{name: "MAC by post", form: with(d.form, "client_id", "jwt", "client_secret", h.secret["jwt"]), from: next(), want: invalidClient},
		{name: "public with a secret", form: with(d.form, "client_id", "public", "client_secret", "guess"), from: next(), want: invalidClient},
		{name: "unsigned beside a secret", form: with(with(d.form, post...), asserting(encode([]byte(`{"alg":"none"}`))+"."+encode([]byte(`{"iss":"post"}`))+".")...), want: invalidRequest},
		{name: "none", form: with(d.form, asserting(h.forger("both").name("alg", "none"))...), want: invalidClient},
		{name: "an access token", form: with(d.form, asserting(h.accessToken(t))...), want: invalidClient},
	})
}

// foreign is an assertion about one client, signed by another.
func (h *hostile) foreign(t testing.TB) string {
	t.Helper()
	f := h.forger("other")
	return f.say("iss", "both", "sub", "both")
}

// accessToken is one of the client "both" for itself.
func (h *hostile) accessToken(t testing.TB) string {
	t.Helper()
	got := h.attack(t, attack{form: h.vouching(t, "both"), want: granted})
	text, _ := got.body["access_token"].(string)
	return text
}

// doorAudience: an assertion names the issuer as its only audience, at each endpoint (RFC 10070 §4, §5). A client of the
// time before that names the endpoint, where it is registered so, and never another one.
func (h *hostile) doorAudience(t *testing.T, d door) {
	endpoint, token := h.url+d.path, h.url+tokenPath
	for name, test := range map[string]struct {
		aud  any
		want verdict // of any client
		old  verdict // of one that is registered as one of old
	}{
		"issuer":                      {h.url, d.good, d.good},
		"issuer in an array":          {[]string{h.url}, d.good, d.good},
		"this endpoint":               {endpoint, invalidClient, d.good},
		"this endpoint in an array":   {[]string{endpoint}, invalidClient, d.good},
		"token endpoint":              {token, invalidClient, d.good},
		"another endpoint":            {h.url + "/oauth/authorize", invalidClient, invalidClient},
		"issuer with a slash":         {h.url + "/", invalidClient, invalidClient},
		"endpoint with a slash":       {endpoint + "/", invalidClient, invalidClient},
		"endpoint with a query":       {endpoint + "?", invalidClient, invalidClient},
		"the beginning of the issuer": {h.url[:len(h.url)-1], invalidClient, invalidClient},
		"more than the issuer":        {h.url + ".evil.example", invalidClient, invalidClient},
		"somebody else":               {"https://evil.example", invalidClient, invalidClient},
		"issuer and somebody else":    {[]string{h.url, "https://evil.example"}, invalidClient, invalidClient},
		"somebody else and issuer":    {[]string{"https://evil.example", h.url}, invalidClient, invalidClient},
		"issuer and this endpoint":    {[]string{h.url, endpoint}, invalidClient, invalidClient},
		"nobody":                      {gone, invalidClient, invalidClient},
		"an empty array":              {raw("[]"), invalidClient, invalidClient},
		"a number":                    {raw("1"), invalidClient, invalidClient},
		"an array with a number":      {raw(`["` + h.url + `",1]`), invalidClient, invalidClient},
		"an array in an array":        {raw(`[["` + h.url + `"]]`), invalidClient, invalidClient},
	} {
		t.Run(name, func(t *testing.T) {
			for who, want := range map[string]verdict{"both": test.want, "legacy": test.old} {
				f := h.forger(who)
				h.want(t, h.enter(t, d, asserting(f.say("aud", test.aud))...), want)
				if want != d.good { // nothing of it was spent
					h.want(t, h.enter(t, d, asserting(f.good())...), d.good)
				}
			}
		})
	}
}
