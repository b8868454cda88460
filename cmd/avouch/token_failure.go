package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/client"
)

// tokenFailure says what to do next about a token that was not given.
func tokenFailure(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case ok && refused.ErrorCode != "":
		return refusedToken(err, refused)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w\nnothing listens there: is the server running, and is this its address?", err)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("%w\nthis machine does not know who signed the server's certificate: SSL_CERT_FILE=FILE names a certificate or an authority of your own", err)
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(e, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %s", e.Path)
	}
	return err
}

// refusedToken is what a server's refusal means for the person who asked, here or at another server.
func refusedToken(err error, refused *oauth2.RetrieveError) error {
	code := exitDenied
	text := "the server refused: " + printable(refused.ErrorCode)
	if refused.ErrorDescription != "" {
		text += ": " + printable(refused.ErrorDescription)
	}
	id := printable(client.RefusalID(err))
	if id != "" {
		text += "\nits log has the reason under refusal_id " + id
	}
	switch refused.ErrorCode {
	case "invalid_client", "invalid_grant":
		if id != "" {
			text += "; beside the server, \"avouch explain\" shows every check of an assertion"
		}
	case "invalid_scope":
		text += "\nwhat it may ask for is the scope of the client, or of the rule: beside the server, \"avouch client show\" and \"avouch rule show\" tell"
	case "unauthorized_client":
		text += "\nanother grant may be meant: --grant jwt-bearer, --grant client_credentials; \"avouch client update --grant\" allows one"
	case "invalid_target":
		text += "\nwhat it may ask for by --resource is the audience of the client, or of the rule"
	case "temporarily_unavailable", "server_error":
		code = exitError
		text += "\nthe fault is the server's: /readyz and the log of the server say more; try again later"
	}
	return &codedError{code, errors.New(text)}
}

// printable leaves out of another server's words what could play with the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
