package keys

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avouch-oauth/avouch/internal/safehttp"
)

// Remote is a [Source] whose keys are fetched. Make one with [FromURL], [Discover] or [FromSPIFFE], one for each party:
// two parties never share what was fetched for one of them. It is safe for concurrent use.
//
// Nothing is fetched before the first Find, so a program starts while a party's server is down. Then keys are kept for
// as long as the server's Cache-Control says, 5 minutes at least and 24 hours at most (15 minutes where it says
// nothing), and fetched again in the background before that time is over, when somebody asks for a key. A new set
// replaces the old one as a whole: a key that is gone from it verifies nothing any more. While the server fails, the
// old keys serve on, for 24 hours from when they were fetched; after that Find returns [ErrUnavailable].
//
// A key that is asked for and not there is looked for at the server, once a minute at the most. All callers share one
// fetch; a caller that gives up does not end it. There is nothing to close.
type Remote struct {
	name     string // what the source was made with, for status and logs
	client   *http.Client
	fetch    func(ctx context.Context, old *state) (*fetched, error)
	maxStale time.Duration
	log      *slog.Logger

	state  atomic.Pointer[state]  // never nil
	flight atomic.Pointer[flight] // nil while nothing is fetched

	mu     sync.Mutex // held when a flight starts and ends
	forced time.Time  // when a fetch was last started because a key was missing
}

// FetchOptions says how keys are fetched. The zero value is the strict one, and right for keys on the Internet.
type FetchOptions struct {
	// AllowPrivateAddresses lets keys be fetched from private networks, and from this machine, where http will do.
	// Link-local addresses, and with them the metadata services of clouds, stay refused. False means public addresses
	// only, whatever a name resolves to: use it wherever the address comes from somebody else.
	AllowPrivateAddresses bool

	// RootCAs are the authorities whose certificates the server may have. Nil means those of the system.
	RootCAs *x509.CertPool

	// MaxStale is how long keys are relied on that cannot be fetched again, from when they were fetched: 5 minutes to 7
	// days. It is how long a key that its owner has withdrawn may go on to verify here, for somebody who can keep us
	// from fetching. Zero means 24 hours.
	MaxStale time.Duration

	// Log is told of failures, and of changes of the keys. Nil discards.
	Log *slog.Logger

	// UnguardedTransport makes the connections in place of the guarded transport, for a proxy or for tests. Nothing
	// then looks at the addresses it dials, and RootCAs is its own business. Nil means the guarded one.
	UnguardedTransport http.RoundTripper
}

const (
	minLife     = 5 * time.Minute // what is fetched is kept for so long,
	maxLife     = 24 * time.Hour  // and no longer,
	defaultLife = 15 * time.Minute

	defaultMaxStale = 24 * time.Hour
	maxMaxStale     = 7 * 24 * time.Hour

	// missEvery is how often keys are fetched because one is missing: anybody can send tokens with an unknown kid.
	missEvery = time.Minute

	// fetchLimit bounds one fetch as a whole, however many documents it takes.
	fetchLimit = safehttp.Timeout

	// flightLimit is how long a caller waits for a fetch: it lets the fetch end by its own limit, and say why.
	flightLimit = fetchLimit + time.Second

	// patience is how long a caller waits for a fetch while there are keys that could serve.
	patience = 3 * time.Second

	// maxRetry bounds the pause after a failure. The first one is of a second, and each is twice the one before.
	maxRetry = time.Minute
)

// FromURL returns the keys of the JWK set at url (RFC 7517 §5), such as a client's jwks_uri. It refuses a URL that
// could never be fetched with these options; it fetches nothing yet.
func FromURL(url string, o FetchOptions) (*Remote, error) {
	r, err := newRemote(url, o)
	if err != nil {
		return nil, err
	}
	r.fetch = func(ctx context.Context, old *state) (*fetched, error) {
		return r.fetchSet(ctx, url, old, parsePlain)
	}
	return r, nil
}

// newRemote makes a source but for its fetch.
func newRemote(url string, o FetchOptions) (*Remote, error) {
	guard := safehttp.Options{AllowPrivate: o.AllowPrivateAddresses, RootCAs: o.RootCAs, Transport: o.UnguardedTransport}
	if err := guard.Check(url); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	r := &Remote{name: url, client: safehttp.Client(guard), maxStale: o.MaxStale, log: o.Log}
	switch {
	case r.maxStale == 0:
		r.maxStale = defaultMaxStale
	case r.maxStale < minLife || r.maxStale > maxMaxStale:
		return nil, fmt.Errorf("keys: MaxStale is %s; %s to %s are possible", r.maxStale, minLife, maxMaxStale)
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.state.Store(&state{})
	return r, nil
}

// Find implements [Source]. Where the keys are at hand it takes no lock and makes no garbage. Otherwise it waits for
// them, as long as ctx lasts and 10 s at the most.
func (r *Remote) Find(ctx context.Context, h Hint, now time.Time) ([]*Public, error) {
	s, asked, err := r.usable(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.set.Find(ctx, h, now)
	if err == nil {
		return found, nil
	}
	pending := s.err // why the set may be too old to say that there is no such key
	if f := r.missing(asked); f != nil {
		pending = f.wait(ctx, patience)
		if pending == nil {
			s = r.state.Load()
			pending = s.err
			found, err = s.set.Find(ctx, h, now)
		}
	}
	if err != nil && pending != nil {
		return nil, &unavailable{source: r.name, looked: err, cause: pending}
	}
	return found, err
}

// usable returns keys that may be relied on. asked says that they were fetched just now.
func (r *Remote) usable(ctx context.Context) (s *state, asked bool, err error) {
	now := time.Now()
	s = r.state.Load()
	if reached(now, s.due) {
		f := r.renew(now)
		var pending error
		switch {
		case !s.serves(now):
			pending = f.wait(ctx, flightLimit)
			asked = pending == nil
		case reached(now, s.expires) && s.err == nil:
			asked = f.wait(ctx, patience) == nil
		}
		if asked {
			now, s = time.Now(), r.state.Load()
		} else if pending != nil {
			return nil, false, &unavailable{source: r.name, cause: pending}
		}
	}
	if !s.serves(now) {
		return nil, asked, &unavailable{source: r.name, cause: s.err}
	}
	return s, asked, nil
}

// Keys returns the keys at hand, without fetching any; nil before the first fetch. The slice is not to be changed.
func (r *Remote) Keys() []*Public {
	if set := r.state.Load().set; set != nil {
		return set.Keys()
	}
	return nil
}

// Refresh fetches the keys now, or waits for a fetch that is under way, and returns its error. It is for operators who
// want to know whether an address works: Find does all that is needed by itself.
func (r *Remote) Refresh(ctx context.Context) error {
	f := r.start()
	if err := f.wait(ctx, flightLimit); err != nil {
		return err
	}
	return f.err
}

// unavailable says why no verdict is possible. The words are made only if somebody reads them.
type unavailable struct {
	source string
	looked error // what was looked for, in the keys known so far; nil where there are none
	cause  error
}

func (e *unavailable) Unwrap() []error { return []error{ErrUnavailable, e.cause} }

func (e *unavailable) Error() string {
	text := fmt.Sprintf("%v: %s: %v", ErrUnavailable, e.source, e.cause)
	if e.looked != nil {
		text += fmt.Sprintf(" (in the keys known so far: %v)", e.looked)
	}
	return text
}

// errPending means that a caller waited as long as it would.
var errPending = errors.New("the keys are still being fetched; try again")
