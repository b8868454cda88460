package grant_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// recording is a guard that lets everything pass, and writes it down.
type recording struct{ uses *[]replay.Use }

func (r recording) FirstUse(_ context.Context, _ time.Time, uses ...replay.Use) error {
	*r.uses = append(*r.uses, uses...)
	return nil
}

type pushedAnswer struct {
	answer
	RequestURI string
	Expires    float64
}

// push pushes a good request of app, changed by pairs.
func (s *codeSite) push(t testing.TB, pairs ...string) pushedAnswer {
	t.Helper()
	a := s.post(t, "/oauth/par", changed(with("client_secret", secretOf), pairs...))
	p := pushedAnswer{answer: a}
	p.RequestURI, _ = a.Members["request_uri"].(string)
	p.Expires, _ = a.Members["expires_in"].(float64)
	return p
}

func opened(client, uri string) url.Values {
	return url.Values{"client_id": {client}, "request_uri": {uri}}
}

// TestPushed: a pushed request is what the authorization endpoint goes by, and nothing that stands beside it
// (RFC 9126 §2.2, §4).
func TestPushed(t *testing.T) {
	s := newCodeSite(t, false)
	p := s.push(t, "scope", "write", "login_hint", "al", "resource", api2)
	if p.Status != http.StatusCreated || p.Expires != 90 || len(p.Members) != 2 ||
		!strings.HasPrefix(p.RequestURI, "urn:ietf:params:oauth:request_uri:") || len(p.RequestURI) != 34+43 {
		t.Fatalf("%+v", p)
	}
	if e := s.last(); e.Endpoint != "pushed_authorization_request" || e.ClientID != "app" || e.AuthMethod != "client_secret_post" {
		t.Errorf("%+v", e)
	}
	form := changed(opened("app", p.RequestURI), "redirect_uri", "https://evil.example", "state", "evil", "scope", "read write",
		"code_challenge", strings.Repeat("A", 43), "response_type", "token", "login_hint", "mallory")
	got := s.authorize(t, form)
	q := s.questions()[0]
	if got.to != appURI || got.params.Get("state") != "s t&a=te" || len(q.Scopes) != 1 || q.Scopes[0] != "write" || q.Resources[0] != api2 ||
		q.Param("login_hint") != "al" || q.Param("client_secret") != "" || q.RedirectURI != appURI {
		t.Fatalf("%q %v %+v", got.to, got.params, q)
	}
	if a := s.redeem(t, got.params.Get("code")); a.Scope != "write" || a.claims(t)["aud"] != api2 {
		t.Errorf("%+v", a)
	}
}

// TestPushedOnce: a request may be reloaded as long as it is not decided, and then no more.
func TestPushedOnce(t *testing.T) {
	decide := false
	s := newCodeSite(t, true, asking(func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
		if !decide {
			w.WriteHeader(200)
			return nil, nil
		}
		return &grant.Consent{Subject: "alice"}, nil
	}))
	form := opened("app", s.push(t).RequestURI)
	for range 3 {
		if got := s.authorize(t, form); got.status != 200 {
			t.Fatalf("%d %v", got.status, got.params)
		}
	}
	decide = true
	if got := s.authorize(t, form); got.params.Get("code") == "" {
		t.Fatalf("%v", got.params)
	}
	for range 2 {
		if got := s.authorize(t, form); got.to != appURI || got.params.Get("error") != "invalid_request_uri" || got.params.Get("state") != "s t&a=te" {
			t.Errorf("%v", got.params)
		}
	}
}

// TestPushedInParallel: of many completions of one pushed request one gets a code.
func TestPushedInParallel(t *testing.T) {
	s := newCodeSite(t, false)
	form := opened("app", s.push(t).RequestURI)
	replies := make([]reply, 32)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range replies {
		all.Go(func() {
			<-start
			replies[i] = s.authorize(t, form)
		})
	}
	close(start)
	all.Wait()
	codes := 0
	for _, got := range replies {
		if got.params.Get("code") != "" {
			codes++
		} else if got.params.Get("error") != "invalid_request_uri" {
			t.Errorf("%d %v %s", got.status, got.params, got.body)
		}
	}
	if codes != 1 {
		t.Errorf("%d codes", codes)
	}
}

