package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/avouch-oauth/avouch/assertion"
)

// AssertionSource gives an assertion that somebody else has signed, such as the platform the program runs on. It is
// asked each time an assertion is to be sent, so it may give the same one again or a newer one. It must heed ctx, and
// may be called by several goroutines at once.
type AssertionSource func(ctx context.Context) (string, error)

// AssertionFile reads assertions from a file, anew each time: the platform replaces the file's content before it
// expires (projected service account tokens of Kubernetes, SPIFFE helpers, cloud identity agents). White space around
// the token is dropped. A file that is longer than 16 KiB, or is no regular file once links are followed, is refused.
func AssertionFile(path string) AssertionSource {
	return func(context.Context) (string, error) {
		text, err := readFile(path, assertion.MaxSize)
		if err != nil {
			return "", err
		}
		token := strings.TrimSpace(string(text))
		if err := wellFormed(token); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		return token, nil
	}
}

// ready asks a source and makes sure that what is sent is a JWT, not a file name or an error page. What it holds is for
// the server to judge.
func ready(ctx context.Context, source AssertionSource) (string, error) {
	token, err := source(ctx)
	if err != nil {
		return "", fmt.Errorf("no assertion: %w", err)
	}
	if err := wellFormed(token); err != nil {
		return "", fmt.Errorf("no assertion: %w", err)
	}
	return token, nil
}

var errNotJWT = errors.New("what it holds is not a signed JWT: three parts of base64url, joined by dots")

// wellFormed looks at the form of a compact JWS (RFC 7515 §7.1). Its error never shows the text.
func wellFormed(token string) error {
	if len(token) > assertion.MaxSize {
		return fmt.Errorf("it is longer than %d bytes", assertion.MaxSize)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errNotJWT
	}
	for _, part := range parts {
		if part == "" || strings.ContainsFunc(part, notBase64URL) {
			return errNotJWT
		}
	}
	return nil
}

func notBase64URL(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// readFile reads a file that somebody else replaces at will: a pipe put in its place cannot hang us, a huge file
// cannot fill our memory.
func readFile(path string, limit int) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return text, nil
}
