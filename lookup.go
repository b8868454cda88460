package avouch

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// FindClient returns the registered client of this id, nil, nil if there is none. If the lookup fails it returns an
// [*Error] that the caller can return as is.
func (s *Server) FindClient(ctx context.Context, id string) (*Client, error) {
	if s == nil || s.clients == nil || id == "" {
		return nil, nil
	}
	c, err := s.clients.Client(ctx, id)
	if err != nil {
		return nil, unavailable("cannot look up clients at the moment", err)
	}
	if c != nil && c.ID != id {
		// A lookup that folds case or trims would let one client pass for another.
		return nil, nil
	}
	return c, nil
}

// SubjectDisabled reports whether a subject was disabled. If the lookup fails it returns an [*Error] that the caller can
// return as is.
func (s *Server) SubjectDisabled(ctx context.Context, subject string) (bool, error) {
	if s == nil || s.subjects == nil || subject == "" {
		return false, nil
	}
	disabled, err := s.subjects.SubjectDisabled(ctx, subject)
	if err != nil {
		return true, unavailable("cannot look up subjects at the moment", err)
	}
	return disabled, nil
}

// PublicKeys returns the public keys of the server that are published at now, nil if its minter has none: what was
// signed by another key is not the server's, or not any more.
func (s *Server) PublicKeys(now time.Time) *keys.Set { return s.minter.PublicKeys(now) }
