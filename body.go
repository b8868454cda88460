package avouch

import (
	"errors"
	"io"
	"net/http"
	"os"
)

var errTooLarge = &Error{
	Code: InvalidRequest, Status: http.StatusRequestEntityTooLarge,
	Description: "the form is longer than 64 KiB",
}

// readBody reads a form of at most maxForm bytes. Its error is an [*Error].
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.ContentLength > maxForm {
		return "", errTooLarge
	}
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	n, err := readAll(http.MaxBytesReader(w, r.Body, maxForm), *buf)
	body := string((*buf)[:n])
	clear((*buf)[:n]) // it held credentials
	if err != nil {
		return "", unreadable(err)
	}
	return body, nil
}

func unreadable(err error) *Error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return errTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Error{Code: InvalidRequest, Status: http.StatusRequestTimeout, Description: "the form did not come in time", Err: err}
	}
	return refuse(InvalidRequest, "the form could not be read to its end", err)
}

// readAll reads r to its end into buf, which is large enough.
func readAll(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, &http.MaxBytesError{Limit: maxForm}
}
