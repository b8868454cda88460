package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

// maxCached is how many clients are kept parsed. One costs some kilobytes.
const maxCached = 10_000

// known is a client ready for use.
type known struct {
	client *avouch.Client
	self   *trust.Issuer // what its own assertions are worth as grants; nil where it may use none
}

// clientCache keeps clients that were read since the last change. A client that was read before a change is not put in
// after it: who reads takes the age first.
type clientCache struct {
	mu   sync.Mutex
	age  int64
	byID map[string]*known

	// absent are names that no client has. Every user a token is for is asked for once: a client of his name would
	// pass for him. They are apart, so that names that strangers make up push out no client.
	absent map[string]*known
}

// get returns a client. absent means that there is none, as far as is remembered.
func (c *clientCache) get(id string) (k *known, absent bool, age int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, absent = c.absent[id]
	return c.byID[id], absent, c.age
}

// put keeps what was read of a client, nil for one that is not there.
func (c *clientCache) put(id string, k *known, age int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age != c.age {
		return
	}
	if c.byID == nil {
		c.byID, c.absent = map[string]*known{}, map[string]*known{}
	}
	m := c.byID
	if k == nil {
		m = c.absent
	}
	for other := range m { // any one: the order of a map is as good as random, and needs no bookkeeping
		if len(m) < maxCached {
			break
		}
		delete(m, other)
	}
	m[id] = k
}

func (c *clientCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	c.byID, c.absent = nil, nil
}

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
		l.clients.put(strings.Clone(id), nil, age) // a part of the request's body would keep all of it
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
	l.clients.put(id, k, age)
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
	client := &avouch.Client{
		ID:            c.ID,
		Disabled:      c.Disabled,
		AuthMethod:    c.AuthMethod,
		AuthAlgorithm: algorithm(c.AuthAlgorithm),
		Keys:          source,
		Grants:        c.Grants,
		Scopes:        c.Scopes,
		DefaultScopes: c.DefaultScopes,
		Audiences:     c.Audiences,
		TokenLifetime: c.TokenLifetime,
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

// clientKeys is the keys.Source of a client. It carries the client's policy, so that the two are of one age, and
// learns which keys are used.
type clientKeys struct {
	keys.Source
	live   *Live
	client string
	policy clientauth.Policy
}

// Used implements keys.Noter.
func (k *clientKeys) Used(kid string, now time.Time) { k.live.used.note(k.client, kid, now) }

func (l *Live) clientKeys(c *storage.Client) (*clientKeys, error) {
	policy := clientauth.Policy{
		Audience: audiencePolicy(c.Assertions.AudienceMode),
		Policy: assertion.Policy{
			Algorithms:  algorithms(c.Assertions.Algorithms),
			Types:       none(c.Assertions.Types),
			Skew:        c.Assertions.Skew,
			MaxLifetime: c.Assertions.MaxLifetime,
			Replay:      replayPolicy(c.Assertions.Replay),
		},
	}
	source, err := l.keysOf(c)
	return &clientKeys{source, l, c.ID, policy}, err
}

// keysOf are the keys of a client that may verify, each with the time in which it does.
func (l *Live) keysOf(c *storage.Client) (keys.Source, error) {
	if c.JWKSURL != "" {
		return l.sources.get(remoteKeys{owner: "client " + c.ID, kind: sourceURL, url: c.JWKSURL, private: c.AllowPrivateAddresses}, l.fetchOptions())
	}
	var public []keys.Public
	for i := range c.Keys {
		k := &c.Keys[i]
		if !mayVerify(k) {
			continue
		}
		p, err := parseJWK(k.JWK)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		p.ID, p.NotBefore, p.NotAfter = k.ID, k.NotBefore, k.Expires
		public = append(public, *p)
	}
	return keys.NewSet(public...)
}

// ClientPolicy is what is asked of the assertions of a client that Client returned, for clientauth.
func (l *Live) ClientPolicy(c *avouch.Client) clientauth.Policy {
	if k, ok := c.Keys.(*clientKeys); ok {
		return k.policy
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
