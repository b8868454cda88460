package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

const (
	// maxAnswer bounds the answer of a token endpoint.
	maxAnswer = 1 << 20
	// maxUnreadable bounds what an error keeps, and prints, of an answer that is not OAuth.
	maxUnreadable = 4 << 10
)

// post sends a token request, once, and reads the answer. A refusal is an [*oauth2.RetrieveError].
func post(ctx context.Context, tokenURL string, form url.Values) (*oauth2.Token, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	asked := time.Now() // the token's life is counted from here: it began no earlier
	resp, err := tokenClient(ctx).Do(req)
	if err != nil {
		return nil, fmt.Errorf("client: no token: %w", err)
	}
	defer resp.Body.Close()
	// The answer goes into errors, and those into logs: the request with its assertion does not.
	resp.Request = &http.Request{Method: http.MethodPost, URL: req.URL}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("client: no token: the answer of %s broke off: %w", tokenURL, err)
	}
	return answer(resp, body, asked)
}

// answer reads a token response (RFC 6749 §5).
func answer(resp *http.Response, body []byte, asked time.Time) (*oauth2.Token, error) {
	failed := resp.StatusCode < 200 || resp.StatusCode > 299
	if len(body) > maxAnswer {
		if failed {
			return nil, &oauth2.RetrieveError{Response: resp, Body: body[:maxUnreadable]}
		}
		return nil, fmt.Errorf("client: the answer of the token endpoint is longer than %d bytes", maxAnswer)
	}
	object, err := strictjson.Parse(body)
	if err != nil {
		if failed {
			return nil, &oauth2.RetrieveError{Response: resp, Body: body[:min(len(body), maxUnreadable)]}
		}
		return nil, fmt.Errorf("client: the answer of the token endpoint is not acceptable JSON: %w", err)
	}
	code, _ := object.Get("error").Text()
	if failed || code != "" {
		refused := &oauth2.RetrieveError{Response: resp, Body: body, ErrorCode: code}
		refused.ErrorDescription, _ = object.Get("error_description").Text()
		refused.ErrorURI, _ = object.Get("error_uri").Text()
		if code == "" { // then x/oauth2 prints the body, which may be long, or hold a token all the same
			refused.Body = body[:min(len(body), maxUnreadable)]
			if object.Get("access_token").Kind() != strictjson.Absent {
				refused.Body = nil
			}
		}
		return nil, refused
	}
	token, err := readToken(&object, body, asked)
	if err != nil {
		return nil, fmt.Errorf("client: the answer of the token endpoint is no token: %w", err)
	}
	return token, nil
}

// RefusalID returns the id under which an Avouch server has recorded why it refused a token: what to give to those who
// run it. It is "" for errors without one.
func RefusalID(err error) string {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return ""
	}
	object, err := strictjson.Parse(refused.Body)
	if err != nil {
		return ""
	}
	id, _ := object.Get("refusal_id").Text()
	return id
}
