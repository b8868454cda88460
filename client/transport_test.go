package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

// TestClient: the token goes to the API that was asked, over https or loopback, and nowhere else.
func TestClient(t *testing.T) {
	s := newAuthServer(t)
	hc := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: generate(t, keys.ES256)}.Client(t.Context())
	seen := func(name string) *httptest.Server {
		at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if to := r.URL.Query().Get("to"); to != "" {
				http.Redirect(w, r, to, http.StatusTemporaryRedirect)
				return
			}
			fmt.Fprintf(w, "%s:%s", name, r.Header.Get("Authorization"))
		}))
		t.Cleanup(at.Close)
		return at
	}
	api, other := seen("api"), seen("other")
	for _, c := range []struct{ name, url, want string }{
		{"straight", api.URL, "api:Bearer at-1"},
		{"redirected at home", api.URL + "/?to=/elsewhere", "api:Bearer at-1"},
		{"redirected to another host", api.URL + "/?to=" + other.URL, "other:"},
		{"there and back", api.URL + "/?to=" + other.URL + "/%3Fto=" + api.URL, "api:"},
	} {
		resp, err := hc.Get(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		body := make([]byte, 200)
		n, _ := resp.Body.Read(body)
		resp.Body.Close()
		if got := string(body[:n]); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if n := s.count(); n != 1 {
		t.Errorf("%d tokens were asked for, want 1", n)
	}
	body := &closed{Reader: strings.NewReader("x")}
	if _, err := hc.Post("http://orders.example.com/", "text/plain", body); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("over plain http: %v", err)
	}
	if !body.done {
		t.Error("the body of a request that was not sent stays open")
	}
}

type closed struct {
	*strings.Reader
	done bool
}

func (c *closed) Close() error { c.done = true; return nil }

// TestSecretStaysOut of logs and prints.
func TestSecretStaysOut(t *testing.T) {
	c := client.SecretJWT{ClientID: "batch", Secret: []byte("hunter2hunter2")}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%v", &c), c.LogValue().String()} {
		if strings.Contains(s, "hunter2") || strings.Contains(s, "104 117") || strings.Contains(s, "0x68") {
			t.Errorf("shows the secret: %s", s)
		}
	}
}
