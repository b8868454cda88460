package avouch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch/internal/panics"
	"github.com/avouch-oauth/avouch/token"
)

// Decision is what a request to the token endpoint comes to before anything is spent: who asks, what the grant says, and
// what is to be made of it. The token endpoint goes on from one; [Server.Decide] makes one for everyone else.
//
// If the request is refused, the fields say how far it came.
type Decision struct {
	GrantType string // as in the request; "" if it is not one that is offered

	// Authentication is the client that has authenticated, nil if none has.
	Authentication *Authentication
	// Authorization is what the grant says, its ClientID filled in; nil if the grant has not decided.
	Authorization *Authorization
	// Client is the registered client that the token is issued to, nil if there is none or it is not known yet.
	Client *Client

	Token    TokenKind     // what is to be made
	Claims   *token.Claims // what the token will say; nil unless the request is accepted
	Lifetime time.Duration // of the token
	Refresh  bool          // a refresh token will be made beside it

	server  *Server
	dry     bool
	offered offered
	done    int // how many of the steps have passed
	err     error

	authz  Authorization // what Authorization points to
	claims token.Claims  // what Claims points to
}

// TokenKind is a kind of token that the server makes, by its identifier of RFC 8693 §3.
type TokenKind string

// AccessToken is a JWT access token (RFC 9068), of token_type Bearer.
const AccessToken TokenKind = "urn:ietf:params:oauth:token-type:access_token"

// deciding is one step of the way from a request to a decision.
type deciding struct {
	name string
	run  func(d *Decision, ctx context.Context, req *Request) error
}

// way is the way of a token request, in its order. It is a variable only because Go has no constant of this kind;
// nothing changes it. A step that binds the token to a proof of possession (RFC 9449, RFC 8705) belongs behind the
// lifetime: it reads what is decided and adds to the claims and to what is spent.
var way = [...]deciding{
	{"grant type", (*Decision).decideGrantType},
	{"client authentication", (*Decision).decideAuthentication},
	{"grant allowed", (*Decision).decideAllowed},
	{"grant", (*Decision).decideGrant},
	{"client", (*Decision).decideClient},
	{"standing", (*Decision).decideStanding},
	{"scope", (*Decision).decideScope},
	{"resource", (*Decision).decideResource},
	{"lifetime", (*Decision).decideLifetime},
	{"token", (*Decision).decideToken},
}

// Decide says what a request to the token endpoint comes to, and spends nothing. An error is what the endpoint would
// refuse the request with, an [*Error] or a failure of the server; the Decision beside it says how far the request came.
//
// With a request of [Server.Request] it is a dry run: nothing is changed or counted, no secret is compared (see
// [DryAuth]), and whether something was used before is not asked. Its answer is for operators and tests. It tells more
// than a caller may know.
func (s *Server) Decide(ctx context.Context, req *Request) (*Decision, error) {
	d := &Decision{}
	return d, d.decide(ctx, s, req)
}

// ErrNotTried is what a [Grant] returns in a dry run ([Request.DryRun]) in place of comparing what could be guessed, such as
// a password or a PIN: nothing counts the guesses of a dry run. The decision ends there, neither accepted nor refused.
var ErrNotTried = errors.New("avouch: a dry run does not try what could be guessed")

// decide runs the steps. Panics of grants, methods and stores become errors.
func (d *Decision) decide(ctx context.Context, s *Server, req *Request) (err error) {
	d.server, d.dry = s, req.dry
	defer func() { d.err = err }()
	defer panics.Catch(&err)
	if req.server != s {
		return errors.New("the request was made by another server, or by none")
	}
	for i := range way {
		if err := way[i].run(d, ctx, req); err != nil {
			return err
		}
		d.done++
	}
	return nil
}

// decideGrantType comes first: which grants there are is public, so it may be told before the client is known. What a
// client may do is told to the client alone.
func (d *Decision) decideGrantType(_ context.Context, req *Request) error {
	grantType := req.Param("grant_type")
	if grantType == "" {
		return refuse(InvalidRequest, "grant_type is missing", nil)
	}
	offered, ok := d.server.grants[grantType]
	if !ok {
		return refuse(UnsupportedGrantType, "this server does not offer the grant type",
			errors.New("grant type "+strconv.QuoteToASCII(clip(grantType, 128))))
	}
	d.GrantType, d.offered = grantType, offered
	return nil
}

func (d *Decision) decideAuthentication(ctx context.Context, req *Request) (err error) {
	authenticate := d.server.Authenticate
	if d.dry {
		authenticate = d.server.suppose
	}
	d.Authentication, err = authenticate(ctx, req)
	if err == nil && d.Authentication == nil && !d.offered.clientOptional {
		return notAuthenticated("the request carries no credentials of a client, and the grant needs them")
	}
	return err
}

func (d *Decision) decideAllowed(context.Context, *Request) error {
	if a := d.Authentication; a != nil && !allowed(a.Client.Grants, d.GrantType) {
		return refuse(UnauthorizedClient, "the client may not use this grant type", nil)
	}
	return nil
}

