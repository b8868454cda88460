package avouch_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
)

const jwtAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func header(value ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Authorization"] = value }
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestClientAuthentication is about who is let in, and what the others are told (RFC 6749 §2.3, §5.2; RFC 7521 §4.2).
func TestClientAuthentication(t *testing.T) {
	s := newSite(t, nil)
	escaped := url.QueryEscape(secret)
	post := func(pairs ...string) url.Values { return credentials(pairs...) }
	tests := []struct {
		name   string
		form   url.Values
		with   []func(*http.Request)
		status int
		code   avouch.Code
		scheme string // of the challenge
		reason string // for the operator
	}{
		{name: "Basic", form: post(), with: set(basic("basic", secret)), status: 200},
		{name: "Basic in other case", form: post(), with: set(header("bASIC " + encoded("basic:"+escaped))), status: 200},
		{name: "Basic and the same client_id", form: post("client_id", "basic"), with: set(basic("basic", secret)), status: 200},
		{name: "Basic, escaped id", form: post(), with: set(basic("a:b c%+ü", secret)), status: 200},
		{name: "Basic beside an empty assertion", form: post("client_assertion", "", "client_assertion_type", ""), with: set(basic("basic", secret)), status: 200},
		{name: "post", form: post("client_id", "post", "client_secret", secret), status: 200},
		{name: "post beside Basic without password", form: post("client_id", "post", "client_secret", secret), with: set(basic("post", "")), status: 200},
		{name: "stranger's method", form: post("stamp", "t1", "stamped_by", "stamped"), status: 200},

		{name: "Basic, wrong secret", form: post(), with: set(basic("basic", "wrong")), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "none of the client's live ones"},
		{name: "Basic, unknown client", form: post(), with: set(basic("nobody", secret)), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: `no client of the id \"nobody\"`},
		{name: "Basic, client id by a lookalike", form: post(), with: set(basic("ba\u200bsic", secret)), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "Basic, disabled client", form: post(), with: set(basic("off", secret)), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "disabled"},
		{name: "Basic, not escaped", form: post(), with: set(header("Basic " + encoded("basic:"+secret))), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "malformed"},
		{name: "Basic, escaped twice", form: post(), with: set(basic("basic", escaped)), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "Basic, no base64", form: post(), with: set(header("Basic !!!")), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "malformed"},
		{name: "Basic, no colon", form: post(), with: set(header("Basic " + encoded("basic"))), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "Basic, nothing", form: post(), with: set(header("Basic")), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "Basic, high bytes", form: post(), with: set(header("Basic " + encoded("basic:\xfc"))), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "Basic without password is no credential", form: post(), with: set(basic("basic", "")), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "no credentials"},
		{name: "empty header", form: post(), with: set(header("")), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "unknown scheme", form: post(), with: set(header("Foo x")), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "scheme"},
		{name: "bearer token", form: post(), with: set(header("Bearer x")), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "unknown scheme beside a good secret", form: post("client_id", "post", "client_secret", secret), with: set(header("Foo x")), status: 400, code: avouch.InvalidRequest},
		{name: "two headers", form: post(), with: set(header("Basic "+encoded("basic:"+escaped), "Basic "+encoded("basic:"+escaped))), status: 400, code: avouch.InvalidRequest},
		{name: "post, wrong secret", form: post("client_id", "post", "client_secret", "wrong"), status: 401, code: avouch.InvalidClient},
		{name: "post, no client_id", form: post("client_secret", secret), status: 400, code: avouch.InvalidRequest},

		{name: "Basic and post", form: post("client_id", "basic", "client_secret", secret), with: set(basic("basic", secret)), status: 400, code: avouch.InvalidRequest},
		{name: "broken Basic and post", form: post("client_id", "basic", "client_secret", secret), with: set(header("Basic !")), status: 400, code: avouch.InvalidRequest},
		{name: "Basic and an assertion", form: post("client_assertion", "a.b.c", "client_assertion_type", jwtAssertion), with: set(basic("basic", secret)), status: 400, code: avouch.InvalidRequest},
		{name: "post and an assertion", form: post("client_id", "post", "client_secret", secret, "client_assertion", "a.b.c", "client_assertion_type", jwtAssertion), status: 400, code: avouch.InvalidRequest},
		{name: "Basic and a stranger's", form: post("stamp", "t2"), with: set(basic("basic", secret)), status: 400, code: avouch.InvalidRequest},
		{name: "a stranger's and an assertion, which nobody offers", form: post("stamp", "t3", "stamped_by", "stamped", "client_assertion", "a.b.c", "client_assertion_type", jwtAssertion), status: 400, code: avouch.InvalidRequest},
		{name: "assertion without type", form: post("client_assertion", "a.b.c"), status: 400, code: avouch.InvalidRequest},
		{name: "type without assertion", form: post("client_assertion_type", jwtAssertion), status: 400, code: avouch.InvalidRequest},
		{name: "type without assertion beside Basic", form: post("client_assertion_type", jwtAssertion), with: set(basic("basic", secret)), status: 400, code: avouch.InvalidRequest},
		{name: "method that is not offered", form: post("client_assertion", "a.b.c", "client_assertion_type", jwtAssertion), status: 401, code: avouch.InvalidClient, reason: "no client authentication method that is offered"},
		{name: "unknown assertion type", form: post("client_assertion", "a", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), status: 401, code: avouch.InvalidClient},

		{name: "another method than registered: post instead of Basic", form: post("client_id", "basic", "client_secret", secret), status: 401, code: avouch.InvalidClient, reason: "another method"},
		{name: "another method than registered: Basic instead of post", form: post(), with: set(basic("post", secret)), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "another method"},
		{name: "another method than registered: secret of one who signs", form: post(), with: set(basic("signer", secret)), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "another method than registered: none instead of Basic", form: post("client_id", "basic"), status: 401, code: avouch.InvalidClient},
		{name: "another method than registered: stranger's", form: post("stamp", "t3", "stamped_by", "basic"), status: 401, code: avouch.InvalidClient, reason: "not for stamp"},
		{name: "another client named", form: post("client_id", "post"), with: set(basic("basic", secret)), status: 401, code: avouch.InvalidClient, scheme: "Basic", reason: "names another client"},
		{name: "another client named beside a stranger's", form: post("client_id", "basic", "stamp", "t4", "stamped_by", "stamped"), status: 401, code: avouch.InvalidClient},
		{name: "another client in the header", form: post("client_id", "post", "client_secret", secret), with: set(basic("basic", "")), status: 401, code: avouch.InvalidClient, scheme: "Basic"},
		{name: "public client", form: post("client_id", "public"), status: 400, code: avouch.UnauthorizedClient},
		{name: "public client with a secret", form: post("client_id", "public", "client_secret", "x"), status: 401, code: avouch.InvalidClient},
		{name: "disabled public client", form: post("client_id", "public-off"), status: 401, code: avouch.InvalidClient, reason: "disabled"},
		{name: "nothing", form: post(), status: 401, code: avouch.InvalidClient},
	}
	texts := map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			logged := len(s.logs.String())
			a := s.post(t, test.form, test.with...)
			a.want(t, test.status, test.code)
			challenge, ok := a.header["Www-Authenticate"]
			if want := test.scheme != ""; ok != want || want && challenge[0] != test.scheme+` realm="`+issuer+`"` {
				t.Errorf("challenge %q, want scheme %q", challenge, test.scheme)
			}
			if line := s.logs.String()[logged:]; !strings.Contains(line, test.reason) || a.status != 200 && !strings.Contains(line, a.RefusalID) {
				t.Errorf("the log lacks %q: %s", test.reason, line)
			}
			if a.Error == "invalid_client" {
				texts[a.Description] = true
			}
		})
	}
	if len(texts) != 1 {
		t.Errorf("who exists can be told from the texts %v", texts)
	}
	for _, text := range []string{secret, escaped, encoded("basic:" + escaped), "a.b.c"} {
		if strings.Contains(s.logs.String(), text) {
			t.Errorf("the log has %q", text)
		}
	}
}

