package grant_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// TestRefresh: what a refreshed token is, and that it is like the first one.
func TestRefresh(t *testing.T) {
	for _, client := range []string{"web", "phone"} {
		s := newRefreshSite()
		s.consent.Lifetime, s.consent.Issuer, s.consent.KeyID = time.Minute, "https://login.example", "key-1"
		s.start(t)
		first := s.visit(t, client)
		a := s.use(t, client, first.RefreshToken)
		passes(t, client, a)
		was, is := first.claims(t), a.claims(t)
		if was["jti"] == is["jti"] {
			t.Error("two tokens with one jti")
		}
		for _, c := range []map[string]any{was, is} {
			delete(c, "jti")
			delete(c, "iat")
			delete(c, "exp")
		}
		if got, want := inJSON(t, is), inJSON(t, was); got != want {
			t.Errorf("%s: refreshed %s, first %s", client, got, want)
		}
		if a.ExpiresIn != 60 || a.Scope != "read write" {
			t.Errorf("%s: %+v", client, a)
		}
		origin, _ := is["avouch_origin"].(map[string]any)
		if origin["fam"] != "f-1" || origin["iss"] != "https://login.example" || is["sub"] != "alice" || is["client_id"] != client {
			t.Errorf("%s: %v", client, is)
		}
	}
}

func inJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRefreshRotation: one of a public client is good once; one of a client with credentials stays (FAPI 2.0 §5.3.2.1).
func TestRefreshRotation(t *testing.T) {
	s := newRefreshSite().start(t)
	text := s.visit(t, "web").RefreshToken
	for n := range 3 {
		a := s.use(t, "web", text)
		passes(t, "confidential", a)
		if a.RefreshToken != "" {
			t.Errorf("use %d: a new refresh token for a client with credentials", n)
		}
	}
	seen := map[string]bool{}
	text = s.visit(t, "phone").RefreshToken
	for range 5 {
		seen[text] = true
		a := s.use(t, "phone", text)
		passes(t, "public", a)
		if text = a.RefreshToken; len(text) != 43 || seen[text] {
			t.Fatalf("refresh token %q", text)
		}
	}
	if s.ended(t, "f-1") {
		t.Error("the family was ended by good use")
	}
}

// TestRefreshReuse: one that comes a second time ends everything of its consent (RFC 9700 §4.14.2), whichever of the chain
// it is, and nothing of another consent.
func TestRefreshReuse(t *testing.T) {
	for again := range 3 {
		s := newRefreshSite().start(t)
		chain := []string{s.visit(t, "phone").RefreshToken}
		for range 3 {
			chain = append(chain, s.use(t, "phone", chain[len(chain)-1]).RefreshToken)
		}
		s.mu.Lock()
		s.consent.Family = "f-2"
		s.mu.Unlock()
		other := s.visit(t, "phone").RefreshToken

		fails(t, "used before", s.use(t, "phone", chain[again]), 400, "invalid_grant")
		if !s.ended(t, "f-1") {
			t.Error("the family goes on")
		}
		fails(t, "the newest", s.use(t, "phone", chain[3]), 400, "invalid_grant")
		fails(t, "used before, once more", s.use(t, "phone", chain[again]), 400, "invalid_grant")
		passes(t, "another consent", s.use(t, "phone", other))
		if s.ended(t, "f-2") {
			t.Error("another family was ended")
		}
	}
}

// hangingUp is a guard whose caller goes away while it answers.
type hangingUp struct {
	replay.Guard
	hangUp atomic.Pointer[context.CancelFunc]
}

func (g *hangingUp) FirstUse(ctx context.Context, now time.Time, uses ...replay.Use) error {
	err := g.Guard.FirstUse(ctx, now, uses...)
	if hangUp := g.hangUp.Load(); hangUp != nil {
		(*hangUp)()
	}
	return err
}

// TestRefreshReuseHangsUp: a caller that sends a used one and goes away at once is found out all the same.
func TestRefreshReuseHangsUp(t *testing.T) {
	s := newRefreshSite()
	guard := &hangingUp{Guard: replay.NewMemory(replay.MemoryConfig{})}
	s.replay = guard
	s.start(t)
	text := s.visit(t, "phone").RefreshToken
	newest := s.use(t, "phone", text).RefreshToken

	ctx, cancel := context.WithCancel(t.Context())
	guard.hangUp.Store(&cancel)
	form := url.Values{"grant_type": {grant.RefreshTokenType}, "refresh_token": {text}, "client_id": {"phone"}}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.handler.ServeHTTP(httptest.NewRecorder(), r)
	if ctx.Err() == nil {
		t.Fatal("the caller is still there")
	}
	guard.hangUp.Store(nil)
	fails(t, "the newest", s.use(t, "phone", newest), 400, "invalid_grant")
}

