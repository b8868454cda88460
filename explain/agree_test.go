package explain_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/explain"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	issuer     = "https://as.example.com"
	secret     = "correct horse battery staple, 32 bytes or more"
	visitType  = "urn:example:grant-type:visit"
	clientType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

var (
	scopePool    = []string{"read", "write", "admin", "print"}
	resourcePool = []string{issuer, "https://orders.example", "https://billing.example", "https://attic.example"}
	subjectPool  = []string{"ann", "ben", "cleo", "app-0"} // the last one has the name of a client
	methodPool   = []string{"private_key_jwt", "client_secret_jwt", "client_secret_post", "none", "badge"}
	grantPool    = []string{"client_credentials", grant.JWTBearerType, grant.RefreshTokenType, visitType}
	idps         = []string{"https://idp-a.example", "https://idp-b.example"}
)

var key = sync.OnceValue(func() *keys.Private { return generate() })
var stranger = sync.OnceValue(func() *keys.Private { return generate() })

func generate() *keys.Private {
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		panic(err)
	}
	return k
}

// badge is a stranger's client authentication method by a secret, which knows nothing of dry runs.
type badge struct{ tried *int }

func (badge) Method() string                     { return "badge" }
func (badge) Presented(req *avouch.Request) bool { return req.Param("badge") != "" }
func (b badge) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	*b.tried++
	c, err := req.FindClient(ctx, req.Param("client_id"))
	if err != nil {
		return nil, err
	}
	if c == nil || req.Param("badge") != secret {
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed"}
	}
	return &avouch.Authentication{Client: c}, nil
}

// visit is a stranger's grant with a consent.
type visit struct{}

func (visit) Type() string { return visitType }
func (visit) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	a := &avouch.Authorization{Subject: req.Param("user"), Family: req.Param("family"), Refresh: true, DefaultScopes: []string{"read"}}
	if req.Param("once") != "" {
		a.Uses = []replay.Use{{Purpose: "visit", Party: "lobby", ID: req.Param("once"), Until: req.Now.Add(time.Hour), Issued: req.Now}}
	}
	return a, nil
}

// minter keeps the claims of the last token.
type minter struct {
	token.Minter
	last *token.Claims
}

func (m *minter) Mint(ctx context.Context, c *token.Claims) (string, error) {
	m.last = new(*c)
	return m.Minter.Mint(ctx, c)
}

// watched is a guard that counts what it is asked.
type watched struct {
	replay.Guard
	asked int
}

func (w *watched) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	w.asked++
	return w.Guard.FirstUse(ctx, now, uses...)
}

// kept is a store that counts what it is asked to keep.
type kept struct {
	handle.Store
	written int
}

func (k *kept) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	k.written++
	return k.Store.PutHandle(ctx, now, r)
}

func (k *kept) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	k.written++
	return k.Store.Revoke(ctx, now, until, ids...)
}

// world is a server of random clients and rules, and what can be seen of it.
type world struct {
	*rand.Rand
	clients  avouch.ClientList
	disabled map[string]bool

	server    *avouch.Server
	explainer *explain.Explainer
	minter    *minter
	guard     *watched
	store     *kept
	badges    int // how often a badge was tried
	last      avouch.Event

	sent    []string // assertions
	refresh []string // refresh tokens
	serial  int
}

func (w *world) SubjectDisabled(_ context.Context, subject string) (bool, error) {
	return w.disabled[subject], nil
}

func (w *world) one(of ...string) string { return of[w.IntN(len(of))] }

// oneIn is true now and then.
func (w *world) oneIn(n int) bool { return w.IntN(n) == 0 }

