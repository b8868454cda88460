package grant

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
)

const verificationPath = "/device"

// deviceAnswer is the device authorization response (RFC 8628 §3.2).
type deviceAnswer struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// Authorization is the device authorization endpoint (RFC 8628 §3.1): its name is device_authorization, its path
// /oauth/device_authorization. A client authenticates there as at the token endpoint, and gets the two codes. Scopes and
// resources that it may not have are refused at once, as invalid_scope and invalid_target.
func (g *DeviceCode) Authorization() avouch.Endpoint {
	return avouch.Endpoint{
		Name: "device_authorization", Path: "/oauth/device_authorization", Member: "device_authorization_endpoint",
		Answer: g.begin,
	}
}

// begin answers a device that wants codes. Nothing is kept before everything is spent.
func (g *DeviceCode) begin(ctx context.Context, req *avouch.Request) (*avouch.Answer, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if !slices.Contains(req.Client.Grants, DeviceCodeType) {
		return nil, &avouch.Error{Code: avouch.UnauthorizedClient, Description: "the client may not use the device code grant"}
	}
	scopes, resources, err := req.Wants(req.Client)
	if err != nil {
		return nil, err
	}
	if err := g.begunBy.take(req, g.PerAddress); err != nil {
		return nil, err
	}
	lifetime := orDefault(g.Lifetime, defaultDeviceLife).Truncate(time.Second)
	page := strings.TrimSuffix(req.Issuer, "/") + verificationPath
	body := &deviceAnswer{
		VerificationURI: page, ExpiresIn: int64(lifetime / time.Second),
		Interval: int64(orDefault(g.Interval, defaultDeviceDelay) / time.Second),
	}
	return &avouch.Answer{Body: body, Record: func(ctx context.Context) error {
		var err error
		body.DeviceCode, body.UserCode, err = g.newCodes(ctx, req.Server().Handles(), req.Now, &deviceRecord{
			Client: req.Client.ID, Scopes: scopes, Resources: resources, Expires: req.Now.Add(lifetime),
		})
		body.VerificationURIComplete = page + "?user_code=" + body.UserCode
		return err
	}}, nil
}

// newCodes keeps a record under a new device code, and a new user code that leads to it.
func (g *DeviceCode) newCodes(ctx context.Context, store handle.Store, now time.Time, d *deviceRecord) (deviceCode, userCode string, err error) {
	data, err := json.Marshal(d)
	if err != nil {
		return "", "", err
	}
	deviceCode, digest := handle.New()
	if err := store.PutHandle(ctx, now, &handle.Record{
		Kind: kindDeviceCode, Digest: digest, Data: data, Expires: d.Expires.Add(deviceGrace),
	}); err != nil {
		return "", "", cannotTell(err)
	}
	for range 8 { // of 2^34 codes nearly all are free, so that a second try is rare
		code := newUserCode()
		err = store.PutHandle(ctx, now, &handle.Record{
			Kind: kindUserCode, Digest: handle.Digest(code), Data: digest[:], Expires: d.Expires,
		})
		if err == nil {
			return deviceCode, shownUserCode(code), nil
		}
		if !errors.Is(err, handle.ErrExists) {
			break
		}
	}
	return "", "", cannotTell(err)
}