// TestRefreshInParallel: of 64 at once exactly one wins, and the others have shown that two hold the token.
func TestRefreshInParallel(t *testing.T) {
	s := newRefreshSite().start(t)
	text := s.visit(t, "phone").RefreshToken
	var won atomic.Pointer[refreshAnswer]
	var wins atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			a := s.use(t, "phone", text)
			if a.Status == 200 {
				wins.Add(1)
				won.Store(&a)
				return
			}
			fails(t, "loser", a, 400, "invalid_grant")
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d winners", wins.Load())
	}
	if !s.ended(t, "f-1") {
		t.Error("the family goes on")
	}
	fails(t, "what the winner got", s.use(t, "phone", won.Load().RefreshToken), 400, "invalid_grant")

	// A client that authenticates may well refresh in parallel.
	c := newRefreshSite().start(t)
	text = c.visit(t, "web").RefreshToken
	for range 16 {
		wg.Go(func() { passes(t, "confidential, in parallel", c.use(t, "web", text)) })
	}
	wg.Wait()
}

// TestRefreshBinding: another client's token is unknown to everybody else, and is none the worse for it.
func TestRefreshBinding(t *testing.T) {
	s := newRefreshSite().start(t)
	for _, owner := range []string{"web", "phone"} {
		text := s.visit(t, owner).RefreshToken
		for _, thief := range []string{"web", "other", "phone", "watch"} {
			if thief == owner {
				continue
			}
			a := s.use(t, thief, text)
			fails(t, owner+"'s by "+thief, a, 400, "invalid_grant")
			if b := s.use(t, thief, strings.Repeat("A", 43)); b.Description != a.Description {
				t.Errorf("one that exists is %q, one that does not %q", a.Description, b.Description)
			}
		}
		passes(t, owner, s.use(t, owner, text))
	}
	text := s.visit(t, "web").RefreshToken
	form := url.Values{"grant_type": {grant.RefreshTokenType}, "refresh_token": {text}}
	fails(t, "nobody", s.send(t, "nobody", form), 401, "invalid_client")
}

// TestRefreshNeverWidens: scopes and resources stay within the consent, a refused request uses nothing up, and one that
// asks for less does not narrow the next (RFC 6749 §6, RFC 8707 §2.2).
func TestRefreshNeverWidens(t *testing.T) {
	for _, client := range []string{"web", "phone"} {
		s := newRefreshSite().start(t)
		text := s.visit(t, client, "scope", "read", "resource", desk).RefreshToken // less than was consented to
		for _, c := range []struct{ name, value, code string }{
			{"scope", "admin", "invalid_scope"}, // which the client may have
			{"scope", "read admin", "invalid_scope"},
			{"scope", "READ", "invalid_scope"},
			{"scope", "read  write", "invalid_scope"},
			{"scope", "other", "invalid_scope"},
			{"resource", cellar, "invalid_target"},
			{"resource", shelf + "/", "invalid_target"},
			{"resource", own, "invalid_target"},
			{"resource", "shelf", "invalid_target"},
		} {
			fails(t, client+" "+c.name+" "+c.value, s.use(t, client, text, c.name, c.value), 400, c.code)
		}
		next := func(a refreshAnswer, scope string, aud string) {
			t.Helper()
			passes(t, client, a)
			if a.Scope != scope || a.claims(t)["aud"] != aud {
				t.Errorf("%s: scope %q, aud %v; want %q, %q", client, a.Scope, a.claims(t)["aud"], scope, aud)
			}
			if a.RefreshToken != "" {
				text = a.RefreshToken
			}
		}
		next(s.use(t, client, text, "scope", "read", "resource", desk), "read", desk)
		next(s.use(t, client, text), "read write", shelf)
		next(s.use(t, client, text, "scope", "write"), "write", shelf)
		next(s.use(t, client, text, "scope", "write read"), "write read", shelf)
	}
}