// some is a part of a list, nil now and then.
func (w *world) some(list []string) []string {
	if w.oneIn(4) {
		return nil
	}
	var part []string
	for _, s := range list {
		if w.oneIn(2) {
			part = append(part, s)
		}
	}
	return part
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), disabled: map[string]bool{"ben": seed%3 == 0, "idp-a.example/ben": true}}
	set := key().PublicKeys(time.Now())
	for i, method := range append(slices.Clone(methodPool), methodPool...) {
		c := &avouch.Client{
			ID: fmt.Sprint("app-", i), AuthMethod: method, Disabled: w.oneIn(20), Keys: set,
			Grants: w.some(grantPool), Scopes: w.some(scopePool), DefaultScopes: w.some(scopePool), Audiences: w.some(resourcePool),
		}
		if !w.oneIn(5) {
			c.Grants = grantPool
		}
		switch w.IntN(8) {
		case 0:
			c.TokenLifetime = time.Minute
		case 1:
			c.TokenLifetime = time.Millisecond // which no token can live
		}
		if method == "client_secret_jwt" {
			c.Keys = nil
			c.Secrets = []avouch.Secret{{Value: []byte("an old secret of more than thirty-two bytes")}, {Value: []byte(secret)}}
		} else if method == "client_secret_post" {
			c.Secrets = []avouch.Secret{{SHA256: sha256.Sum256([]byte(secret))}}
		}
		w.clients = append(w.clients, c)
	}
	var list trust.List
	for _, idp := range idps {
		entry := trust.Issuer{Issuer: idp, Name: strings.TrimPrefix(idp, "https://"), Keys: set, Disabled: w.oneIn(10), RequireClient: w.oneIn(6), ScopeClaim: w.oneIn(2)}
		for i := range 1 + w.IntN(6) {
			entry.Rules = append(entry.Rules, w.rule(fmt.Sprint(entry.Name, "-", i)))
		}
		list = append(list, entry)
	}
	for _, c := range w.clients {
		if c.AuthMethod == "private_key_jwt" {
			list = append(list, trust.Issuer{Issuer: c.ID, SelfIssued: true, Keys: set, Rules: []trust.Rule{
				{Name: "self", Subject: c.ID, Nobody: true, ClientID: c.ID, Scopes: w.some(scopePool)}, {Name: "ann", Subject: "ann", ClientID: c.ID},
			}})
		}
	}
	bearer := &grant.JWTBearer{Trust: list}
	w.minter = &minter{Minter: token.Minter{Key: key()}}
	w.guard = &watched{Guard: replay.NewMemory(replay.MemoryConfig{})}
	w.store = &kept{Store: handle.NewMemory(0)}
	grants := []avouch.Grant{grant.ClientCredentials{}, avouch.ClientOptional(bearer), visit{}}
	methods := []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, &clientauth.SecretJWT{}, &clientauth.SecretPost{}, clientauth.None{}, badge{&w.badges}}
	var err error
	w.server, err = avouch.New(avouch.Config{
		Issuer: issuer, Minter: w.minter, Grants: grants, ClientAuth: methods, Clients: w.clients, Subjects: w,
		Replay: w.guard, Handles: w.store, Refresh: &grant.RefreshToken{},
		Observe: func(_ context.Context, e avouch.Event) { w.last = e },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.explainer = &explain.Explainer{Server: w.server, Grants: []avouch.Grant{bearer, visit{}}, ClientAuth: methods}
	return w
}

func (w *world) rule(name string) trust.Rule {
	r := trust.Rule{
		Name: name, Subject: w.one(subjectPool...), Disabled: w.oneIn(10), Audit: w.oneIn(10), RequireClient: w.oneIn(5),
		Scopes: w.some(scopePool), DefaultScopes: w.some(scopePool), Audiences: w.some(resourcePool),
	}
	if r.Scopes != nil { // a default beyond them is refused
		r.DefaultScopes = w.some(r.Scopes)
	}
	if w.oneIn(2) {
		r.ClientID = w.one("app-0", "app-1", "app-5", "app-9", "nobody")
	}
	switch w.IntN(5) {
	case 0:
		r.Nobody = true
	case 1:
		r.AsIs = true
	case 2:
		r.As = w.one("ann", "ben", "app-2")
	}
	if w.oneIn(5) {
		r.Claims = map[string]string{"dept": "sales"}
	}
	if w.oneIn(8) {
		r.Lifetime = 30 * time.Second
	}
	return r
}

// assertion is one that is good, or has a fault now and then.
func (w *world) assertion(t *testing.T, iss, sub, kind string) string {
	t.Helper()
	if len(w.sent) > 0 && w.oneIn(12) {
		return w.one(w.sent...)
	}
	w.serial++
	c := assertion.Claims{Issuer: iss, Subject: sub, Audience: issuer, ID: fmt.Sprint("id-", w.serial), Type: kind}
	if w.oneIn(2) {
		c.More = map[string]any{"dept": w.one("sales", "ops")}
	}
	if w.oneIn(3) {
		if c.More == nil {
			c.More = map[string]any{}
		}
		c.More["scope"] = w.one("read", "read write", "nonsense", "a  b")
	}
	signer := key()
	switch w.IntN(20) {
	case 0:
		c.Audience += "/"
	case 1:
		c.IssuedAt = time.Now().Add(-time.Hour)
	case 2:
		signer = stranger()
	case 3:
		c.Lifetime = 48 * time.Hour
	case 4:
		c.ID = ""
	case 5:
		c.Type = "at+jwt"
	}
	text, err := assertion.Sign(c, signer)
	if err != nil {
		t.Fatal(err)
	}
	w.sent = append(w.sent, text)
	return text
}

// request is a random one. guess says that it carries a wrong secret.
func (w *world) request(t *testing.T) (form url.Values, guess bool) {
	t.Helper()
	form = url.Values{}
	c := w.clients[w.IntN(len(w.clients))]
	if !w.oneIn(5) {
		guess = w.credentials(t, form, c)
	}
	switch g := w.one(append(slices.Clone(grantPool), grant.JWTBearerType, "")...); g {
	case "":
		if !w.oneIn(5) { // else it is missing, or unknown
			form.Set("grant_type", "client_credentials")
		} else if w.oneIn(2) {
			form.Set("grant_type", "urn:example:unknown")
		}
	case grant.JWTBearerType:
		form.Set("grant_type", g)
		iss, sub := w.one(idps...), w.one(subjectPool...)
		switch w.IntN(5) {
		case 0:
			iss = c.ID
			sub = w.one("ann", c.ID)
		case 1:
			iss = "https://nowhere.example"
		}
		form.Set("assertion", w.assertion(t, iss, sub, ""))
		if w.oneIn(10) {
			form.Set(grant.RuleParameter, w.one("idp-a.example-0", "idp-b.example-1", "none"))
		}
	case grant.RefreshTokenType:
		form.Set("grant_type", g)
		form.Set("refresh_token", w.one(append(slices.Clone(w.refresh), "junk")...))
	case visitType:
		form.Set("grant_type", g)
		form.Set("user", w.one(subjectPool...))
		if w.oneIn(2) {
			form.Set("family", fmt.Sprint("family-", w.IntN(20)))
		}
		if w.oneIn(2) {
			form.Set("once", fmt.Sprint(w.IntN(30)))
		}
	default:
		form.Set("grant_type", g)
	}
	if w.oneIn(3) {
		form.Set("scope", w.one("read", "read", "write", "write", "read write", "admin", "nonsense", "a  b", " "))
	}
	for w.oneIn(4) {
		form.Add("resource", w.one(append(slices.Clone(resourcePool), "nonsense", "https://elsewhere.example")...))
	}
	if w.oneIn(40) {
		form["grant_type"] = append(form["grant_type"], "twice")
	}
	return form, guess
}

// credentials puts those of a client into a form, and now and then some that are wrong.
func (w *world) credentials(t *testing.T, form url.Values, c *avouch.Client) (guess bool) {
	t.Helper()
	method, right := c.AuthMethod, secret
	if w.oneIn(15) {
		method = w.one(methodPool...)
	}
	if w.oneIn(10) {
		right, guess = "a guess that is long enough to be a secret", true
	}
	if method != "private_key_jwt" && method != "client_secret_jwt" || w.oneIn(4) {
		form.Set("client_id", c.ID)
	}
	switch method {
	case "private_key_jwt":
		form.Set("client_assertion_type", clientType)
		form.Set("client_assertion", w.assertion(t, c.ID, c.ID, w.one("", "client-authentication+jwt")))
		return false
	case "client_secret_jwt":
		w.serial++
		text, err := assertion.SignMAC(assertion.Claims{Issuer: c.ID, Subject: c.ID, Audience: w.one(issuer, issuer, issuer+"/"), ID: fmt.Sprint("mac-", w.serial)}, keys.HS256, []byte(right))
		if err != nil {
			t.Fatal(err)
		}
		form.Set("client_assertion_type", clientType)
		form.Set("client_assertion", text)
	case "client_secret_post":
		form.Set("client_secret", right)
	case "badge":
		form.Set("badge", right)
	case "none":
		return false
	}
	return guess
}

// answer is what the server says.
type answer struct {
	status       int
	Error        string `json:"error"`
	Description  string `json:"error_description"`
	Scope        string `json:"scope"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
}

func (w *world) send(t *testing.T, form url.Values) (a answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.RemoteAddr = fmt.Sprintf("192.0.%d.%d:1", w.IntN(250), w.IntN(250)) // nobody is slowed down
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.server.TokenEndpoint().ServeHTTP(rec, r)
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	a.status = rec.Code
	return a
}

// TestAgreement: of random requests to servers of random clients and rules, the explanation says what the server says, and
// changes nothing.
func TestAgreement(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	outcomes := map[string]int{}
	for n := range uint64(40) {
		w := newWorld(t, seed+n)
		for range 100 {
			form, guess := w.request(t)
			asked, written, badges := w.guard.asked, w.store.written, w.badges
			x, err := w.explainer.Request(t.Context(), form, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if w.guard.asked != asked || w.store.written != written || w.badges != badges {
				t.Fatalf("a dry run has asked the guard %d times, written %d times, and tried %d badges", w.guard.asked-asked, w.store.written-written, w.badges-badges)
			}
			a := w.send(t, form)
			outcomes[a.Error]++
			if fault := disagreement(w, x, a, guess, form.Get("grant_type") == visitType && form.Get("family") == ""); fault != "" {
				t.Fatalf("seed %d: %s\nrequest %v\nserver   %+v, %v\nexplains %s", seed+n, fault, form, a, w.last.Err, inJSON(t, x))
			}
			if a.RefreshToken != "" {
				w.refresh = append(w.refresh, a.RefreshToken)
			}
		}
	}
	t.Log(outcomes)
	for _, code := range []string{"", "invalid_client", "invalid_grant", "invalid_scope", "invalid_target", "unauthorized_client", "server_error"} {
		if outcomes[code] == 0 {
			t.Errorf("no request came to %q: the test does not reach it", code)
		}
	}
}

// disagreement says in what an explanation and an answer differ, "" for nothing. guess says that a secret is wrong, unnamed
// that the server names the consent when it spends what is used.
func disagreement(w *world, x *explain.Explanation, a answer, guess, unnamed bool) string {
	open := strings.Join(x.Open, "; ")
	if _, replayed := errors.AsType[*replay.ReplayedError](w.last.Err); replayed {
		// That is not asked, and has to be said.
		if !x.Accepted || !strings.Contains(open, "used before was not asked") {
			return "it was used before, which the explanation does not leave open"
		}
		return ""
	}
	if guess && a.Error == "invalid_client" {
		// So is whether the secret is right, unless the credentials are refused whatever it is.
		if x.Error != avouch.InvalidClient && !strings.Contains(open, "the client authentication was not tried") {
			return "the secret is wrong, which the explanation does not leave open"
		}
		return ""
	}
	if !x.Accepted {
		switch {
		case a.status == 200:
			return "the server accepts what is explained as refused"
		case string(x.Error) != a.Error:
			return "the errors differ"
		case x.Error != avouch.ServerError && x.Description != a.Description:
			return "the descriptions differ"
		}
		return ""
	}
	if a.status != 200 {
		return "the server refuses what is explained as accepted"
	}
	g, c := x.Gives, w.minter.last
	switch {
	case g.Scope != a.Scope || g.Scope != strings.Join(c.Scopes, " "):
		return "the scopes differ"
	case g.Client != c.ClientID || g.Subject != c.Subject || g.Nobody != (c.Subject == c.ClientID):
		return "client or subject differ"
	case !slices.Equal(g.Audience, c.Audience):
		return "the audiences differ"
	case g.ExpiresIn != a.ExpiresIn:
		return "the lifetimes differ"
	case g.Refresh != (a.RefreshToken != ""):
		return "the refresh tokens differ"
	case g.Consent != c.Origin.Family && (!unnamed || g.Consent != ""):
		return "the consents differ"
	case g.Rule != c.Origin.Rule || g.Issuer != "" && g.Issuer != c.Origin.Issuer:
		return "rule or issuer differ"
	}
	for _, s := range strings.Fields(g.Scope) {
		if !slices.Contains(strings.Fields(g.MayAsk.Scope), s) {
			return "the token has a scope that may not be asked for"
		}
	}
	return ""
}

// inJSON shows an explanation without the checks that have passed.
func inJSON(t *testing.T, x *explain.Explanation) string {
	t.Helper()
	v := *x
	v.Reports = nil
	for _, r := range x.Reports {
		short := *r
		short.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f assertion.Finding) bool {
			return f.Outcome == assertion.Passed || f.Outcome == assertion.Skipped
		})
		v.Reports = append(v.Reports, &short)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
