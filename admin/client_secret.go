package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// minSecret is the size of the smallest secret, in bytes; maxSecrets is how many a client may have.
const (
	minSecret  = 32
	maxSecrets = 10
)

// ClientSecret is one shared secret of a client, without the secret.
type ClientSecret struct {
	ID      string    `json:"id"`
	Label   string    `json:"label,omitempty"`
	Sealed  bool      `json:"sealed,omitempty"` // kept encrypted, for client_secret_jwt, rather than as a hash
	Expires time.Time `json:"expires,omitzero"`
	Created time.Time `json:"created"`
}

// SecretInput is a secret that the caller has chosen. It never appears in logs.
type SecretInput struct {
	Value []byte // 32 bytes or more, printable ASCII (RFC 6749 appendix A.2)
}

// LogValue hides the secret.
func (SecretInput) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the secret.
func (SecretInput) String() string { return hidden }

// AddSecretInput is a secret to add to a client.
type AddSecretInput struct {
	Label   string
	Secret  *SecretInput // nil: one is made
	Expires time.Time    // of the new secret; zero: never
	// Overlap, where positive, ends all other secrets of the client after this time: a rotation. Negative ends them
	// at once. Zero leaves them.
	Overlap time.Duration
}

// AddSecretResult is the new secret; Value is set where it was made here, and is shown this once.
type AddSecretResult struct {
	ClientSecret
	Value string `json:"client_secret,omitempty"`
}

// AddClientSecret adds a secret to a client that authenticates by one. It is kept as a SHA-256 hash, or encrypted for
// a client that uses client_secret_jwt.
func (a *Admin) AddClientSecret(ctx context.Context, client string, in AddSecretInput) (*AddSecretResult, error) {
	if err := a.may("client_secret.add"); err != nil {
		return nil, err
	}
	generated, secret := "", in.Secret
	if secret == nil {
		generated = generateSecret()
		secret = &SecretInput{Value: []byte(generated)}
	}
	var added storage.ClientSecret
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.client(ctx, client)
		if err != nil {
			return err
		}
		switch {
		case in.Overlap < 0:
			c.Secrets = nil
		case in.Overlap > 0:
			for i := range c.Secrets {
				c.Secrets[i].Expires = earlier(c.Secrets[i].Expires, kept(t.now.Add(in.Overlap)))
			}
		}
		c.Secrets = slices.DeleteFunc(c.Secrets, func(s storage.ClientSecret) bool { return expired(s.Expires, t.now) })
		var found faults
		f := field{&found, ""}
		if err := t.addSecret(ctx, f.in("secret"), c, *secret, in.Label, kept(in.Expires)); err != nil {
			return err
		}
		t.checkCredentials(f, c)
		if err := found.err("client", client); err != nil {
			return err
		}
		added = c.Secrets[len(c.Secrets)-1]
		return t.putClient(ctx, "client_secret.add", added.ID, c)
	})
	if err != nil {
		return nil, err
	}
	return &AddSecretResult{ClientSecret: secretView(&added), Value: generated}, nil
}

// addSecret appends a secret to a client that is about to be put. The error is for what is not the input's fault.
func (t *tx) addSecret(ctx context.Context, f field, c *storage.Client, secret SecretInput, label string, expires time.Time) error {
	method := authMethod(c)
	if !usesSecret(method) {
		f.fault("the client authenticates by %s, which uses no secret", method)
		return nil
	}
	f.in("label").text(label, 200)
	f.secret(secret.Value)
	if expired(expires, t.now) {
		f.in("expires").fault("it is past")
	}
	if len(c.Secrets) >= maxSecrets {
		f.fault("the client has %d secrets, which is the most; remove one", maxSecrets)
	}
	s := storage.ClientSecret{ID: strings.ToLower(rand.Text()[:12]), Label: label, Expires: kept(expires), Created: t.now}
	if method == methodSecretJWT {
		if err := t.checkSealer(ctx); err != nil {
			return err
		}
		sealed, err := t.sealer.seal(place{tableClientSecret, c.ID, s.ID}, secret.Value)
		if err != nil {
			return err
		}
		s.Sealed = sealed
	} else {
		hash := sha256.Sum256(secret.Value)
		for i := range c.Secrets {
			if subtle.ConstantTimeCompare(c.Secrets[i].SHA256, hash[:]) == 1 {
				f.fault("the client has this secret already")
			}
		}
		s.SHA256 = hash[:]
	}
	c.Secrets = append(c.Secrets, s)
	return nil
}

// secret checks a secret that somebody has chosen. What is wrong is told without the secret.
func (f field) secret(value []byte) {
	switch {
	case len(value) < minSecret:
		f.fault("it has %d bytes; %d is the least, because nobody guards a secret against guessing but its length", len(value), minSecret)
	case len(value) > 512:
		f.fault("it has %d bytes; 512 is the most", len(value))
	case !secretCharacters(value):
		f.fault("it has characters other than printable ASCII (RFC 6749 appendix A.2); a line end, perhaps")
	case fewDifferent(value):
		f.fault("it repeats a few characters; let one be made")
	}
}

func secretCharacters(value []byte) bool {
	for _, b := range value {
		if b < 0x20 || b > 0x7e {
			return false
		}
	}
	return true
}

// fewDifferent recognises what people type to try something out.
func fewDifferent(value []byte) bool {
	var seen [256]bool
	n := 0
	for _, b := range value {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n < 8
}

// RemoveClientSecret ends a secret at once.
func (a *Admin) RemoveClientSecret(ctx context.Context, client, id string) error {
	if err := a.may("client_secret.remove"); err != nil {
		return err
	}
	return a.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.client(ctx, client)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(c.Secrets, func(s storage.ClientSecret) bool { return s.ID == id })
		if i < 0 {
			return &Error{Code: NotFound, Kind: "client secret", ID: id, Reason: fmt.Sprintf("client %q has no secret of this id", client)}
		}
		c.Secrets = slices.Delete(c.Secrets, i, i+1)
		return t.putClient(ctx, "client_secret.remove", id, c)
	})
}

// generateSecret makes a secret of 32 random bytes, as 43 characters.
func generateSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func expired(end, at time.Time) bool { return !end.IsZero() && !end.After(at) }

func secretView(s *storage.ClientSecret) ClientSecret {
	return ClientSecret{ID: s.ID, Label: s.Label, Sealed: len(s.Sealed) > 0, Expires: s.Expires, Created: s.Created}
}

// secretLife is what changes record of a secret, besides its id.
func secretLife(s *storage.ClientSecret) any {
	return struct {
		Label   string    `json:"label,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
	}{s.Label, s.Expires}
}
