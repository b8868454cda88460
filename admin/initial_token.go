package admin

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/storage"
)

// InitialToken lets whoever has it register clients (RFC 7591 §3), as often as it says. It is shown without the token.
type InitialToken struct {
	ID      string    `json:"id"`
	Label   string    `json:"label,omitempty"`
	Uses    int64     `json:"uses"` // how many clients it may still register; -1 for any number
	Expires time.Time `json:"expires,omitzero"`
	Created time.Time `json:"created"`
}

// InitialTokenInput is an initial access token to make.
type InitialTokenInput struct {
	Label   string    // for people
	Uses    int64     // how many clients it may register; zero: one; negative: any number
	Expires time.Time // zero: never
}

// InitialTokenResult is the new token; Token is shown this once.
type InitialTokenResult struct {
	InitialToken
	Token string `json:"initial_access_token"`
}

// CreateInitialToken makes an initial access token. It is kept as a SHA-256 hash.
func (a *Admin) CreateInitialToken(ctx context.Context, in InitialTokenInput) (*InitialTokenResult, error) {
	if err := a.may("initial_token.add"); err != nil {
		return nil, err
	}
	text, digest := handle.New()
	record := &storage.InitialToken{ID: initialTokenID(digest), Label: in.Label, SHA256: digest[:], Expires: kept(in.Expires), Uses: in.Uses}
	switch {
	case in.Uses == 0:
		record.Uses = 1
	case in.Uses < 0:
		record.Uses = -1
	}
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		var found faults
		f := field{&found, ""}
		f.in("label").text(in.Label, 200)
		if expired(record.Expires, t.now) {
			f.in("expires").fault("it is past")
		}
		if err := found.err("initial access token", ""); err != nil {
			return err
		}
		own := *record // f may run more than once
		own.Created = t.now
		record.Created = own.Created
		return said(t.record.putInitialToken(ctx, "initial_token.add", &own), "initial access token", own.ID)
	})
	if err != nil {
		return nil, err
	}
	return &InitialTokenResult{InitialToken: initialTokenView(record), Token: text}, nil
}

// InitialTokens lists the initial access tokens, those that are used up or have expired too.
func (a *Admin) InitialTokens(ctx context.Context) ([]InitialToken, error) {
	if err := a.may("initial_token.list"); err != nil {
		return nil, err
	}
	records, err := a.store.InitialTokens(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]InitialToken, 0, len(records))
	for _, t := range records {
		views = append(views, initialTokenView(t))
	}
	return views, nil
}

// RevokeInitialToken removes an initial access token, by its id. The clients that it has registered stay.
func (a *Admin) RevokeInitialToken(ctx context.Context, id string) error {
	if err := a.may("initial_token.revoke"); err != nil {
		return err
	}
	return a.write(ctx, func(ctx context.Context, t *tx) error {
		return said(t.record.deleteInitialToken(ctx, "initial_token.revoke", id), "initial access token", id)
	})
}

// initialTokenID names a token, so that it is found by what is shown of it and tells nothing of it.
func initialTokenID(digest [32]byte) string { return hex.EncodeToString(digest[:8]) }

// usableInitialToken returns the token of a digest where it may be used at a time, nil otherwise.
func usableInitialToken(ctx context.Context, r storage.Reader, now time.Time, digest [32]byte) (*storage.InitialToken, error) {
	token, err := r.InitialToken(ctx, initialTokenID(digest))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case subtle.ConstantTimeCompare(token.SHA256, digest[:]) != 1, token.Uses == 0, expired(token.Expires, now):
		return nil, nil
	}
	return token, nil
}

// useInitialToken uses a token once. It returns [endpoint.ErrInitialToken] where it may not be used.
func (t *tx) useInitialToken(ctx context.Context, now time.Time, digest [32]byte) error {
	token, err := usableInitialToken(ctx, t, now, digest)
	switch {
	case err != nil:
		return err
	case token == nil:
		return endpoint.ErrInitialToken
	case token.Uses < 0:
		return nil
	}
	token.Uses--
	return t.record.putInitialToken(ctx, "initial_token.use", token)
}

func initialTokenView(t *storage.InitialToken) InitialToken {
	return InitialToken{ID: t.ID, Label: t.Label, Uses: t.Uses, Expires: t.Expires, Created: t.Created}
}

// initialTokenState is what changes record of an initial access token.
func initialTokenState(t *storage.InitialToken) any {
	return struct {
		Label   string    `json:"label,omitempty"`
		Uses    int64     `json:"uses"`
		Expires time.Time `json:"expires,omitzero"`
	}{t.Label, t.Uses, t.Expires}
}
