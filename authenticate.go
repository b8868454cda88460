package avouch

import (
	"context"
	"errors"
	"strings"
)

// Authenticate finds out which client makes a request, and puts it into req.Client. Every endpoint that authenticates
// clients uses it. It returns nil, nil where the request carries no credentials; a client_id alone is none, unless the
// client is registered for the method "none". It spends nothing: what it returns in Uses is spent with the rest.
//
// Every refusal of credentials has one text for the caller, so that nobody can ask which clients exist.
func (s *Server) Authenticate(ctx context.Context, req *Request) (*Authentication, error) {
	if req.dry {
		return nil, errDryRun
	}
	method, err := s.method(ctx, req)
	if method == nil || err != nil {
		return nil, err
	}
	found, err := method.Authenticate(ctx, req)
	if err != nil {
		return nil, counted(err)
	}
	if found != nil && found.Count != nil {
		if refusal := found.Count(); refusal != nil {
			return nil, refusal
		}
	}
	return s.accept(req, method, found, nil)
}

// method returns the method whose credentials the request carries, nil if it carries none: "none" is asked last, of a
// client that is registered for it.
func (s *Server) method(ctx context.Context, req *Request) (ClientAuth, error) {
	method, err := s.presented(req)
	if method != nil || err != nil {
		return method, err
	}
	return s.public(ctx, req)
}

// accept checks what is true of every method, and puts the client into the request.
func (s *Server) accept(req *Request, method ClientAuth, found *Authentication, err error) (*Authentication, error) {
	if err != nil {
		return nil, err
	}
	if found == nil || found.Client == nil {
		return nil, errors.New("client authentication method " + method.Method() + " returned neither a client nor an error")
	}
	a := *found // which may be the same one for every request
	a.Method, a.Count = method.Method(), nil
	named := req.Param("client_id")
	switch {
	case a.Client.method() != a.Method:
		return nil, notAuthenticated("the client is registered for " + clip(a.Client.method(), 64) + ", not for " + a.Method)
	case a.Client.Disabled:
		return nil, notAuthenticated("the client is disabled")
	case named != "" && named != a.Client.ID:
		return nil, notAuthenticated("the client_id parameter names another client than the one that authenticated")
	case req.auth.basic && req.auth.id != a.Client.ID:
		return nil, notAuthenticated("the Authorization header names another client than the one that authenticated")
	}
	req.Client = a.Client
	return &a, nil
}

// presented returns the method whose credentials the request carries, nil where it carries none.
func (s *Server) presented(req *Request) (ClientAuth, error) {
	// How many kinds there are is asked of the request first and of the methods then: credentials of a method that is
	// not offered are not to be overlooked.
	inHeader := req.auth.sent && !(req.auth.basic && req.auth.secret == "")
	inSecret := req.Param("client_secret") != ""
	inAssertion := req.Param("client_assertion") != ""
	if inAssertion != (req.Param("client_assertion_type") != "") {
		return nil, refuse(InvalidRequest, "client_assertion and client_assertion_type belong together", nil)
	}
	kinds := count(inHeader, inSecret, inAssertion)

	var found ClientAuth
	methods := 0
	if kinds < 2 {
		for _, m := range s.methods {
			if m.Presented(req) {
				found = m
				methods++
			}
		}
	}
	if kinds == 1 && methods == 1 && found.Presented(req.withoutCredentials()) {
		kinds++ // it found others than those that everybody sees, and would overlook these
	}
	switch {
	case kinds > 1 || methods > 1:
		return nil, refuse(InvalidRequest, "there are credentials of more than one client authentication method; send one", nil)
	case inHeader && !s.reads(req.auth.scheme):
		return nil, notAuthenticated("no client authentication method that is offered reads this scheme of the Authorization header")
	case inHeader && strings.EqualFold(req.auth.scheme, "Basic") && !req.auth.basic:
		return nil, notAuthenticated("the credentials of Basic are malformed: they must be base64 of the form-urlencoded id, a colon and the form-urlencoded secret")
	case kinds > 0 && found == nil:
		return nil, notAuthenticated("no client authentication method that is offered takes these credentials")
	}
	return found, nil
}

// public returns the method "none" where it is offered and the client that is named is registered for it.
func (s *Server) public(ctx context.Context, req *Request) (ClientAuth, error) {
	id, named := req.Param("client_id"), req.auth.id
	if id != "" && named != "" && id != named {
		return nil, notAuthenticated("the client_id parameter names another client than the Authorization header")
	}
	if s.none == nil || !s.none.Presented(req) {
		return nil, nil
	}
	c, err := req.FindClient(ctx, req.NamedClient())
	if err != nil || c == nil || c.method() != s.none.Method() {
		return nil, err
	}
	return s.none, nil
}

// reads reports whether a method that is offered reads an authentication scheme.
func (s *Server) reads(scheme string) bool {
	for _, offered := range s.schemes {
		if strings.EqualFold(offered, scheme) {
			return true
		}
	}
	return false
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
