package signin

import (
	"fmt"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// Configure makes a Config of what the operator has configured. Pages, Handles, Replay, Subjects and Log are left to be
// filled in. dev is true for serve --dev.
func Configure(conf config.Config, dev bool) (Config, error) {
	in := conf.SignIn
	c := Config{Issuer: conf.Issuer, Dev: dev, ScopeTexts: in.Texts(), Idle: in.Idle, Lifetime: in.Lifetime}
	if in.Issuer == "" {
		return c, nil
	}
	c.Upstream = &Upstream{
		Issuer: in.Issuer, Name: in.Name, ClientID: in.Clientid, Secret: string(in.Secret), Scopes: in.Scopes, AllowPrivate: in.Private,
	}
	if in.Keyfile != "" {
		key, err := keys.LoadPrivate(in.Keyfile)
		if err != nil {
			return c, fmt.Errorf("signin.keyfile: %w", err)
		}
		c.Upstream.Key = key
	}
	return c, nil
}