// TestRefreshAfterChange: a client that has lost something since the consent gets no more of it, and what it is given
// later it does not get on an old consent.
func TestRefreshAfterChange(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*avouch.Client)
		pairs  []string
		status int
		code   string
		scope  string
	}{
		{"disabled", func(c *avouch.Client) { c.Disabled = true }, nil, 401, "invalid_client", ""},
		{"another method", func(c *avouch.Client) { c.AuthMethod = "private_key_jwt" }, nil, 401, "invalid_client", ""},
		{"lost the grant", func(c *avouch.Client) { c.Grants = []string{visit} }, nil, 400, "unauthorized_client", ""},
		{"lost a scope", func(c *avouch.Client) { c.Scopes = []string{"read"} }, nil, 200, "", "read"},
		{"lost a scope and asks for it", func(c *avouch.Client) { c.Scopes = []string{"read"} }, []string{"scope", "write"}, 400, "invalid_scope", ""},
		{"lost every scope", func(c *avouch.Client) { c.Scopes = nil }, nil, 200, "", ""},
		{"lost a resource and asks for it", func(c *avouch.Client) { c.Audiences = []string{shelf} }, []string{"resource", desk}, 400, "invalid_target", ""},
		{"lost both resources", func(c *avouch.Client) { c.Audiences = []string{cellar} }, nil, 400, "invalid_target", ""},
		{"got a resource", func(c *avouch.Client) { c.Audiences = append(slices.Clone(c.Audiences), own) }, []string{"resource", own}, 400, "invalid_target", ""},
		{"got a scope", func(c *avouch.Client) { c.Scopes = append(slices.Clone(c.Scopes), "root") }, []string{"scope", "root"}, 400, "invalid_scope", ""},
	} {
		for _, client := range []string{"web", "phone"} {
			s := newRefreshSite().start(t)
			before := s.clients[client]
			text := s.visit(t, client).RefreshToken
			s.change(client, c.change)
			a := s.use(t, client, text, c.pairs...)
			if c.status != 200 {
				fails(t, client+" "+c.name, a, c.status, c.code)
			} else if passes(t, client+" "+c.name, a); a.Scope != c.scope {
				t.Errorf("%s %s: scope %q, want %q", client, c.name, a.Scope, c.scope)
			}
			if c.status == 200 && client == "phone" {
				continue
			}
			s.change(client, func(c *avouch.Client) { *c = before })
			passes(t, client+" "+c.name+", taken back", s.use(t, client, text))
		}
	}
}

// TestConsentIsFixed: where the grant has named no scopes or resources, those of the moment count and not those that
// the client has later.
func TestConsentIsFixed(t *testing.T) {
	gains := func(c *avouch.Client) {
		c.Scopes = append(slices.Clone(c.Scopes), "root")
		c.DefaultScopes = []string{"root", "read"}
		c.Audiences = append(slices.Clone(c.Audiences), own)
	}
	for _, c := range []struct {
		name     string
		consent  avouch.Authorization
		pairs    []string // of the first request
		ask      []string // of the refresh
		code     string
		scope    string
		audience string
	}{
		{"no scopes named", avouch.Authorization{}, nil, []string{"scope", "root"}, "invalid_scope", "", ""},
		{"no scopes named, default", avouch.Authorization{}, nil, nil, "", "", shelf},
		{"no scopes named, some asked", avouch.Authorization{}, []string{"scope", "write"}, nil, "", "write", shelf},
		{"no scopes named, others asked now", avouch.Authorization{}, []string{"scope", "write"}, []string{"scope", "read"}, "invalid_scope", "", ""},
		{"asserted ones", avouch.Authorization{Asserted: []string{"write", "none"}}, nil, nil, "", "write", shelf},
		{"asserted within a ceiling", avouch.Authorization{Asserted: []string{"write"}, Scopes: []string{"read", "write"}}, nil, []string{"scope", "read"}, "invalid_scope", "", ""},
		{"default below the ceiling", avouch.Authorization{DefaultScopes: []string{"read"}, Scopes: []string{"read", "write"}}, nil, nil, "", "read", shelf},
		{"default below the ceiling, asked", avouch.Authorization{DefaultScopes: []string{"read"}, Scopes: []string{"read", "write"}}, nil, []string{"scope", "write"}, "", "write", shelf},
		{"none at all", avouch.Authorization{Scopes: []string{}}, nil, []string{"scope", "read"}, "invalid_scope", "", ""},
		{"no resources named", avouch.Authorization{}, nil, []string{"resource", own}, "invalid_target", "", ""},
		{"no resources named, one asked before", avouch.Authorization{}, []string{"resource", desk}, []string{"resource", cellar}, "", "", cellar},
	} {
		for _, client := range []string{"web", "phone"} {
			s := newRefreshSite()
			s.consent = c.consent
			s.consent.Subject, s.consent.Family = "alice", "f-1"
			s.start(t)
			text := s.visit(t, client, c.pairs...).RefreshToken
			if text == "" {
				t.Errorf("%s: no refresh token", c.name)
				continue
			}
			s.change(client, gains)
			a := s.use(t, client, text, c.ask...)
			if c.code != "" {
				fails(t, c.name, a, 400, c.code)
				continue
			}
			if passes(t, c.name, a); a.Scope != c.scope || a.claims(t)["aud"] != c.audience {
				t.Errorf("%s: scope %q, aud %v; want %q, %q", c.name, a.Scope, a.claims(t)["aud"], c.scope, c.audience)
			}
		}
	}
	// A client without resources has that of the server, and later too.
	s := newRefreshSite()
	s.consent.Audiences = nil
	s.change("web", func(c *avouch.Client) { c.Audiences = nil })
	s.start(t)
	text := s.visit(t, "web").RefreshToken
	s.change("web", func(c *avouch.Client) { c.Audiences = []string{shelf} })
	fails(t, "resources instead of the server's", s.use(t, "web", text, "resource", shelf), 400, "invalid_target")
}

