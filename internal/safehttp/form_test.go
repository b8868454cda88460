package safehttp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	var got *http.Request
	var body string
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, body = r, string(text)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		for range 20 {
			_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	post := func(o Options, path, contentType string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(url.Values{"code": {"c"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Authorization", "Basic x")
		req.Header.Set("Cookie", "a=b")
		return Client(o).Do(req)
	}
	const form = "application/x-www-form-urlencoded"
	allowed := Options{Forms: true, AllowPrivate: true}

	resp, err := post(allowed, "/token", form)
	if err != nil || resp.StatusCode != http.StatusOK || body != "code=c" || got.Header.Get("Authorization") != "Basic x" || got.Header.Get("Cookie") != "" {
		t.Fatalf("a form: %v, %q, %v", err, body, got)
	}
	got = nil
	if resp, err := post(allowed, "/away", form); err != nil || resp.StatusCode != http.StatusTemporaryRedirect || got != nil {
		t.Errorf("a redirect was followed with the form: %v %v", resp, err)
	}
	for name, try := range map[string]func() (*http.Response, error){
		"not allowed":          func() (*http.Response, error) { return post(Options{AllowPrivate: true}, "/token", form) },
		"to a private address": func() (*http.Response, error) { return post(Options{Forms: true}, "/token", form) },
		"no form":              func() (*http.Response, error) { return post(allowed, "/token", "application/json") },
		"no type":              func() (*http.Response, error) { return post(allowed, "/token", "") },
	} {
		if _, err := try(); err == nil || got != nil {
			t.Errorf("%s: sent", name)
		}
	}
	if resp, err = post(allowed, "/long", form); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); err == nil || len(text) > maxSize {
		t.Errorf("read %d bytes: %v", len(text), err)
	}
}
