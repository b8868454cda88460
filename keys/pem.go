package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// pemBlocks returns the blocks of a PEM file. encoding/pem steps over a block it cannot read and takes the next; here
// that is an error, or a file with two keys would pass for one with one.
func pemBlocks(text []byte) (blocks []*pem.Block, err error) {
	begun := bytes.Count(text, []byte("-----BEGIN "))
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks = append(blocks, block)
	}
	if len(blocks) != begun {
		return nil, fmt.Errorf("keys: %d of %d PEM blocks cannot be read: look for a line that is cut off or missing", begun-len(blocks), begun)
	}
	return blocks, nil
}

// parsePublicPEM reads PEM public keys and certificates.
func parsePublicPEM(text []byte) ([]Public, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var keys []Public
	var certs []*x509.Certificate
	for i, block := range blocks {
		var p Public
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil, fmt.Errorf(`%w: PEM block %d is a %s; register what "openssl pkey -in FILE -pubout" makes of it`, ErrPrivate, i+1, block.Type)
		case block.Type == "PUBLIC KEY":
			p.Key, err = x509.ParsePKIXPublicKey(block.Bytes)
		case block.Type == "RSA PUBLIC KEY":
			p.Key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case block.Type == "CERTIFICATE":
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
				certs = append(certs, cert)
				p = certified(cert)
			}
		default:
			err = fmt.Errorf("a block of type %+.64q is neither a public key nor a certificate", block.Type)
		}
		if err == nil {
			err = checkKey(p.Key)
		}
		if err != nil {
			return nil, fmt.Errorf("keys: PEM block %d: %w", i+1, err)
		}
		keys = append(keys, p)
	}
	return keys, refuseChain(certs)
}

// certified is the key of a certificate.
func certified(cert *x509.Certificate) Public {
	p := Public{Key: cert.PublicKey, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}
	p.X5T, p.X5TS256 = certificateThumbprints(cert)
	return p
}

// refuseChain refuses a certificate that comes with that of its issuer: the issuer's key would be registered as one
// more key of the client.
func refuseChain(certs []*x509.Certificate) error {
	for _, cert := range certs {
		if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
			continue
		}
		for _, other := range certs {
			if bytes.Equal(cert.RawIssuer, other.RawSubject) {
				return fmt.Errorf("keys: the certificates are a chain (%+.64q was issued by %+.64q): give the first one only, for the keys of issuers must not sign", cert.Subject, other.Subject)
			}
		}
	}
	return nil
}

// parsePrivatePEM reads the one private key of a PEM file: PKCS#8, PKCS#1 or SEC 1. Certificates, public keys and EC
// parameters beside it are passed over.
func parsePrivatePEM(text []byte) (crypto.Signer, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var signer crypto.Signer
	for _, block := range blocks {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if signer != nil {
			return nil, errors.New("keys: the file has several private keys: give one")
		}
		if signer, err = parsePrivateBlock(block); err != nil {
			return nil, err
		}
	}
	if signer == nil {
		return nil, errors.New("keys: the file has no private key")
	}
	return signer, nil
}

func parsePrivateBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, errors.New(`keys: the private key is encrypted: decrypt it by "openssl pkey -in FILE -out NEWFILE"`)
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("keys: a PEM block of type %+.64q cannot be read", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("keys: the private key cannot be read: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keys: a private key of type %T does not sign", key)
	}
	return signer, nil
}