// TestNoRefresh: no refresh token if no user consents, or the client may not use one.
func TestNoRefresh(t *testing.T) {
	for name, change := range map[string]func(*refreshSite){
		"no subject":      func(s *refreshSite) { s.consent.Subject = "" },
		"without a grant": func(s *refreshSite) { s.change("web", func(c *avouch.Client) { c.Grants = []string{visit} }) },
	} {
		s := newRefreshSite()
		change(s)
		s.start(t)
		if a := s.visit(t, "web"); a.RefreshToken != "" || s.store.put.Load() != 0 {
			t.Errorf("%s: refresh token %q", name, a.RefreshToken)
		}
	}
}

// TestFamilyIsNamed: a grant that leaves the name of the consent to the server gets one, and cannot have two second uses
// of the same thing under two names.
func TestFamilyIsNamed(t *testing.T) {
	s := newRefreshSite()
	s.consent.Family = ""
	s.consent.Uses = []replay.Use{{Purpose: "visit", Party: "lobby", ID: "v-1", Until: time.Now().Add(time.Hour), Issued: time.Now().Add(time.Minute)}}
	s.start(t)
	first := s.visit(t, "web")
	family := first.claims(t)["avouch_origin"].(map[string]any)["fam"].(string)
	if first.RefreshToken == "" || family == "" {
		t.Fatalf("%+v", first)
	}
	passes(t, "refresh", s.use(t, "web", first.RefreshToken))
	fails(t, "the visit again", s.send(t, "web", url.Values{"grant_type": {visit}}), 400, "invalid_grant")
	if !s.ended(t, family) {
		t.Error("the consent goes on")
	}
	fails(t, "refresh, afterwards", s.use(t, "web", first.RefreshToken), 400, "invalid_grant")

	// Of what may be used again and again each time is a consent of its own.
	s = newRefreshSite()
	s.consent.Family = ""
	s.start(t)
	one, two := s.visit(t, "web").claims(t)["avouch_origin"], s.visit(t, "web").claims(t)["avouch_origin"]
	if inJSON(t, one) == inJSON(t, two) {
		t.Errorf("two consents of one name: %v", one)
	}
}

// TestRecordBeforeRefresh: what a grant keeps by itself is kept first, and a fault of it leaves no refresh token behind.
func TestRecordBeforeRefresh(t *testing.T) {
	s := newRefreshSite()
	var fault error
	s.consent.Record = func(_ context.Context, issued *avouch.Issued) error {
		issued.Answer["visit"] = "v-1"
		return fault
	}
	s.start(t)
	if a := s.visit(t, "web"); a.Members["visit"] != "v-1" || a.RefreshToken == "" {
		t.Errorf("%+v", a)
	}
	put := s.store.put.Load()
	fault = errors.New("the visitors' book is lost")
	fails(t, "a fault", s.send(t, "web", url.Values{"grant_type": {visit}}), 500, "server_error")
	if s.store.put.Load() != put {
		t.Error("a refresh token was kept that nobody has got")
	}
}

