package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/token"
)

// SubjectDisabled implements avouch.Subjects.
func (l *Live) SubjectDisabled(ctx context.Context, subject string) (bool, error) {
	v, err := l.now()
	switch {
	case err != nil:
		return false, err
	case !v.disabled, len(subject) > maxSubject: // nobody is, or nobody by that name can be
		return false, nil
	}
	disabled, known, age := l.subjects.get(subject)
	if known {
		return disabled, nil
	}
	record, err := l.admin.store.Subject(ctx, subject)
	switch {
	case err == nil:
		disabled = record.Disabled
	case !errors.Is(err, storage.ErrNotFound):
		return false, fmt.Errorf("subject %q: %w", clip(subject), unavailable(err))
	}
	l.subjects.put(strings.Clone(subject), disabled, age)
	return disabled, nil
}

// Stands reports whether what a token rests on still stands, for introspection and for refresh tokens: its client is
// registered and enabled; no key of the client that it rests on was revoked; the issuer whose assertion it was given for
// is registered and enabled; and its subject was not disabled. A change holds here as soon as it does for new tokens.
// What was revoked by the token itself, or by a consent, is not asked here (handle.Store). An error means that it cannot
// tell.
func (l *Live) Stands(ctx context.Context, c *token.Claims) (bool, error) {
	v, err := l.now()
	if err != nil {
		return false, err
	}
	k, err := l.known(ctx, c.ClientID)
	if err != nil || k == nil || k.client.Disabled {
		return false, err
	}
	data, ok := k.client.Data.(*clientData)
	for _, kid := range c.Origin.KeyIDs {
		if !ok || !data.stands(kid) {
			return false, nil
		}
	}
	if c.Origin.Issuer != "" {
		i, err := v.trust.Issuer(ctx, c.Origin.Issuer)
		if err != nil || i == nil || i.Disabled {
			return false, err
		}
	}
	disabled, err := l.SubjectDisabled(ctx, c.Subject)
	return err == nil && !disabled, err
}

// subjectCache keeps what was read of subjects since the last change, as clientCache does.
type subjectCache struct {
	mu   sync.Mutex
	age  int64
	byID map[string]bool // whether disabled
}

func (c *subjectCache) get(id string) (disabled, known bool, age int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	disabled, known = c.byID[id]
	return disabled, known, c.age
}

func (c *subjectCache) put(id string, disabled bool, age int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age != c.age {
		return
	}
	if c.byID == nil {
		c.byID = map[string]bool{}
	}
	for other := range c.byID {
		if len(c.byID) < maxCached {
			break
		}
		delete(c.byID, other)
	}
	c.byID[id] = disabled
}

func (c *subjectCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	c.byID = nil
}
