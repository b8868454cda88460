package admin

import "crypto/cipher"

// Sealer encrypts what must be read again: private signing keys and secrets of client_secret_jwt. It is AES-256-GCM
// with a random nonce; the additional data name the place of the record, so that what is sealed for one place opens in
// no other. Make one with [NewSealer].
type Sealer struct {
	current, previous cipher.AEAD
}

// NewSealer returns a sealer with a 32-byte key. previous, where not nil, is the key before it: it opens what the new
// one does not, until [Admin.Reencrypt] is done.
func NewSealer(key, previous []byte) (*Sealer, error) { panic("not built") }

// ParseSealKey reads a 32-byte key as people keep it: 64 hex digits, base64 or base64url, or 32 raw bytes. White space
// around text is ignored. The error never shows the input.
func ParseSealKey(data []byte) ([]byte, error) { panic("not built") }

// GenerateSealKey makes a key and returns it as text that ParseSealKey reads.
func GenerateSealKey() string { panic("not built") }
