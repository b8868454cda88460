package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// readiness is one thing that must be well before the server should get requests.
type readiness struct {
	name  string
	check func(ctx context.Context) error
}

// managementHandler serves health and metrics. Failures are told by name only: their texts are in the log.
func managementHandler(ready []readiness, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, map[string]string{"process": "ok"}, true)
	})
	readyz := func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		checks, well := map[string]string{}, true
		for _, c := range ready {
			checks[c.name] = "ok"
			if err := c.check(ctx); err != nil {
				checks[c.name] = "failed"
				well = false
			}
		}
		writeHealth(w, checks, well)
	}
	mux.HandleFunc("GET /readyz", readyz)
	mux.HandleFunc("GET /healthz", readyz)
	mux.Handle("GET /metrics", metrics)
	return mux
}

func writeHealth(w http.ResponseWriter, checks map[string]string, well bool) {
	status := http.StatusOK
	if !well {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// a failed write means that the asker is gone
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": well, "checks": checks})
}
