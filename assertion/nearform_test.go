package assertion

import (
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// What people send in place of a compact JWS is told from an attack: by a hint, and by nothing else.
func TestNearForm(t *testing.T) {
	w := newWorld(t)
	token := good(t, w)
	parts := strings.Split(token, ".")
	for name, test := range map[string]struct{ token, reason, hint string }{
		"line end":       {token + "\n", "bad_alphabet", "a line end or a space stands before or behind it"},
		"bearer":         {"bearer " + token, "bad_alphabet", "the word Bearer"},
		"PEM":            {"-----BEGIN PRIVATE KEY-----\nMIG", "bad_alphabet", "a key or a certificate in PEM"},
		"JSON":           {`{"payload":"x"}`, "bad_alphabet", "this is JSON"},
		"quoted":         {`"` + token + `"`, "bad_alphabet", "quotation marks"},
		"encoded twice":  {strings.Replace(token, ".", "%2E", 1), "bad_alphabet", "percent-encoded twice"},
		"padding":        {token + "==", "bad_alphabet", "no padding"},
		"base64":         {parts[0] + "." + parts[1] + ".a/b+", "bad_alphabet", "base64url is wanted"},
		"plus lost":      {parts[0] + "." + parts[1] + ".a b", "bad_alphabet", "a + that was not percent-encoded"},
		"no JWT":         {"0123456789abcdef", "not_three_parts", "this is no JWT"},
		"unsigned":       {parts[0] + "." + parts[1], "not_three_parts", "the signature is missing"},
		"JWE":            {"a.b.c.d.e", "not_three_parts", "an encrypted JWT"},
		"DER":            {parts[0] + "." + parts[1] + "." + der(t, parts[2]), "bad_signature", "in ASN.1 DER"},
		"cut off":        {token[:len(token)-6], "bad_signature", "the signature has 60 bytes, and one of ES256 has 64"},
		"cut in a byte":  {token[:len(token)-9] + "B", "bad_encoding", "it was cut off"}, // B: bits are left over
		"simply another": {parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), "bad_signature", "another key signed this"},
	} {
		_, err := w.judge(t, test.token, "")
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(e.Reason) != test.reason || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%s: %s with the hint %q, want %s with %q", name, e.Reason, e.Hint, test.reason, test.hint)
		}
	}
}

// der writes the signature of a JWS as OpenSSL would have made it.
func der(t *testing.T, signature string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(raw) != 64 {
		t.Fatal(len(raw), err)
	}
	text, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
