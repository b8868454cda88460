package client

import (
	"fmt"

	"github.com/avouch-oauth/avouch/internal/strictjson"
	"github.com/avouch-oauth/avouch/keys"
)

// maxKeyFile bounds a key file: an RSA-4096 key in a Google-style file takes about 4 KiB.
const maxKeyFile = 64 << 10

// ReadKey reads a private key from a file: PEM (PKCS#8, PKCS#1, SEC 1), a private JWK, or the key in a Google-style JSON
// key file.
func ReadKey(path string) (*keys.Private, error) {
	text, err := readFile(path, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("client: no key: %w", err)
	}
	key, err := keys.ParsePrivate(text)
	if err != nil {
		return nil, fmt.Errorf("client: no key in %s: %w", path, err)
	}
	return key, nil
}

// JWTBearerFromKeyFile reads a Google-style JSON key file, which says all a client needs: who it is (client_email), its
// private key and the key's id, and the token endpoint (token_uri). The grant is made as Google's own clients make it:
// the token endpoint is the assertion's audience, the scopes are a claim, and nobody is meant unless Subject is set.
// Fields may be changed before it is used.
func JWTBearerFromKeyFile(path string, scopes ...string) (JWTBearer, error) {
	text, err := readFile(path, maxKeyFile)
	if err != nil {
		return JWTBearer{}, fmt.Errorf("client: no key file: %w", err)
	}
	file, err := strictjson.Parse(text)
	if err != nil {
		return JWTBearer{}, fmt.Errorf("client: %s is no Google-style key file: %w", path, err)
	}
	email, _ := file.Get("client_email").Text()
	tokenURL, _ := file.Get("token_uri").Text()
	if kind, _ := file.Get("type").Text(); kind != "service_account" || email == "" || tokenURL == "" {
		return JWTBearer{}, fmt.Errorf("client: %s is no Google-style key file: it needs type service_account, client_email and token_uri; for a bare key use ReadKey", path)
	}
	key, err := keys.ParsePrivate(text)
	if err != nil {
		return JWTBearer{}, fmt.Errorf("client: no key in %s: %w", path, err)
	}
	return JWTBearer{
		TokenURL:        tokenURL,
		Key:             key,
		AssertionIssuer: email,
		Audience:        AudienceTokenEndpoint,
		Scopes:          scopes,
		ScopeClaim:      true,
	}, nil
}
