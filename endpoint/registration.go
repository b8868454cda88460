package endpoint

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/remote"
	"github.com/avouch-oauth/avouch/internal/scope"
	"github.com/avouch-oauth/avouch/keys"
)

// Registration lets clients register themselves (RFC 7591), and read, change and delete their registration (RFC 7592):
//
//	registration := &endpoint.Registration{Registrar: registrar, Scopes: []string{"orders:read"}}
//	Endpoints: []avouch.Endpoint{registration.Endpoint(), registration.Management()},
//	Clients:   registrar,
//
// Whoever registers shows an initial access token that the operator gave him; see OpenRegistration. A client gets no more
// than the fields here say; what it asks for beyond that is refused, with words that name the member. Metadata that the
// server does not know is ignored, and so is a client_id: the server chooses it. Nothing is fetched when a client
// registers, neither its jwks_uri nor its logo.
//
// It must not be copied after first use.
type Registration struct {
	// Registrar keeps the clients. Required.
	Registrar Registrar

	// OpenRegistration lets anybody register, without an initial access token. One that is shown must be good all the
	// same. False asks everybody for one.
	OpenRegistration bool
	// PerAddress is how many clients may be registered without a token from one address (an IPv4 address or an IPv6 /64,
	// the remote address of the connection) at once, and in an hour after that. Zero means 10.
	PerAddress int

	// AuthMethods are the client authentication methods that a client may choose from, as far as the server offers them.
	// Nil means all of client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt and none that it offers.
	AuthMethods []string
	// Algorithms are what a client may register as the one algorithm of its assertions. Nil means keys.DefaultAlgorithms
	// and HS256.
	Algorithms []keys.Algorithm
	// GrantTypes are the grant types that a client may have, as far as the server offers them. Nil means
	// authorization_code and refresh_token: in both a user decides.
	GrantTypes []string
	// Scopes are what a client may ask for. None means that a client that asks for any is refused.
	Scopes []string
	// DefaultScopes are what a client gets that registers no scope, and what a token has, within the client's scopes,
	// where none is asked for. They are among Scopes.
	DefaultScopes []string
	// SecretLifetime is how long a client secret lives, in whole seconds. A client renews it by replacing its registration
	// in the second half of that time; the old one then serves until its end. Zero means that secrets do not expire.
	SecretLifetime time.Duration

	// Statement verifies a software statement (RFC 7591 §2.3), a signed JWT, and returns its claims as a JSON object. They
	// take precedence over what the client says itself, and are held to the same rules. It refuses with an *avouch.Error
	// of avouch.InvalidSoftwareStatement or avouch.UnapprovedSoftwareStatement; other errors are the server's failure.
	// Nil refuses every statement as unapproved.
	Statement func(ctx context.Context, statement string) ([]byte, error)

	byAddress remote.Rate
}

// Names of the endpoints.
const (
	registrationName = "registration"
	managementName   = "registration_management"
)

// Endpoint is the client registration endpoint (RFC 7591 §3): "registration" at /oauth/register.
func (r *Registration) Endpoint() avouch.Endpoint {
	return avouch.Endpoint{
		Name: registrationName, Path: "/oauth/register", Member: "registration_endpoint", Validate: r.validate,
		Handler: r.serve(registrationName, (*registering).register, http.MethodPost),
	}
}

// Management is the client configuration endpoint (RFC 7592 §2): "registration_management" at /oauth/register/client. The
// client_id in its query says which client is meant; a client gets the whole URL when it registers, with a token for it.
// Leave it out, and a registration is final.
func (r *Registration) Management() avouch.Endpoint {
	return avouch.Endpoint{
		Name: managementName, Path: "/oauth/register/client", Validate: r.validate,
		Handler: r.serve(managementName, (*registering).manage, http.MethodGet, http.MethodPut, http.MethodDelete),
	}
}

// serve makes the handler of an endpoint that takes a few methods.
func (r *Registration) serve(name string, answer func(*registering, http.ResponseWriter, *http.Request, *avouch.Event) (*avouch.Answer, error), methods ...string) func(*avouch.Server) http.Handler {
	return func(s *avouch.Server) http.Handler {
		g := r.on(s)
		return s.Serve(name, func(w http.ResponseWriter, req *http.Request, ev *avouch.Event) (*avouch.Answer, error) {
			if err := only(w, req, methods...); err != nil {
				return nil, err
			}
			return answer(g, w, req, ev)
		})
	}
}

// validate tells what could never work.
func (r *Registration) validate() error {
	for _, s := range append(slices.Clone(r.Scopes), r.DefaultScopes...) {
		if !scope.Valid(s) {
			return fmt.Errorf("%q is no scope", s)
		}
	}
	switch {
	case r.Registrar == nil:
		return errors.New("Registration.Registrar is missing: it keeps the clients")
	case r.SecretLifetime < 0 || r.SecretLifetime%time.Second != 0:
		return errors.New("Registration.SecretLifetime must be of whole seconds, and not negative")
	case r.PerAddress < 0:
		return errors.New("Registration.PerAddress is negative")
	}
	for _, s := range r.DefaultScopes {
		if !slices.Contains(r.Scopes, s) {
			return fmt.Errorf("Registration.DefaultScopes has %s, which is not in Scopes", s)
		}
	}
	return nil
}

// registering is a Registration on a server, and what the two together allow.
type registering struct {
	*Registration
	server     *avouch.Server
	methods    []string
	algorithms []keys.Algorithm
	grants     []string
}

