package grant

import (
	"context"
	"errors"

	"github.com/avouch-oauth/avouch"
)

// ClientCredentials is the client credentials grant (RFC 6749 §4.4): a client gets a token for itself. What it may ask
// for stands in its registration. The token's sub is the client id.
type ClientCredentials struct{}

// Type returns "client_credentials".
func (ClientCredentials) Type() string { return "client_credentials" }

// Authorize implements avouch.Grant. A client that has no credentials of its own is refused, however the grant was
// offered: this grant has nothing else to go by.
func (ClientCredentials) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	switch {
	case req.Client == nil:
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Err: errors.New("no client authenticated")}
	case req.Client.AuthMethod == "none":
		return nil, &avouch.Error{Code: avouch.UnauthorizedClient, Description: "a client without credentials may not use this grant type"}
	}
	return &avouch.Authorization{ClientID: req.Client.ID}, nil
}
