package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// The hostile tests send the running server what no honest client would send: one theme in each file. The rules they
// hold it to are in hostile_answer_test.go and hostile_log_test.go, and are the same for all.

// hostile is the real server, everybody an attacker may pose as, and a record of the secrets that were sent to it.
//
// The client "both" is believed as a client and, by a rule about itself, as the issuer of a grant, so that the same JWT
// is good in both places. "rsa" and "ed" are the same with other keys.
type hostile struct {
	*testServer
	log *logRecord

	keys   map[string]*keys.Private // of clients by id, of issuers by name
	secret map[string]string        // of clients by id

	outage bool   // 5xx is what is wanted
	base   string // where requests go: the server's URL, or another process with the same issuer

	sent *secrets // what no log may hold

	events string // the file with the events; "" if there is none

	mu       sync.Mutex
	issued   map[string]string       // the sub of each access token by its jti
	clients  map[string]*http.Client // by source address
	refusals []string                // ids, of which each must lead to the log
}

// secrets are what has been sent, by their beginnings: a log that has so much of one has too much.
type secrets struct {
	mu         sync.Mutex
	beginnings map[string]bool
}

func newSecrets() *secrets { return &secrets{beginnings: map[string]bool{}} }

// patience is when an answer counts as one that never comes, on a machine with other work too.
const patience = time.Minute

// givenTime returns how much time this process was given to run since the first call, in steps of 10 ms: of a pause that is
// longer than it should be, only a part counts. Tests measure with it what must be over in a time, so that a busy machine,
// on which everything takes longer, is not taken for a server that hangs.
func givenTime() time.Duration { return time.Duration(ticked().Load()) }

var ticked = sync.OnceValue(func() *atomic.Int64 {
	const tick, late = 10 * time.Millisecond, 10 * time.Millisecond
	counted := new(atomic.Int64)
	go func() {
		for {
			began := time.Now()
			time.Sleep(tick)
			counted.Add(int64(min(time.Since(began), tick+late)))
		}
	}()
	return counted
})

func newHostile(t testing.TB, change func(*config.Config)) *hostile {
	t.Helper()
	return newHostileAs(t, false, change)
}

func newHostileAs(t testing.TB, dev bool, change func(*config.Config)) *hostile {
	t.Helper()
	return newHostileOn(t, io.Discard, dev, change)
}

// newHostileOn is newHostileAs with a standard output.
func newHostileOn(t testing.TB, stdout io.Writer, dev bool, change func(*config.Config)) *hostile {
	t.Helper()
	h := &hostile{
		log: new(logRecord), sent: newSecrets(), keys: map[string]*keys.Private{}, secret: map[string]string{}, clients: map[string]*http.Client{},
	}
	conf := config.Default()
	conf.Log.Level, conf.Log.Format = "debug", "json"
	if change != nil {
		change(&conf)
	}
	h.events = filepath.Join(t.TempDir(), "events.jsonl")
	t.Cleanup(func() { // after the server has ended
		h.checkLog(t, conf.Log.Format)
		h.checkEvents(t)
	})
	h.testServer = startServerOn(t, stdout, newLogger(h.log, conf.Log), dev, func(c *config.Config) {
		c.Events.To = h.events
		if change != nil {
			change(c)
		}
	})
	h.base = h.url
	t.Cleanup(h.hangUp)
	return h
}

// newHostileTown is newHostile with everybody registered.
func newHostileTown(t testing.TB, change func(*config.Config)) *hostile {
	t.Helper()
	h := newHostile(t, change)
	h.settle()
	return h
}

// settle registers everybody.
func (h *hostile) settle() {
	h.t.Helper()
	for id, alg := range map[string]keys.Algorithm{"both": keys.ES256, "other": keys.ES256, "ed": keys.EdDSA} {
		h.signer(id, alg)
	}
	h.signerOf("rsa", rsaKey(), nil)
	for _, method := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt"} {
		h.shared(strings.TrimPrefix(method, "client_secret_"), method)
	}
	public := admin.AddClientInput{ID: "public"}
	public.AuthMethod, public.GrantTypes = "none", []string{grantJWTBearer}
	h.add(public)
	h.issuer("idp", "k1")
	h.issuer("twin", "k1") // another key by the same kid
}

// signer registers a client that may authenticate by its key, get tokens for itself by a grant, and act for alice.
func (h *hostile) signer(id string, alg keys.Algorithm) {
	h.t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.signerOf(id, key, nil)
}

