package avouch

import (
	"context"
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/token"
)

// Lapse says what a token rests on and no longer stands. It is for the operator, and an error so that an [*Error] can
// carry it.
type Lapse struct {
	Of     Basis
	Reason string // what is wrong with it, as the end of a sentence: "was revoked"
}

// Error says it in a sentence: "the key was revoked".
func (l *Lapse) Error() string { return "the " + string(l.Of) + " " + l.Reason }

// Basis is something that a token rests on. It is a bounded set, fit for metric labels.
type Basis string

const (
	BasisClient  Basis = "client"       // it is disabled, gone, or another one of the same id
	BasisSubject Basis = "subject"      // it is disabled
	BasisName    Basis = "subject name" // it is a client's (RFC 9068 §5)
	BasisToken   Basis = "token"        // it was revoked
	BasisConsent Basis = "consent"      // it was ended
	BasisIssuer  Basis = "issuer"       // it is disabled or gone
	BasisKey     Basis = "key"          // it was revoked
	BasisRule    Basis = "rule"         // it is disabled, gone, or another one of the same name
)

// Lapsed says what a token rests on and no longer stands at now, nil if all of it does: its client, its subject, the
// token itself, the consent, and whatever [Config.Lapsed] knows. It is the one answer to that question: the token
// endpoint asks it about the token that it is going to make, introspection about one that was made, and grants about
// what they are about to rest on.
//
// IssuedAt is when what the token rests on was given, zero for just now. Fields of c that are not set are not asked about;
// a Subject that is the ClientID means that no user is identified. An error is an [*Error] that the caller can return as
// is: the answer is unknown.
func (s *Server) Lapsed(ctx context.Context, now time.Time, c *token.Claims) (*Lapse, error) {
	client, err := s.FindClient(ctx, c.ClientID)
	if err != nil {
		return nil, err
	}
	return s.lapsed(ctx, now, c, client)
}

// lapsed is Lapsed with the client found.
func (s *Server) lapsed(ctx context.Context, now time.Time, c *token.Claims, client *Client) (*Lapse, error) {
	if l := clientLapsed(c, client); l != nil {
		return l, nil
	}
	if l, err := s.revoked(ctx, now, c); l != nil || err != nil {
		return l, err
	}
	if c.Subject != c.ClientID {
		if l, err := s.SubjectLapsed(ctx, c.ClientID, c.Subject); l != nil || err != nil {
			return l, err
		}
	}
	if s.lapsedHook == nil {
		return nil, nil
	}
	l, err := s.lapsedHook(ctx, c)
	if err != nil {
		return nil, asUnavailable("cannot tell at the moment whether the grant still stands", err)
	}
	return l, nil
}

// clientLapsed judges the client. One that is not registered is an issuer under its own name, or has been deleted: the
// origin of the token says which.
func clientLapsed(c *token.Claims, client *Client) *Lapse {
	switch {
	case client == nil && !c.Origin.Unregistered && c.Origin.Issuer != c.ClientID:
		return &Lapse{BasisClient, "is not registered any more"}
	case client == nil:
		return nil
	case client.Disabled:
		return &Lapse{BasisClient, "is disabled"}
	}
	created := client.Created
	if c.IssuedAt.Nanosecond() == 0 { // tokens say the second
		created = created.Truncate(time.Second)
	}
	if !c.IssuedAt.IsZero() && c.IssuedAt.Before(created) {
		return &Lapse{BasisClient, "is newer than what was given, which was given to another client of the same id"}
	}
	return nil
}

// revoked judges the token and its consent.
func (s *Server) revoked(ctx context.Context, now time.Time, c *token.Claims) (*Lapse, error) {
	var both [2]string
	ids := both[:0]
	if c.Origin.Family != "" {
		ids = append(ids, handle.FamilyID(c.Origin.Family))
	}
	if c.ID != "" {
		ids = append(ids, handle.TokenID(c.ID))
	}
	if len(ids) == 0 {
		return nil, nil
	}
	revoked, err := s.handles.Revoked(ctx, now, ids...)
	switch {
	case err != nil:
		return nil, asUnavailable("cannot look up revocations at the moment", err)
	case !revoked:
		return nil, nil
	case c.Origin.Family == "":
		return &Lapse{BasisToken, "was revoked"}, nil
	case c.ID == "":
		return &Lapse{BasisConsent, "was ended"}, nil
	}
	return &Lapse{BasisConsent, "was ended, or the token was revoked"}, nil
}

// SubjectLapsed is the part of [Server.Lapsed] that is about a user: no token for client may represent one that has the
// name of a client, or is disabled. "" means that no user is identified.
func (s *Server) SubjectLapsed(ctx context.Context, client, subject string) (*Lapse, error) {
	if subject == "" {
		return nil, nil
	}
	other, err := s.FindClient(ctx, subject)
	if err != nil {
		return nil, err
	}
	if other != nil || subject == client {
		return &Lapse{BasisName, strconv.QuoteToASCII(clip(subject, 256)) + " is also the id of a client, so their tokens could not be distinguished"}, nil
	}
	disabled, err := s.SubjectDisabled(ctx, subject)
	if err != nil {
		return nil, err
	}
	if disabled {
		return &Lapse{BasisSubject, strconv.QuoteToASCII(clip(subject, 256)) + " is disabled"}, nil
	}
	return nil, nil
}