// TestNoRefreshToken: the grants in which nobody consents never answer one, whatever the client may do.
func TestNoRefreshToken(t *testing.T) {
	s := partner()
	s.clients = avouch.ClientList{confidential("web", func(c *avouch.Client) {
		c.Grants = []string{grant.JWTBearerType, grant.RefreshTokenType, "client_credentials"}
	})}
	s.start(t)
	a := s.post(t, sign(t), "client_id", "web", "client_secret", secretOf)
	if _, there := a.Members["refresh_token"]; a.Status != 200 || there {
		t.Errorf("%d %v", a.Status, a.Members)
	}
	r := newRefreshSite()
	r.change("web", func(c *avouch.Client) { c.Grants = append(slices.Clone(c.Grants), "client_credentials") })
	r.start(t)
	own := r.send(t, "web", url.Values{"grant_type": {"client_credentials"}})
	if passes(t, "client credentials", own); own.RefreshToken != "" || r.store.put.Load() != 0 {
		t.Errorf("client credentials: refresh token %q", own.RefreshToken)
	}
}

// TestRefreshGarbage: whatever is sent, the answer is a 400 with one text, and the good one still works.
func TestRefreshGarbage(t *testing.T) {
	s := newRefreshSite().start(t)
	first := s.visit(t, "web")
	good := first.RefreshToken
	for name, text := range map[string]string{
		"junk": "junk", "blank": " ", "another handle": strings.Repeat("A", 43), "cut": good[:42], "longer": good + "A",
		"padded": good + "=", "with a blank": good + " ", "upper case": strings.ToUpper(good), "quoted": `"` + good + `"`,
		"the access token": first.AccessToken, "long": strings.Repeat("a", 60<<10), "not ASCII": "Grüße", "SQL": "' OR 1=1 --",
		"its digest": string(digestText(good)), "line breaks": "a\r\nb",
	} {
		a := s.use(t, "web", text)
		fails(t, name, a, 400, "invalid_grant")
		if a.Description != "the refresh token is not accepted" {
			t.Errorf("%s: %q", name, a.Description)
		}
	}
	fails(t, "NUL", s.use(t, "web", "a\x00b"), 400, "invalid_request")
	fails(t, "not UTF-8", s.use(t, "web", "a\xffb"), 400, "invalid_request")
	fails(t, "none", s.send(t, "web", url.Values{"grant_type": {grant.RefreshTokenType}}), 400, "invalid_request")
	fails(t, "empty", s.use(t, "web", ""), 400, "invalid_request")
	fails(t, "two", s.use(t, "web", good, "refresh_token", good), 400, "invalid_request")
	passes(t, "the good one", s.use(t, "web", good))
}

