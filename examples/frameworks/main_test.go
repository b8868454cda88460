package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

func Test(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	for name, with := range frameworks {
		t.Run(name, func(t *testing.T) {
			var handler http.Handler
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
			defer s.Close()
			server, guard, err := newServer(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			handler = with(server, guard)

			ask := func(method, path, form string, change func(*http.Request)) (int, string) {
				r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(form))
				if err != nil {
					t.Fatal(err)
				}
				if form != "" {
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				}
				if change != nil {
					change(r)
				}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				return resp.StatusCode, string(body)
			}

			status, body := ask("POST", "/oauth/token", "grant_type=client_credentials", func(r *http.Request) {
				r.SetBasicAuth("shop", "a-secret-for-trying-things-out")
			})
			var answer struct {
				AccessToken string `json:"access_token"`
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || answer.AccessToken == "" {
				t.Fatalf("token: %d %s %v", status, body, err)
			}
			for path, want := range map[string]string{
				"/.well-known/oauth-authorization-server": `"token_endpoint":"` + s.URL + `/oauth/token"`,
				"/oauth/jwks": `"keys":[`,
			} {
				if status, body := ask("GET", path, "", nil); status != 200 || !strings.Contains(body, want) {
					t.Errorf("%s: %d %s", path, status, body)
				}
			}
			if status, body := ask("GET", "/oauth/token", "", nil); status != 405 || !strings.Contains(body, "invalid_request") {
				t.Errorf("GET of the token endpoint: %d %s: it is the server that has to answer", status, body)
			}

			bearer := func(token string) func(*http.Request) {
				return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
			}
			if status, body := ask("GET", "/orders", "", bearer(answer.AccessToken)); status != 200 || body != "orders of shop" {
				t.Errorf("the API: %d %s", status, body)
			}
			if status, body := ask("GET", "/orders", "", nil); status != 401 || strings.Contains(body, "orders") {
				t.Errorf("the API without a token: %d %q", status, body)
			}
			if status, body := ask("GET", "/orders", "", bearer("x"+answer.AccessToken)); status != 401 || strings.Contains(body, "orders") {
				t.Errorf("the API with a bad token: %d %q", status, body)
			}
		})
	}
}
