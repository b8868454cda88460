package avouch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// A grant that says Refresh and names no consent has the server name it. The name is random: it goes into tokens and logs,
// and one that could be computed from what was used would give away a PIN. It is kept beside what was used for as long as
// that is remembered, so that a second use finds the consent of the first, whatever the grant remembers.

const (
	kindConsent = "consent"      // of the records that name one
	keepNames   = 24 * time.Hour // how long one is kept after its end; the clock may be ahead
)

// namedConsent is the data of such a record.
type namedConsent struct {
	Family string    `json:"family"`
	Until  time.Time `json:"until"` // from then on, the same use is another one, and so is its consent
}

// digestOf tells one use from every other.
func digestOf(u *replay.Use) [32]byte {
	return handle.Digest(fmt.Sprintf("%q %q %q", u.Purpose, u.Party, u.ID))
}

// consentOf returns the name that the consent of one of uses was given, "" if there is none yet. It changes nothing.
func (s *Server) consentOf(ctx context.Context, now time.Time, uses ...replay.Use) (string, error) {
	for i := range uses {
		_, named, err := s.findConsent(ctx, now, &uses[i])
		if err != nil {
			return "", err
		}
		if named.Until.After(now) {
			return named.Family, nil
		}
	}
	return "", nil
}

// findConsent returns the record of a use and what it says, nil if there is none.
func (s *Server) findConsent(ctx context.Context, now time.Time, u *replay.Use) (*handle.Record, namedConsent, error) {
	record, err := s.handles.Handle(ctx, now, kindConsent, digestOf(u))
	if err != nil {
		return nil, namedConsent{}, asUnavailable("cannot tell at the moment which consent this is of", err)
	}
	if record == nil {
		return nil, namedConsent{}, nil
	}
	var named namedConsent
	if err := json.Unmarshal(record.Data, &named); err != nil || named.Family == "" {
		return nil, namedConsent{}, fmt.Errorf("the record of a consent cannot be read: %w", err)
	}
	return record, named, nil
}

// nameConsent names the consent of a grant that has named none, before anything is spent: as soon as something is used up,
// its consent can be found. Of many requests at the same moment the first one names it for all. What is not for single use
// cannot come twice, so nothing is kept for it.
func (s *Server) nameConsent(ctx context.Context, now time.Time, d *Decision) error {
	authz := d.Authorization
	if !authz.Refresh || authz.Family != "" {
		return nil
	}
	family := rand.Text()
	for i := range authz.Uses {
		first, err := s.keepConsent(ctx, now, &authz.Uses[i], family)
		if err != nil {
			return err
		}
		family = first
	}
	authz.Family, d.claims.Origin.Family = family, family
	return nil
}

// keepConsent keeps family as the name of the consent of u, and returns the one that was kept first.
func (s *Server) keepConsent(ctx context.Context, now time.Time, u *replay.Use, family string) (string, error) {
	data, err := json.Marshal(namedConsent{family, u.Until})
	if err != nil {
		return "", err
	}
	record := &handle.Record{Kind: kindConsent, Digest: digestOf(u), Data: data, Expires: u.Until.Add(keepNames)}
	const attempts = 4 // each is lost to another request, which has then kept one
	for range attempts {
		err := s.handles.PutHandle(ctx, now, record)
		switch {
		case err == nil:
			return family, nil
		case !errors.Is(err, handle.ErrExists) && !errors.Is(err, handle.ErrConflict):
			return "", asUnavailable("the consent cannot be recorded at the moment", err)
		}
		old, named, err := s.findConsent(ctx, now, u)
		switch {
		case err != nil:
			return "", err
		case named.Until.After(now):
			return named.Family, nil
		case old != nil: // what was used once is remembered no longer; the next one of the same name takes its place
			record.Revision = old.Revision
		default:
			record.Revision = 0
		}
	}
	return "", unavailable("the consent cannot be recorded at the moment", errors.New("its record is being dropped or changed"))
}