func digestText(text string) []byte {
	d := handle.Digest(text)
	return []byte(strings.ToUpper(hexOf(d[:])))
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// TestRefreshRecords: records of other versions, and broken ones, send the user to sign in again; they give nothing away and
// are no failure.
func TestRefreshRecords(t *testing.T) {
	s := newRefreshSite().start(t)
	at := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
	good := `{"client":"web","sub":"alice","scopes":["read"],"resources":["` + shelf + `"],"family":"f-9","at":"` + at + `","issued":"` + at + `"}`
	without := func(name string) string {
		var m map[string]any
		if err := json.Unmarshal([]byte(good), &m); err != nil {
			t.Fatal(err)
		}
		delete(m, name)
		return inJSON(t, m)
	}
	for _, c := range []struct {
		name, data string
		ok         bool
	}{
		{"an older one", good, true},
		{"a newer one", strings.Replace(good, "{", `{"later":{"x":1},`, 1), true},
		{"without resources", without("resources"), true},
		{"without scopes", without("scopes"), true},
		{"without client", without("client"), false},
		{"without subject", without("sub"), false},
		{"without family", without("family"), false},
		{"without the time of consent", without("at"), false},
		{"without its own time", without("issued"), false},
		{"negative lifetime", strings.Replace(good, "{", `{"lifetime":-1,`, 1), false},
		{"scopes of another type", strings.Replace(good, `["read"]`, `"read"`, 1), false},
		{"no object", `["web"]`, false},
		{"null", `null`, false},
		{"empty", ``, false},
		{"no JSON", `%`, false},
	} {
		text, digest := handle.New()
		err := s.store.PutHandle(t.Context(), time.Now(), &handle.Record{
			Kind: "refresh_token", Digest: digest, Data: []byte(c.data), Expires: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		a := s.use(t, "web", text)
		claims, _, err := s.refresh.Lookup(t.Context(), s.store, time.Now(), text)
		if c.ok {
			passes(t, c.name, a)
			if err != nil || claims == nil {
				t.Errorf("%s: introspection has %v, %v", c.name, claims, err)
			}
			continue
		}
		fails(t, c.name, a, 400, "invalid_grant")
		if !strings.Contains(s.told(), "version") && c.name != "without client" {
			t.Errorf("%s: the operator is told %q", c.name, s.told())
		}
		if err != nil || claims != nil {
			t.Errorf("%s: introspection has %v, %v", c.name, claims, err)
		}
	}
	// One of another kind is no refresh token.
	text, digest := handle.New()
	if err := s.store.PutHandle(t.Context(), time.Now(), &handle.Record{Kind: "code", Digest: digest, Data: []byte(good), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	fails(t, "a code", s.use(t, "web", text), 400, "invalid_grant")
}

// TestRefreshTimes: how long refresh tokens live, to the second.
func TestRefreshTimes(t *testing.T) {
	const day = 24 * time.Hour
	t.Run("not used", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRefreshSite().make(t)
			public, confidential := s.visit(t, "phone").RefreshToken, s.visit(t, "web").RefreshToken
			time.Sleep(30*day - time.Second)
			public = s.use(t, "phone", public).RefreshToken
			time.Sleep(30 * day)
			fails(t, "30 days without use", s.use(t, "phone", public), 400, "invalid_grant")
			time.Sleep(30 * day)
			passes(t, "confidential, a second before 90 days", s.use(t, "web", confidential))
			time.Sleep(time.Second)
			fails(t, "confidential, 90 days", s.use(t, "web", confidential), 400, "invalid_grant")
		})
	})
	t.Run("used all the time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRefreshSite()
			s.refresh.Lifetime, s.refresh.MaxLifetime = 2*day, 7*day
			s.make(t)
			text := s.visit(t, "phone").RefreshToken
			for range 6 {
				time.Sleep(day)
				a := s.use(t, "phone", text)
				passes(t, "every day", a)
				text = a.RefreshToken
			}
			time.Sleep(day - time.Second)
			a := s.use(t, "phone", text)
			passes(t, "in the last second", a)
			time.Sleep(time.Second)
			fails(t, "after 7 days", s.use(t, "phone", a.RefreshToken), 400, "invalid_grant")
		})
	})
	t.Run("the limit is lowered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRefreshSite().make(t)
			text := s.visit(t, "web").RefreshToken
			s.refresh.MaxLifetime = 10 * day
			time.Sleep(10*day - time.Second)
			passes(t, "before", s.use(t, "web", text))
			time.Sleep(time.Second)
			fails(t, "after", s.use(t, "web", text), 400, "invalid_grant")
		})
	})
	t.Run("a used one is known until it would have expired", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRefreshSite().make(t)
			old := s.visit(t, "phone").RefreshToken
			newest := s.use(t, "phone", old).RefreshToken
			time.Sleep(30*day - time.Second)
			fails(t, "the old one", s.use(t, "phone", old), 400, "invalid_grant")
			fails(t, "the newest", s.use(t, "phone", newest), 400, "invalid_grant")
		})
	})
}

// TestRefreshAfterRestart: a guard in memory has forgotten what was used. It refuses what was issued before, and nobody's
// family ends for it.
func TestRefreshAfterRestart(t *testing.T) {
	s := newRefreshSite().start(t)
	public, confidential := s.visit(t, "phone").RefreshToken, s.visit(t, "web").RefreshToken
	s.restart(t, time.Now().Add(time.Minute))
	fails(t, "public", s.use(t, "phone", public), 400, "invalid_grant")
	if s.ended(t, "f-1") {
		t.Fatal("a restart has ended the family")
	}
	passes(t, "confidential", s.use(t, "web", confidential))
}

