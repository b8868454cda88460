package grant

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// DeviceCode is the device authorization grant (RFC 8628), for devices without a browser or a keyboard: the device shows
// a short code, a user types it in at another device, signs in there and decides, and the device, which has been asking
// at the token endpoint all the while, gets its token. It is safe for concurrent use and must neither be changed nor
// copied once it is in use.
//
// It is in avouch.Config three times: itself in Grants, [DeviceCode.Authorization] and [DeviceCode.Verification] in
// Endpoints. Codes are kept in avouch.Config.Handles. A client needs [DeviceCodeType] among its grants; one that cannot
// keep a secret is registered for "none".
type DeviceCode struct {
	// Ask finds out who is at the browser and what he decides; see [Ask]. It is called only when a user has typed in a
	// code, or has said that the one that he sees is the one that his device shows. Required.
	Ask Ask

	// Lifetime is how long a user has to decide, and the device to learn of it: at least a second, at most an hour.
	// Zero: 10 minutes.
	Lifetime time.Duration

	// Interval is how long a device waits between two questions at the token endpoint: whole seconds, from one to 60.
	// Zero: 5 s.
	Interval time.Duration

	// SignInOrigin is where Ask redirects to, where that is not this server, as in "https://login.example.com". Some
	// browsers do not follow a form there unless the page with the form says so (form-action of its content security
	// policy). "" for nowhere else.
	SignInOrigin string

	// PerAddress is how many codes devices may ask for from one address (an IPv4 address or an IPv6 /64, the remote address
	// of the connection) at once, and in an hour after that, as clients that do not authenticate. Zero means 10,000.
	PerAddress int

	begunBy publicRate
	pace    pace
	guesses guesses
}

// DeviceCodeType is the grant type (RFC 8628 §3.4).
const DeviceCodeType = "urn:ietf:params:oauth:grant-type:device_code"

const (
	kindDeviceCode     = "device_code"
	defaultDeviceLife  = 10 * time.Minute
	maxDeviceLife      = time.Hour
	defaultDeviceDelay = 5 * time.Second
	maxDeviceDelay     = time.Minute
)

// Type returns [DeviceCodeType].
func (g *DeviceCode) Type() string { return DeviceCodeType }

// Validate tells what is wrong with the grant; avouch.New calls it.
func (g *DeviceCode) Validate() error {
	switch {
	case g == nil || g.Ask == nil:
		return errors.New("an Ask is required: it finds out who the user is and what he decides")
	case g.Lifetime != 0 && (g.Lifetime < time.Second || g.Lifetime > maxDeviceLife):
		return fmt.Errorf("the Lifetime %v is not from a second to an hour", g.Lifetime)
	case g.Interval != 0 && (g.Interval < time.Second || g.Interval > maxDeviceDelay || g.Interval%time.Second != 0):
		return fmt.Errorf("the Interval %v is not a number of whole seconds from 1 to 60", g.Interval)
	case g.PerAddress < 0:
		return errors.New("PerAddress is negative")
	}
	if u, err := url.Parse(g.SignInOrigin); g.SignInOrigin != "" && (err != nil || u.Host == "" || g.SignInOrigin != u.Scheme+"://"+u.Host) {
		return fmt.Errorf("the SignInOrigin %q is not an origin: a scheme and a host, as in https://login.example.com", g.SignInOrigin)
	}
	return nil
}

// Authorize implements avouch.Grant: it answers a device that asks whether the user has decided (RFC 8628 §3.4, §3.5).
func (g *DeviceCode) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	text := req.Param("device_code")
	switch {
	case text == "":
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the parameter device_code is missing"}
	case req.Client == nil:
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed", Err: errors.New("a device code is bound to a client, and none is known")}
	}
	digest := handle.Digest(text)
	record, err := req.Server().Handles().Handle(ctx, req.Now, kindDeviceCode, digest)
	if err != nil {
		return nil, cannotTell(err)
	}
	if record == nil {
		return nil, notAccepted("device code", "it is unknown, or expired long ago")
	}
	d, err := readDevice(record)
	if err != nil {
		return nil, err
	}
	switch {
	case d.Client != req.Client.ID:
		return nil, notAccepted("device code", "it was issued to another client")
	case d.Denied:
		return nil, &avouch.Error{Code: avouch.AccessDenied, Description: "the user said no"}
	case !d.Expires.After(req.Now):
		return nil, &avouch.Error{Code: avouch.ExpiredToken, Description: "the device code has expired; begin again"}
	case d.Consent == nil:
		return nil, g.notYet(req.Now, digest, d.Expires)
	}
	authz := d.Consent.authorization()
	authz.Refresh = true
	authz.Uses = []replay.Use{{
		Purpose: kindDeviceCode, Party: d.Client, ID: base64.RawURLEncoding.EncodeToString(digest[:]),
		Until:  record.Expires.Add(remember),
		Issued: d.Consent.At, // nobody can have used it before
	}}
	return authz, nil
}

// notYet is the answer while the user has not decided. How often the device asks is counted when it is answered.
func (g *DeviceCode) notYet(now time.Time, digest [32]byte, expires time.Time) error {
	return &avouch.Error{
		Code: avouch.AuthorizationPending, Description: "the user has not decided yet",
		Count: func() *avouch.Error {
			if !g.pace.tooFast(now, digest, orDefault(g.Interval, defaultDeviceDelay), expires) {
				return nil
			}
			return &avouch.Error{Code: avouch.SlowDown, Description: "the device asks too often; it must wait 5 seconds longer from now on"}
		},
	}
}
