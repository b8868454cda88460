package main

import (
	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/signin"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
)

// people is the part of the server at which people decide. It is empty where nobody can sign in: what cannot work is not
// offered, and not in the metadata.
type people struct {
	signIn    *signin.SignIn
	refresh   *grant.RefreshToken
	grants    []avouch.Grant
	endpoints []avouch.Endpoint
}

// peopleOf makes it.
func peopleOf(conf config.Config, w wiring) (*people, error) {
	if conf.SignIn.Issuer == "" && !w.dev {
		return &people{}, nil
	}
	c, err := signin.Configure(conf, w.dev)
	if err != nil {
		return nil, err
	}
	code, device := &grant.AuthorizationCode{}, &grant.DeviceCode{}
	p := &people{
		refresh:   &grant.RefreshToken{},
		grants:    []avouch.Grant{code, device},
		endpoints: []avouch.Endpoint{code.Authorization(), code.Pushed(), device.Authorization(), device.Verification()},
	}
	c.Pages = []string{code.Authorization().Path, device.Verification().Path}
	c.Handles, c.Replay, c.Subjects, c.Log, c.Observe = w.handles, w.guard, w.live, w.log, w.signIns
	if p.signIn, err = signin.New(c); err != nil {
		return nil, err
	}
	code.Ask, device.Ask = p.signIn.Ask, p.signIn.Ask
	return p, nil
}

// registrationOf is how programs register themselves as clients, where they may.
func registrationOf(conf config.Config, operations *admin.Admin) []avouch.Endpoint {
	if conf.Registration.Mode != "token" && conf.Registration.Mode != "open" {
		return nil
	}
	r := &endpoint.Registration{
		Registrar:        operations.Registrar(),
		OpenRegistration: conf.Registration.Mode == "open",
		Scopes:           conf.Registration.Scopes,
		DefaultScopes:    conf.Registration.Scopes, // many clients register none, as those of MCP; each may have all of these anyway
	}
	return []avouch.Endpoint{r.Endpoint(), r.Management()}
}
