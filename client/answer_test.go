package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

// TestRefusal: a refusal is told as x/oauth2 tells it, and the request is not tried again in another way.
func TestRefusal(t *testing.T) {
	key := generate(t, keys.ES256)
	long := strings.Repeat("x", 3<<20)
	for _, c := range []struct {
		name              string
		status            int
		body              string
		code, description string
		refusal           string
	}{
		{"invalid_client", 401, `{"error":"invalid_client","error_description":"client authentication failed","error_uri":"https://as.example/e","refusal_id":"r7"}`,
			"invalid_client", "client authentication failed", "r7"},
		{"with status 200", 200, `{"error":"invalid_grant","access_token":"at-1","token_type":"Bearer"}`, "invalid_grant", "", ""},
		{"down", 503, `{"error":"temporarily_unavailable"}`, "temporarily_unavailable", "", ""},
		{"no OAuth at all", 502, `<html>bad gateway</html>`, "", "", ""},
		{"success text with a failure", 500, goodAnswer, "", "", ""},
		{"error of another type", 400, `{"error":{"code":1}}`, "", "", ""},
		{"error of another type, long", 400, `{"error":{"code":1},"x":"` + strings.Repeat("x", 1<<19) + `"}`, "", "", ""},
		{"two errors", 400, `{"error":"a","error":"b"}`, "", "", ""},
		{"endless", 500, long, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newAuthServer(t)
			s.status, s.body = c.status, c.body
			me := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: key}
			token, err := me.Token(t.Context())
			refused, ok := errors.AsType[*oauth2.RetrieveError](err)
			if !ok || token != nil {
				t.Fatalf("%v, %v; want an *oauth2.RetrieveError and no token", token, err)
			}
			if refused.ErrorCode != c.code || refused.ErrorDescription != c.description || refused.Response.StatusCode != c.status {
				t.Errorf("got %q %q %d", refused.ErrorCode, refused.ErrorDescription, refused.Response.StatusCode)
			}
			if got := client.RefusalID(fmt.Errorf("wrapped: %w", err)); got != c.refusal {
				t.Errorf("refusal id %q, want %q", got, c.refusal)
			}
			if c.code != "" && string(refused.Body) != c.body || c.code == "" && len(refused.Body) > 4<<10 {
				t.Errorf("body has %d bytes", len(refused.Body))
			}
			if strings.Contains(err.Error(), "at-1") {
				t.Errorf("the error shows a token: %v", err)
			}
			if s.count() != 1 {
				t.Errorf("%d requests, want 1", s.count())
			}
			if sent := refused.Response.Request; sent.Body != nil || sent.GetBody != nil || sent.URL.Path != "/token" {
				t.Error("the error holds the request with its assertion")
			}
		})
	}
	if client.RefusalID(nil) != "" || client.RefusalID(errors.New("x")) != "" {
		t.Error("a refusal id out of nothing")
	}
}

// TestAnswer: what is no token is not taken for one (RFC 6749 §5.1, §7.1).
func TestAnswer(t *testing.T) {
	key := generate(t, keys.ES256)
	for _, c := range []struct {
		name, body string
		life       time.Duration // of a good token; -1 where the server does not say
		says       string        // of a bad one
	}{
		{"plain", `{"access_token":"a!b.c~","token_type":"bearer","expires_in":60}`, time.Minute, ""},
		{"seconds in a string", `{"access_token":"a","token_type":"BEARER","expires_in":"60"}`, time.Minute, ""},
		{"seconds with a fraction", `{"access_token":"a","token_type":"Bearer","expires_in":6e1}`, time.Minute, ""},
		{"no expiry", `{"access_token":"a","token_type":"Bearer"}`, -1, ""},
		{"null expiry", `{"access_token":"a","token_type":"Bearer","expires_in":null}`, -1, ""},
		{"absurd expiry", `{"access_token":"a","token_type":"Bearer","expires_in":1e300}`, (1<<31 - 1) * time.Second, ""},
		{"negative expiry", `{"access_token":"a","token_type":"Bearer","expires_in":-1}`, 0, "expires_in"},
		{"expiry in words", `{"access_token":"a","token_type":"Bearer","expires_in":"soon"}`, 0, "expires_in"},
		{"no number", `{"access_token":"a","token_type":"Bearer","expires_in":"NaN"}`, 0, "expires_in"},
		{"expiry of another type", `{"access_token":"a","token_type":"Bearer","expires_in":[60]}`, 0, "expires_in"},
		{"no token", `{"token_type":"Bearer"}`, 0, "access_token"},
		{"empty token", `{"access_token":"","token_type":"Bearer"}`, 0, "access_token"},
		{"token of another type", `{"access_token":7,"token_type":"Bearer"}`, 0, "access_token"},
		{"name in another case", `{"Access_Token":"a","token_type":"Bearer"}`, 0, "access_token"},
		{"two tokens", `{"access_token":"a","access_token":"b","token_type":"Bearer"}`, 0, "JSON"},
		{"header injection", `{"access_token":"a\r\nX-Admin: 1","token_type":"Bearer"}`, 0, "access_token"},
		{"space in the token", `{"access_token":"a b","token_type":"Bearer"}`, 0, "access_token"},
		{"no type", `{"access_token":"a"}`, 0, "token_type"},
		{"bound token", `{"access_token":"a","token_type":"DPoP"}`, 0, "token_type"},
		{"not applicable", `{"access_token":"a","token_type":"N_A"}`, 0, "token_type"},
		{"form", `access_token=a&token_type=Bearer`, 0, "JSON"},
		{"array", `[]`, 0, "JSON"},
		{"more behind it", goodAnswer + `{}`, 0, "JSON"},
		{"nothing", ``, 0, "JSON"},
		{"endless", `{"access_token":"` + strings.Repeat("a", 1<<20) + `","token_type":"Bearer"}`, 0, "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newAuthServer(t)
			s.body = c.body
			me := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: key}
			before := time.Now()
			token, err := me.Token(t.Context())
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("%v, %v; should speak of %s", token, err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.life == -1 {
				if !token.Expiry.IsZero() {
					t.Errorf("expires %v", token.Expiry)
				}
				return
			}
			if got := token.Expiry.Sub(before); got < c.life || got > c.life+5*time.Second {
				t.Errorf("expires in %v, want %v", got, c.life)
			}
		})
	}
}

// TestRedirect: an assertion goes to the token endpoint and nowhere else.
func TestRedirect(t *testing.T) {
	reached := 0
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		fmt.Fprint(w, goodAnswer)
	}))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newAuthServer(t)
		s.status, s.header = status, http.Header{"Location": {thief.URL}}
		_, err := client.PrivateKeyJWT{Issuer: s.issuer, ClientID: "batch", Key: generate(t, keys.ES256)}.Token(t.Context())
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.Response.StatusCode != status {
			t.Errorf("%d: %v", status, err)
		}
	}
	if reached != 0 {
		t.Errorf("%d redirects were followed", reached)
	}
}

// TestHang: a token endpoint that does not answer costs no more than its time.
func TestHang(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client.PrivateKeyJWT{Issuer: slow.URL, TokenURL: slow.URL, ClientID: "batch", Key: generate(t, keys.ES256)}.Token(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
