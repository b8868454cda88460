package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	// flightTime bounds one attempt to get a token: metadata, assertion and request together.
	flightTime = 30 * time.Second

	// earliest bounds how long before its expiry a token is replaced.
	earliest = 5 * time.Minute

	// unknownLife is how long a token is used whose server did not say when it expires.
	unknownLife = 5 * time.Minute

	// After a failure the next attempt waits: briefly where there is no token left to live on, longer where there is.
	pauseWithout = time.Second
	pauseWith    = 5 * time.Second
)

// source keeps one token and replaces it in time. However many callers ask at once, one request is under way at most;
// a caller who gives up takes nobody else's request with him, because a request belongs to the source's context.
type source struct {
	ctx  context.Context // of every request for a token, as in x/oauth2
	plan *plan

	mu       sync.Mutex
	held     *oauth2.Token // the last token; nil before the first
	replace  time.Time     // from here on it should be replaced
	expires  time.Time     // from here on it is not handed out
	attempt  *attempt      // under way; nil where there is none
	failure  error         // how the last attempt failed; nil where it did not
	resumeAt time.Time     // after a failure: no attempt before
}

// attempt is one request for a token, under way.
type attempt struct {
	ctx   context.Context
	done  chan struct{} // closed when token and err are set
	token *oauth2.Token
	err   error
}

var errUnfinished = errors.New("client: the request for a token was abandoned by the function that gives assertions")

// Token implements [oauth2.TokenSource].
func (s *source) Token() (*oauth2.Token, error) { return s.get(context.Background()) }

// get returns a token that is good for now. ctx bounds only this caller's wait.
func (s *source) get(ctx context.Context) (*oauth2.Token, error) {
	s.mu.Lock()
	now := time.Now()
	if s.held != nil && now.Before(s.replace) {
		defer s.mu.Unlock()
		return s.held, nil
	}
	if s.attempt == nil && !now.Before(s.resumeAt) {
		s.start()
	}
	if s.held != nil && now.Before(s.expires) {
		defer s.mu.Unlock()
		return s.held, nil // still good: nobody waits for its successor
	}
	a, failure := s.attempt, s.failure
	s.mu.Unlock()
	if a == nil {
		return nil, failure
	}
	return a.wait(ctx)
}

func (a *attempt) wait(ctx context.Context) (*oauth2.Token, error) {
	select {
	case <-a.done:
		return a.token, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("client: gave up waiting for a token: %w", context.Cause(ctx))
	case <-a.ctx.Done():
	}
	select {
	case <-a.done:
		return a.token, a.err
	default: // whoever gives assertions does not heed its context
		return nil, fmt.Errorf("client: no token in time: %w", context.Cause(a.ctx))
	}
}

// start begins an attempt. The caller holds the lock.
func (s *source) start() {
	ctx, cancel := context.WithTimeout(s.ctx, flightTime)
	a := &attempt{ctx: ctx, done: make(chan struct{}), err: errUnfinished}
	s.attempt = a
	go func() {
		defer cancel()
		defer s.finish(a) // runs too where foreign code ends the goroutine
		a.token, a.err = s.plan.fetch(ctx)
	}()
}

func (s *source) finish(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(a.done)
	s.attempt = nil
	s.failure = a.err
	now := time.Now()
	switch {
	case a.err == nil:
		s.held = a.token
		s.replace, s.expires = schedule(now, a.token.Expiry)
		s.resumeAt = time.Time{}
	case s.held != nil && now.Before(s.expires):
		s.resumeAt = now.Add(pauseWith)
	default:
		s.resumeAt = now.Add(pauseWithout)
	}
}

// schedule says when a token got at now should be replaced and when it is no longer handed out. It is replaced when a
// tenth to 15 % of its life is left, at random so that programs started together do not come back together, and not
// handed out so late that it would expire on its way.
func schedule(now, expiry time.Time) (replace, expires time.Time) {
	if expiry.IsZero() {
		expiry = now.Add(unknownLife)
	}
	life := expiry.Sub(now)
	early := min(life/10, earliest)
	early += random(early / 2)
	return expiry.Add(-early), expiry.Add(-min(life/20, 10*time.Second))
}

// random returns a duration from 0 to below limit.
func random(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return time.Duration(binary.LittleEndian.Uint64(b[:]) % uint64(limit))
}
