package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// replaceTries is how often a change is tried that others come before. Each of them must have changed the client.
const replaceTries = 8

// changesPerHour is how often a client may be changed by itself, at once and in an hour after that. Anybody may have one
// where registration is open, and each change makes every server read anew what it knows.
const changesPerHour = 100

// manage answers one request to the client configuration endpoint.
func (g *registering) manage(w http.ResponseWriter, req *http.Request, ev *avouch.Event) (*avouch.Answer, error) {
	ctx := req.Context()
	id, err := managed(req)
	if err != nil {
		return nil, err
	}
	ev.Claimed = id
	token, err := bearer(req)
	if err != nil {
		return nil, notManaged(err)
	}
	c, err := g.owned(ctx, id, token)
	if err != nil {
		return nil, err
	}
	ev.ClientID = c.ID
	secret := ""
	switch req.Method {
	case http.MethodDelete:
		if err := g.unregister(ctx, c, token); err != nil {
			return nil, err
		}
		return &avouch.Answer{Status: http.StatusNoContent}, nil
	case http.MethodPut:
		if c, secret, err = g.replace(w, req, c, token); err != nil {
			return nil, err
		}
	}
	return &avouch.Answer{Body: g.information(c, secret, token)}, nil
}

// managed returns the client that the URL is of.
func managed(req *http.Request) (string, error) {
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || len(query) != 1 || len(query["client_id"]) != 1 {
		return "", malformed("the URL must be the registration_client_uri as it was given: it has client_id, once, and nothing else", nil)
	}
	id := query["client_id"][0]
	if len(id) > 256 {
		id = id[:256] // no client is called so; what is logged is bounded
	}
	return id, nil
}

// notManaged is the one refusal of whoever cannot show that the client is his: nobody can ask which clients exist.
func notManaged(reason error) error {
	return &avouch.Error{Code: avouch.InvalidToken, Description: "the registration access token is not accepted", Err: reason}
}

// owned returns the client of this id to the holder of its registration access token. A client that an administrator has
// disabled has none that counts: otherwise a change could revive it (CVE-2026-9705).
func (g *registering) owned(ctx context.Context, id, token string) (*RegisteredClient, error) {
	c, err := g.Registrar.RegisteredClient(ctx, id)
	if err != nil {
		return nil, registrarFailed(err)
	}
	known := c != nil && c.ID == id && c.Token != [32]byte{}
	want := [32]byte{}
	if known {
		want = c.Token
	}
	digest := handle.Digest(token)
	right := subtle.ConstantTimeCompare(digest[:], want[:]) == 1
	switch {
	case !known:
		return nil, notManaged(errors.New("no client that registered itself has this id"))
	case !right:
		return nil, notManaged(errors.New("the token is not that of the client"))
	case c.Disabled:
		return nil, notManaged(errors.New("the client is disabled"))
	}
	return c, nil
}

// replace makes the client what the request says (RFC 7592 §2.2): what it leaves out is gone.
func (g *registering) replace(w http.ResponseWriter, req *http.Request, c *RegisteredClient, token string) (*RegisteredClient, string, error) {
	ctx := req.Context()
	body, err := readJSON(w, req)
	if err != nil {
		return nil, "", err
	}
	o, err := strictjson.Parse(body)
	if err != nil {
		return nil, "", badMetadata("the body is %v", err)
	}
	for _, name := range [...]string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if o.Get(name).Kind() != strictjson.Absent {
			return nil, "", badMetadata("%s is the server's and must not be sent (RFC 7592 section 2.2)", name)
		}
	}
	if !o.Get("client_id").TextIs(c.ID) {
		return nil, "", badMetadata("client_id must be there, and be that of the client (RFC 7592 section 2.2)")
	}
	metadata, err := g.metadata(ctx, body)
	if err != nil {
		return nil, "", err
	}
	if wait := g.changes.Take(time.Now(), c.ID, changesPerHour); wait > 0 {
		return nil, "", &avouch.Error{
			Code: avouch.InvalidRequest, Status: http.StatusTooManyRequests, RetryAfter: wait,
			Description: "the client was changed too often; come again later",
		}
	}
	// Others may change the client at the same time. Whoever comes later starts again, from the question whether it is
	// still his.
	for range replaceTries {
		if c, err = g.owned(ctx, c.ID, token); err != nil {
			return nil, "", err
		}
		if sent := o.Get("client_secret"); sent.Kind() != strictjson.Absent && !c.hasSecret(sent) {
			return nil, "", badMetadata("client_secret is not the secret of the client; leave it out (RFC 7592 section 2.2)")
		}
		now := time.Now()
		c.Metadata = *metadata
		secret := g.renewSecrets(c, now)
		err := g.Registrar.ReplaceClient(ctx, now, c)
		if err == nil {
			return c, secret, nil
		}
		if !errors.Is(err, ErrClientChanged) {
			return nil, "", registrarFailed(err)
		}
	}
	return nil, "", registrarFailed(ErrClientChanged)
}

// hasSecret reports whether a JSON string is one of the client's secrets.
func (c *RegisteredClient) hasSecret(sent strictjson.Value) bool {
	text, ok := sent.Text()
	digest := sha256.Sum256([]byte(text))
	found := 0
	for i := range c.Secrets {
		s := &c.Secrets[i]
		kept := s.SHA256
		if len(s.Value) > 0 {
			kept = sha256.Sum256(s.Value)
		}
		found |= subtle.ConstantTimeCompare(digest[:], kept[:])
	}
	return ok && found == 1
}

// unregister removes the client.
func (g *registering) unregister(ctx context.Context, c *RegisteredClient, token string) (err error) {
	for range replaceTries {
		err := g.Registrar.UnregisterClient(ctx, time.Now(), c.ID, c.Revision)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrClientChanged) {
			return registrarFailed(err)
		}
		if c, err = g.owned(ctx, c.ID, token); err != nil {
			return err
		}
	}
	return registrarFailed(ErrClientChanged)
}
