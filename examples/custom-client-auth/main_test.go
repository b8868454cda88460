package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func Test(t *testing.T) {
	server, err := newServer("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.Handler())
	defer s.Close()
	for _, try := range []struct {
		name, key, form string
		status          int
		answer          string
	}{
		{"good", "k-1", "grant_type=client_credentials&scope=reports:read", 200, `"scope":"reports:read"`},
		{"names itself too", "k-1", "grant_type=client_credentials&client_id=reports", 200, `"access_token"`},
		{"names another", "k-1", "grant_type=client_credentials&client_id=closed-down", 401, `"invalid_client"`},
		{"unknown key", "k-9", "grant_type=client_credentials", 401, `"invalid_client"`},
		{"no key", "", "grant_type=client_credentials", 401, `"invalid_client"`},
		{"disabled client", "k-2", "grant_type=client_credentials", 401, `"invalid_client"`},
		{"registered for another method", "k-3", "grant_type=client_credentials", 401, `"invalid_client"`},
		{"a secret beside it", "k-1", "grant_type=client_credentials&client_id=reports&client_secret=x", 400, `"invalid_request"`},
	} {
		t.Run(try.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth/token", strings.NewReader(try.form))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if try.key != "" {
				r.Header.Set("X-Api-Key", try.key)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body json.RawMessage
			if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != try.status || !strings.Contains(string(body), try.answer) {
				t.Errorf("%s %s, want %d with %s", resp.Status, body, try.status, try.answer)
			}
		})
	}

	resp, err := http.Get(s.URL + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var metadata struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&metadata); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(metadata.Methods, []string{"api_key"}) {
		t.Errorf("the metadata has the methods %q", metadata.Methods)
	}
}
