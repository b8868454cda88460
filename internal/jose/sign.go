package jose

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
)

// AppendSigned appends the compact JWS of header and claims (both JSON text made by us) to dst. signer may keep its key
// to itself, as an HSM does; what it returns must be what crypto.Signer promises for the key type. A key that [Verify]
// would refuse is refused here.
func AppendSigned(dst []byte, header, claims []byte, alg string, signer crypto.Signer) ([]byte, error) {
	a, err := lookUp(alg)
	if err != nil {
		return nil, err
	}
	if signer == nil {
		return nil, errors.New("jose: no signer")
	}
	public := signer.Public()
	if err := a.checkPublic(public); err != nil {
		return nil, err
	}
	start := len(dst)
	dst = appendSigningInput(dst, header, claims)
	signature, err := a.sign(signer, public, dst[start:])
	if err != nil {
		return nil, err
	}
	dst = append(dst, '.')
	return base64.RawURLEncoding.AppendEncode(dst, signature), nil
}

// AppendMAC is AppendSigned for HS256, HS384 and HS512.
func AppendMAC(dst []byte, header, claims []byte, alg string, secret []byte) ([]byte, error) {
	a, err := lookUp(alg)
	if err != nil {
		return nil, err
	}
	if err := a.checkSecret(secret); err != nil {
		return nil, err
	}
	start := len(dst)
	dst = appendSigningInput(dst, header, claims)
	tag := mac(a.hash, secret, dst[start:])
	dst = append(dst, '.')
	return base64.RawURLEncoding.AppendEncode(dst, tag), nil
}

func appendSigningInput(dst, header, claims []byte) []byte {
	dst = base64.RawURLEncoding.AppendEncode(dst, header)
	dst = append(dst, '.')
	return base64.RawURLEncoding.AppendEncode(dst, claims)
}

// sign returns the signature as JWS wants it.
func (a *algorithm) sign(signer crypto.Signer, public crypto.PublicKey, message []byte) ([]byte, error) {
	input := message
	var opts crypto.SignerOpts = a.hash
	switch a.family {
	case pss:
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: a.hash}
		fallthrough
	case pkcs1v15, ecdsaSig:
		input = appendDigest(make([]byte, 0, 64), a.hash, message)
	}
	signature, err := signer.Sign(rand.Reader, input, opts)
	if err != nil {
		return nil, fmt.Errorf("jose: signing with %s: %w", a.name, err)
	}
	want := ed25519.SignatureSize
	switch a.family {
	case ecdsaSig:
		size := (a.bits + 7) / 8
		return appendRaw(make([]byte, 0, 2*size), signature, size)
	case pkcs1v15, pss:
		want = public.(*rsa.PublicKey).Size()
	}
	if len(signature) != want {
		return nil, fmt.Errorf("jose: the signer returned %d bytes for %s, and %d are a signature", len(signature), a.name, want)
	}
	return signature, nil
}
