package keys

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// KeyFile is a Google-style JSON key file: all that a client needs to sign for itself, in the form of Google's service
// account keys, which client libraries in every language read. They sign with RS256, send ClientID as iss, the private
// key's ID as kid, and post to TokenURL. [MarshalKeyFile] writes one.
type KeyFile struct {
	Key      *Private // "private_key", with "private_key_id" as its ID
	ClientID string   // "client_email"
	TokenURL string   // "token_uri"
	Project  string   // "project_id"; "" where absent
}

// keyFileType is what Google's libraries look for.
const keyFileType = "service_account"

// MarshalKeyFile writes k as a Google-style JSON key file. It must be an RSA key of 2048 bits for RS256: that is what
// the libraries that read such files sign with. clientID is theirs as iss, tokenURL the token endpoint.
func MarshalKeyFile(k *Private, clientID, tokenURL string) ([]byte, error) {
	key, ok := k.Signer.(*rsa.PrivateKey)
	switch {
	case !ok || k.Algorithm != RS256 || key.N.BitLen() != 2048:
		return nil, errors.New("keys: a Google-style key file holds an RSA key of 2048 bits for RS256, and no other; make such a key for it")
	case clientID == "":
		return nil, errors.New("keys: a Google-style key file needs the client id")
	case tokenURL == "":
		return nil, errors.New("keys: a Google-style key file needs the URL of the token endpoint")
	}
	pem, err := k.MarshalPEM()
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(struct {
		Type         string `json:"type"`
		PrivateKeyID string `json:"private_key_id"`
		PrivateKey   string `json:"private_key"`
		ClientEmail  string `json:"client_email"`
		ClientID     string `json:"client_id"`
		TokenURI     string `json:"token_uri"`
	}{keyFileType, k.ID, string(pem), clientID, clientID, tokenURL}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("keys: writing a key file: %w", err)
	}
	return append(out, '\n'), nil
}

// ParseKeyFile reads a Google-style JSON key file. Members it does not know are passed over.
func ParseKeyFile(data []byte) (*KeyFile, error) {
	if len(data) > maxPrivateBytes {
		return nil, fmt.Errorf("keys: a key file of %d bytes; %d are the limit", len(data), maxPrivateBytes)
	}
	o, err := strictjson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("keys: the key file is %w", err)
	}
	return readKeyFile(&o)
}

func readKeyFile(o *strictjson.Object) (*KeyFile, error) {
	if kind, _ := o.Get("type").Text(); kind != keyFileType {
		return nil, fmt.Errorf("keys: a key file of type %+.32q; %q is wanted", kind, keyFileType)
	}
	var f KeyFile
	var key, kid string
	for _, member := range [...]struct {
		name     string
		to       *string
		required bool
	}{
		{"private_key", &key, true}, {"client_email", &f.ClientID, true}, {"token_uri", &f.TokenURL, true},
		{"private_key_id", &kid, false}, {"project_id", &f.Project, false},
	} {
		s, err := optional(o, member.name)
		if err != nil {
			return nil, fmt.Errorf("keys: the key file: %w", err)
		}
		if s == "" && member.required {
			return nil, fmt.Errorf("keys: the key file has no %s", member.name)
		}
		*member.to = s
	}
	signer, err := parsePrivatePEM([]byte(key))
	if err != nil {
		return nil, err
	}
	if _, ok := signer.(*rsa.PrivateKey); !ok {
		return nil, errors.New("keys: the key file holds no RSA key")
	}
	if f.Key, err = NewPrivate(signer, RS256); err != nil {
		return nil, err
	}
	if kid != "" {
		f.Key.ID = kid
	}
	return &f, nil
}
