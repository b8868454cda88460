package clientauth_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
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
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

const (
	issuer   = "https://as.example.com"
	tokenURL = issuer + "/oauth/token"
	kind     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

var (
	oldSecret = []byte("the secret that is being replaced by a new one")
	macSecret = []byte("a secret of more than thirty-two bytes, in the clear")
)

// world is a server with clients that sign.
type world struct {
	*httptest.Server
	server *avouch.Server
	method *clientauth.PrivateKeyJWT
	mac    *clientauth.SecretJWT
	key    map[string]*keys.Private
	log    bytes.Buffer

	mu   sync.Mutex
	last avouch.Event
}

// source is a key source that counts how often it is asked.
type source struct {
	keys.Source
	err   error
	calls int
}

func (s *source) Find(ctx context.Context, h keys.Hint, now time.Time) ([]*keys.Public, error) {
	s.calls++
	if s.err != nil {
		return nil, s.err
	}
	return s.Source.Find(ctx, h, now)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{key: map[string]*keys.Private{}}
	grants := []string{"client_credentials"}
	client := func(id string, alg keys.Algorithm) *avouch.Client {
		key := keyOf(t, id, alg)
		w.key[id] = key
		return &avouch.Client{ID: id, Keys: key.PublicKeys(time.Now()), Grants: grants, AuthMethod: "private_key_jwt"}
	}
	clients := avouch.ClientList{
		client("ec", keys.ES256), client("rsa", keys.RS256), client("ed", keys.EdDSA), client("fapi", keys.PS256), client("fapi-rsa", keys.RS256),
		client("legacy", keys.ES256), client("msal", keys.ES256), client("off", keys.ES256), client("pinned", keys.RS256), client("down", keys.ES256),
		client("p384", keys.ES384), client("unset", keys.ES256),
		{ID: "mac", AuthMethod: "client_secret_jwt", Grants: grants, Secrets: []avouch.Secret{
			{Value: []byte("expired and therefore of no use to anybody"), Expires: time.Now().Add(-time.Second)},
			{SHA256: sha256.Sum256([]byte("of no use for a MAC"))},
			{Value: oldSecret, Expires: time.Now().Add(time.Hour)}, {Value: macSecret},
		}},
		{ID: "mac512", AuthMethod: "client_secret_jwt", AuthAlgorithm: keys.HS512, Grants: grants, Secrets: []avouch.Secret{{Value: bytes.Repeat(macSecret, 2)}}},
		{ID: "secretless", AuthMethod: "client_secret_jwt", Grants: grants},
		{ID: "basic", AuthMethod: "client_secret_basic", Grants: grants},
	}
	for _, c := range clients {
		switch c.ID {
		case "off":
			c.Disabled = true
			c.Keys = &source{Source: c.Keys}
		case "pinned":
			c.AuthAlgorithm = keys.PS256
		case "p384":
			c.AuthAlgorithm = keys.ES384
		case "down":
			c.Keys = &source{err: keys.ErrUnavailable}
		case "unset":
			c.AuthMethod = "" // private_key_jwt is the default
		}
	}
	signing, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	w.method = &clientauth.PrivateKeyJWT{Policy: func(c *avouch.Client) (p clientauth.Policy) {
		switch c.ID {
		case "fapi", "fapi-rsa":
			p.Audience = clientauth.AudienceFAPI2
		case "legacy":
			p.Audience = clientauth.AudienceLegacy
		case "msal":
			p.Replay = assertion.SameClientUntilExpiry
			p.SubjectOptional, p.IssuerOptional = true, true // which no client assertion may be
		}
		return p
	}}
	w.mac = &clientauth.SecretJWT{Throttle: &clientauth.Throttle{PerClient: clientauth.Limit{Every: time.Hour}}} // however slow the test
	w.server, err = avouch.New(avouch.Config{
		Issuer: issuer, Minter: &token.Minter{Key: signing}, Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{w.method, w.mac, &clientauth.SecretBasic{}}, Clients: clients,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Observe: func(_ context.Context, e avouch.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.last = e
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Server = httptest.NewServer(w.server.TokenEndpoint())
	t.Cleanup(w.Close)
	return w
}

// made are the keys of clients, made once: RSA takes its time.
var made sync.Map

func keyOf(t *testing.T, id string, alg keys.Algorithm) *keys.Private {
	t.Helper()
	if key, ok := made.Load(id); ok {
		return key.(*keys.Private)
	}
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	made.Store(id, key)
	return key
}

func (w *world) event() avouch.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// good are the claims of a good client assertion, newly identified each time.
func good(client string, changes ...any) map[string]any {
	c := map[string]any{"iss": client, "sub": client, "aud": issuer, "jti": fresh(), "iat": time.Now().Unix(), "exp": time.Now().Unix() + 60}
	for i := 0; i < len(changes); i += 2 {
		if c[changes[i].(string)] = changes[i+1]; changes[i+1] == remove {
			delete(c, changes[i].(string))
		}
	}
	return c
}

const remove = "\x00remove"

var fresh = func() func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return strings.Repeat("j", n)
	}
}()

func sign(t *testing.T, key *keys.Private, claims map[string]any, header ...string) string {
	t.Helper()
	h := map[string]string{"alg": string(key.Algorithm), "kid": key.ID, "typ": "client-authentication+jwt"}
	for i := 0; i < len(header); i += 2 {
		if h[header[i]] = header[i+1]; header[i+1] == remove {
			delete(h, header[i])
		}
	}
	raw, err := jose.AppendSigned(nil, marshal(t, h), marshal(t, claims), string(key.Algorithm), key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func mac(t *testing.T, alg string, secret []byte, claims map[string]any) string {
	t.Helper()
	raw, err := jose.AppendMAC(nil, marshal(t, map[string]string{"alg": alg}), marshal(t, claims), alg, secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type answer struct {
	status      int
	header      http.Header
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Token       string `json:"access_token"`
}

func (w *world) post(t *testing.T, assertion string, more ...string) answer {
	t.Helper()
	f := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {kind}, "client_assertion": {assertion}}
	for i := 0; i < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	resp, err := w.Client().PostForm(w.URL, f)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	if (a.status == 200) != (a.Token != "") {
		t.Errorf("status %d, token %q", a.status, a.Token)
	}
	if a.status != 200 && a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("a challenge although no Authorization header was sent: %q", a.header.Get("WWW-Authenticate"))
	}
	return a
}

// TestPrivateKeyJWT is every way a client assertion is accepted or refused that is about clients (RFC 7523 §3, RFC
// 10070 §4, OpenID Connect Core §9).
func TestPrivateKeyJWT(t *testing.T) {
	w := newWorld(t)
	now := time.Now().Unix()
	ec := w.key["ec"]
	tests := []struct {
		name      string
		assertion string
		more      []string
		reason    assertion.Reason // "" for accepted
	}{
		{name: "ES256", assertion: sign(t, ec, good("ec"))},
		{name: "RS256", assertion: sign(t, w.key["rsa"], good("rsa"))},
		{name: "EdDSA", assertion: sign(t, w.key["ed"], good("ed"))},
		{name: "PS256, FAPI", assertion: sign(t, w.key["fapi"], good("fapi"))},
		{name: "algorithm of the registration that is not a default one", assertion: sign(t, w.key["p384"], good("p384"))},
		{name: "method not set", assertion: sign(t, w.key["unset"], good("unset"))},
		{name: "no typ", assertion: sign(t, ec, good("ec"), "typ", remove)},
		{name: "typ JWT", assertion: sign(t, ec, good("ec"), "typ", "jwt")},
		{name: "typ with prefix", assertion: sign(t, ec, good("ec"), "typ", "application/Client-Authentication+JWT")},
		{name: "no kid", assertion: sign(t, ec, good("ec"), "kid", remove)},
		{name: "audience in an array", assertion: sign(t, ec, good("ec", "aud", []string{issuer}))},
		{name: "further claims", assertion: sign(t, ec, good("ec", "x", map[string]any{"y": []int{1}}))},
		{name: "no iat", assertion: sign(t, ec, good("ec", "iat", remove))},
		{name: "the same client_id", assertion: sign(t, ec, good("ec")), more: []string{"client_id", "ec"}},
		{name: "legacy, issuer", assertion: sign(t, w.key["legacy"], good("legacy"))},
		{name: "legacy, token endpoint", assertion: sign(t, w.key["legacy"], good("legacy", "aud", tokenURL))},

		{name: "iss is not sub", assertion: sign(t, ec, good("ec", "sub", "rsa")), reason: assertion.NotClient},
		{name: "sub is not iss", assertion: sign(t, ec, good("ec", "iss", "rsa")), reason: assertion.UnknownKey},
		{name: "another client_id", assertion: sign(t, ec, good("ec")), more: []string{"client_id", "rsa"}, reason: assertion.NotClient},
		{name: "unknown client", assertion: sign(t, ec, good("nobody")), reason: assertion.UnknownIssuer},
		{name: "client of another method", assertion: sign(t, ec, good("basic")), reason: assertion.UnknownIssuer},
		{name: "client with a shared secret", assertion: sign(t, ec, good("mac")), reason: assertion.UnknownIssuer},
		{name: "disabled client", assertion: sign(t, w.key["off"], good("off")), reason: assertion.PartyDisabled},
		{name: "another client's key", assertion: sign(t, w.key["legacy"], good("ec")), reason: assertion.UnknownKey},
		{name: "another client's key under its kid", assertion: sign(t, w.key["legacy"], good("ec"), "kid", ec.ID), reason: assertion.BadSignature},
		{name: "another algorithm than registered", assertion: sign(t, w.key["pinned"], good("pinned")), reason: assertion.AlgorithmNotAllowed},
		{name: "RS256, FAPI", assertion: sign(t, w.key["fapi-rsa"], good("fapi-rsa")), reason: assertion.AlgorithmNotAllowed},
		{name: "audience in an array, FAPI", assertion: sign(t, w.key["fapi"], good("fapi", "aud", []string{issuer})), reason: assertion.WrongAudience},
		{name: "token endpoint, FAPI", assertion: sign(t, w.key["fapi"], good("fapi", "aud", tokenURL)), reason: assertion.WrongAudience},
		{name: "token endpoint", assertion: sign(t, ec, good("ec", "aud", tokenURL)), reason: assertion.WrongAudience},
		{name: "issuer with a slash", assertion: sign(t, ec, good("ec", "aud", issuer+"/")), reason: assertion.WrongAudience},
		{name: "two audiences", assertion: sign(t, ec, good("ec", "aud", []string{issuer, tokenURL})), reason: assertion.SeveralAudiences},
		{name: "legacy, two audiences", assertion: sign(t, w.key["legacy"], good("legacy", "aud", []string{issuer, tokenURL})), reason: assertion.SeveralAudiences},
		{name: "legacy, another server", assertion: sign(t, w.key["legacy"], good("legacy", "aud", "https://other.example/token")), reason: assertion.WrongAudience},
		{name: "no audience", assertion: sign(t, ec, good("ec", "aud", remove)), reason: assertion.AudienceMissing},
		{name: "no jti", assertion: sign(t, ec, good("ec", "jti", remove)), reason: assertion.IDMissing},
		{name: "no jti, re-use allowed", assertion: sign(t, w.key["msal"], good("msal", "jti", remove)), reason: assertion.IDMissing},
		{name: "no sub", assertion: sign(t, ec, good("ec", "sub", remove)), reason: assertion.SubjectMissing},
		{name: "no sub, policy of another purpose", assertion: sign(t, w.key["msal"], good("msal", "sub", remove)), reason: assertion.SubjectMissing},
		{name: "no iss", assertion: sign(t, ec, good("ec", "iss", remove)), reason: assertion.IssuerMissing},
		{name: "no exp", assertion: sign(t, ec, good("ec", "exp", remove)), reason: assertion.ExpiryMissing},
		{name: "expired", assertion: sign(t, ec, good("ec", "exp", now-11)), reason: assertion.Expired},
		{name: "for ten years", assertion: sign(t, ec, good("ec", "exp", now+10*365*86400)), reason: assertion.LifetimeTooLong},
		{name: "not yet", assertion: sign(t, ec, good("ec", "nbf", now+61)), reason: assertion.NotYetValid},
		{name: "access token", assertion: sign(t, ec, good("ec"), "typ", "at+jwt"), reason: assertion.WrongType},
		{name: "two in one", assertion: sign(t, ec, good("ec")) + "~" + sign(t, ec, good("ec")), reason: assertion.BadAlphabet},
		{name: "junk", assertion: "junk", reason: assertion.NotThreeParts},
		{name: "too long", assertion: sign(t, ec, good("ec", "x", strings.Repeat("x", 20_000))), reason: assertion.TooLarge},
	}
	before := map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := w.post(t, test.assertion, test.more...)
			e := w.event()
			if test.reason == "" {
				if a.status != 200 {
					t.Fatalf("got %+v: %v", a, e.Err)
				}
				if e.AuthMethod != "private_key_jwt" || e.ClientID == "" {
					t.Errorf("event %+v", e)
				}
				return
			}
			refused, ok := errors.AsType[*assertion.Error](e.Err)
			if a.status != 401 || a.Error != "invalid_client" || !ok || refused.Reason != test.reason {
				t.Fatalf("got %+v: %v, want %s", a, e.Err, test.reason)
			}
			switch test.reason {
			case assertion.UnknownIssuer, assertion.PartyDisabled, assertion.UnknownKey, assertion.BadSignature, assertion.AlgorithmNotAllowed:
				before[a.Description] = true
			}
			if signature := test.assertion[strings.LastIndexByte(test.assertion, '.')+1:]; len(signature) > 20 && strings.Contains(w.log.String(), signature) {
				t.Error("the assertion is in the log")
			}
		})
	}
	if len(before) != 1 {
		t.Errorf("before the signature holds, who exists can be told from the texts %v", before)
	}
}

func TestLegacyAudienceIsTold(t *testing.T) {
	w := newWorld(t)
	for audience, want := range map[string][]string{issuer: nil, tokenURL: {clientauth.NoticeLegacyAudience}} {
		w.post(t, sign(t, w.key["legacy"], good("legacy", "aud", audience)))
		if e := w.event(); e.Err != nil || !slices.Equal(e.Notices, want) {
			t.Errorf("%s: notices %q, %v", audience, e.Notices, e.Err)
		}
	}
}

// TestReplayOfClientAssertions: once, unless the client's policy says otherwise; and nothing is burned on the way.
func TestReplayOfClientAssertions(t *testing.T) {
	w := newWorld(t)
	once := good("ec")
	raw := sign(t, w.key["ec"], once)
	if a := w.post(t, raw, "scope", "admin"); a.Error != "invalid_scope" {
		t.Fatalf("got %+v", a)
	}
	junk := sign(t, w.key["rsa"], map[string]any{"iss": "ec", "sub": "ec", "aud": issuer, "jti": once["jti"], "exp": once["exp"]}, "kid", w.key["ec"].ID, "alg", "ES256")
	if a := w.post(t, junk); a.Error != "invalid_client" {
		t.Fatalf("got %+v", a)
	}
	if a := w.post(t, raw); a.status != 200 {
		t.Fatalf("refused requests burned the assertion: %+v", a)
	}
	again := maps.Clone(once)
	again["exp"] = time.Now().Unix() + 120
	for _, raw := range []string{raw, sign(t, w.key["ec"], again), sign(t, w.key["ec"], once)} {
		if a := w.post(t, raw); a.status != 401 || a.Error != "invalid_client" {
			t.Errorf("used twice: %+v", a)
		}
	}
	other := good("ed", "jti", once["jti"])
	if a := w.post(t, sign(t, w.key["ed"], other)); a.status != 200 {
		t.Errorf("the jti of another client is taken: %+v", a)
	}
	resent := sign(t, w.key["msal"], good("msal"))
	for range 3 {
		if a := w.post(t, resent); a.status != 200 {
			t.Errorf("re-sent: %+v", a)
		}
	}
}

func TestParallelReplay(t *testing.T) {
	w := newWorld(t)
	raw := sign(t, w.key["ed"], good("ed"))
	var mu sync.Mutex
	status := map[int]int{}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			a := w.post(t, raw)
			mu.Lock()
			defer mu.Unlock()
			status[a.status]++
		})
	}
	wg.Wait()
	if status[200] != 1 || status[401] != 63 {
		t.Errorf("answers %v", status)
	}
}

