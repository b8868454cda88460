package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

func (a *app) demoCommand() *cobra.Command {
	var keep bool
	c := &cobra.Command{
		Use: "demo", Short: "See the main job happen, in seconds and without any set-up", Args: noArgs,
		Long: `Starts a server on an embedded database in a temporary folder, makes a client with two key pairs, signs an
assertion, gets a token, calls a guarded API, tries a replay and four broken assertions and shows how each is
explained, and rotates keys. --keep goes on serving afterwards.`,
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), keep) },
	}
	c.Flags().BoolVar(&keep, "keep", false, "go on serving, until interrupted")
	return c
}

// demo is a run of the demonstration. All it does goes through the public endpoints and package admin.
type demo struct {
	*app
	*running
	dir   string
	key   *keys.Private // the client's first
	other *keys.Private // and second
	step  int
}

func (a *app) demo(ctx context.Context, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "avouch-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	conf := config.Default()
	conf.Listen = port
	conf.Issuer = "http://" + port
	conf.Management.Listen = "off"
	conf.Store.Path = filepath.Join(dir, "avouch.db")
	if err := makeDevSealKey(ctx, conf); err != nil {
		return err
	}
	s, err := a.start(ctx, conf, slog.New(slog.DiscardHandler), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	d := &demo{app: a, running: s, dir: dir}
	if err := d.run(ctx); err != nil {
		return err
	}
	if keep {
		fmt.Fprintf(a.stdout, "\nstill serving at %s, on %s; interrupt to end\n", conf.Issuer, conf.Store.Path)
		<-ctx.Done()
	}
	return nil
}

// freePort finds a port that nobody listens on, below those that systems give to outgoing connections. Somebody else could
// take it before we do; then the demo says so.
func freePort(ctx context.Context) (string, error) {
	var err error
	for range 100 {
		var random [4]byte
		rand.Read(random[:]) // never fails: see crypto/rand
		var l net.Listener
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+binary.NativeEndian.Uint32(random[:])%20_000)); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", err
}

const (
	demoClient = "billing"
	demoUser   = "alice"
)

func (d *demo) run(ctx context.Context) error {
	d.title("A server", "no set-up, an embedded database in %s", d.dir)
	d.say("issuer %s", d.conf.Issuer)
	for _, part := range []func(context.Context) error{d.makeClient, d.getToken, d.actForUser, d.replays, d.breaks, d.rotates} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	d.title("What to try next", "")
	for _, line := range []string{
		"avouch serve --dev                a server to play with, and a demo client",
		"avouch token --dev                a token for that client",
		"avouch client add NAME --keys 2   a client of your own",
		"avouch explain FILE               why an assertion is refused",
		"avouch demo --keep                this one, still running",
	} {
		d.say("%s", line)
	}
	return nil
}

func (d *demo) makeClient(ctx context.Context) error {
	d.title("A client with two key pairs", "made on the client's side; the server gets the public halves only")
	private, public, err := keys.GeneratePairs(2, keys.ES256)
	if err != nil {
		return err
	}
	d.key, d.other = private[0], private[1]
	jwks, err := json.Marshal(public)
	if err != nil {
		return err
	}
	in := admin.AddClientInput{ID: demoClient, Keys: jwks}
	in.GrantTypes = []string{grantClientCredentials, grantJWTBearer}
	in.Scope, in.DefaultScope = "invoices:read invoices:write", "invoices:read"
	client, err := d.admin.AddClient(ctx, in)
	if err != nil {
		return err
	}
	for _, k := range client.Keys {
		d.say("key %s  %s  %s", k.ID, k.Type, k.State)
	}
	_, err = d.admin.AddRule(ctx, admin.RuleMetadata{Name: "billing-for-alice", Client: demoClient, Subject: demoUser, AsSubject: "=", Scope: "invoices:read"})
	return err
}

// clientAssertion signs a good client assertion; change may break it.
func (d *demo) clientAssertion(key *keys.Private, change func(*assertion.Claims)) (string, error) {
	c := assertion.Claims{Issuer: demoClient, Subject: demoClient, Audience: d.conf.Issuer, Type: "client-authentication+jwt"}
	if change != nil {
		change(&c)
	}
	return assertion.Sign(c, key)
}

func (d *demo) getToken(ctx context.Context) error {
	d.title("A token for the client itself", "RFC 7523 §2.2: the client authenticates by an assertion it signs; no secret travels")
	signed, err := d.clientAssertion(d.key, nil)
	if err != nil {
		return err
	}
	answer, err := d.post(ctx, authenticated(signed))
	if err != nil {
		return err
	}
	return d.useToken(ctx, answer)
}

func (d *demo) actForUser(ctx context.Context) error {
	d.title("A token for "+demoUser, "RFC 7523 §2.1: the assertion is the grant; a rule says that %s may act for %s", demoClient, demoUser)
	signed, err := assertion.Sign(assertion.Claims{Issuer: demoClient, Subject: demoUser, Audience: d.conf.Issuer}, d.key)
	if err != nil {
		return err
	}
	answer, err := d.post(ctx, url.Values{"grant_type": {grantJWTBearer}, "assertion": {signed}, "scope": {"invoices:read"}})
	if err != nil {
		return err
	}
	return d.useToken(ctx, answer)
}

