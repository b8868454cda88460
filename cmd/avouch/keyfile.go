package main

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/avouch-oauth/avouch/keys"
)

// keyFormats are the forms in which the private half of a client's key pair is handed over.
var keyFormats = []string{"pem", "jwk", "p12", "google"}

// keyFileInfo is what a key file says beside the key.
type keyFileInfo struct {
	clientID string
	tokenURL string // for the Google form
	password string // for PKCS#12
}

// privateKeyFile returns the file of one private key in one of keyFormats, and the ending of its name.
func privateKeyFile(format string, k *keys.Private, info keyFileInfo) (ending string, content []byte, err error) {
	switch format {
	case "pem":
		content, err = k.MarshalPEM()
		return ".pem", content, err
	case "jwk":
		content, err = k.MarshalJWK()
		if err != nil {
			return "", nil, err
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, content, "", "  "); err != nil {
			return "", nil, err
		}
		pretty.WriteByte('\n')
		return ".jwk.json", pretty.Bytes(), nil
	case "google":
		if info.tokenURL == "" {
			return "", nil, errors.New("a Google-style key file names the token endpoint: configure the issuer, or give --token-url")
		}
		content, err = keys.MarshalKeyFile(k, info.clientID, info.tokenURL)
		return ".json", content, err
	case "p12":
		content, err = pkcs12File(k, info)
		return ".p12", content, err
	}
	return "", nil, usagef("key format %q is not one of %s", format, strings.Join(keyFormats, ", "))
}

// pkcs12File wraps the key with a self-signed certificate, which PKCS#12 readers want around a key. Nobody is meant
// to believe the certificate; it expires when the key would be a hundred years old.
func pkcs12File(k *keys.Private, info keyFileInfo) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: info.clientID},
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.AddDate(100, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Signer.Public(), k.Signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return pkcs12.Modern2023.Encode(k.Signer, cert, nil, info.password)
}

// readPrivateKey reads a private key from a file of any of keyFormats. The password is asked for where one is needed.
func readPrivateKey(path string, password func() (string, error)) (*keys.Private, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(text) > 0 && text[0] == 0x30 { // the DER of PKCS#12; PEM and JSON begin otherwise
		secret, err := password()
		if err != nil {
			return nil, err
		}
		return parsePKCS12(path, text, secret)
	}
	key, err := keys.ParsePrivate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// parsePKCS12 takes the private key out of a PKCS#12 file. Its algorithm is the usual one of its type.
func parsePKCS12(path string, der []byte, password string) (*keys.Private, error) {
	found, _, _, err := pkcs12.DecodeChain(der, password)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(found)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, err := keys.ParsePrivate(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// writePrivate writes a file that only its owner can read. It never overwrites: a private key that is lost is lost.
func writePrivate(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is not overwritten; choose another folder by --out, or move the file away", path)
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	return f.Close()
}

// keyFilePath is where the key of a client goes in a folder: a name that a person can tell apart from its neighbours.
func keyFilePath(dir, clientID, kid, ending string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return '_'
	}, clientID)
	return filepath.Join(dir, strings.TrimLeft(safe, ".")+"-"+kid[:min(8, len(kid))]+ending)
}
