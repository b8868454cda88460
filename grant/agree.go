package grant

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/token"
)

// agree turns what Ask has returned into what is kept of it, for a client that was asking for these scopes and resources.
// It refuses what no consent can give: nobody, more than was asked for, a user who is disabled or has the name of a
// client.
func agree(ctx context.Context, s *avouch.Server, now time.Time, client *avouch.Client, scopes, resources []string, c *Consent) (*consented, error) {
	switch {
	case c.Denied:
		return nil, &avouch.Error{Code: avouch.AccessDenied, Description: "the user has denied the request"}
	case c.Subject == "":
		return nil, errors.New("Ask has returned a consent of nobody: Subject is required")
	}
	if c.Scopes != nil {
		for _, scope := range c.Scopes {
			if !slices.Contains(scopes, scope) {
				return nil, errors.New("Ask has returned a consent to the scope " + strconv.QuoteToASCII(scope) + ", which was not asked for")
			}
		}
		scopes = c.Scopes
	}
	if c.Subject == client.ID {
		return nil, mayNot(errors.New("the subject has the name of the client: their tokens could not be distinguished"))
	}
	// What is wrong with the tokens that the client will get is said now, and not when it comes with its code.
	trial := token.Claims{
		Issuer: s.Issuer(), Subject: c.Subject, Scopes: scopes, Audience: []string{s.Issuer()}, ClientID: client.ID,
		IssuedAt: now, Expires: now.Add(time.Second), More: c.Claims,
	}
	lapse, err := s.Lapsed(ctx, now, &trial)
	if err != nil {
		return nil, err
	}
	if lapse != nil {
		return nil, mayNot(lapse)
	}
	made := &consented{
		Client: client.ID, Subject: c.Subject, Scopes: scopes, Resources: resources, Family: rand.Text(), At: now,
	}
	if made.Claims, err = marshalClaims(c.Claims); err != nil {
		return nil, err
	}
	trial.ID = made.Family
	if err := trial.Validate(); err != nil {
		return nil, err
	}
	return made, nil
}

// mayNot is the refusal of a user: one text for the client, the reason for the operator.
func mayNot(reason error) error {
	return &avouch.Error{Code: avouch.AccessDenied, Description: "the user may not do this here", Err: reason}
}