// TestRefreshKeepsOnce: one that was issued to a public client is good once, also when the client has credentials by now:
// or one that was used up would be good again.
func TestRefreshKeepsOnce(t *testing.T) {
	s := newRefreshSite().start(t)
	old := s.visit(t, "phone").RefreshToken
	newest := s.use(t, "phone", old).RefreshToken
	credentials := s.clients["web"]
	s.change("phone", func(c *avouch.Client) { c.AuthMethod, c.Secrets = credentials.AuthMethod, credentials.Secrets })
	withSecret := func(text string) refreshAnswer {
		return s.send(t, "phone", url.Values{"grant_type": {grant.RefreshTokenType}, "refresh_token": {text}, "client_secret": {secretOf}})
	}
	a := withSecret(newest)
	passes(t, "the newest", a)
	passes(t, "what replaces it", withSecret(a.RefreshToken))
	passes(t, "what replaces it stays", withSecret(a.RefreshToken))
	fails(t, "used up before", withSecret(old), 400, "invalid_grant")
	if !s.ended(t, "f-1") {
		t.Error("the family goes on")
	}

	// And the other way about: one that stayed is good once as soon as its client is a public one.
	s = newRefreshSite().start(t)
	text := s.visit(t, "web").RefreshToken
	s.change("web", func(c *avouch.Client) { c.AuthMethod, c.Secrets = "none", nil })
	public := func(text string) refreshAnswer {
		form := url.Values{"grant_type": {grant.RefreshTokenType}, "refresh_token": {text}, "client_id": {"web"}}
		return s.sendForm(t, form)
	}
	passes(t, "first use", public(text))
	fails(t, "second use", public(text), 400, "invalid_grant")
}

// TestRefreshStoreDown: neither yes nor no, and nothing is used up.
func TestRefreshStoreDown(t *testing.T) {
	s := newRefreshSite().start(t)
	public, confidential := s.visit(t, "phone").RefreshToken, s.visit(t, "web").RefreshToken
	s.store.down.Store(true)
	for client, text := range map[string]string{"phone": public, "web": confidential} {
		a := s.use(t, client, text)
		fails(t, client, a, 503, "temporarily_unavailable")
		if a.Header.Get("Retry-After") == "" || strings.Contains(a.Description, "disk") {
			t.Errorf("%+v", a)
		}
	}
	fails(t, "a first one", s.send(t, "web", url.Values{"grant_type": {visit}}), 503, "temporarily_unavailable")
	if _, _, err := s.refresh.Lookup(t.Context(), s.store, time.Now(), confidential); err == nil {
		t.Error("introspection knows something")
	}
	s.store.down.Store(false)
	a := s.use(t, "phone", public)
	passes(t, "public, later", a)
	passes(t, "confidential, later", s.use(t, "web", confidential))

	// A re-use that cannot be written down is refused, and is seen when it comes again.
	s.store.downToRevoke(t, func() { fails(t, "re-use", s.use(t, "phone", public), 503, "temporarily_unavailable") })
	if s.ended(t, "f-1") {
		t.Error("it was written down after all")
	}
	fails(t, "re-use, later", s.use(t, "phone", public), 400, "invalid_grant")
	if !s.ended(t, "f-1") {
		t.Error("the family goes on")
	}

	// No access token leaves where its refresh token could not be kept.
	s = newRefreshSite().start(t)
	public = s.visit(t, "phone").RefreshToken
	s.store.downToPut.Store(true)
	fails(t, "cannot be kept", s.use(t, "phone", public), 503, "temporarily_unavailable")
}

// TestRefreshLapsed: the host's word about what a refresh token rests on.
func TestRefreshLapsed(t *testing.T) {
	s := newRefreshSite()
	s.consent.Issuer, s.consent.KeyID = "https://login.example", "key-1"
	var says atomic.Pointer[error]
	var stands atomic.Bool
	stands.Store(true)
	var saw atomic.Pointer[token.Claims]
	s.lapsed = func(_ context.Context, c *token.Claims) (*avouch.Lapse, error) {
		saw.Store(new(*c))
		if err := says.Load(); err != nil {
			return nil, *err
		}
		if !stands.Load() {
			return &avouch.Lapse{Of: avouch.BasisIssuer, Reason: "has lost its licence"}, nil
		}
		return nil, nil
	}
	s.start(t)
	text := s.visit(t, "phone").RefreshToken
	stands.Store(false)
	fails(t, "does not stand", s.use(t, "phone", text), 400, "invalid_grant")
	if !strings.Contains(s.told(), "the issuer has lost its licence") {
		t.Errorf("the operator is told %q", s.told())
	}
	broken := errors.New("no idea")
	says.Store(&broken)
	stands.Store(true)
	fails(t, "cannot tell", s.use(t, "phone", text), 503, "temporarily_unavailable")
	says.Store(nil)
	a := s.use(t, "phone", text)
	passes(t, "stands", a)
	c := saw.Load()
	if c.Subject != "alice" || c.ClientID != "phone" || c.Origin.Issuer != "https://login.example" || c.Origin.Family != "f-1" ||
		!slices.Equal(c.Origin.KeyIDs, []string{"key-1"}) || !slices.Equal(c.Scopes, []string{"read", "write"}) || !slices.Equal(c.Audience, []string{shelf, desk}) {
		t.Errorf("Lapsed is told %+v", c)
	}
	// what it rests on goes along with each new one
	stands.Store(false)
	fails(t, "the next one does not stand", s.use(t, "phone", a.RefreshToken), 400, "invalid_grant")
}

