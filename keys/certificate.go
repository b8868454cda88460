package keys

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// certificateThumbprints returns x5t and x5t#S256 of a certificate (RFC 7515 §4.1.7 and §4.1.8). They find a key; what
// makes a signature good is the key. So SHA-1 does no harm.
func certificateThumbprints(cert *x509.Certificate) (x5t, x5tS256 string) {
	one := sha1.Sum(cert.Raw)
	two := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(one[:]), base64.RawURLEncoding.EncodeToString(two[:])
}

func trimPadding(s string) string { return strings.TrimRight(s, "=") }
