package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/metadata"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// GitHubActions asks the runner of a GitHub Actions job for an ID token made for audience, usually the issuer
// identifier of the authorization server. The job needs "permissions: id-token: write"; the runner's address is in its
// environment. See [oauth2.HTTPClient] for who sends the request.
func GitHubActions(audience string) AssertionSource {
	return func(ctx context.Context) (string, error) {
		address, secret := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
		if address == "" || secret == "" {
			return "", errors.New("this is no GitHub Actions job that may have ID tokens: give it \"permissions: id-token: write\"")
		}
		u, err := url.Parse(address)
		if err != nil {
			return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
		}
		query := u.Query()
		query.Set("audience", audience)
		u.RawQuery = query.Encode()
		return askRunner(ctx, u, secret)
	}
}

func askRunner(ctx context.Context, u *url.URL, secret string) (string, error) {
	if err := metadata.CheckConfidential(u); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Accept", "application/json")
	resp, err := tokenClient(ctx).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 2*assertion.MaxSize))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the runner answers %s when asked for an ID token", resp.Status)
	}
	object, err := strictjson.Parse(body)
	if err != nil {
		return "", fmt.Errorf("the runner's answer is not acceptable JSON: %w", err)
	}
	token, ok := object.Get("value").Text()
	if !ok {
		return "", errors.New("the runner's answer has no ID token")
	}
	return token, nil
}
