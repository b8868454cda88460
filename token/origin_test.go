package token_test

import (
	"reflect"
	"testing"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

func TestOrigin(t *testing.T) {
	key := generate(t, keys.ES256)
	for _, want := range []token.Origin{
		{},
		{Issuer: "https://idp.example"},
		{KeyIDs: []string{"k1", "k\"2"}},
		{Family: "f"},
		{Issuer: "urn:x", KeyIDs: []string{"k"}, Family: "f"},
	} {
		c := claims()
		c.Origin = want
		raw, err := (&token.Minter{Key: key}).Mint(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := verifier(key).Verify(t.Context(), now, raw)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Origin, want) {
			t.Errorf("got %+v, wanted %+v", got.Origin, want)
		}
		if found, _ := got.Decode("avouch_origin", new(any)); found != !reflect.DeepEqual(want, token.Origin{}) {
			t.Errorf("%+v: the claim is there: %v", want, found)
		}
	}
}

// TestOriginIsNamed: nobody's further claim can pass for it.
func TestOriginIsNamed(t *testing.T) {
	c := claims()
	c.More = map[string]any{"avouch_origin": map[string]any{"fam": "x"}}
	if _, err := (&token.Minter{Key: generate(t, keys.ES256)}).Mint(t.Context(), c); err == nil {
		t.Error("a further claim named avouch_origin was minted")
	}
}
