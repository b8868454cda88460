package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/trust"
)

// Live is an always current view of the store, for a server: it is its avouch.Clients, trust.Source and token.Signer.
// A change made in this process holds before the operation returns, one made in another process within a second. While
// the store cannot be asked for 5 seconds, everything is refused as temporarily unavailable.
//
//	live, err := operations.Live(ctx, admin.LiveOptions{Log: log})
//	go live.Run(ctx)
//	server, err := avouch.New(avouch.Config{
//		Clients: live,
//		Minter:  &token.Minter{Key: live},
//		Grants:  []avouch.Grant{avouch.ClientOptional(&grant.JWTBearer{Trust: live})},
//		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{Policy: live.ClientPolicy}},
//		…
//	})
type Live struct{}

// LiveOptions says how a [Live] works. The zero value is ready to use.
type LiveOptions struct {
	// Log is told of changes picked up and of failures. Nil discards.
	Log *slog.Logger
	// ReadOnly changes nothing in the store: no signing key is made, nothing swept. It is for explaining.
	ReadOnly bool
}

// Live loads the view. It makes the first signing key where there is none; a seal key that opens nothing of what is
// sealed is an error of code [Sealed], and nothing is made.
func (a *Admin) Live(ctx context.Context, o LiveOptions) (*Live, error) { panic("not built") }

// Run keeps the view current, rotates signing keys by schedule, sweeps what has expired, and records when keys were
// used. It returns when ctx has ended, with everything it started ended too.
func (l *Live) Run(ctx context.Context) error { panic("not built") }

// Ready returns nil while the view is current, for /readyz.
func (l *Live) Ready(ctx context.Context) error { panic("not built") }

// Client implements avouch.Clients.
func (l *Live) Client(ctx context.Context, id string) (*avouch.Client, error) { panic("not built") }

// ClientPolicy is what is asked of the assertions of a client that Client returned, for clientauth.
func (l *Live) ClientPolicy(c *avouch.Client) clientauth.Policy { panic("not built") }

// Issuer implements trust.Source: registered issuers by their URL, and clients that a rule lets sign for themselves by
// their id.
func (l *Live) Issuer(ctx context.Context, iss string) (*trust.Issuer, error) { panic("not built") }

// SigningKey implements token.Signer.
func (l *Live) SigningKey(now time.Time) (*keys.Private, error) { panic("not built") }

// PublicKeys implements token.Signer. While the store cannot be asked, it gives the last known keys: an empty set
// would make every API refuse every token.
func (l *Live) PublicKeys(now time.Time) *keys.Set { panic("not built") }

// KeyUsed notes that a key of a client has verified an assertion. It is written to the store some seconds later.
func (l *Live) KeyUsed(client, kid string, at time.Time) { panic("not built") }