func TestSecretJWT(t *testing.T) {
	w := newWorld(t)
	ec := w.key["ec"]
	public, err := json.Marshal(ec.PublicKeys(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		assertion string
		reason    assertion.Reason
	}{
		{name: "HS256", assertion: mac(t, "HS256", macSecret, good("mac"))},
		{name: "secret that is being replaced", assertion: mac(t, "HS256", oldSecret, good("mac"))},
		{name: "HS512 as registered", assertion: mac(t, "HS512", bytes.Repeat(macSecret, 2), good("mac512"))},

		{name: "expired secret", assertion: mac(t, "HS256", []byte("expired and therefore of no use to anybody"), good("mac")), reason: assertion.BadSignature},
		{name: "wrong secret", assertion: mac(t, "HS256", bytes.Repeat([]byte("x"), 40), good("mac")), reason: assertion.BadSignature},
		{name: "HS512 not registered", assertion: mac(t, "HS512", bytes.Repeat(macSecret, 2), good("mac")), reason: assertion.AlgorithmNotAllowed},
		{name: "HS256 not registered", assertion: mac(t, "HS256", bytes.Repeat(macSecret, 2), good("mac512")), reason: assertion.AlgorithmNotAllowed},
		{name: "client without a live secret", assertion: mac(t, "HS256", macSecret, good("secretless")), reason: assertion.AlgorithmNotAllowed},
		{name: "public key as the secret", assertion: mac(t, "HS256", public, good("ec")), reason: assertion.UnknownIssuer},
		{name: "no jti", assertion: mac(t, "HS256", macSecret, good("mac", "jti", remove)), reason: assertion.IDMissing},
		{name: "another server", assertion: mac(t, "HS256", macSecret, good("mac", "aud", "https://other.example")), reason: assertion.WrongAudience},
		{name: "RS256 of a client with a secret", assertion: sign(t, w.key["rsa"], good("mac")), reason: assertion.UnknownIssuer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := w.post(t, test.assertion)
			e := w.event()
			if test.reason == "" {
				if a.status != 200 || e.AuthMethod != "client_secret_jwt" {
					t.Fatalf("got %+v: %v", a, e.Err)
				}
				return
			}
			refused, ok := errors.AsType[*assertion.Error](e.Err)
			if a.status != 401 || !ok || refused.Reason != test.reason {
				t.Errorf("got %+v: %v, want %s", a, e.Err, test.reason)
			}
		})
	}
}

