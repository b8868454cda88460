package keys

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// maxID is the longest kid, in bytes. Tokens carry it in each header, and operators read it.
const maxID = 512

// readJWK reads one public JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). The error wraps ErrPrivate where the JWK holds
// more than a public key.
func readJWK(o *strictjson.Object) (Public, error) {
	var p Public
	kty, ok := o.Get("kty").Text()
	if !ok {
		return p, errors.New("kty is missing or not a string")
	}
	if err := refusePrivate(kty, o); err != nil {
		return p, err
	}
	var err error
	if p.Key, err = readKey(kty, o); err != nil {
		return p, err
	}
	if err := checkKey(p.Key); err != nil {
		return p, err
	}
	alg := ""
	for _, member := range [...]struct {
		name string
		to   *string
	}{{"kid", &p.ID}, {"alg", &alg}, {"use", &p.Use}, {"x5t", &p.X5T}, {"x5t#S256", &p.X5TS256}} {
		if *member.to, err = optional(o, member.name); err != nil {
			return p, err
		}
	}
	if len(p.ID) > maxID {
		return p, fmt.Errorf("kid has %d bytes, and %d are the limit", len(p.ID), maxID)
	}
	p.Algorithm = Algorithm(alg).canonical()
	if ops := o.Get("key_ops"); ops.Kind() != strictjson.Absent {
		if p.Operations, ok = ops.Strings(); !ok || len(p.Operations) == 0 {
			return p, errors.New("key_ops is not an array of strings")
		}
	}
	p.X5T, p.X5TS256 = trimPadding(p.X5T), trimPadding(p.X5TS256)
	return p, p.readCertificate(o.Get("x5c"))
}

// refusePrivate finds private and symmetric keys by their members (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
func refusePrivate(kty string, o *strictjson.Object) error {
	if kty == "oct" {
		return fmt.Errorf("%w: a symmetric key (kty is oct)", ErrPrivate)
	}
	for _, name := range [...]string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"} {
		if o.Get(name).Kind() != strictjson.Absent {
			return fmt.Errorf("%w: the member %q is there; remove it and its like, and replace the key if others have seen it", ErrPrivate, name)
		}
	}
	return nil
}

// readKey reads the public members.
func readKey(kty string, o *strictjson.Object) (crypto.PublicKey, error) {
	switch kty {
	case "RSA":
		n, err := readBytes(o, "n", jose.MaxRSA/8+8)
		if err != nil {
			return nil, err
		}
		e, err := readBytes(o, "e", 8)
		if err != nil {
			return nil, err
		}
		exponent := new(big.Int).SetBytes(e)
		if exponent.BitLen() > 31 {
			return nil, errors.New("an RSA key with an exponent of more than 31 bits")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
	case "EC":
		crv, _ := o.Get("crv").Text()
		c, size := curveNamed(crv)
		if c == nil {
			return nil, fmt.Errorf("crv %+.32q is none of P-256, P-384 and P-521", crv)
		}
		x, err := readExactly(o, "x", size)
		if err != nil {
			return nil, err
		}
		y, err := readExactly(o, "y", size)
		if err != nil {
			return nil, err
		}
		key, err := ecdsa.ParseUncompressedPublicKey(c, slices.Concat([]byte{4}, x, y)) // SEC 1 §2.3.3
		if err != nil {
			return nil, fmt.Errorf("x and y are not a point on %s", crv)
		}
		return key, nil
	case "OKP":
		if !o.Get("crv").TextIs("Ed25519") {
			return nil, errors.New("crv of an OKP key is not Ed25519")
		}
		x, err := readExactly(o, "x", ed25519.PublicKeySize)
		return ed25519.PublicKey(x), err
	}
	return nil, fmt.Errorf("kty %+.32q is none of RSA, EC and OKP", kty)
}

func curveNamed(crv string) (c elliptic.Curve, size int) {
	switch crv {
	case "P-256":
		return elliptic.P256(), 32
	case "P-384":
		return elliptic.P384(), 48
	case "P-521":
		return elliptic.P521(), 66
	}
	return nil, 0
}

// readBytes reads a base64url member of one byte or more.
func readBytes(o *strictjson.Object, name string, most int) ([]byte, error) {
	s, ok := o.Get(name).Text()
	if !ok || s == "" {
		return nil, fmt.Errorf("%s is missing or not a string", name)
	}
	if len(s) > base64.RawURLEncoding.EncodedLen(most) {
		return nil, fmt.Errorf("%s is too long", name)
	}
	b, ok := jose.AppendBase64url(make([]byte, 0, most), s)
	if !ok {
		return nil, fmt.Errorf("%s is not base64url without padding (RFC 7515 §2)", name)
	}
	return b, nil
}

// readExactly reads a base64url member of a fixed length: coordinates keep their leading zeros (RFC 7518 §6.2.1.2).
func readExactly(o *strictjson.Object, name string, size int) ([]byte, error) {
	b, err := readBytes(o, name, size)
	if err == nil && len(b) != size {
		return nil, fmt.Errorf("%s has %d bytes, and %d are wanted", name, len(b), size)
	}
	return b, err
}

// optional reads a member that may be absent and is a string otherwise.
func optional(o *strictjson.Object, name string) (string, error) {
	v := o.Get(name)
	s, ok := v.Text()
	if !ok && v.Kind() != strictjson.Absent {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return s, nil
}

// readCertificate looks at the first certificate of x5c. It must be of the same key (RFC 7517 §4.7); nothing else of it
// is believed. It gives the thumbprints where the JWK leaves them out. A certificate that Go cannot read is left alone.
func (p *Public) readCertificate(x5c strictjson.Value) error {
	if x5c.Kind() == strictjson.Absent {
		return nil
	}
	chain, ok := x5c.Strings()
	if !ok || len(chain) == 0 {
		return errors.New("x5c is not an array of strings")
	}
	der, err := base64.StdEncoding.DecodeString(chain[0]) // the standard alphabet, with padding (RFC 7517 §4.7)
	if err != nil {
		return errors.New("x5c is not base64")
	}
	if cert, err := x509.ParseCertificate(der); err == nil {
		if !sameKey(cert.PublicKey, p.Key) {
			return errors.New("the first certificate of x5c is of another key")
		}
		x5t, x5tS256 := certificateThumbprints(cert)
		p.X5T, p.X5TS256 = cmp.Or(p.X5T, x5t), cmp.Or(p.X5TS256, x5tS256)
	}
	return nil
}

func sameKey(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}
