package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/avouch-oauth/avouch/storage"
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
