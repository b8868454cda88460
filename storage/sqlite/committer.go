package sqlite

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// committer gathers the requests that arrive while a commit is under way, and does them in the next one.
type committer struct {
	store    *Store
	patience time.Duration // how long a request waits for its turn
	wake     chan struct{} // holds one element while the queue may have something in it
	done     chan struct{} // closed when run has returned

	mu     sync.Mutex
	queue  []*request
	closed bool
}

// request is one call of FirstUse, PutHandle or Revoke.
type request struct {
	uses    []replay.Use
	entries []entry

	// write, where not nil, is done instead. What it refuses goes into err and must have changed nothing; what it
	// returns fails the whole batch.
	write func(tx *transaction, r *request) error

	err   error
	state atomic.Int32
	done  chan error
}

const (
	waiting   = iota
	taken     // it is being done
	abandoned // its caller has gone; nothing of it will be done
)

// atMost is how many requests share a commit: the last to come waits for two of them.
const atMost = 256

// A server under full load would hold the lock of the database all the time, and other processes, which have to poll for
// it, would rarely find it free. So there is a pause from time to time, which is long enough for begin to meet it.
const (
	pauseEvery = 50 * time.Millisecond
	pause      = 4 * pollEvery
)

// turnTimeout bounds the wait of a request, also behind others that wait for busyTimeout each. It is a little longer
// than that, so that who comes first learns the reason.
const turnTimeout = busyTimeout + time.Second

var errTurn = errors.New("storage/sqlite: the database has been busy for too long; is another process writing to it, or the disk slow?")

func newCommitter(s *Store) *committer {
	c := &committer{store: s, patience: turnTimeout, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.run()
	return c
}

// do hands a request in and waits for its answer, until ctx ends or its patience does.
func (c *committer) do(ctx context.Context, r *request) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	c.queue = append(c.queue, r)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	patience := time.NewTimer(c.patience)
	defer patience.Stop()
	for {
		select {
		case err := <-r.done:
			return err
		case <-ctx.Done():
			// Where this comes too late it may be done. The caller refuses in either case.
			r.state.CompareAndSwap(waiting, abandoned)
			return ctx.Err()
		case <-patience.C:
			if r.state.CompareAndSwap(waiting, abandoned) {
				return errTurn
			}
			// its commit is under way
		}
	}
}

func (c *committer) run() {
	defer close(c.done)
	paused := time.Now()
	for {
		// Whoever can run, runs first: what is ready to be handed in shares this commit, instead of waiting for it.
		runtime.Gosched()
		batch, closed := c.take()
		if len(batch) == 0 {
			if closed {
				return
			}
			idle := time.Now()
			<-c.wake
			if now := time.Now(); now.Sub(idle) >= pause {
				paused = now
			}
			continue
		}
		if time.Since(paused) >= pauseEvery {
			time.Sleep(pause)
			paused = time.Now()
		}
		c.commit(batch)
	}
}

// take takes requests off the queue.
func (c *committer) take() (batch []*request, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.queue), atMost)
	batch, c.queue = c.queue[:n:n], c.queue[n:]
	if len(c.queue) == 0 {
		c.queue = nil
	}
	return batch, c.closed
}

// commit does a batch in one transaction and answers its requests.
func (c *committer) commit(batch []*request) {
	err := c.store.transaction(context.Background(), func(tx *transaction) error {
		present := batch[:0]
		for _, r := range batch {
			if r.state.CompareAndSwap(waiting, taken) {
				present = append(present, r)
			}
		}
		batch = present
		if len(batch) == 0 {
			return nil
		}
		return wrap(tx.do(batch))
	})
	for _, r := range batch {
		if err != nil {
			r.err = err
		}
		r.done <- r.err
	}
}

// do spends what there is to spend, and then writes the rest in the order in which it came: the two have nothing to do
// with each other.
func (tx *transaction) do(batch []*request) error {
	var uses []*request
	for _, r := range batch {
		if r.write == nil {
			uses = append(uses, r)
		}
	}
	if len(uses) > 0 {
		if err := tx.spend(uses); err != nil {
			return err
		}
	}
	for _, r := range batch {
		if r.write == nil {
			continue
		}
		if err := r.write(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// close answers what is in the queue and stops.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	<-c.done
}
