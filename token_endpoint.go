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

// settle completes the event of a request that was answered, or refused where err is not nil, logs it and has it
// observed. Where ev.Err is not nil afterwards the request must be refused with it.
func (s *Server) settle(ctx context.Context, ev *Event, err error) {
	if err != nil {
		ev.RefusalID, ev.Err = newRefusalID(), asRefusal(err)
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

// token is the whole way of a token request. It returns the body of a successful answer, or why there is none; panics
// of grants, methods and stores become errors.
func (s *Server) token(ctx context.Context, w http.ResponseWriter, r *http.Request, ev *Event) (answer []byte, err error) {
	defer panics.Catch(&err)
	req, err := s.readRequest(w, r)
	ev.Claimed = clip(req.NamedClient(), 256)
	if err != nil {
		return nil, err
	}

	// Which grants there are is public, so they may be told before the client is known; what a client may do is told
	// to the client alone.
	grantType := req.Param("grant_type")
	if grantType == "" {
		return nil, refuse(InvalidRequest, "grant_type is missing", nil)
	}
	offered, ok := s.grants[grantType]
	if !ok {
		ev.GrantType = "unknown"
		return nil, refuse(UnsupportedGrantType, "this server does not offer the grant type",
			errors.New("grant type "+strconv.QuoteToASCII(clip(grantType, 128))))
	}
	ev.GrantType = grantType

	authn, err := s.Authenticate(ctx, req)
	if err != nil {
		return nil, err
	}
	if authn != nil {
		ev.ClientID, ev.AuthMethod, ev.KeyID, ev.Notices = authn.Client.ID, authn.Method, authn.KeyID, authn.Notices
		if !allowed(authn.Client.Grants, grantType) {
			return nil, refuse(UnauthorizedClient, "the client may not use this grant type", nil)
		}
	} else if !offered.clientOptional {
		return nil, notAuthenticated("the request carries no credentials of a client, and the grant needs them")
	}

	decision, err := offered.Authorize(ctx, req)
	if err != nil {
		return nil, err
	}
	if decision == nil {
		return nil, errors.New("grant " + grantType + " returned neither an authorization nor an error")
	}
	authz := *decision // which may be the same one for every request
	ev.Subject, ev.Issuer, ev.Consent = authz.Subject, authz.Issuer, authz.Family
	if ev.KeyID == "" {
		ev.KeyID = authz.KeyID
	}
	client, err := s.clientOf(ctx, req, &authz, grantType)
	if err != nil {
		return nil, err
	}
	claims, lifetime, err := s.decide(req, &authz, client)
	if err != nil {
		return nil, err
	}
	claims.Origin = origin(authn, &authz, client)
	if err := claims.Validate(); err != nil { // before anything is spent on it
		return nil, err
	}
	ev.ClientID, ev.Subject, ev.Scopes, ev.Audience = claims.ClientID, claims.Subject, claims.Scopes, claims.Audience

	if s.reserver != nil {
		if err := s.reserver(ctx); err != nil {
			return nil, unavailable("the server cannot record the event at the moment; try again", err)
		}
		ev.Reserved = true
	}
	if err := s.spend(ctx, req.Now, authn, &authz); err != nil {
		ev.Reused = endsConsent(err, &authz)
		return nil, err
	}
	access, err := s.minter.Mint(ctx, claims)
	if err != nil {
		return nil, fmt.Errorf("cannot make an access token: %w", err)
	}
	ev.TokenID = claims.ID
	var more map[string]any
	if authz.Record != nil {
		if more, err = record(ctx, &authz, claims); err != nil {
			return nil, err
		}
	}
	return appendTokenAnswer(access, lifetime, claims.Scopes, more)
}

// record has the grant keep what it must, and returns its further members of the answer.
func record(ctx context.Context, authz *Authorization, claims *token.Claims) (map[string]any, error) {
	issued := Issued{Claims: claims, Answer: map[string]any{}}
	if err := authz.Record(ctx, &issued); err != nil {
		return nil, err
	}
	return issued.Answer, nil
}

// origin is what the token rests on. A client that is not registered is an issuer under its own name: the token says so,
// or it would look like that of a client that has been deleted.
func origin(authn *Authentication, authz *Authorization, client *Client) token.Origin {
	o := token.Origin{Issuer: authz.Issuer, Family: authz.Family}
	if client == nil && o.Issuer == "" {
		o.Issuer = authz.ClientID
	}
	if authn != nil && authn.KeyID != "" {
		o.KeyIDs = append(o.KeyIDs, authn.KeyID)
	}
	if authz.KeyID != "" && !allowed(o.KeyIDs, authz.KeyID) {
		o.KeyIDs = append(o.KeyIDs, authz.KeyID)
	}
	return o
}

// clientOf returns the registered client that the token is issued to, nil where it is not a registered one: an issuer
// that speaks for its own. It puts the client's id into authz.
func (s *Server) clientOf(ctx context.Context, req *Request, authz *Authorization, grantType string) (*Client, error) {
	// One text, as everywhere after the signature of an assertion: who holds a good one learns nothing of the rules.
	no := func(reason string) error {
		return refuse(InvalidGrant, "the grant is not accepted", errors.New(reason))
	}
	client := req.Client
	switch {
	case client != nil && authz.ClientID != "" && authz.ClientID != client.ID:
		return nil, no("the grant is for client " + strconv.QuoteToASCII(clip(authz.ClientID, 256)) + ", another one authenticated")
	case client == nil && authz.ClientID == "":
		return nil, errors.New("grant " + grantType + " named no client, and none authenticated")
	case client == nil:
		if named := req.NamedClient(); named != "" && named != authz.ClientID {
			return nil, no("the grant is for client " + strconv.QuoteToASCII(clip(authz.ClientID, 256)) + ", the request names another one")
		}
		var err error
		if client, err = req.FindClient(ctx, authz.ClientID); err != nil {
			return nil, err
		}
		if client != nil && client.Disabled {
			return nil, no("the client of the grant is disabled")
		}
		if client != nil && !allowed(client.Grants, grantType) {
			return nil, no("the client of the grant may not use this grant type")
		}
	}
	if client != nil {
		if !authz.Since.IsZero() && authz.Since.Before(client.Created) {
			return nil, no("the grant is older than the client, and was given to another one of the same id")
		}
		authz.ClientID = client.ID
	}
	if authz.Subject != "" {
		other, err := req.FindClient(ctx, authz.Subject)
		if err != nil {
			return nil, err
		}
		if other != nil || authz.Subject == authz.ClientID {
			return nil, no("the subject has the name of a client: its tokens could not be told from that client's own")
		}
		disabled, err := req.SubjectDisabled(ctx, authz.Subject)
		if err != nil {
			return nil, err
		}
		if disabled {
			return nil, no("the subject is disabled")
		}
	}
	return client, nil
}

// decide applies the policy of scopes, resources and lifetime, and says what the token will hold.
func (s *Server) decide(req *Request, authz *Authorization, client *Client) (*token.Claims, time.Duration, error) {
	scopes, err := grantScopes(req.Param("scope"), authz, client)
	if err != nil {
		return nil, 0, err
	}
	audience, err := s.grantAudience(req.Params("resource"), authz, client)
	if err != nil {
		return nil, 0, err
	}
	lifetime, err := s.grantLifetime(authz, client)
	if err != nil {
		return nil, 0, err
	}
	subject := authz.Subject
	if subject == "" {
		subject = authz.ClientID
	}
	return &token.Claims{
		Issuer:   s.issuer,
		Subject:  subject,
		Audience: audience,
		ClientID: authz.ClientID,
		Scopes:   scopes,
		ID:       rand.Text(),
		IssuedAt: req.Now,
		Expires:  req.Now.Add(lifetime),
		More:     authz.Claims,
	}, lifetime, nil
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

// appendTokenAnswer makes the body of a successful answer (RFC 6749 §5.1). The scope is always told where there is
// one, whether it is what was asked for or not. More are further members.
func appendTokenAnswer(access string, lifetime time.Duration, scopes []string, more map[string]any) ([]byte, error) {
	b := make([]byte, 0, len(access)+128)
	b = append(b, `{"access_token":`...)
	b = jsonwrite.String(b, access)
	b = append(b, `,"token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, int64(lifetime/time.Second), 10)
	if len(scopes) > 0 {
		b = append(b, `,"scope":`...)
		b = jsonwrite.String(b, strings.Join(scopes, " "))
	}
	if len(more) == 0 {
		return append(b, '}', '\n'), nil
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		switch name {
		case "access_token", "token_type", "expires_in", "scope":
			return nil, errors.New("a grant has put " + name + " into the answer, which is the server's")
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