func set[T any](list ...T) []T { return list }

// stampedSecret is a stranger's method whose credentials are a client_secret and a stamp together.
type stampedSecret struct{ stamp }

func (stampedSecret) Presented(req *avouch.Request) bool {
	return req.Param("stamp") != "" && req.Param("client_secret") != ""
}

// TestNothingIsOverlooked: credentials that no method on offer takes are no less a second kind (RFC 6749 §2.3).
func TestNothingIsOverlooked(t *testing.T) {
	stamped := func(more ...string) url.Values {
		return credentials(append([]string{"stamp", rand.Text(), "stamped_by", "stamped"}, more...)...)
	}
	only := func(m ...avouch.ClientAuth) func(*avouch.Config) {
		return func(c *avouch.Config) { c.ClientAuth = m }
	}
	s := newSite(t, only(stamp{}, &clientauth.SecretBasic{}))
	s.post(t, stamped()).want(t, 200, "")
	s.post(t, stamped("client_secret", "x")).want(t, 400, avouch.InvalidRequest)
	s.post(t, stamped("client_assertion", "a.b.c", "client_assertion_type", jwtAssertion)).want(t, 400, avouch.InvalidRequest)
	s.post(t, stamped(), header("Basic !")).want(t, 400, avouch.InvalidRequest)
	s.post(t, stamped(), header("Bearer x")).want(t, 400, avouch.InvalidRequest)

	s = newSite(t, only(stampedSecret{}))
	s.post(t, stamped("client_secret", "x")).want(t, 200, "")
}

