package admin

import (
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// maxKeyUses is how many keys are remembered between two writes. What is beyond is left to the next use.
const maxKeyUses = 10_000

// keyUses collects when keys of clients were last used, until it is written.
type keyUses struct {
	mu   sync.Mutex
	last map[[2]string]time.Time // by client and kid
}

func (u *keyUses) note(client, kid string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := [2]string{client, kid}
	last, known := u.last[key]
	switch {
	case known && !at.After(last):
		return
	case !known && len(u.last) >= maxKeyUses:
		return
	case u.last == nil:
		u.last = map[[2]string]time.Time{}
	}
	u.last[key] = at
}

func (u *keyUses) take() []storage.KeyUse {
	u.mu.Lock()
	last := u.last
	u.last = nil
	u.mu.Unlock()
	uses := make([]storage.KeyUse, 0, len(last))
	for key, at := range last {
		uses = append(uses, storage.KeyUse{Client: key[0], Key: key[1], At: at})
	}
	return uses
}

// KeyUsed notes that a key of a client has verified an assertion: avouch.Event tells which (ClientID, KeyID). It is
// written to the store some seconds later.
func (l *Live) KeyUsed(client, kid string, at time.Time) { l.used.note(client, kid, at) }
