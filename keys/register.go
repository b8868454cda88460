package keys

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// ParsePublic reads what somebody registers as his public keys: a JWK, a JWK set, PEM public keys or PEM
// certificates. It is strict: one bad member refuses the whole, and private or symmetric material is refused with an
// error that wraps [ErrPrivate]. A key without kid gets its thumbprint as one. So is a key that never verifies
// ("use": "enc"), one that stands there twice, and a kid that two keys share. A certificate gives its key, its
// thumbprints and its dates; nobody who signed it is asked.
func ParsePublic(data []byte) ([]Public, error) {
	if len(data) > maxSetBytes {
		return nil, fmt.Errorf("keys: %d bytes; %d are the limit", len(data), maxSetBytes)
	}
	var keys []Public
	var err error
	switch text := bytes.TrimSpace(data); {
	case len(text) == 0:
		return nil, errors.New("keys: there is nothing; give a JWK, a JWK set, or PEM")
	case text[0] == '{':
		keys, err = parsePublicJSON(text)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		keys, err = parsePublicPEM(text)
	default:
		return nil, errors.New("keys: neither JSON nor PEM; give a JWK, a JWK set, PEM public keys or PEM certificates")
	}
	if err == nil {
		err = checkRegistration(keys)
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func parsePublicJSON(text []byte) ([]Public, error) {
	o, err := strictjson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if o.Get("private_key").Kind() != strictjson.Absent {
		return nil, fmt.Errorf("%w: this is a key file with a private key, which its owner keeps", ErrPrivate)
	}
	if o.Get("keys").Kind() == strictjson.Absent {
		p, err := readJWK(&o)
		if err != nil {
			return nil, fmt.Errorf("keys: the JWK: %w", err)
		}
		return []Public{p}, nil
	}
	members, err := setMembers(&o)
	if err != nil {
		return nil, err
	}
	keys := make([]Public, len(members))
	for i, member := range members {
		if keys[i], err = readMember(member); err != nil {
			return nil, fmt.Errorf("keys: member %d of the set%s: %w", i+1, kidOf(member), err)
		}
	}
	return keys, nil
}

// checkRegistration completes keys and refuses what nobody means to register.
func checkRegistration(keys []Public) error {
	if len(keys) == 0 {
		return errors.New("keys: the set has no keys")
	}
	if len(keys) > maxSetKeys {
		return fmt.Errorf("keys: more than %d keys", maxSetKeys)
	}
	prints, ids := make(map[string]int, len(keys)), make(map[string]int, len(keys))
	for i := range keys {
		p := &keys[i]
		print := p.Thumbprint()
		if p.ID == "" {
			p.ID = print
		}
		switch {
		case p.Algorithm != "" && !p.Algorithm.signsWith(p.Key):
			return fmt.Errorf("keys: key %d (kid %+.64q) is %s, and its alg is %+.32q", i+1, p.ID, describe(p.Key), p.Algorithm)
		case p.purpose() != fits:
			return fmt.Errorf(`keys: key %d (kid %+.64q) is not for verifying: "use" must be "sig", and "key_ops" must have "verify", where they are there`, i+1, p.ID)
		case prints[print] != 0:
			return fmt.Errorf("keys: keys %d and %d are the same key", prints[print], i+1)
		case ids[p.ID] != 0:
			return fmt.Errorf("keys: keys %d and %d have the same kid %+.64q", ids[p.ID], i+1, p.ID)
		}
		prints[print], ids[p.ID] = i+1, i+1
	}
	return nil
}
