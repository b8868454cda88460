package clientauth

import (
	"context"

	"github.com/avouch-oauth/avouch"
)

// None stands for public clients, which have no credentials and only name themselves (RFC 6749 §2.1). Only a client
// that is registered for "none" passes.
type None struct{}

// Method returns "none".
func (None) Method() string { return "none" }

// Presented implements avouch.ClientAuth.
func (None) Presented(req *avouch.Request) bool { return req.NamedClient() != "" }

// Authenticate implements avouch.ClientAuth.
func (None) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	client, err := req.FindClient(ctx, req.NamedClient())
	if err != nil {
		return nil, err
	}
	if client == nil || client.AuthMethod != "none" {
		return nil, failed("no client that is registered for none has this id")
	}
	return &avouch.Authentication{Client: client}, nil
}

// Suppose implements avouch.DryAuth: it is Authenticate, because there is no secret to be tried.
func (n None) Suppose(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	return n.Authenticate(ctx, req)
}