func (r *Registration) on(s *avouch.Server) *registering {
	g := &registering{Registration: r, server: s, methods: r.AuthMethods, algorithms: r.Algorithms, grants: r.GrantTypes}
	if g.methods == nil {
		g.methods = []string{methodSecretBasic, methodSecretPost, methodSecretJWT, methodPrivateKeyJWT, methodNone}
	}
	if g.algorithms == nil {
		g.algorithms = append(keys.DefaultAlgorithms(), keys.HS256)
	}
	if g.grants == nil {
		g.grants = []string{grantAuthorizationCode, "refresh_token"}
	}
	grants, methods := s.Offers()
	g.grants, g.methods = within(g.grants, grants), within(g.methods, methods)
	return g
}

// within returns what of list is offered.
func within(list, offered []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(offered, s) })
}

// register answers one registration.
func (g *registering) register(w http.ResponseWriter, req *http.Request, ev *avouch.Event) (*avouch.Answer, error) {
	ctx := req.Context()
	initial, err := g.initialToken(ctx, req)
	if err != nil {
		return nil, err
	}
	body, err := readJSON(w, req)
	if err != nil {
		return nil, err
	}
	metadata, err := g.metadata(ctx, body)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := &RegisteredClient{Issued: now.Truncate(time.Second), Metadata: *metadata}
	secret := g.renewSecrets(c, now)
	token := ""
	if g.server.URL(managementName) != "" {
		token, c.Token = handle.New()
	}
	if initial == nil {
		perAddress := g.PerAddress
		if perAddress <= 0 {
			perAddress = 10
		}
		if wait := g.byAddress.Take(now, remote.Network(req.RemoteAddr), perAddress); wait > 0 {
			return nil, &avouch.Error{
				Code: avouch.InvalidRequest, Status: http.StatusTooManyRequests, RetryAfter: wait,
				Description: "too many clients were registered from this address; come again later",
			}
		}
	}
	for tries := 0; ; tries++ {
		c.ID = strings.ToLower(rand.Text())
		err = g.Registrar.RegisterClient(ctx, now, c, initial)
		if !errors.Is(err, ErrClientExists) || tries == 2 {
			break
		}
	}
	if errors.Is(err, ErrInitialToken) {
		return nil, noInitialToken(err)
	}
	if err != nil {
		return nil, registrarFailed(err)
	}
	ev.ClientID = c.ID
	return &avouch.Answer{Status: http.StatusCreated, Body: g.information(c, secret, token)}, nil
}

// initialToken returns the digest of the initial access token of a request, nil where it needs none and has none. It does
// not use it.
func (g *registering) initialToken(ctx context.Context, req *http.Request) (*[32]byte, error) {
	if len(req.Header["Authorization"]) == 0 && g.OpenRegistration {
		return nil, nil
	}
	token, err := bearer(req)
	if err != nil {
		return nil, noInitialToken(err)
	}
	digest := handle.Digest(token)
	ok, err := g.Registrar.InitialToken(ctx, time.Now(), digest)
	if err != nil {
		return nil, registrarFailed(err)
	}
	if !ok {
		return nil, noInitialToken(ErrInitialToken)
	}
	return &digest, nil
}

func noInitialToken(reason error) error {
	return &avouch.Error{Code: avouch.InvalidToken, Description: "an initial access token is needed to register, and none that is accepted was sent", Err: reason}
}

// renewSecrets gives a client the secrets that its method needs, and takes away those of no use to it. It returns the
// text of a new one, "" where none was made.
func (g *registering) renewSecrets(c *RegisteredClient, now time.Time) string {
	method := c.Metadata.AuthMethod
	if !usesSecret(method) {
		c.Secrets = nil
		return ""
	}
	c.Secrets = slices.DeleteFunc(c.Secrets, func(s avouch.Secret) bool {
		return (len(s.Value) > 0) != (method == methodSecretJWT) || !s.Expires.IsZero() && !now.Before(s.Expires)
	})
	if n := len(c.Secrets); n > 0 {
		newest := &c.Secrets[n-1]
		if newest.Expires.IsZero() || g.SecretLifetime == 0 || newest.Expires.Sub(now) > g.SecretLifetime/2 {
			return ""
		}
	}
	var random [32]byte
	rand.Read(random[:]) // never fails: see crypto/rand
	text := base64.RawURLEncoding.EncodeToString(random[:])
	s := avouch.Secret{SHA256: sha256.Sum256([]byte(text))}
	if method == methodSecretJWT {
		s = avouch.Secret{Value: []byte(text)}
	}
	if g.SecretLifetime > 0 {
		s.Expires = now.Add(g.SecretLifetime).Truncate(time.Second)
	}
	c.Secrets = append(c.Secrets, s)
	return text
}

// registrarFailed passes on the refusal of a registrar; everything else means that it could not tell.
func registrarFailed(err error) error {
	if refusal, ok := errors.AsType[*avouch.Error](err); ok && refusal != nil {
		return refusal
	}
	return &avouch.Error{Code: avouch.TemporarilyUnavailable, Description: "registrations cannot be looked up or changed at the moment", Err: err, RetryAfter: time.Second}
}

// configurationURL is the registration_client_uri of a client.
func (g *registering) configurationURL(id string) string {
	return g.server.URL(managementName) + "?" + url.Values{"client_id": {id}}.Encode()
}
