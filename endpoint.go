package avouch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/panics"
	"github.com/avouch-oauth/avouch/replay"
)

// Endpoint is an endpoint beside the token endpoint. The built-in ones and yours are values in the same slice,
// [Config.Endpoints]. Exactly one of Answer and Handler is set.
type Endpoint struct {
	// Name is its name in events, logs and metrics, such as "introspection". Required, each once.
	Name string

	// Path follows the issuer in its URL, such as "/oauth/introspect". Required, each once.
	Path string

	// Member is the member of the server's metadata that holds the URL, such as "introspection_endpoint". "" publishes
	// none.
	Member string

	// Metadata are further members of the server's metadata. Those of all endpoints are merged, and two of the same name
	// refused.
	Metadata map[string]any

	// Answer answers a request as the token endpoint gets it: POST, a strict form, and a client that has authenticated
	// by one of the methods that are offered, held to the same rules. What Answer.Uses and the client's credentials may
	// use once is spent when it has returned.
	Answer func(ctx context.Context, req *Request) (*Answer, error)

	// ClientOptional says that Answer may be called without an authenticated client: req.Client is nil then. Credentials
	// that are sent are validated all the same.
	ClientOptional bool

	// Handler makes a handler that speaks for itself, such as one for browsers; it is called once, by [New].
	Handler func(s *Server) http.Handler

	// Validate tells what is wrong with the endpoint; [New] calls it and refuses the configuration where it fails. As with
	// a [Grant] it is a courtesy: Answer and Handler fail closed whether it was called or not. Nil has nothing to tell.
	Validate func() error
}

// Answer is the answer of an [Endpoint]. It is written with Cache-Control: no-store.
type Answer struct {
	Status int         // zero means 200
	Body   any         // written as JSON by encoding/json; nil means that there is none
	Header http.Header // further headers

	// Uses may be used once, and are spent before the answer is written.
	Uses []replay.Use

	// Record is called when everything is spent, before the answer is written: for what must be kept. Where it returns
	// an error the request is refused with it. Nil keeps nothing.
	Record func(ctx context.Context) error
}

// mount is a handler at a path.
type mount struct {
	path    string
	handler http.Handler
}

// URL is where the endpoint of this name is reachable: the path behind the issuer. "" where there is none of this name.
func (s *Server) URL(name string) string {
	if e, ok := s.endpoints[name]; ok {
		return e.url
	}
	return ""
}

// Issuer is the issuer identifier.
func (s *Server) Issuer() string { return s.issuer }

// Handler serves everything of the server at its path: the token endpoint, the JWK set, the metadata at each of
// [MetadataPaths], and every endpoint of the configuration. Whatever else is asked for is not found. Use it as it is, or
// mount the parts yourself.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.Mount(mux)
	return mux
}

// Mount puts everything of the server into mux, at its path; see [Server.Handler].
func (s *Server) Mount(mux *http.ServeMux) {
	for _, m := range s.mounts {
		mux.Handle(m.path, m.handler)
	}
}

// Endpoint is the handler of the endpoint of this name, nil where there is none: for programs that mount by hand.
func (s *Server) Endpoint(name string) http.Handler {
	if e, ok := s.endpoints[name]; ok {
		return e.handler
	}
	return nil
}

// Spend spends all uses or none, for endpoints with a Handler of their own; the others return theirs in [Answer.Uses].
// Its errors are fit to be passed on: invalid_grant where one was used before, with a *replay.ReplayedError in it.
func (s *Server) Spend(ctx context.Context, now time.Time, uses ...replay.Use) error {
	return s.spend(ctx, now, nil, uses)
}

// Settle tells of a request to an endpoint with a Handler of its own: the event is completed, logged where err is not
// nil, and observed. It returns what the caller is to be told, nil where the request may be answered; ev.RefusalID is set
// then. No answer may leave before it.
func (s *Server) Settle(ctx context.Context, ev *Event, err error) *Error {
	if s.settle(ctx, ev, err); ev.Err != nil {
		return asRefusal(ev.Err)
	}
	return nil
}

// Serve makes a handler of f, which answers one request of an endpoint with a Handler of its own, or refuses it. Refusals
// are given an id, logged, observed and written as those of the token endpoint, and panics become server_error. f may
// fill in ev. A nil Answer without an error says that f has written the answer itself; see [Server.Settle] then.
func (s *Server) Serve(name string, f func(w http.ResponseWriter, r *http.Request, ev *Event) (*Answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		ev := &Event{Time: time.Now(), Endpoint: name, RemoteAddr: r.RemoteAddr}
		answer, body, err := s.answer(func() (*Answer, error) { return f(w, r, ev) })
		if answer == nil && err == nil {
			return
		}
		if s.settle(ctx, ev, err); ev.Err != nil {
			s.writeRefusal(w, r, ev)
			return
		}
		writeAnswer(w, answer, body)
	})
}

// answer calls f and makes the body of what it answers, before the request is settled.
func (s *Server) answer(f func() (*Answer, error)) (answer *Answer, body []byte, err error) {
	defer panics.Catch(&err)
	if answer, err = f(); err != nil || answer == nil || answer.Body == nil {
		return answer, nil, err
	}
	if body, err = json.Marshal(answer.Body); err != nil {
		return nil, nil, fmt.Errorf("cannot write the answer: %w", err)
	}
	return answer, append(body, '\n'), nil
}

// writeAnswer writes an answer.
func writeAnswer(w http.ResponseWriter, answer *Answer, body []byte) {
	h := w.Header()
	for name, values := range answer.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	status := answer.Status
	if status == 0 {
		status = http.StatusOK
	}
	if body == nil {
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		return
	}
	writeJSON(w, status, body)
}

