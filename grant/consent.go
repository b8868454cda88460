package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch"
)

// Ask finds out who is at the browser, and what he consents to. The grants with a browser in them have one field of this
// type, through which the program that knows the users decides.
//
// It returns a Consent; or it answers the request itself, with a page to sign in at or to decide on, and returns nil, nil.
// Such a page leads back to the URL of the request: a sign-in page redirects there when it is done, and a form may be
// posted to it (the query says what is asked, the body is yours). Then Ask is called again. The grants refuse a form that
// another site has posted before they call Ask (http.CrossOriginProtection), so do not wrap their handlers in it again: an
// authorization request may come as a form from the site of the client (RFC 6749 §3.1).
//
// An error is the server's failure, or an *avouch.Error for the client.
type Ask func(w http.ResponseWriter, r *http.Request, q *Question) (*Consent, error)

// Question is what a client asks a user for.
type Question struct {
	Client    *avouch.Client // who asks; not to be changed
	Scopes    []string       // within what the client may have; its default where it asks for none
	Resources []string       // RFC 8707; nil where it names none

	RedirectURI string // where the user is sent back to; "" for a device
	UserCode    string // the code that the user has typed in; "" where there is no device

	// Param returns any parameter of the authorization request, such as login_hint or prompt; "" where it is absent.
	Param func(name string) string
}

// Consent is what a user has decided.
type Consent struct {
	Subject string // who it is: the sub of the token. Required unless Denied
	Denied  bool   // the user said no

	Scopes []string       // what he consents to, of Question.Scopes; nil means all of it
	Claims map[string]any // further claims of his access tokens; nil means none
}

// consented is what is kept of a consent with every handle that was issued on it, as JSON.
type consented struct {
	Client    string                     `json:"client"`
	Subject   string                     `json:"sub"`
	Scopes    []string                   `json:"scopes"`
	Resources []string                   `json:"resources,omitempty"`
	Claims    map[string]json.RawMessage `json:"claims,omitempty"`
	Family    string                     `json:"family"`
	At        time.Time                  `json:"at"` // of the consent
}

// authorization is what a consent allows, whatever handle stands for it. What the client asks for narrows it.
func (c *consented) authorization() *avouch.Authorization {
	a := &avouch.Authorization{
		ClientID: c.Client, Subject: c.Subject, Family: c.Family, Since: c.At, Audiences: c.Resources,
		Scopes: c.Scopes, DefaultScopes: c.Scopes,
	}
	if a.Scopes == nil {
		a.Scopes, a.DefaultScopes = []string{}, []string{} // nil would set no ceiling
	}
	if len(c.Claims) > 0 {
		a.Claims = make(map[string]any, len(c.Claims))
		for name, value := range c.Claims {
			a.Claims[name] = value
		}
	}
	return a
}

// marshalClaims makes further claims fit to be kept, nil of none.
func marshalClaims(claims map[string]any) (map[string]json.RawMessage, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	made := make(map[string]json.RawMessage, len(claims))
	for name, value := range claims {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("the claim %q of a consent: %w", name, err)
		}
		made[name] = raw
	}
	return made, nil
}

// notAccepted is the refusal of a handle: one text for the caller, the reason for the operator.
func notAccepted(what, reason string) error {
	return &avouch.Error{Code: avouch.InvalidGrant, Description: "the " + what + " is not accepted", Err: errors.New(reason)}
}

// cannotTell is the refusal where the store is down.
func cannotTell(err error) error {
	return &avouch.Error{Code: avouch.TemporarilyUnavailable, Description: "cannot look it up at the moment", Err: err, RetryAfter: time.Second}
}
