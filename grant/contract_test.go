package grant_test

import (
	"net/url"
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/avouchtest"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/token"
)

// TestCodeContract and TestDeviceContract hold the grants with a browser to what every grant owes the server.
func TestCodeContract(t *testing.T) {
	s := newCodeSite(t, true)
	avouchtest.RunGrant(t, s.config, func(t testing.TB) url.Values {
		return url.Values{
			"grant_type": {grant.AuthorizationCodeType}, "client_id": {"app"}, "client_secret": {secretOf},
			"code": {s.code(t)}, "redirect_uri": {appURI}, "code_verifier": {verifier},
		}
	})
}

func TestDeviceContract(t *testing.T) {
	s := newDeviceSite().start(t)
	c := avouch.Config{
		Issuer: s.issuer, Minter: &token.Minter{Key: ownKey()}, Grants: []avouch.Grant{s.grant}, Refresh: s.refresh, Handles: s.kept,
		ClientAuth: []avouch.ClientAuth{clientauth.None{}}, Clients: s, Subjects: s,
	}
	avouchtest.RunGrant(t, c, func(t testing.TB) url.Values {
		codes := s.started(t)
		s.approve(t, codes.UserCode)
		return url.Values{"grant_type": {grant.DeviceCodeType}, "client_id": {"tv"}, "device_code": {codes.DeviceCode}}
	})
}
