package admin

import (
	"sync"

	"github.com/avouch-oauth/avouch"
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
