package remote

import (
	"hash/maphash"
	"sync"
	"time"
)

// Rate bounds what comes from one network: a number of times at once, and as many more in each hour after that. It takes
// less than 1 MB, however many networks there are. The zero value is ready for use, by many at once.
type Rate struct {
	mu    sync.Mutex
	seed  maphash.Seed
	full  map[uint64]time.Time // when all of a network will have come back, by hash
	swept time.Time
}

const (
	rateHour = time.Hour
	rateMost = 1 << 14 // networks
)

// Take takes one of a network, or returns how long to wait for it. perHour must be positive.
func (r *Rate) Take(now time.Time, network string, perHour int) time.Duration {
	each := rateHour / time.Duration(perHour)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full == nil {
		r.full, r.seed = map[uint64]time.Time{}, maphash.MakeSeed()
	}
	key := maphash.String(r.seed, network)
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
// entry does: who has so many networks is not stopped by this anyway.
func (r *Rate) makeRoom(now time.Time) {
	if len(r.full) < rateMost {
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
		if len(r.full) < rateMost {
			break
		}
		delete(r.full, key)
	}
}
