package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/events"
	"github.com/avouch-oauth/avouch/keys"
)

// The clients that --dev makes: a program that signs, and an app for which people decide.
const (
	devClient = "dev-client"
	devApp    = "dev-app"
)

// devKeyFile is where the key of the demo client of --dev is.
func devKeyFile(conf config.Config) string { return conf.Store.Path + "." + devClient + ".pem" }

// devIssuerFile is where "serve --dev" says which issuer it is, for the commands beside it.
func devIssuerFile(conf config.Config) string { return conf.Store.Path + ".dev-issuer" }

// devDefaults fills in what "serve --dev" chooses where nothing is configured.
func devDefaults(ctx context.Context, conf *config.Config) error {
	if conf.Registration.Mode == "" {
		conf.Registration.Mode = "open"
		if conf.Registration.Scopes == nil {
			conf.Registration.Scopes = []string{"demo:read", "demo:write"}
		}
	}
	if conf.Issuer != "" {
		return nil
	}
	host, port, err := net.SplitHostPort(conf.Listen)
	if err != nil {
		return nil // Validate says so
	}
	if port == "0" {
		if conf.Listen, err = freePort(ctx); err != nil {
			return err
		}
		_, port, _ = net.SplitHostPort(conf.Listen) // as net has just written it
	}
	if host == "" {
		host = "127.0.0.1"
	}
	scheme := "http"
	if conf.TLS.Cert != "" {
		scheme = "https"
	}
	conf.Issuer = scheme + "://" + net.JoinHostPort(host, port)
	return nil
}

// loadBeside reads the configuration for a command beside a server. Where no issuer is configured, it is that of the
// "serve --dev" that has left its name beside the database; dev says that there must be one.
func (a *app) loadBeside(dev bool) (config.Config, error) {
	conf, err := a.load(nil)
	if err != nil || conf.Issuer != "" {
		return conf, err
	}
	switch text, err := os.ReadFile(devIssuerFile(conf)); {
	case err == nil:
		conf.Issuer = strings.TrimSpace(string(text))
	case !errors.Is(err, fs.ErrNotExist):
		return conf, err
	case dev:
		return conf, usagef("no \"avouch serve --dev\" was started in this folder (there is no %s): start it first, or name the server's database by --store", devIssuerFile(conf))
	}
	return conf, nil
}

// welcome makes the demo clients on the first start with --dev, and says what to try.
func (a *app) welcome(ctx context.Context, s *running) error {
	for id, make := range map[string]func(context.Context, *running) error{devClient: makeDevClient, devApp: makeDevApp} {
		_, err := s.admin.Client(ctx, id)
		if e, ok := errors.AsType[*admin.Error](err); ok && e.Code == admin.NotFound {
			err = make(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	where := "Try, in another terminal in this folder:"
	if path := s.conf.Store.Path; path != config.Default().Store.Path {
		where = "Try, in another terminal in this folder, each with --store " + path + ":"
	}
	if err := os.WriteFile(devIssuerFile(s.conf), []byte(s.conf.Issuer+"\n"), 0o600); err != nil {
		return err
	}
	registration := ""
	if e := s.server.URL("registration"); e != "" {
		registration = "\n  register    " + e
	}
	out := a.stdout
	if events.ToStdout(s.conf.Events.To) { // nothing else belongs there
		out = a.stderr
	}
	fmt.Fprintf(out, `
avouch is ready for development.

  issuer      %s
  metadata    %[1]s/.well-known/oauth-authorization-server
  sign-in     %[1]s/signin%s
  devices     %s%s
  database    %s
  clients     %s, a program, its key in %s
              %s, an app without a secret, back at http://127.0.0.1/callback with any port

%s
  avouch token --dev                                  an access token for the program
  avouch login --dev                                  one for a person, who allows it at the browser
  avouch login --dev --device                         likewise, as a device without a browser does
  avouch token --dev | avouch whoami --dev            what an API sees of it
  avouch client add billing --keys 2 --out ./keys     a client of your own
  avouch explain --dev assertion.jwt                  why an assertion is refused

`, s.conf.Issuer, s.whoSignsIn(), s.server.URL("device_verification"), registration, s.conf.Store.Path, devClient, devKeyFile(s.conf), devApp, where)
	return nil
}

// whoSignsIn says who can sign in, behind the address of the page.
func (s *running) whoSignsIn() string {
	if s.conf.SignIn.Issuer != "" {
		return "  by " + s.conf.SignIn.Issuer
	}
	return "  by any name, without a password"
}

// makeDevApp registers an app for which people decide, at the browser or by the code of a device.
func makeDevApp(ctx context.Context, s *running) error {
	in := admin.AddClientInput{ID: devApp}
	in.Name, in.AuthMethod = "Demo App", "none"
	in.RedirectURIs = []string{"http://127.0.0.1/callback"}
	in.GrantTypes = []string{grantAuthorizationCode, grantRefreshToken, grantDeviceCode}
	in.Scope, in.DefaultScope = "demo:read demo:write", "demo:read"
	_, err := s.admin.AddClient(ctx, in)
	return err
}

func makeDevClient(ctx context.Context, s *running) error {
	path := devKeyFile(s.conf)
	var key *keys.Private
	text, err := os.ReadFile(path)
	switch {
	case err == nil: // of a database that was thrown away
		key, err = keys.ParsePrivate(text)
	case errors.Is(err, fs.ErrNotExist):
		if key, err = keys.Generate(keys.ES256); err != nil {
			return err
		}
		if text, err = key.MarshalPEM(); err != nil {
			return err
		}
		err = writePrivate(path, text)
	}
	if err != nil {
		return err
	}
	set, err := keys.NewSet(key.Public())
	if err != nil {
		return err
	}
	public, err := json.Marshal(set)
	if err != nil {
		return err
	}
	in := admin.AddClientInput{ID: devClient, Keys: public, KeyLabel: "made by --dev"}
	in.Name = "demo client of --dev"
	in.GrantTypes = []string{grantClientCredentials, grantJWTBearer}
	in.Scope, in.DefaultScope = "demo:read demo:write", "demo:read"
	_, err = s.admin.AddClient(ctx, in)
	return err
}