// TestSecretsOverlap: any live secret will do, none that has expired (RFC 7591 §3.2.1).
func TestSecretsOverlap(t *testing.T) {
	hash := func(s string) [32]byte { return sha256.Sum256([]byte(s)) }
	now := time.Now()
	s := newSite(t, func(c *avouch.Config) {
		c.Clients = avouch.ClientList{{
			ID: "c", AuthMethod: "client_secret_post", Grants: []string{"client_credentials"},
			Secrets: []avouch.Secret{
				{SHA256: hash("old"), Expires: now.Add(-time.Second)},
				{SHA256: hash("leaving"), Expires: now.Add(time.Hour)},
				{Value: []byte("for client_secret_jwt only, and long enough")},
				{SHA256: hash("new")},
			},
		}}
	})
	for _, test := range []struct {
		secret string
		status int
	}{
		{"new", 200}, {"leaving", 200}, {"old", 401}, {"for client_secret_jwt only, and long enough", 401}, {"NEW", 401}, {"new ", 401},
	} {
		if a := s.post(t, credentials("client_id", "c", "client_secret", test.secret)); a.status != test.status {
			t.Errorf("%q: %s", test.secret, a.raw)
		}
	}
}

// TestThrottleOverHTTP: who guesses is stopped, others are not.
func TestThrottleOverHTTP(t *testing.T) {
	s := newSite(t, nil)
	s.post(t, credentials(), basic("basic", secret)).want(t, 200, "")
	var refused, stopped int
	for range 50 {
		a := s.post(t, credentials(), basic("basic", "wrong"))
		if a.Error != "invalid_client" {
			t.Fatal(a.raw)
		}
		switch a.status {
		case 401:
			refused++
		case 429:
			stopped++
			if a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if refused < 5 || refused > 15 || stopped != 50-refused {
		t.Errorf("%d refused, %d stopped", refused, stopped)
	}
	s.post(t, credentials(), basic("basic", secret)).want(t, 429, avouch.InvalidClient) // unseen: a guess may be right
	s.post(t, credentials(), basic("a:b c%+ü", secret)).want(t, 200, "")
	s.post(t, credentials("client_id", "post", "client_secret", secret)).want(t, 200, "")
}

// brokenClients cannot tell who is registered.
type brokenClients struct{}

func (brokenClients) Client(context.Context, string) (*avouch.Client, error) {
	return nil, errors.New("connection to 10.0.0.7 refused")
}

func TestClientsUnavailable(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) { c.Clients = brokenClients{} })
	for _, f := range []url.Values{
		credentials("client_id", "post", "client_secret", secret),
		credentials("client_id", "public"),
		form("grant_type", voucherType, "for", "signer"),
	} {
		a := s.post(t, f)
		a.want(t, 503, avouch.TemporarilyUnavailable)
		if strings.Contains(a.raw, "10.0.0.7") || a.header.Get("Retry-After") == "" {
			t.Errorf("answer %s", a.raw)
		}
	}
	if !strings.Contains(s.logs.String(), "10.0.0.7") {
		t.Error("the operator does not learn why")
	}
}

