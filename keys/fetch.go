package keys

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch/internal/safehttp"
)

// fetched is what a fetch has brought.
type fetched struct {
	set  *Set
	from string // the address of the set
	etag string
	own  time.Duration // how long it may be kept by its own word; zero: it does not say
	life time.Duration // how long it may be kept; zero: nobody says
}

// parser reads a document into a set of keys. life is how long it may be kept by its own word, zero where it does not
// say.
type parser func(document []byte) (set *Set, life time.Duration, err error)

// parsePlain reads a JWK set, which does not say how long it may be kept.
func parsePlain(document []byte) (*Set, time.Duration, error) {
	set, err := ParseSet(document)
	return set, 0, err
}

// fetchSet fetches the document at url. One that has not changed is not sent again.
func (r *Remote) fetchSet(ctx context.Context, url string, old *state, parse parser) (*fetched, error) {
	etag := ""
	if old.from == url {
		etag = old.etag
	}
	answer, err := safehttp.Get(ctx, r.client, url, etag)
	if err != nil {
		return nil, err
	}
	life := maxAge(answer.Header)
	if answer.Status == http.StatusNotModified && etag != "" {
		return &fetched{old.set, url, etag, old.own, cmp.Or(old.own, life, old.life)}, nil
	}
	if err := answer.Err(); err != nil {
		return nil, fmt.Errorf("%s answers with %w", url, err)
	}
	set, own, err := parse(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%s, sent as %+.64q: %w", url, answer.Header.Get("Content-Type"), err)
	}
	return &fetched{set, url, usableETag(answer.Header.Get("ETag")), own, cmp.Or(own, life)}, nil
}

// usableETag returns an ETag that can be sent back, else "". With one that cannot every request from then on would
// fail.
func usableETag(s string) string {
	if len(s) > 256 {
		return ""
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return ""
		}
	}
	return s
}
