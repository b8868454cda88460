package grant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

const (
	kindPushed = "pushed_request"
	// requestURIPrefix stands before the handle of a pushed request (RFC 9126 §2.2).
	requestURIPrefix = "urn:ietf:params:oauth:request_uri:"
	// signIn is how long a user has to sign in and to decide, once a pushed request has come to the authorization
	// endpoint.
	signIn = 30 * time.Minute
	// maxPushed is the longest record of a pushed request that is kept, in bytes: about what a URL may have.
	maxPushed = 2 * maxAuthorizationQuery
)

// pushedRecord is what is kept of a pushed request.
type pushedRecord struct {
	Client string     `json:"client"`
	Form   url.Values `json:"form"`
	Issued time.Time  `json:"issued"`
	Opened bool       `json:"opened,omitempty"` // it has come to the authorization endpoint
}

// Pushed is the endpoint for pushed authorization requests (RFC 9126): a client sends its request here, authenticated
// and out of the sight of the browser, and gives the browser a reference to it. Its name is
// "pushed_authorization_request".
func (g *AuthorizationCode) Pushed() avouch.Endpoint {
	e := avouch.Endpoint{
		Name: "pushed_authorization_request", Path: "/oauth/par", Member: "pushed_authorization_request_endpoint",
		Answer: g.push,
	}
	if g.RequirePushed {
		e.Metadata = map[string]any{"require_pushed_authorization_requests": true}
	}
	return e
}

// push answers a pushed request. What is wrong with it is told to the client itself, and nobody is redirected.
func (g *AuthorizationCode) push(ctx context.Context, req *avouch.Request) (*avouch.Answer, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if req.Param("request_uri") != "" {
		return nil, invalid("request_uri does not belong into a pushed request")
	}
	a := &asked{client: req.Client, req: req}
	if err := a.check(); err != nil {
		return nil, err
	}
	form := req.Form()
	for name := range form {
		switch strings.ToLower(name) {
		case "client_secret", "client_assertion", "client_assertion_type": // they are spent, or must not be kept
			delete(form, name)
		}
	}
	data, err := json.Marshal(pushedRecord{Client: req.Client.ID, Form: form, Issued: req.Now})
	if err != nil {
		return nil, err
	}
	if len(data) > maxPushed {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Status: http.StatusRequestEntityTooLarge, Description: "the request is too long to be kept"}
	}
	if err := g.pushedBy.take(req, g.PerAddress); err != nil {
		return nil, err
	}
	lifetime := orDefault(g.PushedLifetime, defaultPushed)
	text, digest := handle.New()
	answer := &avouch.Answer{
		Body: map[string]any{
			"request_uri": requestURIPrefix + text,
			"expires_in":  int64(lifetime / time.Second),
		},
		Record: func(ctx context.Context) error {
			record := &handle.Record{Kind: kindPushed, Digest: digest, Data: data, Expires: req.Now.Add(lifetime)}
			if err := req.Server().Handles().PutHandle(ctx, req.Now, record); err != nil {
				return cannotTell(err)
			}
			return nil
		},
	}
	answer.Status = http.StatusCreated
	return answer, nil
}

// openPushed finds a pushed request of a client, and what is spent when a code is issued on it. The first time that it
// comes, its life becomes that of a sign-in: it may be reloaded, and the page to sign in at leads back to it.
func (g *AuthorizationCode) openPushed(ctx context.Context, store handle.Store, now time.Time, client *avouch.Client, uri string) (url.Values, *replay.Use, error) {
	refused := func(reason string) error {
		return &avouch.Error{Code: invalidRequestURI, Description: "request_uri is not that of a pushed request of this client that may still be used", Err: errors.New(reason)}
	}
	text, ok := strings.CutPrefix(uri, requestURIPrefix)
	if !ok {
		return nil, nil, refused("it is not one of this server")
	}
	digest := handle.Digest(text)
	for range 3 {
		record, err := store.Handle(ctx, now, kindPushed, digest)
		if err != nil {
			return nil, nil, cannotTell(err)
		}
		if record == nil {
			return nil, nil, refused("it is unknown or has expired")
		}
		var p pushedRecord
		if err := json.Unmarshal(record.Data, &p); err != nil {
			return nil, nil, fmt.Errorf("the record of a pushed request: %w", err)
		}
		if p.Client != client.ID {
			return nil, nil, refused("another client has pushed it")
		}
		if !p.Opened {
			p.Opened = true
			record.Expires = now.Add(signIn)
			if record.Data, err = json.Marshal(p); err != nil {
				return nil, nil, err
			}
			err := store.PutHandle(ctx, now, record)
			if errors.Is(err, handle.ErrConflict) { // it was opened in this very moment
				continue
			}
			if err != nil {
				return nil, nil, cannotTell(err)
			}
		}
		return p.Form, &replay.Use{
			Purpose: kindPushed, Party: p.Client, ID: base64.RawURLEncoding.EncodeToString(digest[:]),
			Until: record.Expires.Add(remember), Issued: p.Issued,
		}, nil
	}
	return nil, nil, cannotTell(handle.ErrConflict)
}
