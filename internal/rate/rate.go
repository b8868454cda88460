// Package rate bounds how often strangers may have the server keep something.
package rate

import (
	"hash/maphash"
	"sync"
	"time"
)

// Limit bounds what comes from one address: a number of times at once, and as many more in each hour after that. It takes
// less than 1 MB, however many addresses there are. The zero value is ready for use; it is safe for concurrent use and must
// not be copied.
type Limit struct {
	mu    sync.Mutex
	seed  maphash.Seed
	full  map[uint64]time.Time // when all of an address will have come back, by hash
	swept time.Time
}

const (
	hour = time.Hour
	most = 1 << 14 // addresses
)

// Take takes one of an address (remote.Network), or returns how long to wait for it. perHour is positive.
func (r *Limit) Take(now time.Time, address string, perHour int) time.Duration {
	each := hour / time.Duration(perHour)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full == nil {
		r.full, r.seed = map[uint64]time.Time{}, maphash.MakeSeed()
	}
	key := maphash.String(r.seed, address)
	full, known := r.full[key]
	if !known || full.Before(now) {
		full = now
	}
	// What is taken comes back at the end of a queue, which is an hour long at the most.
	full = full.Add(each)
	if wait := full.Sub(now) - each*time.Duration(perHour); wait > 0 {
		return wait
	}
	if !known {
		r.makeRoom(now)
	}
	r.full[key] = full
	return 0
}

// makeRoom keeps the table bounded. What has all come back goes, at most once a second; where that is not enough, any
// entry does: who has so many addresses is not stopped by this anyway.
func (r *Limit) makeRoom(now time.Time) {
	if len(r.full) < most {
		return
	}
	if now.Sub(r.swept) >= time.Second || now.Before(r.swept) {
		r.swept = now
		for key, full := range r.full {
			if !full.After(now) {
				delete(r.full, key)
			}
		}
	}
	for key := range r.full {
		if len(r.full) < most {
			break
		}
		delete(r.full, key)
	}
}
