package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
)

// resolved is a document whose files have been read and whose texts have been decoded. Works keep parts of it until
// they are applied.
type resolved struct {
	*Document
	clients []resolvedClient
}

type resolvedClient struct {
	*ClientDocument
	keys    [][]byte // of each of Keys
	secrets []resolvedSecret
}

type resolvedSecret struct {
	SecretDocument
	value  []byte
	hash   []byte
	sealed []byte
}

// maxFile is the largest file that a document may name, in bytes.
const maxFile = 1 << 20

// resolve reads what a document names, and checks that it names each thing once.
func resolve(d *Document, readFile func(string) ([]byte, error)) (*resolved, error) {
	var found faults
	f := field{&found, ""}
	r := &resolved{Document: d}
	f.named("clients", "client_id", len(d.Clients), func(i int) string { return d.Clients[i].ID })
	f.named("issuers", "name", len(d.Issuers), func(i int) string { return d.Issuers[i].Name })
	f.named("rules", "name", len(d.Rules), func(i int) string { return d.Rules[i].Name })
	for i := range d.Clients {
		r.clients = append(r.clients, f.in("clients").at(i).resolveClient(&d.Clients[i], readFile))
	}
	return r, found.err("document", "")
}

func (f field) named(list, member string, n int, id func(int) string) {
	first := map[string]int{}
	for i := range n {
		at := f.in(list).at(i).in(member)
		if id(i) == "" {
			at.fault("it is missing")
		} else if j, twice := first[id(i)]; twice {
			at.fault("%q is %s already", clip(id(i)), list+"["+strconv.Itoa(j)+"]")
		} else {
			first[id(i)] = i
		}
	}
}

func (f field) resolveClient(d *ClientDocument, readFile func(string) ([]byte, error)) resolvedClient {
	r := resolvedClient{ClientDocument: d}
	given := 0
	for _, is := range []bool{d.JWKS != nil, d.Keys != nil, d.JWKSURL != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		f.in("jwks").fault("give one of jwks, keys and jwks_uri (RFC 7591 §2)")
	}
	for i := range d.Keys {
		k := &d.Keys[i]
		at := f.in("keys").at(i)
		var content []byte
		switch {
		case !exactlyOne(k.JWK != nil, k.PEM != "", k.File != ""):
			at.fault("give exactly one of jwk, pem and file")
		case k.JWK != nil:
			content = k.JWK
		case k.PEM != "":
			content = []byte(k.PEM)
		default:
			content = at.in("file").read(k.File, readFile)
		}
		r.keys = append(r.keys, content)
	}
	for i := range d.Secrets {
		r.secrets = append(r.secrets, f.in("secrets").at(i).resolveSecret(&d.Secrets[i], readFile))
	}
	return r
}

func (f field) resolveSecret(s *SecretDocument, readFile func(string) ([]byte, error)) resolvedSecret {
	r := resolvedSecret{SecretDocument: *s}
	if !exactlyOne(s.Value != "", s.File != "", s.SHA256 != "", s.Sealed != "") {
		f.fault("give exactly one of value, file, sha256 and sealed")
		return r
	}
	if (s.ID != "") != (s.Sealed != "") {
		f.in("id").fault("it belongs to sealed, and sealed needs it")
	}
	var err error
	switch {
	case s.Value != "":
		r.value = []byte(s.Value)
	case s.File != "":
		r.value = bytes.TrimRight(f.in("file").read(s.File, readFile), "\r\n")
	case s.SHA256 != "":
		if r.hash, err = hex.DecodeString(s.SHA256); err != nil || len(r.hash) != 32 {
			f.in("sha256").fault("it is not 64 hex digits")
		}
	default:
		if r.sealed, err = base64.StdEncoding.Strict().DecodeString(s.Sealed); err != nil {
			f.in("sealed").fault("it is not base64")
		}
	}
	return r
}

func (f field) read(name string, readFile func(string) ([]byte, error)) []byte {
	if readFile == nil {
		f.fault("files cannot be named here")
		return nil
	}
	content, err := readFile(name)
	switch {
	case err != nil:
		f.fault("%v", err)
	case len(content) == 0:
		f.fault("%v", errors.New("the file is empty"))
	case len(content) > maxFile:
		f.fault("the file is larger than 1 MiB")
	default:
		return content
	}
	return nil
}

func exactlyOne(given ...bool) bool {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n == 1
}
