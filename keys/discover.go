package keys

import (
	"context"
	"fmt"
	"net/url"

	"github.com/avouch-oauth/avouch/internal/metadata"
)

// Discover returns the keys of an issuer, found by its metadata: at the well-known path of RFC 8414, else at those of
// OpenID Connect Discovery. The metadata must name exactly this issuer, byte for byte, or nothing of it is believed.
// It is read anew whenever keys are fetched, so a jwks_uri may move.
//
// The issuer is one whom you trust: never the iss of a token that nobody has verified.
func Discover(issuer string, o FetchOptions) (*Remote, error) {
	if err := metadata.CheckIssuer(issuer); err != nil {
		return nil, fmt.Errorf("keys: the issuer: %w", err)
	}
	r, err := newRemote(issuer, o)
	if err != nil {
		return nil, err
	}
	r.fetch = func(ctx context.Context, old *state) (*fetched, error) {
		place, err := r.locate(ctx, issuer)
		if err != nil {
			return nil, err
		}
		return r.fetchSet(ctx, place, old, parsePlain)
	}
	return r, nil
}

// locate asks an issuer where its keys are.
func (r *Remote) locate(ctx context.Context, issuer string) (place string, err error) {
	document, err := metadata.Fetch(ctx, r.client, issuer)
	if err != nil {
		return "", err
	}
	if document.JWKSURI == "" {
		return "", fmt.Errorf("the metadata of %s has no jwks_uri", issuer)
	}
	if scheme(issuer) == "https" && scheme(document.JWKSURI) != "https" {
		return "", fmt.Errorf("the metadata of %s has the jwks_uri %.200q, which must be https as the issuer is", issuer, document.JWKSURI)
	}
	return document.JWKSURI, nil
}

func scheme(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Scheme
}
