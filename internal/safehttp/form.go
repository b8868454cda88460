package safehttp

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

// errTooLong ends the reading of an answer.
var errTooLong = errors.New("safehttp: the answer is longer than 1 MiB")

// post sends a form, and no header but those that a form needs.
func (g *guard) post(req *http.Request) (*http.Response, error) {
	media, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err == nil && media != "application/x-www-form-urlencoded" {
		err = errors.New("safehttp: nothing but forms is posted")
	}
	if err == nil {
		err = g.options.check(req.URL)
	}
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	clean := req.Clone(req.Context())
	clean.Host = ""
	clean.Header = http.Header{
		"User-Agent":      {agent},
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
		"Content-Type":    {"application/x-www-form-urlencoded"},
	}
	if value := req.Header.Get("Authorization"); value != "" {
		clean.Header.Set("Authorization", value)
	}
	return g.send(clean)
}

// bounded is the body of an answer that fails after so many bytes, however much its reader would take.
type bounded struct {
	io.ReadCloser
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
