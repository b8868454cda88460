package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/avouch-oauth/avouch/admin"
)

// What makes the server unready, and what is only told: another server would get the keys of an issuer no better.
func TestReadyz(t *testing.T) {
	sources := func() []admin.KeySource {
		return []admin.KeySource{
			{Issuer: "given", Keys: 1, Fetched: time.Now()},
			{Issuer: "new"},
			{Issuer: "old", Keys: 2, Fetched: time.Now(), Error: "refused by 10.0.0.1"},
			{Issuer: "gone", Error: "no such host"},
			{Issuer: "empty", Fetched: time.Now()},
		}
	}
	var fault error
	get := func(path string) (int, string) {
		handler := managementHandler([]readiness{{"state", func(context.Context) error { return fault }}}, sources, http.NotFoundHandler())
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		return w.Code, w.Body.String()
	}
	const keys = `"issuer_keys":{"empty":"missing","given":"ok","gone":"missing","new":"idle","old":"failing"}`
	if status, body := get("/readyz"); status != 200 || !strings.Contains(body, `"ok":true`) || !strings.Contains(body, keys) {
		t.Errorf("%d %s", status, body)
	}
	fault = errors.New("the password is x")
	if status, body := get("/readyz"); status != 503 || !strings.Contains(body, `"checks":{"state":"failed"}`) || strings.Contains(body, "password") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get("/livez"); status != 200 || strings.Contains(body, "issuer_keys") {
		t.Errorf("%d %s", status, body)
	}
}

func TestKeySourceMetrics(t *testing.T) {
	m := keySourceMetrics{func() []admin.KeySource {
		return []admin.KeySource{{Issuer: "idp", Keys: 2, Fetched: time.Unix(1000, 0), Error: "timeout"}, {Issuer: "new"}}
	}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for _, want := range []string{
		`avouch_issuer_keys{issuer="idp"} 2`, `avouch_issuer_keys{issuer="new"} 0`,
		`avouch_issuer_keys_failing{issuer="idp"} 1`, `avouch_issuer_keys_failing{issuer="new"} 0`,
		`avouch_issuer_keys_fetched_timestamp_seconds{issuer="idp"} 1000`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
	if strings.Contains(w.Body.String(), `timestamp_seconds{issuer="new"}`) {
		t.Error("keys that nobody has fetched have a time")
	}
}
