package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

const devClient = "dev-client"

// devKeyFile is where the key of the demo client of --dev is.
func devKeyFile(conf config.Config) string { return conf.Store.Path + "." + devClient + ".pem" }

// welcome makes the demo client on the first start with --dev, and says what to try.
func (a *app) welcome(ctx context.Context, s *running) error {
	if _, err := s.admin.Client(ctx, devClient); err != nil {
		if e, ok := errors.AsType[*admin.Error](err); !ok || e.Code != admin.NotFound {
			return err
		}
		if err := makeDevClient(ctx, s); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, `
avouch is ready for development.

  issuer      %s
  metadata    %[1]s/.well-known/oauth-authorization-server
  database    %s
  demo client %s, its key in %s

Try:
  avouch token --dev                                  an access token for the demo client
  avouch token --dev | avouch whoami --dev            what an API sees of it
  avouch client add billing --keys 2 --out ./keys     a client of your own
  avouch explain --dev assertion.jwt                  why an assertion is refused

`, s.conf.Issuer, s.conf.Store.Path, devClient, devKeyFile(s.conf))
	return nil
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
