package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// Client implements avouch.Clients.
func (l *Live) Client(ctx context.Context, id string) (*avouch.Client, error) {
	if _, err := l.now(); err != nil {
		return nil, err
	}
	k, err := l.known(ctx, id)
	if k == nil {
		return nil, err
	}
	return k.client, nil
}

// known returns a client from the cache or the store, nil where there is none.
func (l *Live) known(ctx context.Context, id string) (*known, error) {
	if len(id) > maxClientID {
		return nil, nil // none can have it, and strangers may send it
	}
	k, absent, age := l.clients.get(id)
	if k != nil || absent {
		return k, nil
	}
	record, err := l.admin.store.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		l.clients.put(strings.Clone(id), nil, age) // id is a part of the request, and would keep all of it
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("client %q: %w", clip(id), unavailable(err))
	}
	k, err = l.prepare(record)
	if err != nil {
		l.log.Error("a client cannot be used as it is kept", "client", id, "error", err)
		return nil, fmt.Errorf("client %q cannot be used as it is kept: %w", clip(id), err)
	}
	l.clients.put(record.ID, k, age)
	return k, nil
}

// unavailable makes a failure of the store one that is answered with 503.
func unavailable(err error) error {
	return &avouch.Error{
		Code: avouch.TemporarilyUnavailable, Description: errStale.Description,
		RetryAfter: errStale.RetryAfter, Err: err,
	}
}

// prepare makes a client for use of its record. The rules come from the view of this moment: whoever has the age of a
// cache that was made anew with a view finds that view here, or a later one.
func (l *Live) prepare(c *storage.Client) (*known, error) {
	source, err := l.clientKeys(c)
	if err != nil {
		return nil, err
	}
	data := newClientData(c, source)
	client := &avouch.Client{
		ID:            c.ID,
		Name:          c.Name,
		Disabled:      c.Disabled,
		Created:       c.Created,
		AuthMethod:    c.AuthMethod,
		AuthAlgorithm: algorithm(c.AuthAlgorithm),
		Keys:          source,
		Grants:        c.Grants,
		Scopes:        c.Scopes,
		DefaultScopes: c.DefaultScopes,
		Audiences:     c.Audiences,
		AnyAudience:   c.AnyAudience,
		TokenLifetime: c.TokenLifetime,
		RedirectURIs:  c.RedirectURIs,
		RequirePushed: c.RequirePushed,
		Introspects:   c.Introspects,
		Data:          data,
	}
	for i := range c.Secrets {
		s := &c.Secrets[i]
		secret := avouch.Secret{Expires: s.Expires}
		if len(s.Sealed) > 0 {
			if secret.Value, _, err = l.admin.sealer.open(place{tableClientSecret, c.ID, s.ID}, s.Sealed); err != nil {
				return nil, err
			}
		} else if copy(secret.SHA256[:], s.SHA256) != len(secret.SHA256) {
			return nil, fmt.Errorf("secret %s has no hash", s.ID)
		}
		client.Secrets = append(client.Secrets, secret)
	}
	self, err := selfSigned(c, source, l.view.Load().selfSigned[c.ID])
	if err != nil { // it can still authenticate
		l.log.Error("the rules of a client that signs for itself cannot be used as they are kept", "client", c.ID, "error", err)
	}
	return &known{client, self}, nil
}

// ClientPolicy returns what is asked of the assertions of a client that Client returned, for clientauth. Of any other
// client it is the strict policy.
func (l *Live) ClientPolicy(c *avouch.Client) clientauth.Policy {
	if data, ok := c.Data.(*clientData); ok {
		return data.policy
	}
	return clientauth.Policy{}
}

func audiencePolicy(mode string) clientauth.Audience {
	switch mode {
	case audienceFAPI2:
		return clientauth.AudienceFAPI2
	case audienceLegacy:
		return clientauth.AudienceLegacy
	}
	return clientauth.AudienceStrict
}

func replayPolicy(s string) assertion.Replay {
	switch s {
	case replaySameClient:
		return assertion.SameClientUntilExpiry
	case replayOff:
		return assertion.ReuseUntilExpiry
	}
	return assertion.Once
}

func algorithms(names []string) []keys.Algorithm {
	var list []keys.Algorithm
	for _, n := range names {
		list = append(list, algorithm(n))
	}
	return list
}