// TestPushedBoundToClient: nobody uses the request that another client has pushed.
func TestPushedBoundToClient(t *testing.T) {
	s := newCodeSite(t, true)
	uri := s.push(t).RequestURI
	for _, client := range []string{"other", "two", "", "nobody", "off"} {
		s.wantPage(t, s.authorize(t, changed(opened(client, uri), "client_id", client)), http.StatusBadRequest)
	}
	if got := s.authorize(t, opened("app", uri)); got.params.Get("code") == "" {
		t.Errorf("afterwards: %v", got.params)
	}
}

// TestPushedExpires: a request must be opened soon, and decided within half an hour then.
func TestPushedExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		decide := true
		s := newCodeSite(t, true, asking(func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
			if !decide {
				w.WriteHeader(200)
				return nil, nil
			}
			return &grant.Consent{Subject: "alice"}, nil
		}))
		late := opened("app", s.push(t).RequestURI)
		time.Sleep(90 * time.Second)
		s.wantPage(t, s.authorize(t, late), http.StatusBadRequest)

		for _, test := range []struct {
			takes time.Duration
			good  bool
		}{{29 * time.Minute, true}, {30 * time.Minute, false}} {
			form := opened("app", s.push(t).RequestURI)
			time.Sleep(89 * time.Second)
			decide = false
			if got := s.authorize(t, form); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			time.Sleep(test.takes / 2)
			if got := s.authorize(t, form); got.status != 200 { // a reload gives no more time
				t.Fatalf("%d %s", got.status, got.body)
			}
			time.Sleep(test.takes / 2)
			decide = true
			got := s.authorize(t, form)
			if (got.params.Get("code") != "") != test.good {
				t.Errorf("after %v: %d %v", test.takes, got.status, got.params)
			}
		}
	})
}

// TestPushedRefused: a pushed request is judged like any other, and its client told in JSON.
func TestPushedRefused(t *testing.T) {
	s := newCodeSite(t, false)
	for _, test := range []struct {
		name   string
		pairs  []string
		want   string
		status int
	}{
		{"request_uri", []string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, "invalid_request", 400},
		{"request object", []string{"request", "eyJ.e30."}, "request_not_supported", 400},
		{"no challenge", []string{"code_challenge", ""}, "invalid_request", 400},
		{"plain", []string{"code_challenge_method", "plain"}, "invalid_request", 400},
		{"implicit", []string{"response_type", "token"}, "unsupported_response_type", 400},
		{"redirect URI of another", []string{"redirect_uri", "https://other.example/cb"}, "invalid_request", 400},
		{"javascript", []string{"client_id", "evil", "redirect_uri", "javascript:alert(1)//"}, "invalid_request", 400},
		{"scope", []string{"scope", "admin"}, "invalid_scope", 400},
		{"resource", []string{"resource", "https://elsewhere.example"}, "invalid_target", 400},
		{"client without the grant", []string{"client_id", "idle"}, "unauthorized_client", 400},
		{"no credentials", []string{"client_secret", ""}, "invalid_client", 401},
		{"wrong secret", []string{"client_secret", "guess"}, "invalid_client", 401},
		{"another client named", []string{"client_id", "other", "client_secret", "guess"}, "invalid_client", 401},
		{"disabled client", []string{"client_id", "off"}, "invalid_client", 401},
		{"too long to be kept", []string{"claims", strings.Repeat("<", 20<<10)}, "invalid_request", 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := s.push(t, test.pairs...)
			if p.Status != test.status || p.Error != test.want || p.RequestURI != "" || p.Header.Get("Location") != "" || p.RefusalID == "" {
				t.Errorf("%+v", p)
			}
		})
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		r, err := http.NewRequest(method, s.issuer+"/oauth/par?"+with("client_secret", secretOf).Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
}

// TestPushedByAssertion: clients that sign authenticate here as at the token endpoint, by the same audience rules
// (RFC 10070 §5), and neither assertions nor secrets are kept.
func TestPushedByAssertion(t *testing.T) {
	kept := &keeping{Store: handle.NewMemory(0)}
	s := newCodeSite(t, false, func(s *codeSite) { s.config.Handles = kept })
	push := func(audience string) (pushedAnswer, string) {
		signed, err := assertion.Sign(assertion.Claims{
			Issuer: "signer", Subject: "signer", Audience: audience, Type: "client-authentication+jwt",
		}, otherKey())
		if err != nil {
			t.Fatal(err)
		}
		return s.push(t, "client_id", "signer", "client_secret", "", "client_assertion", signed,
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), signed
	}
	for _, audience := range []string{s.issuer + "/oauth/par", s.issuer + "/oauth/token", s.issuer + "/", "https://evil.example"} {
		if p, _ := push(audience); p.Status != 401 || p.Error != "invalid_client" {
			t.Errorf("%s: %+v", audience, p)
		}
	}
	p, signed := push(s.issuer)
	if p.Status != http.StatusCreated {
		t.Fatalf("%+v %v", p, s.last().Err)
	}
	if again := s.push(t, "client_id", "signer", "client_secret", "", "client_assertion", signed,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"); again.Error != "invalid_client" {
		t.Errorf("the assertion was used again: %+v", again)
	}
	s.push(t)
	if len(kept.data) != 2 || strings.Contains(kept.data[0], signed) || strings.Contains(kept.data[1], secretOf) || strings.Contains(strings.Join(kept.data, ""), "client_assertion") {
		t.Errorf("%q", kept.data)
	}
	if got := s.authorize(t, opened("signer", p.RequestURI)); got.params.Get("code") == "" {
		t.Errorf("%v", got.params)
	}
}

// keeping is a store that writes down what it is given.
type keeping struct {
	handle.Store
	mu   sync.Mutex
	data []string
}

func (k *keeping) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.data = append(k.data, string(r.Data))
	return k.Store.PutHandle(ctx, now, r)
}