func (d *Decision) decideGrant(ctx context.Context, req *Request) error {
	authz, err := d.offered.Authorize(ctx, req)
	if err = solid(err); err != nil {
		if errors.Is(err, ErrNotTried) && !d.dry {
			return errors.New("grant " + d.GrantType + " has not tried a request that is no dry run")
		}
		return err
	}
	if authz == nil {
		return errors.New("grant " + d.GrantType + " returned neither an authorization nor an error")
	}
	d.authz = *authz // which may be the same one for every request
	d.Authorization = &d.authz
	if d.authz.Refresh && d.authz.Family == "" { // the server names the consent, and may have done so before
		d.authz.Family, err = d.server.consentOf(ctx, req.Now, d.authz.Uses...)
	}
	return err
}

// decideClient finds the registered client that the token is issued to. There is none if an issuer acts under its own
// name.
func (d *Decision) decideClient(ctx context.Context, req *Request) (err error) {
	client, authz := req.Client, d.Authorization
	switch {
	case client != nil && authz.ClientID != "" && authz.ClientID != client.ID:
		return noGrant("the grant is for client " + strconv.QuoteToASCII(clip(authz.ClientID, 256)) + ", another one authenticated")
	case client == nil && authz.ClientID == "":
		return errors.New("grant " + d.GrantType + " named no client, and none authenticated")
	case client == nil:
		if named := req.NamedClient(); named != "" && named != authz.ClientID {
			return noGrant("the grant is for client " + strconv.QuoteToASCII(clip(authz.ClientID, 256)) + ", the request names another one")
		}
		if client, err = d.server.FindClient(ctx, authz.ClientID); err != nil {
			return err
		}
		if client != nil && !allowed(client.Grants, d.GrantType) {
			return noGrant("the client of the grant may not use this grant type")
		}
	}
	if client != nil {
		d.Client, authz.ClientID = client, client.ID
	}
	if authz.Subject == authz.ClientID { // in the claims, equal means that no user is identified
		return refuse(InvalidGrant, notAccepted, &Lapse{BasisName, "is also the id of the client, so their tokens could not be distinguished"})
	}
	return nil
}

// decideStanding asks whether everything that the token will rest on still stands.
func (d *Decision) decideStanding(ctx context.Context, req *Request) error {
	authz, c := d.Authorization, &d.claims
	c.Issuer, c.ClientID, c.Subject, c.IssuedAt = d.server.issuer, authz.ClientID, authz.Subject, authz.Since
	if c.Subject == "" {
		c.Subject = c.ClientID
	}
	c.Scopes, c.Audience = authz.Scopes, authz.Audiences // as far as they are known
	c.Origin = origin(d.Authentication, authz, d.Client)
	lapse, err := d.server.lapsed(ctx, req.Now, c, d.Client)
	if err != nil {
		return err
	}
	if lapse != nil {
		return refuse(InvalidGrant, notAccepted, lapse)
	}
	return nil
}

func (d *Decision) decideScope(_ context.Context, req *Request) (err error) {
	d.claims.Scopes, err = grantScopes(req.Param("scope"), d.Authorization, d.Client)
	return err
}

func (d *Decision) decideResource(_ context.Context, req *Request) (err error) {
	d.claims.Audience, err = d.server.grantAudience(req.Params("resource"), d.Authorization, d.Client)
	return err
}

func (d *Decision) decideLifetime(_ context.Context, req *Request) (err error) {
	if d.Lifetime, err = d.server.grantLifetime(d.Authorization, d.Client); err != nil {
		return err
	}
	d.claims.IssuedAt, d.claims.Expires = req.Now, req.Now.Add(d.Lifetime)
	return nil
}

// decideToken says what is to be made. What can be wrong with the claims is found before anything is spent on them.
func (d *Decision) decideToken(_ context.Context, req *Request) error {
	c := &d.claims
	c.ID, c.More = newTokenID(), d.Authorization.Claims
	if err := c.Validate(); err != nil {
		return err
	}
	if err := d.checkUses(req.Now); err != nil {
		return err
	}
	d.Token, d.Claims = AccessToken, c
	d.Refresh = d.refreshes()
	return nil
}

// checkUses refuses what no guard could remember: it is a mistake of the grant or the method, and sending the request again
// does not help.
func (d *Decision) checkUses(now time.Time) error {
	for i := range d.Authorization.Uses {
		if _, err := d.Authorization.Uses[i].SpanEnd(now); err != nil {
			return fmt.Errorf("grant %s gives an impossible time in Uses, see replay.Use.Until: %w", d.GrantType, err)
		}
	}
	if d.Authentication == nil {
		return nil
	}
	for i := range d.Authentication.Uses {
		if _, err := d.Authentication.Uses[i].SpanEnd(now); err != nil {
			return fmt.Errorf("the client authentication method %s gives an impossible time in Uses, see replay.Use.Until: %w", d.Authentication.Method, err)
		}
	}
	return nil
}

// notAccepted is the one text for everything that is about rules, users, clients and permissions: a caller with a valid
// grant learns nothing of them.
const notAccepted = "the grant is not accepted"

// noGrant is the refusal of a grant: one text for the caller, the reason for the operator.
func noGrant(reason string) *Error { return refuse(InvalidGrant, notAccepted, errors.New(reason)) }
