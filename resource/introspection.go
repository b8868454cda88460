package resource

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/metadata"
	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// Introspection says how an API asks the issuer whether a token is still good (RFC 7662): as which client, and how long an
// answer counts. ClientID and one of Key and Secret are required. The client must be registered as the resource that the
// API is, or it will be told that every token is inactive; at an avouch server that is Introspects of the client.
//
// What is asked about has been verified already: it is signed by the issuer, for this API, and within its time. So junk
// never reaches the issuer. Where it cannot be asked, or its answer cannot be believed, nobody is let in: [ErrUnavailable].
type Introspection struct {
	// ClientID is the client that the API is.
	ClientID string

	// Key signs the assertions by which it authenticates (private_key_jwt), each for the issuer and used once.
	Key *keys.Private `json:"-"`

	// Secret is sent in the Authorization header instead (client_secret_basic).
	Secret string `json:"-"`

	// URL is the introspection endpoint. "" means the one in the issuer's metadata (RFC 8414), which must name the issuer;
	// it is looked up when the first token comes, and kept for an hour.
	URL string

	// MaxAge is how old an answer may be that lets a token pass; at most a minute, and never beyond the token's exp. Only
	// good answers are kept, under a hash of the token. Zero means 10 seconds. A negative one keeps nothing: each request
	// asks, and what was revoked before it came is refused.
	MaxAge time.Duration

	// Max is how many answers are kept; another one takes the place of any. Zero means 10,000, which is about 1 MB.
	Max int

	// Timeout bounds one question, metadata included; at most 30 seconds. Zero means 5 seconds.
	Timeout time.Duration

	// Transport makes the connections. Nil means one of its own, which uses no proxy of the environment and at most 64
	// connections. Whichever it is, no redirect is followed.
	Transport http.RoundTripper
}

// Format keeps the secret out of what fmt prints, whatever the verb.
func (i Introspection) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "introspection as %q", i.ClientID)
}

const (
	defaultMaxAge  = 10 * time.Second
	maxMaxAge      = time.Minute
	defaultMax     = 10_000
	defaultTimeout = 5 * time.Second
	maxTimeout     = 30 * time.Second

	// maxAnswer bounds the answer: it holds the claims of a token, and those are bounded too.
	maxAnswer = 64 << 10
	// placeLife is how long the endpoint's URL is relied on, placePause how long its absence is.
	placeLife, placePause = time.Hour, time.Second
)

// check tells all faults at once.
func (i *Introspection) check(issuer string) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("Introspect: "+format, args...)) }
	if i.ClientID == "" {
		fault("no ClientID: the issuer tells nobody in particular nothing")
	}
	switch {
	case (i.Key == nil) == (i.Secret == ""):
		fault("exactly one of Key and Secret is needed")
	case i.Key != nil && (i.Key.Signer == nil || i.Key.ID == ""):
		fault("the Key cannot sign, or has no ID: keys.LoadPrivate reads one, keys.Generate makes one")
	}
	if i.URL != "" {
		if err := metadata.CheckURL(i.URL); err != nil {
			fault("the URL: %w", err)
		} else if downgrade(issuer, i.URL) {
			fault("the URL %q must be https as the issuer is", i.URL)
		}
	}
	if i.MaxAge > maxMaxAge {
		fault("a MaxAge of %v is more than a minute: verify tokens without asking then", i.MaxAge)
	}
	if i.Max < 0 || i.Timeout < 0 || i.Timeout > maxTimeout {
		fault("Max and Timeout must not be negative, nor Timeout more than %v", maxTimeout)
	}
	return errors.Join(faults...)
}

// downgrade reports whether an issuer on https has an endpoint that is not.
func downgrade(issuer, endpoint string) bool {
	return strings.HasPrefix(strings.ToLower(issuer), "https:") && !strings.HasPrefix(strings.ToLower(endpoint), "https:")
}

// asker asks the issuer about tokens.
type asker struct {
	Introspection
	issuer, audience string

	documents *http.Client // for metadata
	client    *http.Client // for questions
	verdicts  verdicts

	looking chan struct{} // holds one while place is being looked up
	place   string        // "" where it is not known
	placeOf error         // why not
	again   time.Time     // when to look again
}

func newAsker(c *Config) *asker {
	a := &asker{Introspection: *c.Introspect, issuer: c.Issuer, audience: c.Audience, looking: make(chan struct{}, 1)}
	if a.MaxAge == 0 {
		a.MaxAge = defaultMaxAge
	}
	if a.Max == 0 {
		a.Max = defaultMax
	}
	if a.Timeout == 0 {
		a.Timeout = defaultTimeout
	}
	a.documents = safehttp.Client(safehttp.Options{AllowPrivate: true, Transport: a.Transport})
	transport := a.Transport
	if transport == nil {
		transport = &http.Transport{
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, DisableCompression: true,
			MaxConnsPerHost: 64, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
		}
	}
	a.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.verdicts = verdicts{max: a.Max, maxAge: a.MaxAge, good: map[[32]byte]time.Time{}, flights: map[[32]byte]*flight{}}
	return a
}