func (h *hostile) signerOf(id string, key *keys.Private, change func(*admin.AddClientInput)) {
	h.t.Helper()
	public := key.Public()
	if id == "rsa" {
		public.Algorithm = "" // a key that leaves the algorithm open
	}
	set, err := keys.NewSet(public)
	if err != nil {
		h.t.Fatal(err)
	}
	in := admin.AddClientInput{ID: id, Keys: mustJSON(h.t, set)}
	if change != nil {
		change(&in)
	}
	h.add(in)
	h.keys[id] = key
	h.keepPrivate(key)
	h.rule(admin.RuleMetadata{Name: id + "-itself", Client: id, Subject: id, Nobody: true, Scope: "orders:read orders:write"})
	h.rule(admin.RuleMetadata{Name: id + "-alice", Client: id, Subject: "alice", AsSubject: "=", Scope: "orders:read"})
}

// shared registers a client with a secret.
func (h *hostile) shared(id, method string) {
	h.t.Helper()
	in := admin.AddClientInput{ID: id, GenerateSecret: true}
	in.AuthMethod = method
	if method == "client_secret_jwt" {
		in.GrantTypes = []string{grantClientCredentials}
	}
	h.secret[id] = h.add(in).Secret
	h.keep(h.secret[id])
}

// issuer registers https://NAME.example.com, whose assertions about ann are believed: from any client that authenticates,
// and without one for the client NAME-app.
func (h *hostile) issuer(name, kid string) {
	h.t.Helper()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		h.t.Fatal(err)
	}
	key.ID = kid
	h.keys[name] = key
	h.keepPrivate(key)
	m := admin.IssuerMetadata{Name: name, URL: issuerURL(name), JWKS: mustJSON(h.t, key.PublicKeys(time.Now()))}
	if _, err := h.admin.AddIssuer(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
	app := admin.AddClientInput{ID: name + "-app"}
	app.AuthMethod, app.GrantTypes = "none", []string{grantJWTBearer}
	h.add(app)
	h.rule(admin.RuleMetadata{Name: name + "-ann", Issuer: name, Subject: "ann", AsClient: app.ID, Scope: "orders:read"})
	h.rule(admin.RuleMetadata{Name: name + "-ann-by-client", Issuer: name, Subject: "ann", Scope: "orders:read"})
}

func issuerURL(name string) string { return "https://" + name + ".example.com" }

// rsaKey is one key for all tests, because it takes long to make one.
var rsaKey = sync.OnceValue(func() *keys.Private {
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	key, err := keys.NewPrivate(signer, keys.RS256)
	if err != nil {
		panic(err)
	}
	return key
})

func (h *hostile) ecKey(id string) *ecdsa.PrivateKey { return h.keys[id].Signer.(*ecdsa.PrivateKey) }

// assertion signs an honest assertion of a client or an issuer. change may be nil.
func (h *hostile) assertion(t testing.TB, by, subject string, change func(*assertion.Claims)) string {
	t.Helper()
	c := assertion.Claims{Issuer: by, Subject: subject, Audience: h.url}
	if by == "idp" || by == "twin" {
		c.Issuer = issuerURL(by)
	}
	if change != nil {
		change(&c)
	}
	signed, err := assertion.Sign(c, h.keys[by])
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func asClient(token string) url.Values { return authenticated(token) }

func asGrant(token string) url.Values {
	return url.Values{"grant_type": {grantJWTBearer}, "assertion": {token}}
}

// with returns form with more parameters: name, value, name, value. An empty value takes one out.
func with(form url.Values, more ...string) url.Values {
	all := url.Values{}
	for name, values := range form {
		all[name] = values
	}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == "" {
			all.Del(more[i])
		} else {
			all[more[i]] = append(all[more[i]][:len(all[more[i]]):len(all[more[i]])], more[i+1])
		}
	}
	return all
}

// from is an HTTP client whose connections come from an address of its own: on Linux, all of 127.0.0.0/8 is ours.
func (h *hostile) from(address string) *http.Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.clients[address]; c != nil {
		return c
	}
	dialer := &net.Dialer{Timeout: patience}
	if address != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
	}
	c := &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	h.clients[address] = c
	return c
}

func (h *hostile) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.clients {
		c.CloseIdleConnections()
	}
}

// addresses gives source addresses that nobody else uses: one theme has one number.
func addresses(theme int) func() string {
	n := 0
	return func() string {
		n++
		return net.IPv4(127, byte(theme), byte(n>>8), byte(n)).String()
	}
}
