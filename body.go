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
	buf := s.buffers.Get().(*[usualForm]byte)
	defer s.buffers.Put(buf)
	read, err := readAll(http.MaxBytesReader(w, r.Body, maxForm), buf[:])
	body := string(read)
	clear(read) // it held credentials
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

// readAll reads r to its end, into buf or, where that is too small, a larger one.
func readAll(r io.Reader, buf []byte) (read []byte, err error) {
	for n := 0; n <= maxForm; {
		if n == len(buf) {
			larger := make([]byte, min(2*n, maxForm+1))
			copy(larger, buf)
			clear(buf)
			buf = larger
		}
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			return buf[:n], nil
		}
		if err != nil {
			return buf[:n], err
		}
	}
	return buf, &http.MaxBytesError{Limit: maxForm}
}
