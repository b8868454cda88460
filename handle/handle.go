// Package handle keeps what the server has handed out as a reference and will be shown again: authorization codes, pushed
// authorization requests, device codes, refresh tokens. RFC 6819 §3.1 calls such a reference a handle: a random text
// that means nothing by itself, and a record behind it.
//
// Whoever hands one out makes it with [New], keeps a [Record] under its digest, and gives the text away:
//
//	text, digest := handle.New()
//	err := store.PutHandle(ctx, now, &handle.Record{Kind: "code", Digest: digest, Data: data, Expires: now.Add(time.Minute)})
//
// Whoever is shown one looks for the record:
//
//	record, err := store.Handle(ctx, now, "code", handle.Digest(text))
//
// A store keeps digests and never a text, so a copy of the database opens nothing.
//
// # Single use
//
// A store does not decide which of two requests with the same code comes first. That is the work of the replay guard:
// a grant returns the use in Authorization.Uses, and the server spends it in the one step in which it spends everything.
// The record stays until it expires, so that a second use is seen as one.
//
// # Revocation
//
// [Store.Revoke] remembers an id until what it stands for has expired: the jti of an access token, or a family, which is
// everything that was issued on one consent. A store needs to know nothing of either; see [TokenID] and [FamilyID].
//
// A revocation stays in force when the clock is wrong. If a store sweeps while the clock is ahead and the clock is then
// set back, a token revoked before must not become active again. So a store does two things:
//
//   - It keeps a revocation for [KeepRevoked] after its end.
//   - It remembers the latest end of all revocations that it has dropped. If Revoked is asked with a now before that, the
//     store could have dropped one of the ids, so it returns an error ([ErrForgotten]) instead of false.
//
// A record needs neither: one that was dropped too early is gone, and its handle is refused.
//
// # Writing a store
//
// Four methods, each atomic and durable when it returns, each judging time by the now it is given. Package
// storage/storagetest judges the result (RunHandles). Let what has expired go by range of its expiry, in the background
// and never in a request.
package handle

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"
)

// MaxData is how long the data of a record may be, in bytes.
const MaxData = 64 << 10

// Record is what a handle refers to.
type Record struct {
	Kind    string    // what it is a handle of, such as "code", compared byte by byte; two kinds never collide
	Digest  [32]byte  // of the handle, see [Digest]
	Data    []byte    // what its maker keeps, at most MaxData bytes; a store does not look into it
	Expires time.Time // from then on there is none

	// Revision is set by the store: it differs after every change of the record. Zero says that the record is new.
	Revision int64
}

// Store keeps records and revocations. Implementations are safe for concurrent use, by several processes where they share
// a database. Times have a resolution of a millisecond. Where ctx has ended before the call, a method returns the error of
// ctx and does nothing.
type Store interface {
	// PutHandle keeps a record. With Revision 0 it is new, and [ErrExists] is returned where there is one of its kind and
	// digest, expired or not; otherwise it replaces the one of that Revision, and [ErrConflict] is returned where the
	// stored one differs or is gone. On success it sets r.Revision. A record that has expired at now is refused.
	PutHandle(ctx context.Context, now time.Time, r *Record) error
	// Handle returns the record of this kind and digest, nil, nil where there is none or it has expired at now.
	Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*Record, error)
	// Revoke remembers ids as revoked, all or none, until a time: the latest of all calls for an id. It also remembers
	// them if that time has passed at now, because the clock may be ahead. Ids may have any bytes in them, and are
	// compared byte by byte.
	Revoke(ctx context.Context, now, until time.Time, ids ...string) error
	// Revoked reports whether any of ids is revoked at now. It sees what any process that shares the store has revoked
	// before the call. After Revoke has returned nil for an id, Revoked never returns false for it at a now before the
	// end: it returns an error if the store may have dropped the revocation.
	Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error)
}

// KeepRevoked is how long a store keeps a revocation after its end. A clock that is ahead by less than this makes it
// forget nothing.
const KeepRevoked = 24 * time.Hour

// ErrForgotten is returned by Revoked if the store has dropped revocations that would be in force at now.
var ErrForgotten = errors.New("handle: the clock was set back: revocations that would be in force now were dropped while it " +
	"was ahead, so it is unknown whether this is revoked")

// What PutHandle says of a record that it does not keep.
var (
	ErrExists   = errors.New("handle: there is a record of this kind and digest already")
	ErrConflict = errors.New("handle: the record was changed by somebody else meanwhile")
)

// New returns a new handle, 43 characters of base64url with 256 bits of randomness, and its digest.
func New() (text string, digest [32]byte) {
	var random [32]byte
	rand.Read(random[:]) // never fails: see crypto/rand
	text = base64.RawURLEncoding.EncodeToString(random[:])
	return text, Digest(text)
}

// Digest is what a store keeps of a handle: its SHA-256.
func Digest(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// TokenID is the id by which an access token is revoked; jti is its claim.
func TokenID(jti string) string { return "jti " + jti }

// familyMemory is how long the end of a family is remembered: longer than anything that was issued in it lives.
const familyMemory = 400 * 24 * time.Hour

// Revoker is the part of a [Store] that revokes.
type Revoker interface {
	Revoke(ctx context.Context, now, until time.Time, ids ...string) error
}

// EndFamily revokes everything that was issued on a consent, and what will yet be.
func EndFamily(ctx context.Context, r Revoker, now time.Time, family string) error {
	return r.Revoke(ctx, now, now.Add(familyMemory), FamilyID(family))
}

// FamilyID is the id by which everything is revoked that was issued on one consent.
func FamilyID(family string) string { return "family " + family }
