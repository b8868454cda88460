package safehttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxSize bounds a document. Key sets and metadata have 2 to 20 KiB.
const maxSize = 1 << 20

// Answer is what a server said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // of an answer with status 200; nil otherwise
}

// Get fetches a document. etag is the ETag under which it is known already, "" where it is not: then the answer may
// have status 304 and no body. It follows no redirect and sends no cookie, also with a client that would; other rules
// are the client's. An answer of any status is not an error: see [Answer.Err].
func Get(ctx context.Context, client *http.Client, url, etag string) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	own := *client
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := own.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &Answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Status != http.StatusOK {
		return a, nil
	}
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, fmt.Errorf("%s: the answer comes in Content-Encoding %.32q, which was not asked for", url, coding)
	}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: the answer broke off: %w", url, err)
	}
	if len(a.Body) > maxSize {
		return nil, fmt.Errorf("%s: the answer is longer than %d bytes", url, maxSize)
	}
	return a, nil
}

// Err says in words why an answer is no document; nil for status 200.
func (a *Answer) Err() error {
	switch {
	case a.Status == http.StatusOK:
		return nil
	case a.Status >= 300 && a.Status < 400 && a.Header.Get("Location") != "":
		return fmt.Errorf("status %d, a redirect to %.200q: redirects are not followed, configure the address itself", a.Status, a.Header.Get("Location"))
	}
	return fmt.Errorf("status %d", a.Status)
}
