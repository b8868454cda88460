package avouch

import (
	"context"
	"errors"
)

// errDryRun keeps a request that nobody has sent from authenticating anybody.
var errDryRun = errors.New("a request of Server.Request is for a dry run and authenticates no client; ask Decide about it")

// suppose is Authenticate of a dry run: no secret is compared and no attempt counted. Credentials that only a secret could
// prove are taken as the client's that they claim to be of, and said not to have been tried.
func (s *Server) suppose(ctx context.Context, req *Request) (*Authentication, error) {
	method, err := s.method(ctx, req)
	if err != nil {
		return nil, err
	}
	if method == nil {
		return supposed(req.Client)
	}
	dry, ok := method.(DryAuth)
	if !ok {
		return s.supposeNamed(ctx, req, method)
	}
	found, err := dry.Suppose(ctx, req)
	return s.accept(req, method, found, err)
}

// supposed is the client that the dry run is asked to take as authenticated, nil if it is asked for none.
func supposed(client *Client) (*Authentication, error) {
	switch {
	case client == nil:
		return nil, nil
	case client.Disabled:
		return nil, notAuthenticated("the client is disabled")
	}
	return &Authentication{Client: client, Method: client.method(), Untried: true}, nil
}

// supposeNamed takes the client that the request names.
func (s *Server) supposeNamed(ctx context.Context, req *Request, method ClientAuth) (*Authentication, error) {
	named := req.NamedClient()
	if named == "" {
		return nil, notAuthenticated("a dry run does not try the credentials of " + method.Method() + ", and the request does not name its client: add client_id")
	}
	client, err := s.FindClient(ctx, named)
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, notAuthenticated("no client has the id that the request names")
	}
	return s.accept(req, method, &Authentication{Client: client, Untried: true}, nil)
}
