package storage_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

func TestCheckText(t *testing.T) {
	for _, good := range []any{
		&storage.Client{},
		&storage.Client{ID: "ключ \u2028 𝛼 \ufffd", Created: time.Now(), Scopes: []string{"a", ""}, Keys: []storage.ClientKey{{JWK: json.RawMessage(` {"a" : "é"} `)}}},
		&storage.Rule{Claims: map[string]string{"a": "b"}},
		&storage.SigningKey{Sealed: []byte{0xff, 0}},
		&storage.Issuer{JWKS: json.RawMessage{}},
		&storage.Entry{Kind: "a", Labels: [3]string{"", "ключ"}, Data: json.RawMessage(` {"a" : 1} `)},
	} {
		if err := storage.CheckText(good); err != nil {
			t.Errorf("CheckText(%+v) = %v", good, err)
		}
	}
	for _, bad := range []any{
		&storage.Client{ID: "\xff"},
		&storage.Client{Name: "a\x00b"},
		&storage.Client{Scopes: []string{"a", "\xc3\x28"}},
		&storage.Client{Keys: []storage.ClientKey{{}, {Label: "\xed\xa0\x80"}}},
		&storage.Client{Keys: []storage.ClientKey{{JWK: json.RawMessage(`{`)}}},
		&storage.Client{Keys: []storage.ClientKey{{JWK: json.RawMessage("\"\xff\"")}}},
		&storage.Client{Extra: map[string]json.RawMessage{"a": json.RawMessage(`1 2`)}},
		&storage.Client{Extra: map[string]json.RawMessage{"\xff": json.RawMessage(`1`)}},
		&storage.Client{Assertions: storage.AssertionPolicy{Audiences: []string{"\x00"}}},
		&storage.Rule{Claims: map[string]string{"a": "\xff"}},
		&storage.Rule{Claims: map[string]string{"\x00": "a"}},
		&storage.Issuer{JWKS: json.RawMessage(`nul`)},
		&storage.SigningKey{Public: json.RawMessage(`{"a":}`)},
		&storage.Entry{Labels: [3]string{"a", "b", "\xff"}},
		&storage.Entry{Labels: [3]string{"a\x00"}},
		&storage.Entry{Kind: "\xff"},
		&storage.Entry{Data: json.RawMessage(`{`)},
	} {
		if storage.CheckText(bad) == nil {
			t.Errorf("CheckText(%+v) = nil", bad)
		}
	}
}

func TestEntryCheck(t *testing.T) {
	now := time.Now()
	good := storage.Entry{Kind: "change", Time: now, Data: json.RawMessage(`{}`)}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, e := range map[string]storage.Entry{
		"no kind":       {Time: now, Data: json.RawMessage(`{}`)},
		"no time":       {Kind: "change", Data: json.RawMessage(`{}`)},
		"no data":       {Kind: "change", Time: now},
		"not JSON":      {Kind: "change", Time: now, Data: json.RawMessage(`{`)},
		"a NUL":         {Kind: "change", Time: now, Data: json.RawMessage(`{}`), Labels: [3]string{2: "\x00"}},
		"not UTF-8":     {Kind: "ch\xff", Time: now, Data: json.RawMessage(`{}`)},
		"data, no kind": {Data: json.RawMessage(`{}`)},
	} {
		if e.Check() == nil {
			t.Errorf("Check accepts an entry with %s", name)
		}
	}
}
