package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/jsonwrite"
	"github.com/avouch-oauth/avouch/keys"
)

// Signer gives the keys access tokens are signed with. *keys.Private is one that never changes; a ring rotates.
type Signer interface {
	// SigningKey returns the key that signs at now.
	SigningKey(now time.Time) (*keys.Private, error)
	// PublicKeys returns every key that should be published at now: those that sign, will sign, or have signed tokens
	// that may still be alive.
	PublicKeys(now time.Time) *keys.Set
}

// Minter signs access tokens. It is safe for concurrent use.
type Minter struct {
	Key Signer // gives the key that signs; required
}

// Validate reports whether the minter can mint.
func (m *Minter) Validate() error {
	if m == nil || m.Key == nil {
		return errors.New("token: Minter.Key is required")
	}
	return nil
}

// PublicKeys is the JWK set to publish at now.
func (m *Minter) PublicKeys(now time.Time) *keys.Set { return m.Key.PublicKeys(now) }

// Mint signs an access token with header typ "at+jwt". It refuses claims that RFC 9068 §2.2 requires and c lacks. The
// key is the one that signs at c.IssuedAt.
func (m *Minter) Mint(ctx context.Context, c *Claims) (string, error) {
	if err := m.Validate(); err != nil {
		return "", err
	}
	if err := c.Validate(); err != nil {
		return "", err
	}
	key, err := m.Key.SigningKey(c.IssuedAt)
	if err != nil {
		return "", fmt.Errorf("token: no key to sign with: %w", err)
	}
	if key == nil || key.Signer == nil {
		return "", errors.New("token: no key to sign with")
	}
	if key.Algorithm == keys.HS256 || key.Algorithm == keys.HS384 || key.Algorithm == keys.HS512 {
		return "", fmt.Errorf("token: %s needs a secret shared with every API; sign with a key pair", key.Algorithm)
	}

	var room [1024]byte
	header := append(room[:0], `{"typ":"`+typ+`","alg":`...)
	header = jsonwrite.String(header, string(key.Algorithm))
	if key.ID != "" {
		header = append(header, `,"kid":`...)
		header = jsonwrite.String(header, key.ID)
	}
	header = append(header, '}')
	claims, err := c.appendJSON(header[len(header):])
	if err != nil {
		return "", err
	}
	size := (len(header)+len(claims))*4/3 + 128
	raw, err := jose.AppendSigned(make([]byte, 0, size), header, claims, string(key.Algorithm), key.Signer)
	if err != nil {
		return "", fmt.Errorf("token: cannot sign: %w", err)
	}
	return string(raw), nil
}

// Validate reports what RFC 9068 §2.2 requires of an access token to be minted and c lacks, what More must not have, and
// texts that are not valid UTF-8.
func (c *Claims) Validate() error {
	var missing []string
	for _, claim := range [...]struct {
		name   string
		absent bool
	}{
		{"iss", c.Issuer == ""}, {"sub", c.Subject == ""}, {"aud", len(c.Audience) == 0 || slices.Contains(c.Audience, "")},
		{"client_id", c.ClientID == ""}, {"jti", c.ID == ""}, {"iat", c.IssuedAt.IsZero()}, {"exp", c.Expires.IsZero()},
	} {
		if claim.absent {
			missing = append(missing, claim.name)
		}
	}
	if missing != nil {
		return fmt.Errorf("token: an access token needs %s (RFC 9068 §2.2)", strings.Join(missing, ", "))
	}
	if !c.Expires.After(c.IssuedAt) {
		return errors.New("token: an access token must not expire before it is issued")
	}
	// JSON has no place for other bytes: they would be replaced, and two users, or two consents, become one.
	if o := &c.Origin; !validUTF8(c.Issuer, c.Subject, c.ClientID, c.ID, o.Issuer, o.Family) ||
		!validUTF8(c.Audience...) || !validUTF8(c.Scopes...) || !validUTF8(o.KeyIDs...) {
		return errors.New("token: a subject, a family or another text of the claims is not valid UTF-8")
	}
	for name := range c.More {
		if named(name) {
			return fmt.Errorf("token: the claim %q has a field of its own", name)
		}
	}
	return nil
}

// validUTF8 reports whether all of the texts are.
func validUTF8(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) })
}

// appendJSON appends the claims. One audience is a string, several are an array.
func (c *Claims) appendJSON(b []byte) ([]byte, error) {
	b = append(b, `{"iss":`...)
	b = jsonwrite.String(b, c.Issuer)
	b = append(b, `,"sub":`...)
	b = jsonwrite.String(b, c.Subject)
	b = append(b, `,"aud":`...)
	if len(c.Audience) == 1 {
		b = jsonwrite.String(b, c.Audience[0])
	} else {
		b = jsonwrite.Strings(b, c.Audience)
	}
	b = append(b, `,"client_id":`...)
	b = jsonwrite.String(b, c.ClientID)
	if len(c.Scopes) > 0 {
		b = append(b, `,"scope":`...)
		b = jsonwrite.String(b, strings.Join(c.Scopes, " "))
	}
	b = append(b, `,"jti":`...)
	b = jsonwrite.String(b, c.ID)
	b = append(b, `,"iat":`...)
	b = strconv.AppendInt(b, c.IssuedAt.Unix(), 10)
	if !c.NotBefore.IsZero() {
		b = append(b, `,"nbf":`...)
		b = strconv.AppendInt(b, c.NotBefore.Unix(), 10)
	}
	b = append(b, `,"exp":`...)
	b = strconv.AppendInt(b, c.Expires.Unix(), 10)
	b = c.Origin.appendClaim(b)
	if len(c.More) == 0 {
		return append(b, '}'), nil
	}
	names := make([]string, 0, len(c.More))
	for name := range c.More {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value, err := json.Marshal(c.More[name])
		if err != nil {
			return nil, fmt.Errorf("token: claim %q: %w", name, err)
		}
		b = append(b, ',')
		b = jsonwrite.String(b, name)
		b = append(b, ':')
		b = append(b, value...)
	}
	return append(b, '}'), nil
}
