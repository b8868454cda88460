package grant

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/avouch-oauth/avouch"
)

// Codes of the authorization endpoint alone (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const (
	unsupportedResponseType avouch.Code = "unsupported_response_type"
	requestNotSupported     avouch.Code = "request_not_supported"
	invalidRequestURI       avouch.Code = "invalid_request_uri"
)

const (
	// maxAuthorizationQuery is the longest authorization request that is read from a URL or a form, in bytes.
	maxAuthorizationQuery = 16 << 10
	// maxState is the longest state, in bytes: it goes back in a URL.
	maxState = 2 << 10
)

// asked is an authorization request (RFC 6749 §4.1.1), as far as it has been understood.
type asked struct {
	client *avouch.Client
	req    *avouch.Request // its parameters

	redirect string // where the answer goes; "" as long as that is not verified
	unsaid   bool   // the request did not name it
	state    string

	challenge         string
	scopes, resources []string
}

// readQuery reads the parameters of an authorization request, as strictly as the token endpoint does.
func readQuery(query string) (url.Values, error) {
	if len(query) > maxAuthorizationQuery {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the authorization request is longer than 16 KiB"}
	}
	form, err := url.ParseQuery(query)
	if err != nil {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the authorization request is malformed", Err: err}
	}
	return form, nil
}

// readForm reads the parameters of an authorization request that came as a form.
func readForm(contentType []string, body io.Reader) (url.Values, error) {
	mediaType, _, _ := strings.Cut(strings.Join(contentType, ","), ";")
	if !strings.EqualFold(strings.Trim(mediaType, " \t"), "application/x-www-form-urlencoded") {
		return nil, invalid("the content type must be application/x-www-form-urlencoded")
	}
	read, err := io.ReadAll(body)
	if err != nil {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the authorization request is longer than 16 KiB, or could not be read to its end", Err: err}
	}
	return readQuery(string(read))
}

// verify finds out where the answer goes, and the state that goes with it.
func (a *asked) verify() (err error) {
	sent := a.req.Param("redirect_uri")
	if a.redirect, err = redirectURI(a.client, sent); err != nil {
		return err
	}
	a.unsaid = sent == ""
	state := a.req.Param("state")
	if len(state) > maxState {
		return invalid("state is longer than 2 KiB")
	}
	a.state = state
	return nil
}

// check checks all of the request but where it came from. Where a.redirect is set afterwards, the answer goes there,
// whether it is an error or not.
func (a *asked) check() error {
	if err := a.verify(); err != nil {
		return err
	}
	param := a.req.Param
	switch {
	case !slices.Contains(a.client.Grants, AuthorizationCodeType):
		return &avouch.Error{Code: avouch.UnauthorizedClient, Description: "the client may not use this grant type"}
	case param("request") != "":
		return &avouch.Error{Code: requestNotSupported, Description: "request objects are not supported: push the request"}
	case param("response_type") == "":
		return invalid("response_type is missing")
	case param("response_type") != "code":
		return &avouch.Error{Code: unsupportedResponseType, Description: "the only response_type is code"}
	case param("response_mode") != "" && param("response_mode") != "query":
		return invalid("the only response_mode is query")
	case param("code_challenge") == "":
		return invalid("code_challenge is missing: this server requires PKCE")
	case param("code_challenge_method") != challengeMethod:
		return invalid("code_challenge_method must be S256")
	case !validChallenge(param("code_challenge")):
		return invalid("code_challenge is not the base64url of a SHA-256")
	}
	a.challenge = param("code_challenge")
	var err error
	a.scopes, a.resources, err = a.req.Wants(a.client)
	return err
}

// question is what Ask is asked. It may change it, and changes nothing by that.
func (a *asked) question() *Question {
	return &Question{
		Client: a.client, Scopes: slices.Clone(a.scopes), Resources: slices.Clone(a.resources),
		RedirectURI: a.redirect, Param: a.req.Param,
	}
}

func invalid(description string) error {
	return &avouch.Error{Code: avouch.InvalidRequest, Description: description}
}

// methodNotAllowed is the refusal of a method.
func methodNotAllowed(w http.ResponseWriter, allow, description string) error {
	w.Header().Set("Allow", allow)
	return &avouch.Error{Code: avouch.InvalidRequest, Status: http.StatusMethodNotAllowed, Description: description}
}
