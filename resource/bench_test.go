package resource_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/resource"
)

// BenchmarkGuard is one request with a good ES256 token, in process.
func BenchmarkGuard(b *testing.B) {
	key := generate(b)
	guard := newGuard(b, resource.Config{Keys: key.PublicKeys(time.Now())})
	h := guard.Require("orders:write")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+mint(b, key, nil))
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
	if w.Code != http.StatusOK {
		b.Fatal(w.Code)
	}
}
