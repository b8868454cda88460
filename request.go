package avouch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is a request to an endpoint that authenticates clients, its form already checked: UTF-8, no parameter
// twice, parameters without a value left out (RFC 6749 §3.2). The server makes it; [Server.Request] makes one without
// HTTP, for dry runs.
type Request struct {
	Issuer   string    // the server's issuer identifier
	TokenURL string    // the server's token endpoint
	Endpoint string    // the endpoint that was called, as configured; TokenURL at the token endpoint
	Now      time.Time // when the request had been read

	// Client is the authenticated client; nil while it is being authenticated, and where a grant may do without.
	Client *Client

	HTTP *http.Request // headers, TLS state, remote address; the body is consumed. Nil in a dry run.

	form   form
	auth   authorization
	server *Server // that the request was made to
	dry    bool
}

// Server is the server that the request was made to: its lookups, its store, what it says of what still stands.
func (r *Request) Server() *Server { return r.server }

// DryRun reports that nothing comes of the request: it is only asked what would. Grants and client authentication methods
// change nothing that lasts in any case, and need not look at it.
func (r *Request) DryRun() bool { return r.dry }

// Param returns a parameter of the form, "" where it is absent.
func (r *Request) Param(name string) string { return r.form.get(name) }

// Params returns every value of a parameter that may be sent several times, in order: resource and audience.
func (r *Request) Params(name string) []string {
	var values []string
	for i := range r.form {
		if r.form[i].name == name {
			values = append(values, r.form[i].value)
		}
	}
	return values
}

// BasicAuth returns the credentials of HTTP Basic authentication, decoded as RFC 6749 §2.3.1 wants it. ok is false
// where there are none.
func (r *Request) BasicAuth() (id, secret string, ok bool) {
	return r.auth.id, r.auth.secret, r.auth.basic
}

// NamedClient returns the client that the request names in its client_id parameter or as the user of Basic
// authentication, "" where it names none. It is a claim and proves nothing.
func (r *Request) NamedClient() string {
	if id := r.Param("client_id"); id != "" {
		return id
	}
	return r.auth.id
}

// withoutCredentials is the request without what everybody knows for credentials of a client: a header, a secret, an
// assertion.
func (r *Request) withoutCredentials() *Request {
	bare := *r
	bare.auth = authorization{}
	bare.form = make(form, 0, len(r.form))
	for _, p := range r.form {
		switch p.name {
		case "client_secret", "client_assertion", "client_assertion_type":
		default:
			bare.form = append(bare.form, p)
		}
	}
	if r.auth.sent && r.HTTP != nil {
		h := *r.HTTP
		h.Header = h.Header.Clone()
		h.Header.Del("Authorization")
		bare.HTTP = &h
	}
	return &bare
}

// FindClient is [Server.FindClient] of the server that the request was made to.
func (r *Request) FindClient(ctx context.Context, id string) (*Client, error) {
	return r.server.FindClient(ctx, id)
}

// SubjectDisabled is [Server.SubjectDisabled] of the server that the request was made to.
func (r *Request) SubjectDisabled(ctx context.Context, subject string) (bool, error) {
	return r.server.SubjectDisabled(ctx, subject)
}

// Request makes a request to the token endpoint as it would come at now, without HTTP, for a dry run: see
// [Server.Decide] and the Explain methods of grants and client authentication methods. It refuses a form that the
// endpoint would refuse.
//
// Set Client to ask what would come of it if that client had authenticated by credentials that are not in the form, such
// as those of an Authorization header.
func (s *Server) Request(form url.Values, now time.Time) (*Request, error) {
	req := s.newRequest(now)
	req.dry = true
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			if value == "" {
				continue
			}
			if err := checkText(name, value); err != nil {
				return nil, malformed(err)
			}
			f, err := req.form.add(name, value)
			if err != nil {
				return nil, malformed(err)
			}
			req.form = f
		}
	}
	return &req, nil
}

func (s *Server) newRequest(now time.Time) Request {
	return Request{Issuer: s.issuer, TokenURL: s.tokenURL, Endpoint: s.tokenURL, Now: now, server: s}
}

// readRequest checks the outside of a request and reads its form into req. An error is an [*Error].
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, req *Request) error {
	*req = s.newRequest(time.Now())
	req.HTTP = r

	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &Error{Code: InvalidRequest, Status: http.StatusMethodNotAllowed, Description: "this endpoint takes POST only"}
	}
	switch header := r.Header["Authorization"]; len(header) {
	case 0:
	case 1:
		req.auth = parseAuthorization(header[0])
	default:
		return refuse(InvalidRequest, "there is more than one Authorization header", nil)
	}
	if r.URL.RawQuery != "" && credentialInQuery(r.URL.RawQuery) {
		return refuse(InvalidRequest, "credentials and tokens belong into the body of the request, never into its URL", nil)
	}
	if !formContent(r.Header["Content-Type"]) {
		return refuse(InvalidRequest, "the content type must be application/x-www-form-urlencoded", nil)
	}
	if len(r.Header["Content-Encoding"]) > 0 {
		return refuse(InvalidRequest, "the body must be sent without a content encoding", nil)
	}
	body, err := s.readBody(w, r)
	if err != nil {
		return err
	}
	req.Now = time.Now() // what expires while a slow body is on its way has expired
	if req.form, err = parseForm(body); err != nil {
		return malformed(err)
	}
	return nil
}

// formContent reports whether a content type is that of a form, with or without parameters such as a charset.
func formContent(header []string) bool {
	if len(header) != 1 {
		return false
	}
	mediaType, _, _ := strings.Cut(header[0], ";")
	return strings.EqualFold(strings.Trim(mediaType, " \t"), "application/x-www-form-urlencoded")
}

func checkText(name, value string) error {
	for _, s := range [...]string{name, value} {
		if !validText(s) {
			return errFormText
		}
	}
	return nil
}

// malformed is the refusal of a form that cannot be read.
func malformed(err error) *Error {
	if twice, ok := errors.AsType[duplicateError](err); ok {
		return refuse(InvalidRequest, "the parameter "+clip(string(twice), 64)+" is there more than once", nil)
	}
	return refuse(InvalidRequest, "the form is malformed: "+err.Error(), nil)
}
