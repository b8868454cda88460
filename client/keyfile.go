package client

import (
	"fmt"

	"github.com/avouch-oauth/avouch/keys"
)

// maxKeyFile bounds a key file: an RSA key of 4096 bits takes about 4 KiB.
const maxKeyFile = 64 << 10

// JWTBearerFromKeyFile reads a Google-style JSON key file, which says all that a client needs: who it is
// (client_email), its private key and the key's id, and the token endpoint (token_uri). The grant is made as Google's own
// clients make it: the token endpoint is the assertion's audience, the scopes are a claim, and nobody is meant unless
// Subject is set. Fields may be changed before it is used. For a file with nothing but a key see [keys.LoadPrivate].
func JWTBearerFromKeyFile(path string, scopes ...string) (JWTBearer, error) {
	text, err := readFile(path, maxKeyFile)
	if err != nil {
		return JWTBearer{}, fmt.Errorf("client: no key file: %w", err)
	}
	file, err := keys.ParseKeyFile(text)
	if err != nil {
		return JWTBearer{}, fmt.Errorf("client: %s: %w", path, err)
	}
	return JWTBearer{
		TokenURL:        file.TokenURL,
		Key:             file.Key,
		AssertionIssuer: file.ClientID,
		Audience:        AudienceTokenEndpoint,
		Scopes:          scopes,
		ScopeClaim:      true,
	}, nil
}
