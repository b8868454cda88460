package grant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// AuthorizationCode is the authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636): a user's browser is sent to the
// server, the user decides there what a client may do in his name, and the client exchanges a code for tokens. It is
// safe for concurrent use and must neither be changed nor copied once it is in use.
//
// The grant stands in avouch.Config.Grants, and its browser half in Endpoints:
//
//	code := &grant.AuthorizationCode{Ask: ask}
//	config.Grants = []avouch.Grant{code}
//	config.Endpoints = []avouch.Endpoint{code.Authorization(), code.Pushed()}
//
// Every request needs an S256 challenge. Redirect URIs are compared byte by byte, except for the port of a loopback address
// (RFC 8252 §7.3). A code is valid once, for the client, the redirect URI and the challenge it was issued for; if it comes
// a second time, the server revokes what was issued on it. Codes and pushed requests are kept in avouch.Config.Handles.
type AuthorizationCode struct {
	// Ask finds out who is at the browser and what he consents to. Required. It is called for a GET of the authorization
	// endpoint, and for a POST whose URL has the query of the request: that is a form of Ask's own, and its body is
	// Ask's. One that comes from another site is refused before (http.CrossOriginProtection), and no page of Ask's can be
	// framed unless it changes the headers X-Frame-Options and Content-Security-Policy. Parameters such as prompt and
	// max_age (OpenID Connect Core §3.1.2.1) are Ask's affair: where prompt is none it shows no page, but returns a
	// Consent, or an *avouch.Error with the code login_required or consent_required, which goes to the client.
	Ask Ask

	// CodeLifetime is how long a code is good, at most 10 minutes (RFC 6749 §4.1.2). Zero means 60 seconds.
	CodeLifetime time.Duration

	// RequirePushed says that every authorization request must be pushed first (RFC 9126 §5). False leaves that to
	// avouch.Client.RequirePushed.
	RequirePushed bool

	// PushedLifetime is how soon a pushed request must come to the authorization endpoint, at most 10 minutes. Zero means
	// 90 seconds. From then on the user has half an hour to sign in.
	PushedLifetime time.Duration

	// PerAddress is how many requests may be pushed from one address (an IPv4 address or an IPv6 /64, the remote address of
	// the connection) at once, and in an hour after that, by clients that do not authenticate. Zero means 10,000.
	PerAddress int

	pushedBy publicRate
}

// AuthorizationCodeType is the grant type (RFC 6749 §4.1.3).
const AuthorizationCodeType = "authorization_code"

const (
	kindCode        = "code"
	defaultCode     = time.Minute
	defaultPushed   = 90 * time.Second
	maxCodeLifetime = 10 * time.Minute
)

// codeRecord is what is kept of a code.
type codeRecord struct {
	consented
	RedirectURI string    `json:"redirect_uri"`     // where the code went
	Unsaid      bool      `json:"unsaid,omitempty"` // the authorization request did not name it
	Challenge   string    `json:"code_challenge"`   // S256
	Issued      time.Time `json:"issued"`
}

// Type returns [AuthorizationCodeType].
func (g *AuthorizationCode) Type() string { return AuthorizationCodeType }

// Validate tells what is wrong with the grant; avouch.New calls it.
func (g *AuthorizationCode) Validate() error {
	switch {
	case g == nil || g.Ask == nil:
		return errors.New("an Ask is required: it knows who is at the browser")
	case g.CodeLifetime < 0 || g.CodeLifetime > maxCodeLifetime:
		return fmt.Errorf("CodeLifetime %v is not between 0 and 10 minutes", g.CodeLifetime)
	case g.PushedLifetime < 0 || g.PushedLifetime > maxCodeLifetime || g.PushedLifetime%time.Second != 0:
		return fmt.Errorf("PushedLifetime %v is not between 0 and 10 minutes, in whole seconds", g.PushedLifetime)
	case g.PerAddress < 0:
		return errors.New("PerAddress is negative")
	}
	return nil
}

// Authorize implements avouch.Grant: the exchange of a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (g *AuthorizationCode) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	text := req.Param("code")
	switch {
	case text == "":
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the parameter code is missing"}
	case req.Client == nil:
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Err: errors.New("a code is bound to a client, and none is known")}
	}
	digest := handle.Digest(text)
	record, err := req.Server().Handles().Handle(ctx, req.Now, kindCode, digest)
	if err != nil {
		return nil, cannotTell(err)
	}
	if record == nil {
		return nil, notAccepted("code", "it is unknown or has expired")
	}
	var r codeRecord
	if err := json.Unmarshal(record.Data, &r); err != nil {
		return nil, fmt.Errorf("the record of a code: %w", err)
	}
	// Nothing of this uses the code up: whoever has read it somewhere cannot spoil it for its client.
	if reason := r.mismatch(req); reason != "" {
		return nil, notAccepted("code", reason)
	}
	authz := r.authorization()
	authz.Refresh = true
	authz.Uses = []replay.Use{{
		Purpose: kindCode, Party: r.Client, ID: base64.RawURLEncoding.EncodeToString(digest[:]),
		Until: record.Expires.Add(remember), Issued: r.Issued,
	}}
	return authz, nil
}

// mismatch tells in which way a token request is not the one that the code was issued for, "" where it is.
func (r *codeRecord) mismatch(req *avouch.Request) string {
	sent := req.Param("redirect_uri")
	switch {
	case r.Client != req.Client.ID:
		return "it was issued to another client"
	case sent == "" && !r.Unsaid:
		return "redirect_uri is missing, and was in the authorization request"
	case sent != "" && sent != r.RedirectURI:
		return "redirect_uri is not that of the authorization request"
	case req.Param("code_verifier") == "":
		return "code_verifier is missing"
	case !verifies(req.Param("code_verifier"), r.Challenge):
		return "code_verifier is not that of the code_challenge"
	}
	return ""
}
