package avouch

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// spend spends, in one step, all that the request may use only once: what the client's credentials and what the grant
// have of it. It comes after every policy, so that a request refused for another reason can be sent again. Its error is a
// refusal: invalid_client for a use of the client's, invalid_grant for one of the grant's.
func (s *Server) spend(ctx context.Context, now time.Time, ofClient, ofGrant []replay.Use) error {
	uses := ofGrant
	if len(ofGrant) == 0 {
		uses = ofClient
	} else if len(ofClient) > 0 {
		uses = make([]replay.Use, 0, len(ofClient)+len(ofGrant))
		uses = append(append(uses, ofClient...), ofGrant...)
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
	return refuse(InvalidGrant, "the grant was used before; get a new one for each request", err)
}

// same reports whether two uses are of the same thing.
func same(a, b *replay.Use) bool {
	return a.Purpose == b.Purpose && a.Party == b.Party && a.ID == b.ID
}