// stands reports whether the issuer says that a token, which has been verified, is still good: nil, or an error that wraps
// ErrInvalidToken or ErrUnavailable.
func (a *asker) stands(ctx context.Context, raw string, c *token.Claims) error {
	ask := func(ctx context.Context, now time.Time) (until time.Time, err error) {
		ctx, cancel := context.WithTimeout(ctx, a.Timeout)
		defer cancel()
		return a.ask(ctx, now, raw, c)
	}
	var err error
	if a.MaxAge < 0 {
		_, err = ask(ctx, time.Now())
	} else {
		err = a.verdicts.get(ctx, sha256.Sum256([]byte(raw)), ask)
	}
	if err != nil && !errors.Is(err, ErrInvalidToken) {
		return fmt.Errorf("%w: the issuer could not be asked about the token: %w", ErrUnavailable, err)
	}
	return err
}

// errInactive is what the issuer said.
var errInactive = fmt.Errorf("%w: the issuer says that it is not active: it was revoked, or what it rests on was disabled", ErrInvalidToken)

// ask asks the issuer. A nil error lets the token pass until the time given.
func (a *asker) ask(ctx context.Context, now time.Time, raw string, c *token.Claims) (until time.Time, err error) {
	req, err := a.question(ctx, raw)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return time.Time{}, fmt.Errorf("the answer of %s broke off: %w", req.URL.Redacted(), err)
	}
	answer, err := readAnswer(resp, body)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", req.URL.Redacted(), err)
	}
	return a.believe(&answer, now, c)
}