func TestGuessedMACSecrets(t *testing.T) {
	w := newWorld(t)
	count := map[int]int{}
	for range 30 {
		count[w.post(t, mac(t, "HS256", bytes.Repeat([]byte("x"), 40), good("mac"))).status]++
	}
	if count[401] != 10 || count[429] != 20 {
		t.Errorf("answers %v", count)
	}
	if a := w.post(t, mac(t, "HS512", bytes.Repeat(macSecret, 2), good("mac512"))); a.status != 200 {
		t.Errorf("another client is held back: %+v", a)
	}
	if a := w.post(t, sign(t, w.key["ec"], good("ec"))); a.status != 200 {
		t.Errorf("another method is held back: %+v", a)
	}
}

// TestKeysUnavailable: keys that cannot be had are no fault of the client; those of a disabled one are not asked for.
func TestKeysUnavailable(t *testing.T) {
	w := newWorld(t)
	a := w.post(t, sign(t, w.key["down"], good("down")))
	if a.status != 503 || a.Error != "temporarily_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("got %+v", a)
	}
	if a := w.post(t, sign(t, w.key["off"], good("off"))); a.status != 401 {
		t.Errorf("got %+v", a)
	}
	req, err := w.server.Request(url.Values{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	off, err := req.FindClient(t.Context(), "off")
	if err != nil || off.Keys.(*source).calls != 0 {
		t.Errorf("keys of a disabled client were asked for, %v", err)
	}
}

// TestExplain: every check that can be run, nothing spent, no HTTP.
func TestExplain(t *testing.T) {
	w := newWorld(t)
	explain := func(raw string, more ...string) *assertion.Report {
		f := url.Values{"client_assertion_type": {kind}, "client_assertion": {raw}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		req, err := w.server.Request(f, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if w.mac.Presented(req) {
			return w.mac.Explain(t.Context(), req)
		}
		return w.method.Explain(t.Context(), req)
	}
	failed := func(r *assertion.Report) (names []string) {
		for _, f := range r.Findings {
			if f.Outcome == assertion.Failed {
				names = append(names, f.Check)
			}
		}
		return names
	}
	raw := sign(t, w.key["ec"], good("ec"))
	for range 2 {
		if r := explain(raw); !r.Accepted || !r.Verified || len(failed(r)) != 0 {
			t.Errorf("report %+v", r)
		}
	}
	if a := w.post(t, raw); a.status != 200 {
		t.Errorf("explaining spent the assertion: %+v", a)
	}
	// A secret is not tried: the right one and a wrong one look alike, so that nobody can guess here.
	right, wrong := explain(mac(t, "HS256", macSecret, good("mac", "jti", "j"))), explain(mac(t, "HS256", bytes.Repeat([]byte("x"), 40), good("mac", "jti", "j")))
	for _, r := range []*assertion.Report{right, wrong} {
		if r.Accepted || r.Verified || !r.Untried || len(failed(r)) != 0 {
			t.Errorf("report %+v", r)
		}
	}
	for i, f := range right.Findings {
		if w := wrong.Findings[i]; f.Outcome != w.Outcome || f.Check == "signature" && f != w {
			t.Errorf("a right secret is explained as %+v, a wrong one as %+v", f, w)
		}
	}
	if r := explain(mac(t, "HS256", macSecret, good("mac", "aud", tokenURL))); !slices.Equal(failed(r), []string{"audience"}) {
		t.Errorf("failed: %q", failed(r))
	}
	r := explain(sign(t, w.key["ec"], good("ec", "aud", tokenURL, "sub", "rsa", "jti", remove)), "client_id", "rsa")
	if got := failed(r); r.Accepted || !slices.Equal(got, []string{"audience", "id", "subject is issuer", "client_id"}) {
		t.Errorf("failed: %q", got)
	}
	for range 30 {
		explain(mac(t, "HS256", bytes.Repeat([]byte("x"), 40), good("mac")))
	}
	if a := w.post(t, mac(t, "HS256", macSecret, good("mac"))); a.status != 200 {
		t.Errorf("explaining counts as guessing: %+v", a)
	}
	if r := explain(""); r.Accepted || !slices.Equal(failed(r), []string{"parameter"}) {
		t.Errorf("report %+v", r)
	}
}
