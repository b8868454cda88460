package avouch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/jsonwrite"
	"github.com/avouch-oauth/avouch/internal/panics"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// TokenEndpoint is the token endpoint (RFC 6749 §3.2). Mount it where Config.TokenURL says.
func (s *Server) TokenEndpoint() http.Handler { return http.HandlerFunc(s.serveToken) }

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	ev := &Event{Time: time.Now(), Endpoint: "token", RemoteAddr: r.RemoteAddr}
	observed := false
	defer func() {
		// A panic with http.ErrAbortHandler gets here: what was reserved must still be given back.
		if ev.Reserved && !observed {
			s.settle(ctx, ev, errors.New("the request was aborted by a hook"))
		}
	}()
	answer, err := s.token(ctx, w, r, ev)
	observed = true
	if s.settle(ctx, ev, err); ev.Err != nil {
		s.writeRefusal(w, r, ev)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// settle completes the event of a request that was answered, or refused if err is not nil, logs it and has it observed.
// If ev.Err is not nil afterwards the request must be refused with it.
func (s *Server) settle(ctx context.Context, ev *Event, err error) {
	if err != nil {
		ev.RefusalID, ev.Err = newRefusalID(), asRefusal(counted(err))
		s.logRefusal(ctx, ev)
	}
	if failure := s.observe(ctx, ev); failure != nil {
		// What the observer keeps may be required by law or by an auditor: no token leaves unseen.
		if ev.RefusalID == "" {
			ev.RefusalID = newRefusalID()
		}
		ev.Err = asRefusal(failure)
		s.logRefusal(ctx, ev)
	}
}

// observe hands the event to Config.Observe.
func (s *Server) observe(ctx context.Context, ev *Event) (err error) {
	ev.Duration = time.Since(ev.Time)
	if s.observer == nil {
		return nil
	}
	defer panics.Catch(&err)
	s.observer(ctx, *ev)
	return nil
}

// deciding is a request on its way and what it comes to, in one piece of memory.
type decided struct {
	req      Request
	decision Decision
}

// token is the whole way of a token request: it is decided, what is for single use is spent, and the token is made. It
// returns the body of a successful answer, or why there is none; panics become errors.
func (s *Server) token(ctx context.Context, w http.ResponseWriter, r *http.Request, ev *Event) (answer []byte, err error) {
	defer panics.Catch(&err)
	var way decided
	req, d := &way.req, &way.decision
	err = s.readRequest(w, r, req)
	ev.Claimed = clip(req.NamedClient(), 256)
	if err != nil {
		return nil, err
	}
	err = d.decide(ctx, s, req)
	ev.tell(d, req)
	if err != nil {
		return nil, err
	}
	if s.reserve != nil { // before anything is spent: a request that cannot be recorded can be sent again
		if err := s.reserve(ctx); err != nil {
			return nil, asUnavailable("the server cannot record the request at the moment", err)
		}
		ev.Reserved = true
	}
	if err := s.nameConsent(ctx, req.Now, d); err != nil {
		return nil, err
	}
	ev.Consent = d.Authorization.Family
	var ofClient []replay.Use
	if d.Authentication != nil {
		ofClient = d.Authentication.Uses
	}
	if err := s.spend(ctx, req.Now, ofClient, d.Authorization.Uses); err != nil {
		return nil, s.reused(ctx, req.Now, ev, d, err)
	}
	return s.issue(ctx, req, ev, d)
}

// tell puts into the event what is known of a request.
func (ev *Event) tell(d *Decision, req *Request) {
	if ev.GrantType = d.GrantType; ev.GrantType == "" && req.Param("grant_type") != "" {
		ev.GrantType = "unknown"
	}
	if a := d.Authentication; a != nil {
		ev.ClientID, ev.AuthMethod, ev.KeyID, ev.Notices = a.Client.ID, a.Method, a.KeyID, a.Notices
	}
	if z := d.Authorization; z != nil {
		if ev.KeyID == "" {
			ev.KeyID = z.KeyID
		}
		ev.ClientID, ev.Subject, ev.Issuer, ev.Consent = z.ClientID, z.Subject, z.Issuer, z.Family
	}
	if c := d.Claims; c != nil {
		ev.Subject, ev.Scopes, ev.Audience = c.Subject, c.Scopes, c.Audience
	}
}

// issue makes what was decided, has everything kept that must be, and returns the body of the answer.
func (s *Server) issue(ctx context.Context, req *Request, ev *Event, d *Decision) ([]byte, error) {
	access, err := s.mint(ctx, d)
	if err != nil {
		return nil, err
	}
	ev.TokenID = d.Claims.ID
	var more map[string]any
	if record := d.Authorization.Record; record != nil {
		issued := Issued{Claims: d.Claims, Answer: map[string]any{}}
		if err := record(ctx, &issued); err != nil {
			return nil, err
		}
		more = issued.Answer
	}
	refresh := ""
	if d.Refresh {
		if refresh, err = s.refresh.Issue(ctx, s.handles, req.Now, d.Client, d.kept()); err != nil {
			return nil, err
		}
	}
	return appendTokenAnswer(access, refresh, d.Lifetime, d.Claims.Scopes, more)
}

// mint makes the token. One of another kind (RFC 8693 §2.2.1) is one more case here, and tells its kind and its token_type
// in the answer.
func (s *Server) mint(ctx context.Context, d *Decision) (string, error) {
	switch d.Token {
	case AccessToken:
		access, err := s.minter.Mint(ctx, d.Claims)
		if err != nil {
			return "", fmt.Errorf("cannot make an access token: %w", err)
		}
		return access, nil
	}
	return "", fmt.Errorf("no token of the kind %q can be made here", d.Token)
}

// newTokenID returns a jti.
func newTokenID() string { return rand.Text() }

// origin is what the token rests on. A client that is not registered is an issuer under its own name: the token says so,
// or it would look like that of a client that has been deleted.
func origin(authn *Authentication, authz *Authorization, client *Client) token.Origin {
	o := token.Origin{Issuer: authz.Issuer, Rule: authz.Rule, Family: authz.Family}
	if client == nil {
		if o.Issuer == "" {
			o.Issuer = authz.ClientID
		}
		o.Unregistered = o.Issuer != authz.ClientID
	}
	if authn != nil && authn.KeyID != "" {
		o.KeyIDs = append(o.KeyIDs, authn.KeyID)
	}
	if authz.KeyID != "" && !allowed(o.KeyIDs, authz.KeyID) {
		o.KeyIDs = append(o.KeyIDs, authz.KeyID)
	}
	return o
}

// grantLifetime is the shorter one of what grant and client say, else the server's.
func (s *Server) grantLifetime(authz *Authorization, client *Client) (time.Duration, error) {
	lifetime := authz.Lifetime
	if client != nil && client.TokenLifetime != 0 && (lifetime == 0 || client.TokenLifetime < lifetime) {
		lifetime = client.TokenLifetime
	}
	if lifetime == 0 {
		lifetime = s.lifetime
	}
	if lifetime = lifetime.Truncate(time.Second); lifetime <= 0 {
		// A time that has run out must not become the default.
		return 0, errors.New("the lifetime of the token is less than a second by what grant or client say")
	}
	return lifetime, nil
}

// allowed reports whether a list has a value.
func allowed(list []string, value string) bool {
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return false
}

// appendTokenAnswer makes the body of a successful answer (RFC 6749 §5.1). The scope is always told if there is one,
// whether it is what was asked for or not. refresh is "" for no refresh token; more are further members.
func appendTokenAnswer(access, refresh string, lifetime time.Duration, scopes []string, more map[string]any) ([]byte, error) {
	b := make([]byte, 0, len(access)+len(refresh)+160)
	b = append(b, `{"access_token":`...)
	b = jsonwrite.String(b, access)
	b = append(b, `,"token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, int64(lifetime/time.Second), 10)
	if len(scopes) > 0 {
		b = append(b, `,"scope":`...)
		b = jsonwrite.String(b, strings.Join(scopes, " "))
	}
	if refresh != "" {
		b = append(b, `,"refresh_token":`...)
		b = jsonwrite.String(b, refresh)
	}
	if len(more) == 0 {
		return append(b, '}', '\n'), nil
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		switch name {
		case "access_token", "token_type", "expires_in", "scope":
			return nil, errors.New("a grant has put " + name + " into the answer, which is the server's")
		case "refresh_token":
			return nil, errors.New("a grant has put refresh_token into the answer: set Authorization.Refresh, and let Config.Refresh make it")
		}
		value, err := json.Marshal(more[name])
		if err != nil {
			return nil, fmt.Errorf("the member %q of the answer: %w", name, err)
		}
		b = append(b, ',')
		b = jsonwrite.String(b, name)
		b = append(b, ':')
		b = append(b, value...)
	}
	return append(b, '}', '\n'), nil
}