// question makes the request, with fresh credentials.
func (a *asker) question(ctx context.Context, raw string) (*http.Request, error) {
	place, err := a.endpoint(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {raw}, "token_type_hint": {"access_token"}}
	if a.Key != nil {
		// A few seconds before now, for issuers that allow no clock to be ahead of theirs.
		signed, err := assertion.Sign(assertion.Claims{
			Issuer: a.ClientID, Subject: a.ClientID, Audience: a.issuer, Type: "client-authentication+jwt",
			IssuedAt: time.Now().Add(-5 * time.Second),
		}, a.Key)
		if err != nil {
			return nil, err
		}
		form.Set("client_id", a.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", signed)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, place, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if a.Key == nil {
		req.SetBasicAuth(url.QueryEscape(a.ClientID), url.QueryEscape(a.Secret)) // RFC 6749 §2.3.1
	}
	return req, nil
}

// endpoint is where to ask. One caller looks it up, the others wait for him.
func (a *asker) endpoint(ctx context.Context) (string, error) {
	if a.URL != "" {
		return a.URL, nil
	}
	select {
	case a.looking <- struct{}{}:
		defer func() { <-a.looking }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if time.Now().Before(a.again) {
		return a.place, a.placeOf
	}
	place, err := a.look(ctx)
	switch {
	case err == nil:
		a.place, a.placeOf, a.again = place, nil, time.Now().Add(placeLife)
	case ctx.Err() == nil: // a caller who went away has learned nothing for the others
		a.place, a.placeOf, a.again = "", err, time.Now().Add(placePause)
	}
	return place, err
}

func (a *asker) look(ctx context.Context) (string, error) {
	document, err := metadata.Fetch(ctx, a.documents, a.issuer)
	switch {
	case err != nil:
		return "", err
	case document.IntrospectionEndpoint == "":
		return "", fmt.Errorf("the metadata of %s has no introspection_endpoint", a.issuer)
	case downgrade(a.issuer, document.IntrospectionEndpoint):
		return "", fmt.Errorf("the metadata of %s has an introspection_endpoint that is not https, as the issuer is", a.issuer)
	}
	return document.IntrospectionEndpoint, nil
}

// readAnswer reads what the endpoint has said, as JSON.
func readAnswer(resp *http.Response, body []byte) (strictjson.Object, error) {
	var none strictjson.Object
	if resp.StatusCode != http.StatusOK {
		refused, err := strictjson.Parse(body)
		if err != nil {
			return none, fmt.Errorf("status %d", resp.StatusCode)
		}
		code, _ := refused.Get("error").Text()
		id, _ := refused.Get("refusal_id").Text()
		return none, fmt.Errorf("status %d, %.64q (refusal %.64q)", resp.StatusCode, code, id)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return none, fmt.Errorf("the answer is %.64q, not application/json", resp.Header.Get("Content-Type"))
	}
	if len(body) > maxAnswer {
		return none, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return strictjson.Parse(body)
}

// believe decides what an answer is worth (RFC 7662 §2.2). All members but active are optional; those that are there must
// be about this token, or the answer is none.
func (a *asker) believe(answer *strictjson.Object, now time.Time, c *token.Claims) (until time.Time, err error) {
	active, ok := answer.Get("active").Bool()
	switch {
	case !ok:
		return time.Time{}, errors.New(`the answer has no "active" that is true or false`)
	case !active:
		return time.Time{}, errInactive
	}
	for _, member := range [...]struct{ name, want string }{
		{"iss", a.issuer}, {"sub", c.Subject}, {"client_id", c.ClientID}, {"jti", c.ID},
	} {
		if v := answer.Get(member.name); v.Kind() != strictjson.Absent && !v.TextIs(member.want) {
			return time.Time{}, fmt.Errorf("the answer is about another token: its %s differs", member.name)
		}
	}
	if v := answer.Get("aud"); v.Kind() != strictjson.Absent {
		if several, ok := v.Strings(); !v.TextIs(a.audience) && !(ok && slices.Contains(several, a.audience)) {
			return time.Time{}, errors.New("the answer is about another token: its aud lacks this API")
		}
	}
	if answer.Get("cnf").Kind() != strictjson.Absent {
		return time.Time{}, fmt.Errorf("%w: the issuer says that it is bound to a key (cnf), and it was presented without proof of it", ErrInvalidToken)
	}
	until = c.Expires
	if v := answer.Get("exp"); v.Kind() != strictjson.Absent {
		expires, ok := v.NumericDate()
		if !ok {
			return time.Time{}, errors.New("the exp of the answer is no time")
		}
		if !expires.After(now) {
			return time.Time{}, errInactive
		}
		if expires.Before(until) {
			until = expires
		}
	}
	return until, nil
}

// verdicts keeps good answers for a while, and has one question at a time for each token.
type verdicts struct {
	max    int
	maxAge time.Duration

	mu      sync.Mutex
	good    map[[32]byte]time.Time // until when
	flights map[[32]byte]*flight
}

// flight is a question that is under way. All who ask it share it, and it belongs to none of them.
type flight struct {
	started time.Time
	done    chan struct{}
	err     error // once done is closed
}

// get returns nil where there is a good answer that is no older than maxAge, of those who asked before or by asking now.
func (v *verdicts) get(ctx context.Context, digest [32]byte, ask func(context.Context, time.Time) (time.Time, error)) error {
	now := time.Now()
	v.mu.Lock()
	if v.good[digest].After(now) {
		v.mu.Unlock()
		return nil
	}
	f := v.flights[digest]
	if f == nil || now.Sub(f.started) >= v.maxAge { // what takes so long answers for an earlier time
		f = &flight{started: now, done: make(chan struct{})}
		v.flights[digest] = f
		go v.fly(context.WithoutCancel(ctx), f, digest, ask)
	}
	v.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fly asks, and keeps a good answer: from the start of the question, because it may have been judged then.
func (v *verdicts) fly(ctx context.Context, f *flight, digest [32]byte, ask func(context.Context, time.Time) (time.Time, error)) {
	until, err := guarded(ctx, f.started, ask)
	v.mu.Lock()
	defer v.mu.Unlock()
	defer close(f.done)
	f.err = err
	if v.flights[digest] != f {
		return // a later question counts
	}
	delete(v.flights, digest)
	if err != nil {
		return
	}
	if limit := f.started.Add(v.maxAge); limit.Before(until) {
		until = limit
	}
	v.keep(digest, until)
}

// guarded asks, and turns a panic into an error: nobody stands above to catch it, and a Transport is somebody else's.
func guarded(ctx context.Context, now time.Time, ask func(context.Context, time.Time) (time.Time, error)) (until time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic with a %T", p)
		}
	}()
	return ask(ctx, now)
}

// keep keeps an answer; v.mu is held. Where there is no room, one that is over makes room, or any.
func (v *verdicts) keep(digest [32]byte, until time.Time) {
	const look = 32
	now := time.Now()
	if !until.After(now) {
		return
	}
	if _, there := v.good[digest]; !there && len(v.good) >= v.max {
		looked, victim := 0, digest
		for d, end := range v.good { // in no order
			if victim = d; !end.After(now) {
				break
			}
			if looked++; looked == look {
				break
			}
		}
		delete(v.good, victim)
	}
	v.good[digest] = until
}
