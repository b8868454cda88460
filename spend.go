package avouch

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// spend spends, in one step, all that the request may use only once. It comes after every policy, so that a request
// refused for another reason can be sent again.
func (s *Server) spend(ctx context.Context, now time.Time, authn *Authentication, authz *Authorization) error {
	var ofClient []replay.Use
	if authn != nil {
		ofClient = authn.Uses
	}
	uses := authz.Uses
	if len(uses) == 0 {
		uses = ofClient
	} else if len(ofClient) > 0 {
		uses = make([]replay.Use, 0, len(ofClient)+len(authz.Uses))
		uses = append(append(uses, ofClient...), authz.Uses...)
	}
	if len(uses) == 0 {
		return nil
	}
	err := s.replay.FirstUse(ctx, now, uses...)
	if err == nil {
		return nil
	}
	replayed, ok := errors.AsType[*replay.ReplayedError](err)
	if !ok {
		return unavailable("cannot tell at the moment whether this was used before", err)
	}
	for i := range ofClient {
		if same(&ofClient[i], &replayed.Use) {
			return refuse(InvalidClient, "the credentials of the client were used before; make new ones for each request", err)
		}
	}
	// One that was only issued before the guard began to remember has perhaps never been used: nobody is to suffer.
	if authz.Replayed != nil && !replayed.BeforeStart {
		if failure := authz.Replayed(ctx); failure != nil {
			return unavailable("the grant was used before, and what was issued on it cannot be revoked at the moment", errors.Join(err, failure))
		}
	}
	return refuse(InvalidGrant, "the grant was used before; get a new one for each request", err)
}

// endsConsent reports whether err refuses a second use of what authz rests on, so that Replayed has ended its consent.
func endsConsent(err error, authz *Authorization) bool {
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Code != InvalidGrant || authz.Replayed == nil || authz.Family == "" {
		return false
	}
	replayed, ok := errors.AsType[*replay.ReplayedError](err)
	return ok && !replayed.BeforeStart
}

// same reports whether two uses are of the same thing.
func same(a, b *replay.Use) bool {
	return a.Purpose == b.Purpose && a.Party == b.Party && a.ID == b.ID
}
