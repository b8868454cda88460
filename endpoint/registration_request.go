package endpoint

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/avouch-oauth/avouch"
)

// maxRegistration is how long the JSON of a registration may be, in bytes.
const maxRegistration = 64 << 10

// only refuses every method but those given.
func only(w http.ResponseWriter, req *http.Request, methods ...string) error {
	for _, m := range methods {
		if req.Method == m {
			return nil
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	return &avouch.Error{
		Code: avouch.InvalidRequest, Status: http.StatusMethodNotAllowed,
		Description: "this endpoint takes " + strings.Join(methods, ", ") + " only",
	}
}

// bearer returns the token of the Authorization header (RFC 6750 §2.1). The error is for the operator.
func bearer(req *http.Request) (string, error) {
	header := req.Header["Authorization"]
	if len(header) != 1 {
		return "", errors.New("there is not one Authorization header")
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("the scheme of the Authorization header is not Bearer")
	}
	token = strings.TrimLeft(token, " ")
	if token == "" || len(token) > 1024 {
		return "", errors.New("the bearer token is empty, or longer than 1024 bytes")
	}
	return token, nil
}

// readJSON reads the body of a request that must be JSON. Whether it is, its reader will see.
func readJSON(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	types := req.Header["Content-Type"]
	mediaType := ""
	if len(types) == 1 {
		mediaType, _, _ = strings.Cut(types[0], ";")
	}
	if !strings.EqualFold(strings.Trim(mediaType, " \t"), "application/json") {
		return nil, malformed("the content type must be application/json", nil)
	}
	if len(req.Header["Content-Encoding"]) > 0 {
		return nil, malformed("the body must be sent without a content encoding", nil)
	}
	tooLarge := &avouch.Error{
		Code: avouch.InvalidRequest, Status: http.StatusRequestEntityTooLarge,
		Description: "the registration is longer than 64 KiB",
	}
	if req.ContentLength > maxRegistration {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRegistration))
	if err == nil {
		return body, nil
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Status: http.StatusRequestTimeout, Description: "the registration did not come in time", Err: err}
	}
	return nil, malformed("the body could not be read to its end", err)
}

func malformed(description string, cause error) error {
	return &avouch.Error{Code: avouch.InvalidRequest, Description: description, Err: cause}
}