// useToken calls the guarded API with the token of an answer that must be good.
func (d *demo) useToken(ctx context.Context, answer tokenAnswer) error {
	if answer.status != http.StatusOK {
		return fmt.Errorf("the demo's own request was refused: %s", answer.text)
	}
	d.say("token endpoint: 200, scope %q, good for %d s", answer.Scope, answer.ExpiresIn)
	status, body, err := callGuarded(ctx, d.conf.Issuer+whoAmIPath, answer.AccessToken)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the guarded API refused the demo's own token: %d %s", status, body)
	}
	d.say("guarded API:    200, %s", strings.TrimSpace(string(body)))
	return nil
}

func (d *demo) replays(ctx context.Context) error {
	d.title("A replay", "the same assertion a second time")
	signed, err := d.clientAssertion(d.key, nil)
	if err != nil {
		return err
	}
	first, err := d.post(ctx, authenticated(signed))
	if err != nil {
		return err
	}
	if first.status != http.StatusOK {
		return fmt.Errorf("the demo's own request was refused: %s", first.text)
	}
	second, err := d.post(ctx, authenticated(signed))
	if err != nil {
		return err
	}
	if second.status == http.StatusOK {
		return errors.New("a replay was accepted: this must never happen")
	}
	d.say("first:  200")
	d.say("second: %d %s", second.status, second.text)
	return nil
}

func (d *demo) breaks(ctx context.Context) error {
	d.title("Four broken assertions", "what the caller learns, and what the operator learns")
	stranger, err := keys.Generate(keys.ES256)
	if err != nil {
		return err
	}
	for _, broken := range []struct {
		name   string
		key    *keys.Private
		change func(*assertion.Claims)
	}{
		{"signed by a key nobody registered", stranger, nil},
		{"a slash too many in aud", d.key, func(c *assertion.Claims) { c.Audience += "/" }},
		{"a clock that is an hour slow", d.key, func(c *assertion.Claims) { c.IssuedAt = time.Now().Add(-time.Hour) }},
		{"a life of thirty days", d.key, func(c *assertion.Claims) { c.Lifetime = 30 * 24 * time.Hour }},
	} {
		signed, err := d.clientAssertion(broken.key, broken.change)
		if err != nil {
			return err
		}
		answer, err := d.post(ctx, authenticated(signed))
		if err != nil {
			return err
		}
		if answer.status == http.StatusOK {
			return fmt.Errorf("an assertion with %s was accepted: this must never happen", broken.name)
		}
		x, err := d.server.explain(ctx, explainInput{token: signed, as: "client", now: time.Now()})
		if err != nil {
			return err
		}
		d.say("%s", broken.name)
		d.say("  caller:   %d %s", answer.status, answer.Description)
		d.say("  operator: %s", firstFailure(x.Reports[0]))
	}
	return nil
}

func (d *demo) rotates(ctx context.Context) error {
	d.title("Keys rotate", "the client's and the server's")
	if _, err := d.admin.RevokeClientKey(ctx, demoClient, d.key.ID); err != nil {
		return err
	}
	for _, k := range []struct {
		name string
		key  *keys.Private
		want int
	}{{"revoked key", d.key, http.StatusUnauthorized}, {"second key ", d.other, http.StatusOK}} {
		signed, err := d.clientAssertion(k.key, nil)
		if err != nil {
			return err
		}
		answer, err := d.post(ctx, authenticated(signed))
		if err != nil {
			return err
		}
		if answer.status != k.want {
			return fmt.Errorf("with the %s the answer was %d, not %d: %s", k.name, answer.status, k.want, answer.text)
		}
		d.say("client, %s: %d", k.name, answer.status)
	}
	rotated, err := d.admin.RotateSigningKey(ctx, admin.RotateInput{})
	if err != nil {
		return err
	}
	d.say("server: key %s is published, and signs from %s", rotated.Key.ID, moment(rotated.Key.NotBefore, "now"))
	return nil
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func authenticated(signed string) url.Values {
	return url.Values{"grant_type": {grantClientCredentials}, "client_assertion_type": {assertionType}, "client_assertion": {signed}}
}

// tokenAnswer is an answer of the token endpoint, good or bad.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
	Code        string `json:"error"`
	Description string `json:"error_description"`

	status int
	text   string // a refusal as it came
}

func (d *demo) post(ctx context.Context, form url.Values) (answer tokenAnswer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.conf.Issuer+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("the token endpoint answered no JSON: %w", err)
	}
	answer.status = resp.StatusCode
	if answer.status != http.StatusOK {
		answer.text = strings.TrimSpace(string(body))
	}
	return answer, nil
}

func (d *demo) title(title, format string, args ...any) {
	d.step++
	if d.color(d.stdout) {
		title = bold + title + reset
	}
	fmt.Fprintf(d.stdout, "\n%d. %s\n", d.step, title)
	if format != "" {
		d.say(format, args...)
	}
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.stdout, "   "+format+"\n", args...)
}
