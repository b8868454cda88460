package assertion

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// FuzzCheck lets a stranger write header and claims and, by form, sign them with the right key, with his own, or send
// bytes of his own making. Nothing panics; Check and Explain agree; what is accepted holds by other means too.
func FuzzCheck(f *testing.F) {
	w := newWorld(f)
	own := other()
	for _, s := range []struct {
		header, claims object
	}{
		{goodHeader(), goodClaims()},
		{goodHeader().with("kid", w.key.ID), goodClaims().with("aud", []string{us})},
		{goodHeader().with("typ", typeClient), goodClaims().with("exp", now.UnixMilli())},
		{goodHeader().with("crit", []string{"exp"}), goodClaims().with("jti", absent{})},
		{goodHeader().with("alg", "none"), goodClaims().with("sub", absent{})},
		{goodHeader().with("x5t", "AA"), goodClaims().with("iss", absent{}).with("nbf", 1.5)},
	} {
		for form := range byte(4) {
			f.Add([]byte(s.header.text(f)), []byte(s.claims.text(f)), form, uint16(form)*771, "client")
		}
	}
	f.Add([]byte("junk"), []byte("."), byte(3), uint16(0), "")
	f.Add([]byte(goodHeader().text(f)), []byte(goodClaims().with("n", json.RawMessage("1e999")).text(f)), byte(0), uint16(0), "")
	f.Fuzz(func(t *testing.T, header, claims []byte, form byte, bits uint16, holder string) {
		token := fuzzToken(t, header, claims, form, w.key, own)
		party := &Party{Name: idp, Keys: w.party.Keys, Disabled: bits&0x1ff == 1, Policy: fuzzPolicy(bits)}
		c := &Checker{
			Purpose: []Purpose{Grant, ClientAuthentication}[bits>>9&1],
			Known:   func(context.Context) []string { return []string{idp, us} },
		}
		from := PartyFunc(func(_ context.Context, u Unverified) (*Party, error) {
			if u.Issuer != idp && (u.Issuer != "" || !party.Policy.IssuerOptional) {
				return nil, nil
			}
			return party, nil
		})
		a, uses, err := c.Check(background, now, token, holder, from)
		report := agree(t, c, now, token, holder, err, from)
		if !plain(report.Party) {
			t.Fatalf("party %q", report.Party)
		}
		UnverifiedAlgorithm(token)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not a refusal: %v", err)
			}
			fit(t, e)
			return
		}
		doubleCheck(t, token, w.key, a, &party.Policy)
		if len(uses) > 1 || len(uses) == 0 && party.Policy.Replay != ReuseUntilExpiry && !party.Policy.SubjectOptional {
			t.Fatalf("uses %+v", uses)
		}
		for _, u := range uses {
			if u.ID == "" || u.Party != idp || u.Purpose != string(c.Purpose) || u.Until.Before(now.Add(60*time.Second)) {
				t.Fatalf("use %+v", u)
			}
		}
	})
}

func fuzzToken(t *testing.T, header, claims []byte, form byte, right, own *keys.Private) string {
	switch form % 4 {
	case 0, 1:
		key := [...]*keys.Private{right, own}[form%4]
		token, err := jose.AppendSigned(nil, header, claims, "ES256", key.Signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(token)
	case 2:
		public, err := json.Marshal(right.PublicKeys(now))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jose.AppendMAC(nil, header, claims, "HS256", public)
		if err != nil {
			t.Fatal(err)
		}
		return string(token)
	}
	return string(header) + string(claims)
}

func fuzzPolicy(bits uint16) Policy {
	p := Policy{Audience: Audience{Accept: []string{us}}, Replay: Replay(bits & 3)}
	p.RequireID = bits&4 != 0
	p.SubjectOptional = bits&8 != 0
	p.IssuerOptional = bits&16 != 0
	p.Audience.StringOnly = bits&32 != 0
	if bits&64 != 0 {
		p.Audience.Legacy = []string{us + "/token"}
	}
	if bits&128 != 0 {
		p.Types = []string{"", "JWT", "at+jwt", "x", typeClient, typeIDJAG}
	}
	return p
}

// doubleCheck verifies what was accepted with nothing of ours.
func doubleCheck(t *testing.T, token string, key *keys.Private, a *Assertion, p *Policy) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		t.Fatalf("signature: %v", err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key.Signer.Public().(*ecdsa.PublicKey), digest[:], r, s) {
		t.Fatal("the signature does not hold")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any // keeps names apart that differ in case
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber() // a claim that is not looked at may be beyond a float64
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	aud, isString := c["aud"].(string)
	if list, ok := c["aud"].([]any); ok && len(list) == 1 && !p.Audience.StringOnly {
		aud, isString = list[0].(string)
	}
	number, _ := c["exp"].(json.Number)
	exp, badExp := number.Float64()
	iss, _ := c["iss"].(string)
	sub, _ := c["sub"].(string)
	jti, _ := c["jti"].(string)
	switch {
	case !isString || aud != us && !(a.LegacyAudience && aud == us+"/token"):
		t.Fatalf("aud %v", c["aud"])
	case badExp != nil || exp < float64(now.Unix()-10) || exp > float64(now.Unix()+3610): // a float64 rounds to either end
		t.Fatalf("exp %v", c["exp"])
	case iss != a.Issuer || iss != idp && !(iss == "" && p.IssuerOptional):
		t.Fatalf("iss %v, and the assertion says %q", c["iss"], a.Issuer)
	case sub != a.Subject || sub == "" && !p.SubjectOptional:
		t.Fatalf("sub %v, and the assertion says %q", c["sub"], a.Subject)
	case jti != a.ID || jti == "" && p.RequireID:
		t.Fatalf("jti %v, and the assertion says %q", c["jti"], a.ID)
	case a.Algorithm != keys.ES256 || a.Audience[0] != aud:
		t.Fatalf("%+v", a)
	}
}
