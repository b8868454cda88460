package avouch

import (
	"context"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// Grant decides who an access token is for and what it may do. It touches no response and makes no token: the server
// does the shared steps before and after it. Implementations are safe for concurrent use.
//
// A grant may have a method Validate() error; [New] calls it and refuses the configuration where it fails. It is a
// courtesy to the operator, who learns of a fault at the start: a grant must fail closed at use whether Validate was
// called or not.
type Grant interface {
	// Type is the value of grant_type it answers to. It never changes.
	Type() string
	// Authorize decides one request. A refusal is an [*Error]; any other error is the server's failure and is told
	// to the caller as server_error without detail. It changes nothing that lasts, because dry runs call it, too: what is
	// to be used once goes into Authorization.Uses, what is to be kept into Record, and what counts into [Error.Count]. If
	// the request carries what could be guessed, such as a PIN, a dry run gets [ErrNotTried].
	Authorize(ctx context.Context, req *Request) (*Authorization, error)
}

// Authorization is a grant's decision. The server narrows it by what the client may have and what the request asks.
type Authorization struct {
	// ClientID is the client the token is issued to. Where a client authenticated it must be that one; "" means that
	// one. Without an authenticated client it is required, and where it is registered it must be enabled and allowed
	// the grant.
	ClientID string
	// Subject is who the token speaks for. "" means nobody: the token's sub is the client id. The id of a registered
	// client is refused here, so that no user can pass for a client (RFC 9068 §5).
	Subject string

	// Scopes is the ceiling this grant sets, beside the one of a registered client; nil sets none of its own. A scope
	// parameter beyond a ceiling is refused as invalid_scope.
	Scopes []string
	// Asserted, where not nil, are scopes that the grant itself carries (a scope claim): they are narrowed to the
	// ceilings, and a scope parameter narrows them further.
	Asserted []string
	// DefaultScopes are given where neither parameter nor Asserted ask for any. Nil means the client's default. They
	// too are narrowed to the ceilings.
	DefaultScopes []string

	// Audiences is which resources may be asked for, the first is the default. A registered client narrows it to its own,
	// or to the server's audience if it has none, unless it is [Client.AnyAudience]. Nil means the client's, else the
	// server's.
	Audiences []string

	// Lifetime of the access token; zero means the client's or the server's. Where grant and client both say one, the
	// shorter holds.
	Lifetime time.Duration

	// Claims are further claims of the access token. A claim that RFC 9068 §2.2 defines is refused here.
	Claims map[string]any

	// Since is when what the grant rests on was given, such as the consent of a user that is kept; zero means now. If
	// that is before [Client.Created] it was given to another client of this id, and the request is refused.
	Since time.Time

	// KeyID is the key of the client that signed the grant, if it signed for itself; see [Event.KeyID].
	KeyID string
	// Issuer is whose assertion the grant rests on, and Rule the name of the trust rule it was accepted by; "" for none.
	// They go into the token (token.Origin), so that introspection can tell whether they still stand.
	Issuer, Rule string

	// Family names the consent of a user that the grant rests on, and with it everything that is issued on the consent. The
	// server refuses a grant whose consent has been ended, ends the consent if one of Uses was used before (RFC 6749
	// §4.1.2), and puts the name into the token. A grant sets it if the name was made when the user consented and is kept
	// with what is presented, as that of a code is: the same one for every request that presents it, another one for
	// every consent, with nothing secret in it. One that is made up in Authorize is wrong: a second use would end a consent
	// that nobody has. "" means that there is no consent, or with Refresh that the server names it, from the first request
	// that is accepted until none of Uses is remembered any longer; a dry run does not know the name before.
	Family string
	// Refresh says that a refresh token may be made beside the access token, by [Config.Refresh]: for a client that has
	// authenticated and may use that grant, if there is a Subject. The refresh token stands for what this Authorization
	// allows, its Scopes, Audiences and Claims. If it names no Scopes, or Asserted ones, those of this token count; if it
	// names no Audiences, those that the client has at this moment.
	Refresh bool

	// Uses may be used once; the server spends them together with the client's, after every policy has been passed.
	Uses []replay.Use
	// Record is called when everything is spent and the access token is made, before the answer is written: for what
	// must be kept, and for further members of the answer. Where it returns an error no token leaves. Nil keeps nothing.
	Record func(ctx context.Context, issued *Issued) error
}

// Issued is an access token that has been made and has not been sent yet.
type Issued struct {
	Claims *token.Claims // what it says; not to be changed
	// Answer is filled by Record with further members of the answer. One that the server writes itself (RFC 6749 §5.1:
	// access_token, token_type, expires_in, scope, refresh_token) is refused.
	Answer map[string]any
}

// ClientOptional lets a grant be used without client authentication. Credentials that are sent all the same are
// validated (RFC 7521 §4.1), and the client they name must be allowed the grant. A client_id parameter alone
// authenticates nobody; it must name the client that the token is issued to.
func ClientOptional(g Grant) Grant { return clientOptional{g} }

type clientOptional struct{ Grant }
