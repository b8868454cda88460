package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/keys"
)

// keyPairFlags ask for key pairs to be made on this side.
type keyPairFlags struct {
	count     int
	algorithm string
	formats   []string
	dir       string
	google    bool
	tokenURL  string
	password  string
}

func (k *keyPairFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.IntVar(&k.count, "keys", 0, "make so many key pairs, at most 10; two, so that the second is there when the first is replaced")
	flags.StringVar(&k.algorithm, "alg", "ES256", "algorithm of the key pairs: ES256, ES384, ES512, EdDSA, RS256, PS256")
	flags.StringSliceVar(&k.formats, "format", []string{"pem"}, "forms of the private halves: "+strings.Join(keyFormats, ", "))
	flags.StringVar(&k.dir, "out", "", "write the private halves into this `DIR` (default: show them)")
	flags.BoolVar(&k.google, "google", false, "a Google-style key file and what its users' libraries need (RS256)")
	flags.StringVar(&k.tokenURL, "token-url", "", "token endpoint to write into a Google-style file (default: the configured issuer's)")
	flags.StringVar(&k.password, "password-file", "", "`FILE` with the password of PKCS#12 files")
	completeWords(c, "alg", "ES256", "EdDSA", "RS256", "PS256", "ES384", "ES512")
	completeWords(c, "format", keyFormats...)
	if err := c.MarkFlagDirname("out"); err != nil {
		panic(err) // the flag is registered just before
	}
}

// madeKeys are key pairs made on this side: the public halves to register, and the files of the private ones.
type madeKeys struct {
	dir     string
	public  []byte // a JWK set
	files   []madeFile
	written []string
}

type madeFile struct {
	kid, path string
	content   []byte
}

// make makes the key pairs that were asked for; nil where none were.
func (k *keyPairFlags) make(authMethod, issuer, clientID string, a *app) (*madeKeys, error) {
	switch {
	case k.count == 0 && k.google:
		k.count = 1
	case k.count == 0:
		return nil, nil
	case k.count < 0 || k.count > 10:
		return nil, usagef("--keys %d is not between 1 and 10", k.count)
	case authMethod != "" && authMethod != "private_key_jwt" && !k.google:
		return nil, usagef("a client that authenticates by %s needs no key pairs; leave --keys out", authMethod)
	}
	if k.dir == "" && a.format == "name" {
		return nil, usagef("-o name would not show the private keys, and they are shown once: name a folder for them by --out")
	}
	info := keyFileInfo{clientID: clientID, tokenURL: k.tokenURL}
	if info.tokenURL == "" && issuer != "" {
		info.tokenURL = issuer + tokenPath
	}
	if slices.Contains(k.formats, "p12") {
		if k.password == "" {
			return nil, usagef("a PKCS#12 file has a password: give --password-file")
		}
		password, err := readSecret(a, k.password)
		if err != nil {
			return nil, err
		}
		info.password = string(password)
		if k.dir == "" {
			return nil, usagef("a PKCS#12 file is binary: name a folder for it by --out")
		}
	}
	private, public, err := keys.GeneratePairs(k.count, keys.Algorithm(k.algorithm))
	if err != nil {
		return nil, err
	}
	made := &madeKeys{dir: k.dir}
	if made.public, err = json.Marshal(public); err != nil {
		return nil, err
	}
	for _, key := range private {
		for _, format := range k.formats {
			ending, content, err := privateKeyFile(format, key, info)
			if err != nil {
				return nil, err
			}
			made.files = append(made.files, madeFile{key.ID, keyFilePath(k.dir, clientID, key.ID, ending), content})
		}
	}
	return made, nil
}

// write writes the private halves where a folder was named.
func (m *madeKeys) write() error {
	if m == nil || m.dir == "" {
		return nil
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	for _, f := range m.files {
		if err := writePrivate(f.path, f.content); err != nil {
			return m.undo(err)
		}
		m.written = append(m.written, f.path)
	}
	return nil
}

// undo takes back what write wrote, because the keys will not be registered, and returns err.
func (m *madeKeys) undo(err error) error {
	if m != nil {
		removeAll(m.written)
		m.written = nil
	}
	return err
}

func (m *madeKeys) paths() []string {
	if m == nil {
		return nil
	}
	return m.written
}