// TestPushedByPublicClient: a client without credentials pushes by its name.
func TestPushedByPublicClient(t *testing.T) {
	s := newCodeSite(t, false)
	p := s.push(t, "client_id", "native", "client_secret", "", "redirect_uri", "com.example.app:/cb")
	if p.Status != http.StatusCreated {
		t.Fatalf("%+v", p)
	}
	if got := s.authorize(t, opened("native", p.RequestURI)); got.to != "com.example.app:/cb" || got.params.Get("code") == "" {
		t.Errorf("%q %v", got.to, got.params)
	}
}

// TestPushedIsJudgedAgain: what was changed since the request was pushed holds.
func TestPushedIsJudgedAgain(t *testing.T) {
	clients := codeClients()
	s := newCodeSite(t, true, func(s *codeSite) { s.config.Clients = clients })
	uri := s.push(t, "scope", "write").RequestURI
	before := *clients[0]
	change := func(f func()) {
		c := before
		clients[0] = &c
		f()
	}
	change(func() { clients[0].Scopes = []string{"read"} })
	if got := s.authorize(t, opened("app", uri)); got.params.Get("error") != "invalid_scope" {
		t.Errorf("%v", got.params)
	}
	change(func() { clients[0].RedirectURIs = []string{"https://app.example/new"} })
	s.wantPage(t, s.authorize(t, opened("app", uri)), http.StatusBadRequest)
	change(func() { clients[0].Disabled = true })
	s.wantPage(t, s.authorize(t, opened("app", uri)), http.StatusBadRequest)
	change(func() {})
	if got := s.authorize(t, opened("app", uri)); got.params.Get("code") == "" {
		t.Errorf("%v", got.params)
	}
}

// TestPushedFailures: where the request cannot be kept the client is told to come again.
func TestPushedFailures(t *testing.T) {
	f := &faulty{}
	s := newCodeSite(t, true, breakable(f))
	f.breaks("PutHandle")
	if p := s.push(t); p.Status != 503 || p.RequestURI != "" {
		t.Errorf("%+v", p)
	}
}

// TestPushedByStrangers: anybody can push as a public client, so what is kept for them is bounded by address; a client that
// authenticates does not mind.
func TestPushedByStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &keeping{Store: handle.NewMemory(0)}
		s := newCodeSite(t, true, func(s *codeSite) { s.config.Handles, s.grant.PerAddress = kept, 3 })
		public := []string{"client_id", "native", "client_secret", "", "redirect_uri", "com.example.app:/cb"}
		for range 5 { // which are refused, and take nothing
			s.push(t, append(public, "scope", "admin")...)
		}
		for range 3 {
			if p := s.push(t, public...); p.Status != http.StatusCreated {
				t.Fatalf("%+v", p)
			}
		}
		p := s.push(t, public...)
		if p.Status != http.StatusTooManyRequests || p.Error != "invalid_request" || p.Header.Get("Retry-After") != "1200" || len(kept.data) != 3 {
			t.Errorf("%+v, %d kept", p, len(kept.data))
		}
		if p := s.push(t); p.Status != http.StatusCreated {
			t.Errorf("who authenticates: %+v", p)
		}
		time.Sleep(20 * time.Minute)
		if p := s.push(t, public...); p.Status != http.StatusCreated {
			t.Errorf("later: %+v", p)
		}
	})
}
