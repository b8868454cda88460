package grant

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
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
	other, err := s.FindClient(ctx, c.Subject)
	if err != nil {
		return nil, err
	}
	disabled, err := s.SubjectDisabled(ctx, c.Subject)
	if err != nil {
		return nil, err
	}
	if other != nil || c.Subject == client.ID {
		return nil, mayNot("the subject has the name of a client: its tokens could not be told from that client's own")
	}
	if disabled {
		return nil, mayNot("the subject is disabled")
	}
	made := &consented{
		Client: client.ID, Subject: c.Subject, Scopes: scopes, Resources: resources, Family: rand.Text(), At: now,
	}
	for name, value := range c.Claims {
		if made.Claims == nil {
			made.Claims = make(map[string]json.RawMessage, len(c.Claims))
		}
		if made.Claims[name], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("the claim %q of a consent: %w", name, err)
		}
	}
	// A claim that no token may have is told now, and not when the client comes with its code.
	trial := token.Claims{
		Issuer: s.Issuer(), Subject: c.Subject, Audience: []string{s.Issuer()}, ClientID: client.ID, ID: made.Family,
		IssuedAt: now, Expires: now.Add(time.Second), More: c.Claims,
	}
	if err := trial.Validate(); err != nil {
		return nil, err
	}
	return made, nil
}

// mayNot is the refusal of a user: one text for the client, the reason for the operator.
func mayNot(reason string) error {
	return &avouch.Error{Code: avouch.AccessDenied, Description: "the user may not do this here", Err: errors.New(reason)}
}
