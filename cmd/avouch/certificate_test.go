package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
)

// A certificate that ends soon is told of in the log, and when it ends is a metric.
func TestCertificateEnds(t *testing.T) {
	dir := t.TempDir()
	p := &pair{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, key, "for an hour")
	var log bytes.Buffer
	c, err := loadCertificate(p.cert, p.key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "ends="+c.ends().UTC().Format(time.RFC3339)) {
		t.Errorf("logged %q", log.String())
	}
	log.Reset()
	if c.warn(endsSoon + time.Hour); log.Len() > 0 {
		t.Errorf("told of one that lives long enough: %s", log.String())
	}
	m := newMetrics(func() []admin.KeySource { return nil })
	m.watchCertificate(c)
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	want := "avouch_tls_certificate_ends_timestamp_seconds " + strconv.FormatFloat(float64(c.ends().Unix()), 'g', -1, 64) + "\n"
	if !strings.Contains(w.Body.String(), want) {
		t.Errorf("no %s in\n%s", want, w.Body)
	}
}