// foldingClients finds clients whatever the case of their id, as a database with a loose collation does.
type foldingClients struct{ avouch.ClientList }

func (l foldingClients) Client(ctx context.Context, id string) (*avouch.Client, error) {
	return l.ClientList.Client(ctx, strings.ToLower(id))
}

func TestClientIDsAreExact(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) { c.Clients = foldingClients{clients()} })
	s.post(t, credentials(), basic("basic", secret)).want(t, 200, "")
	s.post(t, credentials(), basic("BASIC", secret)).want(t, 401, avouch.InvalidClient)
	s.post(t, form("grant_type", voucherType, "for", "OFF")).want(t, 200, "") // which is another than off
}

// TestNoMethods: where no method is offered, credentials are refused and not overlooked.
func TestNoMethods(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) {
		c.ClientAuth = nil
		c.Grants = []avouch.Grant{avouch.ClientOptional(voucher{})}
	})
	good := []string{"grant_type", voucherType, "for", "signer"}
	s.post(t, form(good...)).want(t, 200, "")
	s.post(t, form(append(good, "client_id", "signer")...)).want(t, 200, "")
	s.post(t, form(append(good, "client_secret", "x")...)).want(t, 401, avouch.InvalidClient)
	s.post(t, form(append(good, "client_assertion", "x", "client_assertion_type", jwtAssertion)...)).want(t, 401, avouch.InvalidClient)
	s.post(t, form(good...), basic("signer", "x")).want(t, 401, avouch.InvalidClient)
	s.post(t, form(good...), basic("signer", "")).want(t, 200, "")
}

// liar is a method that returns what it must not.
type liar struct{ stamp }

func (liar) Method() string { return "liar" }
func (liar) Authenticate(context.Context, *avouch.Request) (*avouch.Authentication, error) {
	return nil, nil
}

func TestMethodReturnsNothing(t *testing.T) {
	s := newSite(t, func(c *avouch.Config) { c.ClientAuth = []avouch.ClientAuth{liar{}} })
	s.post(t, credentials("stamp", "1")).want(t, 500, avouch.ServerError)
	s.post(t, form("grant_type", voucherType, "for", "signer", "stamp", "1")).want(t, 500, avouch.ServerError)
}

// TestDryRun: a request without HTTP, for the Explain methods.
func TestDryRun(t *testing.T) {
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(voucher{})},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}}, Clients: clients(),
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	req, err := server.Request(form("client_id", "post", "client_secret", secret, "empty", "", "resource", "b", "resource", "a"), now)
	if err != nil {
		t.Fatal(err)
	}
	if req.HTTP != nil || req.Issuer != issuer || req.Endpoint != issuer+"/oauth/token" || !req.Now.Equal(now) ||
		req.NamedClient() != "post" || req.Param("empty") != "" || strings.Join(req.Params("resource"), " ") != "b a" {
		t.Errorf("request %+v", req)
	}
	if !req.DryRun() || req.Server() != server {
		t.Errorf("request %+v", req)
	}
	// Nobody has sent it, so nobody is authenticated by it, whatever a program takes it for.
	if a, err := server.Authenticate(t.Context(), req); a != nil || err == nil || req.Client != nil {
		t.Errorf("a dry run authenticates %+v, %v", a, err)
	}
	req, err = server.Request(form("client_id", "post"), now)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := (clientauth.None{}).Authenticate(t.Context(), req); a != nil || err == nil {
		t.Errorf("a client with a secret passes for a public one: %+v, %v", a, err)
	}
	for _, bad := range []url.Values{form("a", "1", "a", "2"), form("a", "1", "A", "2"), form("a", "\x00"), form("\xff", "a")} {
		if _, err := server.Request(bad, now); err == nil {
			t.Errorf("accepted %v", bad)
		}
	}
}