// TestRefreshLookup reads what a refresh token was issued for.
func TestRefreshLookup(t *testing.T) {
	s := newRefreshSite().start(t)
	text := s.visit(t, "web").RefreshToken
	now := time.Now()
	c, once, err := s.refresh.Lookup(t.Context(), s.store, now, text)
	if err != nil || once || c == nil || c.ClientID != "web" || c.Subject != "alice" || c.ID != "" || c.Issuer != "" || c.Origin.Family != "f-1" {
		t.Fatalf("%+v, %t, %v", c, once, err)
	}
	if life := c.Expires.Sub(c.IssuedAt); life != 90*24*time.Hour {
		t.Errorf("lives %v", life)
	}
	if c, _, err := s.refresh.Lookup(t.Context(), s.store, now.Add(91*24*time.Hour), text); c != nil || err != nil {
		t.Errorf("expired: %v, %v", c, err)
	}
	if c, once, err := s.refresh.Lookup(t.Context(), s.store, now, s.visit(t, "phone").RefreshToken); c == nil || !once || err != nil {
		t.Errorf("good once: %v, %t, %v", c, once, err)
	}
}

// TestRefreshConfiguration: what cannot work is refused at the start, and closed at use.
func TestRefreshConfiguration(t *testing.T) {
	for name, g := range map[string]*grant.RefreshToken{
		"nil": nil, "negative": {Lifetime: -1}, "negative limit": {MaxLifetime: -1}, "two years": {MaxLifetime: 2 * 365 * 24 * time.Hour},
	} {
		_, err := avouch.New(avouch.Config{
			Issuer: own, Minter: &token.Minter{Key: ownKey()}, Refresh: g,
			ClientAuth: []avouch.ClientAuth{clientauth.None{}}, Clients: avouch.ClientList{},
		})
		if err == nil || !strings.Contains(err.Error(), "grant refresh_token") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := g.Authorize(t.Context(), &avouch.Request{Client: &avouch.Client{ID: "web"}}); err == nil {
			t.Errorf("%s: authorizes", name)
		}
		store := handle.NewMemory(0)
		if _, _, err := g.Lookup(t.Context(), store, time.Now(), "x"); err == nil {
			t.Errorf("%s: looks up", name)
		}
		if _, err := g.Issue(t.Context(), store, time.Now(), &avouch.Client{ID: "web"}, &avouch.Authorization{Subject: "alice", Family: "f", Since: time.Now()}); err == nil {
			t.Errorf("%s: issues", name)
		}
	}
	// Among the grants, the server would take refresh tokens and make none.
	_, err := avouch.New(avouch.Config{
		Issuer: own, Minter: &token.Minter{Key: ownKey()}, Grants: []avouch.Grant{&grant.RefreshToken{}},
		ClientAuth: []avouch.ClientAuth{clientauth.None{}}, Clients: avouch.ClientList{},
	})
	if err == nil || !strings.Contains(err.Error(), "put it in Refresh") {
		t.Errorf("among the grants: %v", err)
	}
}

// TestRefreshKeepsNoToken: neither store nor log nor event has the text of a refresh token.
func TestRefreshKeepsNoToken(t *testing.T) {
	s := newRefreshSite()
	seen := &watchingStore{Store: s.store.Store}
	s.store.Store = seen
	s.start(t)
	text := s.visit(t, "phone").RefreshToken
	_ = s.use(t, "phone", text)
	_ = s.use(t, "phone", text)
	if len(seen.data) != 2 {
		t.Fatalf("%d records", len(seen.data))
	}
	for _, data := range seen.data {
		if strings.Contains(data, text) {
			t.Errorf("kept: %s", data)
		}
	}
	for _, e := range s.events {
		if err := e.Err; err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("told: %v", err)
		}
	}
}

// watchingStore remembers the data of all records.
type watchingStore struct {
	handle.Store
	data []string
}

func (s *watchingStore) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	s.data = append(s.data, string(r.Data))
	return s.Store.PutHandle(ctx, now, r)
}
