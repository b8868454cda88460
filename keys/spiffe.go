package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// defaultRefreshHint is for a bundle that does not say how often to look for a new one (SPIFFE Federation §5.2.1 lets
// the reader choose).
const defaultRefreshHint = 5 * time.Minute

// FromSPIFFE returns the keys that sign the JWT-SVIDs of a trust domain, from its SPIFFE bundle endpoint (profile
// https_web). Of the bundle only members of use jwt-svid that have a kid count; they have no alg, so any algorithm that
// fits the key will do. How long a bundle is kept is what its spiffe_refresh_hint says, within the bounds of [Remote].
//
// Which trust domain is read from which URL is configuration: never taken from a token.
func FromSPIFFE(url string, o FetchOptions) (*Remote, error) {
	r, err := newRemote(url, o)
	if err != nil {
		return nil, err
	}
	r.fetch = func(ctx context.Context, old *state) (*fetched, error) {
		return r.fetchSet(ctx, url, old, parseBundle)
	}
	return r, nil
}

// parseBundle reads a SPIFFE bundle: a JWK set with more members (SPIFFE Trust Domain and Bundle §4).
func parseBundle(document []byte) (*Set, time.Duration, error) {
	all, err := ParseSet(document)
	if err != nil {
		return nil, 0, err
	}
	hint := defaultRefreshHint
	o, err := strictjson.Parse(document)
	if err != nil {
		return nil, 0, err
	}
	if seconds, ok := o.Get("spiffe_refresh_hint").Int(); ok && seconds > 0 {
		hint = time.Duration(min(seconds, int64(maxLife/time.Second))) * time.Second
	}
	var keys []Public
	skipped := all.skipped
	for _, p := range all.keys {
		switch {
		case p.Use != "jwt-svid": // x509-svid verifies certificates
		case p.ID == "":
			skipped = append(skipped, fmt.Errorf("keys: a key of use jwt-svid is left out: it has no kid (thumbprint %s)", p.Thumbprint()))
		default:
			keys = append(keys, *p)
		}
	}
	return newSet(keys, skipped), hint, nil
}
