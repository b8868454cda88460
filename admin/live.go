package admin

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	pollEvery  = 250 * time.Millisecond // a change holds in other processes within a second
	staleAfter = 5 * time.Second        // then nobody knows what has been switched off meanwhile
	loadLimit  = 5 * time.Second        // how long one attempt to bring the view up to date may take
)

// Live is an always current view of the store, for a server: it is its avouch.Clients, avouch.Subjects, trust.Source and
// token.Signer, and says what a token rests on and no longer stands.
// A change made in this process holds before the operation returns, one made in another process within a second. While
// the store cannot be asked for 5 seconds, everything is refused as temporarily unavailable.
//
//	live, err := operations.Live(ctx, admin.LiveOptions{Log: log})
//	go live.Run(ctx)
//	server, err := avouch.New(avouch.Config{
//		Clients:  live,
//		Subjects: live,
//		Lapsed:  live.Lapsed,
//		Minter:  &token.Minter{Key: live},
//		Grants:  []avouch.Grant{avouch.ClientOptional(&grant.JWTBearer{Trust: live})},
//		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{Policy: live.ClientPolicy}},
//		…
//	})
type Live struct {
	admin    *Admin
	log      *slog.Logger
	readOnly bool
	running  atomic.Bool

	loading sync.Mutex // held while the view is brought up to date
	view    atomic.Pointer[view]
	clock   time.Time    // monotonic zero of current
	current atomic.Int64 // when the view was last known to be current, in nanoseconds since clock; negative: it is not

	clients  clientCache
	subjects subjectCache
	sources  sourcePool
	used     keyUses
}

// view is the state as of one change. It never changes.
type view struct {
	change     int64
	trust      *trust.Set
	selfSigned map[string][]trust.Rule // by the id of a client that signs for itself
	rules      map[string]*storage.Rule
	ring       *ring
	sources    []func() KeySource // of each issuer, by name
	disabled   bool               // some subject is
}

// LiveOptions says how a [Live] works. The zero value is ready to use.
type LiveOptions struct {
	// Log is told of changes picked up and of failures. Nil discards.
	Log *slog.Logger
	// ReadOnly changes nothing in the store: no signing key is made, nothing swept. It is for explaining. There need be
	// no signing key then, and no seal key.
	ReadOnly bool
}

// Live loads the view. It makes the first signing key where there is none; a seal key that opens nothing of what is
// sealed is an error of code [Sealed], and nothing is made.
func (a *Admin) Live(ctx context.Context, o LiveOptions) (*Live, error) {
	if err := a.may("live.open"); err != nil {
		return nil, err
	}
	l := &Live{admin: a, log: o.Log, readOnly: o.ReadOnly, clock: time.Now()}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.current.Store(-1)
	if !o.ReadOnly {
		if err := a.MaintainSigningKeys(ctx); err != nil {
			return nil, err
		}
		if err := a.checkSeals(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.lives = append(a.lives, l)
	a.mu.Unlock()
	return l, nil
}

// checkSeals opens something that is sealed, so that a wrong seal key is found when the server starts and not when the
// first client comes.
func (a *Admin) checkSeals(ctx context.Context) error {
	return a.store.View(ctx, func(ctx context.Context, r storage.Reader) error {
		where, sealed, err := anySealed(ctx, r)
		if err != nil || sealed == nil {
			return err
		}
		_, _, err = a.sealer.open(where, sealed)
		return err
	})
}

// refresh brings the view up to date.
func (l *Live) refresh(ctx context.Context) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	asked := time.Since(l.clock) // what we learn is as of now at the earliest
	change, err := l.admin.store.Change(ctx)
	if err != nil {
		return err
	}
	old := l.view.Load()
	if old == nil || old.change != change {
		fresh, err := l.load(ctx, old)
		if err != nil {
			return err
		}
		l.view.Store(fresh)
		l.clients.forget()
		l.subjects.forget()
		level := slog.LevelInfo // somebody has changed something, perhaps by the command line
		if old == nil {
			level = slog.LevelDebug
		}
		l.log.Log(ctx, level, "the state in the store has changed, and holds from now on", "change", fresh.change)
	}
	l.current.Store(int64(asked))
	return nil
}

// load reads everything but the clients, as of one commit.
func (l *Live) load(ctx context.Context, old *view) (*view, error) {
	fresh := &view{}
	var issuers []*storage.Issuer
	var rules []*storage.Rule
	var signing []*storage.SigningKey
	err := l.admin.store.View(ctx, func(ctx context.Context, r storage.Reader) (err error) {
		if fresh.change, err = r.Change(ctx); err != nil {
			return err
		}
		if issuers, err = r.Issuers(ctx); err != nil {
			return err
		}
		if rules, err = r.Rules(ctx); err != nil {
			return err
		}
		subjects, err := r.Subjects(ctx, "", 1)
		if err != nil {
			return err
		}
		fresh.disabled = len(subjects) > 0
		signing, err = r.SigningKeys(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if fresh.ring, err = l.newRing(signing, old); err != nil {
		return nil, err
	}
	return fresh, l.compile(fresh, issuers, rules)
}

// changed is called when this process has committed a change. Where the view cannot be brought up to date it is not
// used any more: a client that was switched off must not come in by what was known before.
func (l *Live) changed(ctx context.Context) {
	if err := l.refresh(context.WithoutCancel(ctx)); err != nil {
		l.current.Store(-1)
		l.log.Error("a change was committed but cannot be read back; everything is refused until it can", "error", err)
	}
}

// Ready returns nil while the view is current and there is a key to sign with, for /readyz.
func (l *Live) Ready(context.Context) error {
	if _, err := l.now(); err != nil {
		return err
	}
	if l.readOnly {
		return nil
	}
	_, err := l.SigningKey(time.Now())
	return err
}

// now is the view while it is known to be current.
func (l *Live) now() (*view, error) {
	at := l.current.Load()
	if at < 0 || time.Since(l.clock)-time.Duration(at) > staleAfter {
		return nil, errStale
	}
	return l.view.Load(), nil
}

// errStale fails closed: what has been switched off meanwhile must not be let in.
var errStale = &avouch.Error{
	Code:        avouch.TemporarilyUnavailable,
	Description: "the server cannot reach its database; try again soon",
	RetryAfter:  staleAfter,
	Err:         errors.New("admin: the store could not be asked for 5 s, so nobody knows what has been switched off; is the database reachable?"),
}

// SigningKey implements token.Signer.
func (l *Live) SigningKey(now time.Time) (*keys.Private, error) {
	v, err := l.now()
	if err != nil {
		return nil, err
	}
	return v.ring.signingKey(now)
}

// PublicKeys implements token.Signer. While the store cannot be asked, it gives the last known keys: an empty set
// would make every API refuse every token.
func (l *Live) PublicKeys(now time.Time) *keys.Set { return l.view.Load().ring.publicKeys(now) }