// offeredEndpoint is an endpoint as it is offered.
type offeredEndpoint struct {
	url     string
	handler http.Handler
}

// offerEndpoints makes the handlers of everything that is served.
func (s *Server) offerEndpoints(c *Config) {
	s.endpoints = make(map[string]offeredEndpoint, len(c.Endpoints))
	s.mounts = []mount{{pathOf(s.tokenURL), s.TokenEndpoint()}, {pathOf(c.jwksURL()), s.JWKS()}}
	paths, err := MetadataPaths(s.issuer)
	if err == nil { // it was validated
		for _, path := range paths {
			s.mounts = append(s.mounts, mount{path, s.Metadata()})
		}
	}
	for _, e := range c.Endpoints { // their URLs first: handlers may ask for one another's
		s.endpoints[e.Name] = offeredEndpoint{url: c.endpointURL(e)}
	}
	for _, e := range c.Endpoints {
		o := s.endpoints[e.Name]
		if e.Handler != nil {
			o.handler = e.Handler(s)
		} else {
			o.handler = s.Serve(e.Name, s.answering(e, o.url))
		}
		s.endpoints[e.Name] = o
		s.mounts = append(s.mounts, mount{pathOf(o.url), o.handler})
	}
}

// answering is the way of a request to an endpoint that takes forms of authenticated clients.
func (s *Server) answering(e Endpoint, url string) func(w http.ResponseWriter, r *http.Request, ev *Event) (*Answer, error) {
	return func(w http.ResponseWriter, r *http.Request, ev *Event) (*Answer, error) {
		ctx := r.Context()
		req := new(Request)
		err := s.readRequest(w, r, req)
		ev.Claimed = clip(req.NamedClient(), 256)
		if err != nil {
			return nil, err
		}
		req.Endpoint = url
		authn, err := s.Authenticate(ctx, req)
		if err != nil {
			return nil, err
		}
		if authn != nil {
			ev.ClientID, ev.AuthMethod, ev.KeyID, ev.Notices = authn.Client.ID, authn.Method, authn.KeyID, authn.Notices
		} else if !e.ClientOptional {
			return nil, notAuthenticated("the request carries no credentials of a client, and the endpoint needs them")
		}
		answer, err := e.Answer(ctx, req)
		if err != nil {
			return nil, err
		}
		if answer == nil {
			return nil, errors.New("endpoint " + e.Name + " returned neither an answer nor an error")
		}
		var ofClient []replay.Use
		if authn != nil {
			ofClient = authn.Uses
		}
		if err := s.spend(ctx, req.Now, ofClient, answer.Uses); err != nil {
			return nil, err
		}
		if answer.Record != nil {
			if err := answer.Record(ctx); err != nil {
				return nil, err
			}
		}
		return answer, nil
	}
}

func (c *Config) endpointURL(e Endpoint) string { return strings.TrimSuffix(c.Issuer, "/") + e.Path }

// pathOf is the path of a URL of this server as a pattern of http.ServeMux, which takes no braces.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.EscapedPath()
}

func (c *Config) validateEndpoints(fault func(string, ...any)) {
	names, paths, members := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, used := range []string{c.tokenURL(), c.jwksURL()} {
		paths[pathOf(used)] = true
	}
	metadata, err := MetadataPaths(c.Issuer)
	if err != nil {
		return // the issuer is at fault, and told of
	}
	for _, path := range metadata {
		paths[path] = true
	}
	for i, e := range c.Endpoints {
		switch {
		case e.Name == "" || !validScope(e.Name) || e.Name == "token":
			fault("Endpoints[%d] has the name %q: it needs one of its own, without spaces", i, e.Name)
			continue
		case names[e.Name]:
			fault("Endpoints[%d]: the name %q is there twice", i, e.Name)
		case (e.Answer == nil) == (e.Handler == nil):
			fault("endpoint %s: exactly one of Answer and Handler is needed", e.Name)
		case !strings.HasPrefix(e.Path, "/") || strings.ContainsAny(e.Path, "?#{} ") || strings.HasSuffix(e.Path, "/"):
			fault("endpoint %s: the path %q must begin with a slash and end without one, and have no query, braces or spaces", e.Name, e.Path)
		case paths[pathOf(c.endpointURL(e))]:
			fault("endpoint %s: the path %q is taken", e.Name, e.Path)
		case e.Answer != nil && !e.ClientOptional && len(c.ClientAuth) == 0:
			fault("endpoint %s needs an authenticated client, and ClientAuth is empty", e.Name)
		}
		if e.Validate != nil {
			if err := e.Validate(); err != nil {
				fault("endpoint %s: %w", e.Name, err)
			}
		}
		names[e.Name], paths[pathOf(c.endpointURL(e))] = true, true
		if e.Member != "" {
			if members[e.Member] || ownMember(e.Member) {
				fault("endpoint %s: the metadata has the member %q already", e.Name, e.Member)
			}
			members[e.Member] = true
		}
		for member, value := range e.Metadata {
			if members[member] || ownMember(member) {
				fault("endpoint %s: the metadata has the member %q already", e.Name, member)
			}
			members[member] = true
			if _, err := json.Marshal(value); err != nil {
				fault("endpoint %s: the member %q of the metadata: %w", e.Name, member, err)
			}
		}
	}
}

// ownMember reports whether the server writes a member of the metadata itself.
func ownMember(name string) bool {
	switch name {
	case "issuer", "token_endpoint", "jwks_uri", "scopes_supported", "grant_types_supported",
		"token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
		"introspection_endpoint_auth_methods_supported", "introspection_endpoint_auth_signing_alg_values_supported",
		"revocation_endpoint_auth_methods_supported", "revocation_endpoint_auth_signing_alg_values_supported":
		return true
	}
	return false
}
