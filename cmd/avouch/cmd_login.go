package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/internal/metadata"
	"github.com/avouch-oauth/avouch/internal/pages"
)

// loginFlags say for which app a person signs in, where, and how.
type loginFlags struct {
	dev, device                bool
	issuer, clientID, resource string
	scopes                     []string
}

// loginCommand gets a token for a person, as an app does that can keep no secret.
func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	c := &cobra.Command{
		Use: "login", Short: "Get an access token for a person, as an app does", Args: noArgs,
		Long: `Gets an access token for whoever signs in and allows it, from this or any other OAuth 2.0 server: shows an address to
open in a browser, waits for the answer on a port of 127.0.0.1 (RFC 8252), and exchanges the code with PKCE. With
--device it shows an address and a code, for a browser on another machine (RFC 8628).

The client has no secret (--public) and may be sent back to http://127.0.0.1/callback. The token is printed and kept
nowhere; -o json shows the refresh token beside it.`,
		Example: `  avouch login --dev
  avouch login --dev --device
  avouch login --issuer https://as.example.com --client web --scope orders:read`,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.dev || f.issuer == "" {
				conf, err := a.loadBeside(f.dev)
				if err != nil {
					return err
				}
				f.issuer = orDefault(f.issuer, conf.Issuer)
			}
			if f.dev {
				f.clientID = orDefault(f.clientID, devApp)
			}
			switch {
			case f.issuer == "":
				return usagef("which server? give --issuer, or --dev for the one of \"serve --dev\" in this folder")
			case f.clientID == "":
				return usagef("for which app? give --client")
			}
			if err := checkServerURL("--issuer", f.issuer); err != nil {
				return err
			}
			got, err := f.get(c.Context(), a)
			if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.ErrorCode == "unauthorized_client" {
				return &codedError{exitDenied, fmt.Errorf("the server refused: the client %s may not use this grant; \"avouch client update --grant\" allows one", f.clientID)}
			} else if err != nil {
				return tokenFailure(err)
			}
			return a.printToken(got)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&f.dev, "dev", false, "the demo app of \"serve --dev\" in this folder")
	flags.BoolVar(&f.device, "device", false, "show a code to type in at a browser on any machine")
	flags.StringVar(&f.issuer, "issuer", "", "issuer `URL` (default: the configured one)")
	flags.StringVar(&f.clientID, "client", "", "`ID` of the app")
	flags.StringSliceVar(&f.scopes, "scope", nil, "scopes to ask for")
	flags.StringVar(&f.resource, "resource", "", "resource the token is for")
	return c
}

// get asks for the token.
func (f *loginFlags) get(ctx context.Context, a *app) (*oauth2.Token, error) {
	hc := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	server, err := metadata.Fetch(ctx, hc, f.issuer)
	if err != nil {
		return nil, err
	}
	app := &oauth2.Config{ClientID: f.clientID, Scopes: f.scopes, Endpoint: oauth2.Endpoint{
		AuthURL: server.AuthorizationEndpoint, TokenURL: server.TokenEndpoint, DeviceAuthURL: server.DeviceAuthorizationEndpoint, AuthStyle: oauth2.AuthStyleInParams,
	}}
	if app.Endpoint.TokenURL == "" || f.device && app.Endpoint.DeviceAuthURL == "" || !f.device && app.Endpoint.AuthURL == "" {
		return nil, fmt.Errorf("%s does not offer it: its metadata has no such endpoint; can people sign in there?", f.issuer)
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, hc)
	if f.device {
		return f.asDevice(ctx, a, app)
	}
	return f.atBrowser(ctx, a, app, server)
}

// options are what package oauth2 has no field for.
func (f *loginFlags) options() []oauth2.AuthCodeOption {
	if f.resource == "" {
		return nil
	}
	return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("resource", f.resource)}
}

// asDevice shows a code, and asks until somebody has decided.
func (f *loginFlags) asDevice(ctx context.Context, a *app, app *oauth2.Config) (*oauth2.Token, error) {
	asked, err := app.DeviceAuth(ctx, f.options()...)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(a.stderr, "Open this address in a browser, on any machine:\n\n  %s\n\nand type in the code %s\n\n", printable(asked.VerificationURI), printable(asked.UserCode))
	return app.DeviceAccessToken(ctx, asked)
}

// atBrowser has the browser of this machine bring a code back.
func (f *loginFlags) atBrowser(ctx context.Context, a *app, app *oauth2.Config, server *metadata.Document) (*oauth2.Token, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	app.RedirectURL = "http://" + listener.Addr().String() + "/callback"
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	answers := make(chan url.Values, 1)
	back := &http.Server{ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, Handler: callback(state, answers)}
	go func() { _ = back.Serve(listener) }() // it ends by Shutdown
	fmt.Fprintf(a.stderr, "Open this address in the browser of this machine:\n\n  %s\n\n", printable(app.AuthCodeURL(state, append(f.options(), oauth2.S256ChallengeOption(verifier))...)))
	var answer url.Values
	select {
	case answer = <-answers:
		err = back.Shutdown(ctx) // the page is on its way still
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), back.Close())
	}
	// Another server must not pass its code off as this one's (RFC 9207 §2.4).
	if iss := answer.Get("iss"); iss != server.Issuer && (iss != "" || server.NamesItself) {
		return nil, fmt.Errorf("the answer is from %q, and %s was asked", printable(iss), server.Issuer)
	}
	if code := answer.Get("error"); code != "" {
		return nil, &oauth2.RetrieveError{ErrorCode: code, ErrorDescription: answer.Get("error_description")}
	}
	if err != nil {
		return nil, err
	}
	return app.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
}

// callback takes the first answer that carries state; what comes without it is from somebody else.
func callback(state string, answers chan<- url.Values) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		page := &pages.Page{Title: "Go back to the terminal", Text: []string{"It has the answer. You can close this page."}, Done: r.FormValue("error") == ""}
		if r.FormValue("state") != state {
			page = &pages.Page{Title: "This is no answer", Text: []string{"Nobody has asked for it here. Open the address that the terminal shows."}, Status: http.StatusBadRequest}
		} else {
			select {
			case answers <- r.URL.Query():
			default: // there is one already
			}
		}
		pages.Write(w, page)
	})
	return mux
}
