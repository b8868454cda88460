package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// forgery is a JWT that must be accepted nowhere. One is sent as client_assertion and one as assertion, where its honest
// twin (same issuer, same jti) is accepted: so it is refused for what was changed about it, and for nothing else, and
// afterwards the twin shows that the refusal has spent nothing.
type forgery struct {
	name string
	make func(f *forger) string

	// What must come of it; zero means invalid_client and invalid_grant.
	client, grant verdict
}

// forger makes a JWT of parts that no honest library puts together.
type forger struct {
	h   *hostile
	who string // the client that the JWT claims to come from
	jti string
	now int64
}

func (h *hostile) forger(who string) *forger {
	b := make([]byte, 16)
	rand.Read(b)
	return &forger{h: h, who: who, jti: encode(b), now: time.Now().Unix()}
}

// forge sends forgeries of a client. said is what the caller is told, "" for whatever.
func (h *hostile) forge(t *testing.T, who, said string, forgeries []forgery) {
	for _, bad := range forgeries {
		t.Run(bad.name, func(t *testing.T) {
			for place, want := range map[string]verdict{"client": bad.client, "grant": bad.grant} {
				f := h.forger(who) // a client's JWT about itself is used up in both places
				in := asClient
				if place == "grant" {
					in = asGrant
				}
				if want == (verdict{}) {
					want = map[string]verdict{"client": invalidClient, "grant": invalidGrant}[place]
				}
				got := h.send(t, h.request(t, in(bad.make(f))), "")
				h.want(t, got, want)
				if want.status != http.StatusOK && said != "" && got.told() != said {
					t.Errorf("the caller is told %q, want %q", got.told(), said)
				}
				if want != granted {
					h.want(t, h.send(t, h.request(t, in(f.good())), ""), granted)
				}
			}
		})
	}
}

// raw is JSON text, and gone takes a member out.
type raw string

const gone raw = ""

// object writes a JSON object of names and values. Strings become JSON strings; a later name replaces an earlier one.
func object(members ...any) string {
	var names []string
	values := map[string]string{}
	for i := 0; i < len(members); i += 2 {
		name := members[i].(string)
		if _, known := values[name]; !known {
			names = append(names, name)
		}
		switch v := members[i+1].(type) {
		case raw:
			values[name] = string(v)
		case string:
			values[name] = quoted(v)
		default:
			text, err := json.Marshal(v)
			if err != nil {
				panic(err)
			}
			values[name] = string(text)
		}
	}
	var parts []string
	for _, name := range names {
		if values[name] != "" {
			parts = append(parts, quoted(name)+":"+values[name])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// member puts a member as it is before the others of an object.
func member(object, text string) string { return "{" + text + "," + object[1:] }

// header is that of a good JWT, with changes.
func (f *forger) header(changes ...any) string {
	key := f.h.keys[f.who]
	return object(append([]any{"alg", string(key.Algorithm), "kid", key.ID, "typ", "JWT"}, changes...)...)
}

// claims are those of a good JWT, with changes.
func (f *forger) claims(changes ...any) string {
	return object(append([]any{"iss", f.who, "sub", f.who, "aud", f.h.url, "jti", f.jti, "iat", f.now, "exp", f.now + 120}, changes...)...)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signed signs any header and payload with the client's own key.
func (f *forger) signed(header, payload string) string {
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	return input + "." + encode(f.signature(input))
}

func (f *forger) signature(input string) []byte { return f.h.signature(f.who, input) }

// signature is that of a client or issuer, whatever the header says.
func (h *hostile) signature(by, input string) []byte {
	digest := sha256.Sum256([]byte(input))
	switch key := h.keys[by].Signer.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			panic(err)
		}
		return fixed(r, s)
	case *rsa.PrivateKey:
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		if err != nil {
			panic(err)
		}
		return signature
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	}
	panic(fmt.Sprintf("no way to sign for %s", by))
}

// fixed is the form of an ECDSA signature over P-256 in a JWS.
func fixed(r, s *big.Int) []byte {
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// good is the honest twin.
func (f *forger) good() string { return f.signed(f.header(), f.claims()) }

// say signs good claims with changes, and name a good header with changes.
func (f *forger) say(changes ...any) string  { return f.signed(f.header(), f.claims(changes...)) }
func (f *forger) name(changes ...any) string { return f.signed(f.header(changes...), f.claims()) }

// mac signs with a secret, whatever the header says.
func (f *forger) mac(header, payload string, newHash func() crypto.Hash, secret []byte) string {
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	m := hmac.New(newHash().New, secret)
	m.Write([]byte(input))
	return input + "." + encode(m.Sum(nil))
}

// parts cuts a JWT.
func parts(token string) (header, payload, signature string) {
	p := strings.Split(token, ".")
	return p[0], p[1], p[2]
}

// forgeries of one kind: each value of list as make makes a JWT of it.
func each[T any](kind string, list []T, make func(f *forger, v T) string) []forgery {
	var all []forgery
	for _, v := range list {
		all = append(all, forgery{name: fmt.Sprintf("%s %.40q", kind, fmt.Sprint(v)), make: func(f *forger) string { return make(f, v) }})
	}
	return all
}

// notVerified is the one text for whatever is found before the signature holds.
const notVerified = "the assertion could not be verified"

func decoded(t testing.TB, part string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
