package assertion

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/jsonwrite"
	"github.com/avouch-oauth/avouch/keys"
)

// Claims are what a signer says. Sign fills in what is needed and left unset.
type Claims struct {
	Issuer   string // iss; required
	Subject  string // sub; left out where ""
	Audience string // aud, the one server it is for; required
	ID       string // jti; "" means a fresh random one of 128 bits or more
	IssuedAt time.Time
	Lifetime time.Duration  // exp − iat, rounded up to a second; zero means 60 s
	Type     string         // typ of the header; "" means "JWT"; a client assertion has "client-authentication+jwt" (RFC 10070 §4)
	More     map[string]any // further claims; a registered name among them is an error
}

// Sign makes a signed assertion in one call (RFC 7523 §3). IssuedAt zero means time.Now. The header names the key by
// its ID.
func Sign(c Claims, key *keys.Private) (string, error) {
	if key == nil || key.ID == "" {
		return "", errors.New("assertion: a key to sign with needs an ID for the kid header; keys.NewPrivate gives it one")
	}
	header, claims, err := c.marshal(key.Algorithm, key.ID)
	if err != nil {
		return "", err
	}
	token, err := jose.AppendSigned(nil, header, claims, string(key.Algorithm), key.Signer)
	return string(token), err
}

// SignMAC is Sign with a shared secret, for client_secret_jwt.
func SignMAC(c Claims, alg keys.Algorithm, secret []byte) (string, error) {
	header, claims, err := c.marshal(alg, "")
	if err != nil {
		return "", err
	}
	token, err := jose.AppendMAC(nil, header, claims, string(alg), secret)
	return string(token), err
}

// marshal writes header and claims as JSON.
func (c *Claims) marshal(alg keys.Algorithm, kid string) (header, claims []byte, err error) {
	if err := c.validate(kid); err != nil {
		return nil, nil, err
	}
	typ := c.Type
	if typ == "" {
		typ = typeJWT
	}
	header = member(make([]byte, 0, 128), "alg", string(alg))
	header = member(header, "typ", typ)
	if kid != "" {
		header = member(header, "kid", kid)
	}
	header = append(header, '}')

	iat := c.IssuedAt
	if iat.IsZero() {
		iat = time.Now()
	}
	life := c.Lifetime
	if life == 0 {
		life = time.Minute
	}
	id := c.ID
	if id == "" {
		id = rand.Text()
	}
	claims = member(make([]byte, 0, 256), "iss", c.Issuer)
	if c.Subject != "" {
		claims = member(claims, "sub", c.Subject)
	}
	claims = member(claims, "aud", c.Audience)
	claims = fmt.Appendf(claims, `,"exp":%d,"iat":%d`, iat.Unix()+int64((life+time.Second-1)/time.Second), iat.Unix())
	claims = member(claims, "jti", id)
	if len(c.More) == 0 {
		return header, append(claims, '}'), nil
	}
	more, err := json.Marshal(c.More)
	if err != nil {
		return nil, nil, fmt.Errorf("assertion: further claims: %w", err)
	}
	return header, append(append(claims, ','), more[1:]...), nil
}

func (c *Claims) validate(kid string) error {
	switch {
	case c.Issuer == "":
		return errors.New("assertion: Issuer (iss) is required")
	case c.Audience == "":
		return errors.New("assertion: Audience (aud) is required: the issuer identifier of the server it is for")
	case c.Lifetime < 0:
		return fmt.Errorf("assertion: Lifetime %s is negative", c.Lifetime)
	case c.Lifetime > maxLifetime:
		return fmt.Errorf("assertion: Lifetime %s is longer than a year", c.Lifetime)
	case len(c.ID) > maxID:
		return fmt.Errorf("assertion: ID (jti) is longer than %d bytes", maxID)
	}
	for _, s := range [...]string{c.Issuer, c.Subject, c.Audience, c.ID, c.Type, kid} {
		if !utf8.ValidString(s) {
			return errors.New("assertion: a claim or the kid is not valid UTF-8")
		}
	}
	for name := range c.More {
		switch name {
		case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
			return fmt.Errorf("assertion: %q among further claims: it is set by a field of its own", name)
		}
	}
	return nil
}

// member appends one string member to a JSON object that has begun, or begins it.
func member(object []byte, name, value string) []byte {
	if len(object) == 0 {
		object = append(object, '{')
	} else {
		object = append(object, ',')
	}
	object = append(jsonwrite.String(object, name), ':')
	return jsonwrite.String(object, value)
}
