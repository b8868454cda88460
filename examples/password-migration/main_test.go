package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func Test(t *testing.T) {
	const secret = "the-secret-of-the-old-app-is-long"
	open := legacyPassword{Until: time.Now().Add(time.Hour), Check: alone}
	over := legacyPassword{Until: time.Now().Add(-time.Second), Check: alone}
	down := legacyPassword{Until: time.Now().Add(time.Hour), Check: func(context.Context, string, string, string) (string, error) {
		return "", errors.New("the database is down")
	}}
	for _, try := range []struct {
		name           string
		grant          legacyPassword
		id, secret     string
		user, password string
		scope          string
		status         int
		code           string
	}{
		{"good", open, "old-app", secret, "alice", "sesame", "", 200, ""},
		{"wrong password", open, "old-app", secret, "alice", "Sesame", "", 400, "invalid_grant"},
		{"unknown user", open, "old-app", secret, "bob", "sesame", "", 400, "invalid_grant"},
		{"no password", open, "old-app", secret, "alice", "", "", 400, "invalid_request"},
		{"a scope that the client has not", open, "old-app", secret, "alice", "sesame", "admin", 400, "invalid_scope"},
		{"wrong secret", open, "old-app", "no", "alice", "sesame", "", 401, "invalid_client"},
		{"a client that has moved", open, "new-app", "", "alice", "sesame", "", 400, "unauthorized_client"},
		{"a public client", open, "careless", "", "alice", "sesame", "", 401, "invalid_client"},
		{"no client", open, "", "", "alice", "sesame", "", 401, "invalid_client"},
		{"the end has come", over, "old-app", secret, "alice", "sesame", "", 400, "unsupported_grant_type"},
		{"nobody can tell", down, "old-app", secret, "alice", "sesame", "", 500, "server_error"},
	} {
		t.Run(try.name, func(t *testing.T) {
			server, err := newServer("http://127.0.0.1", try.grant)
			if err != nil {
				t.Fatal(err)
			}
			form := url.Values{"grant_type": {"password"}, "username": {try.user}, "password": {try.password}, "scope": {try.scope}}
			if try.secret == "" {
				form.Set("client_id", try.id)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if try.secret != "" {
				r.SetBasicAuth(try.id, try.secret)
			}
			w := httptest.NewRecorder()
			server.TokenEndpoint().ServeHTTP(w, r)
			var answer struct {
				Error     string  `json:"error"`
				Scope     string  `json:"scope"`
				ExpiresIn float64 `json:"expires_in"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if w.Code != try.status || answer.Error != try.code {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, try.status, try.code)
			}
			if try.status == 200 && (answer.Scope != "photos:read" || answer.ExpiresIn != 300) {
				t.Errorf("%s", w.Body)
			}
		})
	}
}
