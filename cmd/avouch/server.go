package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/signin"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/explain"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/token"
)

const (
	tokenPath  = "/oauth/token"
	jwksPath   = "/oauth/jwks"
	whoAmIPath = "/whoami"

	// jwksMaxAge is how long others may keep our keys: what the server says in Cache-Control.
	jwksMaxAge = avouch.JWKSMaxAge
)

// authorizationServer is the server as serve and explain have it, made by the same hand.
type authorizationServer struct {
	*avouch.Server
	explainer *explain.Explainer
	signIn    *signin.SignIn // nil if nobody can sign in
	live      *admin.Live
}

// wiring is what the server is made of besides its configuration.
type wiring struct {
	live    *admin.Live
	admin   *admin.Admin
	handles handle.Store
	guard   replay.Guard
	log     *slog.Logger
	reserve func(context.Context) error         // nil reserves nothing
	observe func(context.Context, avouch.Event) // nil: nobody watches
	signIns func(happened string)               // what signin.Config.Observe is told; nil: nobody watches
	dev     bool                                // serve --dev: anybody may sign in as a test user
}

// newAuthorizationServer wires the server to the live view of the store.
func newAuthorizationServer(conf config.Config, w wiring) (*authorizationServer, error) {
	live, throttle := w.live, new(clientauth.Throttle)
	s := &authorizationServer{live: live}
	people, err := peopleOf(conf, w)
	if err != nil {
		return nil, err
	}
	s.signIn = people.signIn
	jwtBearer := &grant.JWTBearer{Trust: live}
	grants := []avouch.Grant{avouch.ClientOptional(jwtBearer), &grant.ClientCredentials{}}
	endpoints := []avouch.Endpoint{endpoint.Introspection(), endpoint.Revocation()}
	config := avouch.Config{
		Issuer:   conf.Issuer,
		TokenURL: conf.Issuer + tokenPath,
		JWKSURL:  conf.Issuer + jwksPath,
		Minter:   &token.Minter{Key: live},
		Grants:   append(grants, people.grants...),
		ClientAuth: []avouch.ClientAuth{
			&clientauth.PrivateKeyJWT{Policy: live.ClientPolicy},
			&clientauth.SecretJWT{Policy: live.ClientPolicy},
			&clientauth.SecretBasic{Throttle: throttle},
			&clientauth.SecretPost{Throttle: throttle},
			&clientauth.None{},
		},
		Endpoints:       slices.Concat(endpoints, people.endpoints, registrationOf(conf, w.admin)),
		Clients:         live,
		Subjects:        live,
		Lapsed:          live.Lapsed,
		Replay:          w.guard,
		Handles:         w.handles,
		Audience:        conf.Token.Audience,
		TokenLifetime:   conf.Token.Lifetime,
		ScopesSupported: conf.Scopes,
		Log:             w.log,
		Reserve:         w.reserve,
		Observe:         w.observe,
	}
	if people.refresh != nil { // a nil grant in an interface would be one
		config.Refresh = people.refresh
	}
	s.Server, err = avouch.New(config)
	s.explainer = &explain.Explainer{Server: s.Server, Grants: []avouch.Grant{jwtBearer}, ClientAuth: config.ClientAuth}
	return s, err
}

// replayGuard is where used assertions are remembered.
func replayGuard(conf config.Config, store storage.Store) replay.Guard {
	if conf.Replay == "memory" {
		return replay.NewMemory(replay.MemoryConfig{})
	}
	return store
}

// ownKeys lets the guard of our own API find our keys without asking ourselves over the network.
type ownKeys struct{ live *admin.Live }

func (o ownKeys) Find(ctx context.Context, h keys.Hint, now time.Time) ([]*keys.Public, error) {
	return o.live.PublicKeys(now).Find(ctx, h, now)
}

// publicHandler is everything that strangers may call.
func publicHandler(conf config.Config, s *authorizationServer, log *slog.Logger) (http.Handler, error) {
	issuer, err := url.Parse(conf.Issuer)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(issuer.Path, "/")
	audience := conf.Token.Audience
	if audience == "" {
		audience = conf.Issuer
	}
	guard, err := resource.New(resource.Config{
		Issuer: conf.Issuer, Audience: audience, Keys: ownKeys{s.live}, Name: "avouch", Log: log,
	})
	if err != nil {
		return nil, err
	}
	proxies, err := conf.TrustedProxies()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	s.Mount(mux)
	if s.signIn != nil {
		s.signIn.Mount(mux)
	}
	mux.Handle(base+whoAmIPath, guard.WhoAmI())
	if path := guard.MetadataPath(); path != "" && conf.Token.Audience == "" {
		mux.Handle(path, guard.Metadata())
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":"not_found"}` + "\n")) // the caller is gone: there is nobody left to tell
	})
	return callersBehind(proxies, answerHalfClosed(closeAfterChunked(mux))), nil
}

// answerHalfClosed answers a client of HTTP/1 that has closed its half of the connection behind its request. To net/http
// who does so has gone away: it ends the context, and what was about to be granted would be refused as if the server had
// failed, perhaps with its assertion spent. One that really has gone costs a token that nobody reads. Whatever a request
// waits for has a limit of its own.
func answerHalfClosed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

// closeAfterChunked ends the connection after a request of HTTP/1 whose body came in chunks. It may have had a
// Content-Length too, which net/http ignores and hides; a proxy in front that went by it would take the next request
// for a part of this one's body, and hand the answer to somebody else (RFC 9112 §6.1 wants the connection closed).
// Forms of known length, which all but a few clients send, keep theirs.
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
