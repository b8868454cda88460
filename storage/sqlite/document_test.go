package sqlite

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestOldDocuments reads documents as databases hold them, and writes them again: nothing of them may be lost. A field of
// a record that was renamed or taken away fails here, and needs a migration. The files are never changed; a new form of a
// document gets a file beside them.
func TestOldDocuments(t *testing.T) {
	client := func(document string) (any, error) {
		c, err := decodeClient(document, "{}")
		if err != nil {
			return nil, err
		}
		return encodeClient(c), nil
	}
	again := map[string]func(document string) (any, error){
		"client":   client,
		"client_2": client,
		"client_3": client,
		"issuer": func(document string) (any, error) {
			i, err := decodeIssuer(document, 1)
			return encodeIssuer(i), err
		},
		"rule": func(document string) (any, error) {
			r, err := decodeRule(document, 1)
			return encodeRule(r), err
		},
		"signing_key": func(document string) (any, error) {
			k, err := decodeSigningKey(document, 1)
			return encodeSigningKey(k), err
		},
		"subject": func(document string) (any, error) {
			s, err := decodeSubject(document, 1)
			return encodeSubject(s), err
		},
		"initial_token": func(document string) (any, error) {
			i, err := decodeInitialToken(document, 1)
			return encodeInitialToken(i), err
		},
	}
	for name, f := range again {
		old, err := os.ReadFile(filepath.Join("testdata", "documents", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		document, err := f(string(old))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(old, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		missing(t, name, got, want)
	}
}

// missing reports what is in want and not in got.
func missing(t *testing.T, path string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		got, _ := got.(map[string]any)
		for name, value := range want {
			missing(t, path+"."+name, got[name], value)
		}
	case []any:
		got, _ := got.([]any)
		if len(got) != len(want) {
			t.Errorf("%s has %d elements, want %d", path, len(got), len(want))
			return
		}
		for i := range want {
			missing(t, fmt.Sprintf("%s[%d]", path, i), got[i], want[i])
		}
	default:
		if got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// TestDocumentOfTheFuture refuses what it does not know.
func TestDocumentOfTheFuture(t *testing.T) {
	for _, document := range []string{`{"ID":"a","MustNot":true}`, `{"ID":"a"}{}`, `{"ID":`, ``, `[]`} {
		if c, err := decodeClient(document, "{}"); err == nil {
			t.Errorf("decodeClient(%s) = %+v", document, c)
		}
	}
}
