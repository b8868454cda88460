package admin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// sealKeySize is the size of the key of AES-256.
const sealKeySize = 32

// sealVersion is the first byte of everything sealed. What follows it is the nonce, the ciphertext and the tag.
const sealVersion = 1

// Sealer encrypts what must be read again: private signing keys and secrets of client_secret_jwt. It is AES-256-GCM
// with a random nonce; the additional data name the place of the record, so that what is sealed for one place opens in
// no other. Make one with [NewSealer].
type Sealer struct {
	current, previous *sealKey
}

type sealKey struct {
	aead cipher.AEAD
	id   []byte // goes into the additional data: names the key without telling it
}

// place is where something sealed is kept.
type place struct {
	table string // "signing_key", "client_secret"
	row   string // kid, client id
	key   string // kid, id of the secret
}

// NewSealer returns a sealer with a 32-byte key. previous, where not nil, is the key before it: it opens what the new
// one does not, until [Admin.Reencrypt] is done.
func NewSealer(key, previous []byte) (*Sealer, error) {
	current, err := newSealKey(key)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	s := &Sealer{current: current}
	if previous != nil {
		if s.previous, err = newSealKey(previous); err != nil {
			return nil, fmt.Errorf("previous seal key: %w", err)
		}
	}
	return s, nil
}

func newSealKey(key []byte) (*sealKey, error) {
	if len(key) != sealKeySize {
		return nil, fmt.Errorf("it has %d bytes; it must have %d", len(key), sealKeySize)
	}
	if weakSealKey(key) {
		return nil, errors.New("it is one byte repeated; make a random one with \"openssl rand -hex 32\"")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append([]byte("avouch seal key id\x00"), key...))
	return &sealKey{aead, id[:8]}, nil
}

// weakSealKey recognises what people type to try something out.
func weakSealKey(key []byte) bool {
	for _, b := range key {
		if b != key[0] {
			return false
		}
	}
	return true
}

// LogValue keeps keys out of logs.
func (s *Sealer) LogValue() slog.Value { return slog.StringValue("(hidden)") }

// ParseSealKey reads a 32-byte key as people keep it: 64 hex digits, base64 or base64url, or 32 raw bytes. White space
// around text is ignored. 32 characters of text are not taken for raw bytes: they are a phrase, or half a key in hex.
// The error never shows the input.
func ParseSealKey(data []byte) ([]byte, error) {
	if len(data) == sealKeySize && !printable(data) {
		return append([]byte(nil), data...), nil
	}
	text := strings.TrimSpace(string(data))
	if key, err := hex.DecodeString(text); err == nil && len(key) == sealKeySize {
		return key, nil
	}
	unpadded := strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := encoding.Strict().DecodeString(unpadded); err == nil && len(key) == sealKeySize {
			return key, nil
		}
	}
	if text == "" {
		return nil, errors.New("the seal key is empty; make one with \"openssl rand -hex 32\"")
	}
	return nil, fmt.Errorf("the seal key is not 32 bytes as 64 hex digits, base64 or raw (%d bytes were given); make one with \"openssl rand -hex 32\"", len(data))
}

func printable(data []byte) bool {
	for _, b := range data {
		if (b < 0x20 || b > 0x7e) && b != '\n' && b != '\r' && b != '\t' {
			return false
		}
	}
	return true
}

// GenerateSealKey makes a key and returns it as text that ParseSealKey reads.
func GenerateSealKey() string {
	key := make([]byte, sealKeySize)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(key)
}

// additional are the data that bind something sealed to its place. Lengths stand before the names, so that no two
// places have the same.
func (k *sealKey) additional(p place) []byte {
	b := append([]byte{sealVersion}, k.id...)
	for _, s := range []string{p.table, p.row, p.key} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

// seal encrypts for one place.
func (s *Sealer) seal(p place, plain []byte) ([]byte, error) {
	if s == nil {
		return nil, errNoSealKey()
	}
	return s.current.aead.Seal([]byte{sealVersion}, nil, plain, s.current.additional(p)), nil
}

// open decrypts what was sealed for a place. old says that it was sealed with the previous key.
func (s *Sealer) open(p place, sealed []byte) (plain []byte, old bool, err error) {
	if s == nil {
		return nil, false, errNoSealKey()
	}
	if len(sealed) > 0 && sealed[0] == sealVersion {
		if plain, err := s.current.aead.Open(nil, nil, sealed[1:], s.current.additional(p)); err == nil {
			return plain, false, nil
		}
		if s.previous != nil {
			if plain, err := s.previous.aead.Open(nil, nil, sealed[1:], s.previous.additional(p)); err == nil {
				return plain, true, nil
			}
		}
	}
	return nil, false, errDoesNotOpen(p)
}

func errNoSealKey() error {
	return &Error{
		Code: Sealed, Kind: "seal key",
		Reason: "there is none, and private keys and recoverable secrets are kept encrypted only; give it by the environment or a file (make one with \"openssl rand -hex 32\")",
	}
}

func errDoesNotOpen(p place) error {
	what := "signing key " + p.key
	if p.table == tableClientSecret {
		what = "secret " + p.key + " of client " + p.row
	}
	return &Error{
		Code: Sealed, Kind: "seal key",
		Reason: "it does not open " + what + ": it is not the key that this was sealed with, or the record was changed or moved. " +
			"Nothing was made or changed. Give the key that was in use before; while keys are being changed, give both",
	}
}

// The tables in places of sealed things.
const (
	tableSigningKey   = "signing_key"
	tableClientSecret = "client_secret"
)
