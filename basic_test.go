package avouch

import (
	"encoding/base64"
	"net/http"
	"testing"
)

func TestParseBasic(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	tests := []struct {
		name, credentials string
		id, secret        string
		ok                bool
	}{
		{name: "plain", credentials: encode([]byte("me:secret")), id: "me", secret: "secret", ok: true},
		{name: "no password", credentials: encode([]byte("me:")), id: "me", ok: true},
		{name: "colon in the secret", credentials: encode([]byte("me:a:b")), id: "me", secret: "a:b", ok: true},
		{name: "escaped", credentials: encode([]byte("a%3Ab:p%25%2B+%C3%BC")), id: "a:b", secret: "p%+ ü", ok: true},
		{name: "escaped once only", credentials: encode([]byte("a:%2541")), id: "a", secret: "%41", ok: true},

		{name: "nothing", credentials: ""},
		{name: "no colon", credentials: encode([]byte("me"))},
		{name: "no id", credentials: encode([]byte(":secret"))},
		{name: "broken escape", credentials: encode([]byte("me:100%"))},
		{name: "escaped NUL", credentials: encode([]byte("me:%00"))},
		{name: "escaped bytes that are no text", credentials: encode([]byte("me:%FF"))},
		{name: "raw UTF-8", credentials: encode([]byte("me:ü"))},
		{name: "raw high byte", credentials: encode([]byte("me:\xff"))},
		{name: "raw control character", credentials: encode([]byte("me:a\nb"))},
		{name: "no base64", credentials: "!!!!"},
		{name: "no padding", credentials: base64.RawStdEncoding.EncodeToString([]byte("me:secret!"))},
		{name: "URL alphabet", credentials: base64.URLEncoding.EncodeToString([]byte("me:???>>>"))},
		{name: "unused bits set", credentials: "bWU6YR=="}, // me:a, its last character raised by one
		{name: "line break", credentials: "bWU6\nYQ=="},
		{name: "trailing text", credentials: encode([]byte("me:a")) + " x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id, secret, ok := parseBasic(test.credentials)
			if id != test.id || secret != test.secret || ok != test.ok {
				t.Errorf("got %q, %q, %v", id, secret, ok)
			}
		})
	}
}

// FuzzBasic compares with the reader of the standard library.
func FuzzBasic(f *testing.F) {
	for _, seed := range []string{"", "Basic", "Basic bWU6YQ==", "bASIC  bWU6YQ==", "Basic bWU6YR==", "Bearer x", "Basic bWU6JTI1NDE="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		a := parseAuthorization(header)
		if !a.basic {
			if a.id != "" || a.secret != "" {
				t.Fatalf("refused, but has %q %q", a.id, a.secret)
			}
			return
		}
		rest := header[len("Basic "):]
		for rest != "" && rest[0] == ' ' {
			rest = rest[1:]
		}
		r := &http.Request{Header: http.Header{"Authorization": {"Basic " + rest}}}
		user, password, ok := r.BasicAuth()
		if !ok {
			t.Fatalf("accepted %q, which net/http refuses", header)
		}
		if id, err := unescape(user); err != nil || id != a.id {
			t.Fatalf("id %q, net/http has %q", a.id, user)
		}
		if secret, err := unescape(password); err != nil || secret != a.secret {
			t.Fatalf("secret %q, net/http has %q", a.secret, password)
		}
	})
}
