package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch/admin"
)

// readiness is one thing that must be well before the server should get requests.
type readiness struct {
	name  string
	check func(ctx context.Context) error
}

// managementHandler serves health and metrics. Failures are told by name only: their texts are in the log.
// How the keys of issuers stand is told beside it and makes no server unready: another one would get them no better.
func managementHandler(ready []readiness, sources func() []admin.KeySource, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, health{OK: true, Checks: map[string]string{"process": "ok"}})
	})
	readyz := func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		h := health{OK: true, Checks: map[string]string{}, IssuerKeys: map[string]string{}}
		for _, c := range ready {
			h.Checks[c.name] = "ok"
			if err := c.check(ctx); err != nil {
				h.Checks[c.name] = "failed"
				h.OK = false
			}
		}
		for _, s := range sources() {
			h.IssuerKeys[s.Issuer] = standing(s)
		}
		writeHealth(w, h)
	}
	mux.HandleFunc("GET /readyz", readyz)
	mux.HandleFunc("GET /healthz", readyz)
	mux.Handle("GET /metrics", metrics)
	return mux
}

// health is the answer of /livez and /readyz.
type health struct {
	OK         bool              `json:"ok"`
	Checks     map[string]string `json:"checks"`
	IssuerKeys map[string]string `json:"issuer_keys,omitempty"` // by the name of the issuer
}

// standing is how the keys of an issuer stand: ok; idle where nobody has asked for them yet; failing while they cannot
// be fetched and the last ones are relied on; missing where there are none to rely on.
func standing(s admin.KeySource) string {
	switch {
	case s.Keys == 0 && s.Error != "":
		return "missing"
	case s.Error != "":
		return "failing"
	case s.Fetched.IsZero():
		return "idle"
	case s.Keys == 0:
		return "missing"
	}
	return "ok"
}

func writeHealth(w http.ResponseWriter, h health) {
	status := http.StatusOK
	if !h.OK {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// a failed write means that the asker is gone
	_ = json.NewEncoder(w).Encode(h)
}
