package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// pair is a certificate of our own making, in files.
type pair struct {
	cert, key string
	pool      *x509.CertPool
}

// writePair makes a certificate for 127.0.0.1 with a name of its own and writes it over the files of p.
func (p *pair) write(t *testing.T, key crypto.Signer, name string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.pool.AppendCertsFromPEM(text)
	for name, content := range map[string][]byte{p.cert: text, p.key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newPair(t *testing.T) *pair {
	dir := t.TempDir()
	return &pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
}

func ecSigner(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newHostileTLS is the server with a certificate.
func newHostileTLS(t *testing.T, key crypto.Signer) (*hostile, *pair) {
	t.Helper()
	p := newPair(t)
	p.write(t, key, "first")
	h := newHostile(t, func(c *config.Config) {
		c.TLS.Cert, c.TLS.Key = p.cert, p.key
		c.Issuer = strings.Replace(c.Issuer, "http:", "https:", 1)
	})
	transport := h.from("").Transport.(*http.Transport)
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: p.pool}, true
	h.signer("both", "ES256")
	return h, p
}

// TestHostileTLS: TLS 1.3, or 1.2 with forward secrecy and AES-GCM, and nothing else (BCP 195, FAPI 2.0 §5.2.2).
func TestHostileTLS(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]crypto.Signer{"ECDSA": ecSigner(t), "RSA": rsaKey().Signer} {
		t.Run(name, func(t *testing.T) {
			h, p := newHostileTLS(t, key)
			shake := func(c *tls.Config) (tls.ConnectionState, error) {
				c.RootCAs = p.pool
				conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", h.address, c)
				if err != nil {
					return tls.ConnectionState{}, err
				}
				defer conn.Close()
				return conn.ConnectionState(), nil
			}
			_, isRSA := key.(*rsa.PrivateKey)
			wanted := map[uint16]bool{
				tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: isRSA, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: isRSA,
				tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: !isRSA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: !isRSA,
			}
			for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
				if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
					continue
				}
				_, err := shake(&tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
				if (err == nil) != wanted[suite.ID] {
					t.Errorf("%s at TLS 1.2: %v", suite.Name, err)
				}
			}
			for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
				if _, err := shake(&tls.Config{MinVersion: version, MaxVersion: version}); err == nil {
					t.Errorf("%s is spoken", tls.VersionName(version))
				}
			}
			for _, protocol := range []string{"h2", "http/1.1"} {
				state, err := shake(&tls.Config{NextProtos: []string{protocol}})
				if err != nil || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != protocol {
					t.Errorf("%s: %s %q %v", protocol, tls.VersionName(state.Version), state.NegotiatedProtocol, err)
				}
			}
			if state, err := shake(&tls.Config{NextProtos: []string{"spdy/3", "imap"}}); err == nil {
				t.Errorf("a protocol that is none of ours was agreed upon: %q", state.NegotiatedProtocol)
			}

			// Plain HTTP gets no token here, and rubbish no answer; both leave the server as it was.
			for _, text := range []string{"POST " + tokenPath + " HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\xff\xff" + strings.Repeat("\x00", 70000), "\x15\x03\x01\x00\x02\x02\x00", strings.Repeat("\xff", 1<<20)} {
				for _, status := range statuses(t, h.raw(t, text)) {
					if status != 400 {
						t.Errorf("%.20q over TLS: %d", text, status)
					}
				}
			}
			h.alive(t)
			resp, err := h.from("").Get(h.url + jwksPath)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.ProtoMajor != 2 {
				t.Errorf("spoken: %s", resp.Proto)
			}
		})
	}
}

// TestHostileHTTP2: the same bounds hold where many requests share a connection.
func TestHostileHTTP2(t *testing.T) {
	t.Parallel()
	h, p := newHostileTLS(t, ecSigner(t))
	post := func(body io.Reader, change func(*http.Request)) (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+tokenPath, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if change != nil {
			change(req)
		}
		client := &http.Client{Timeout: 25 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.pool}, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Errorf("spoken: %s", resp.Proto)
		}
		return resp.StatusCode, nil
	}
	if status, err := post(endless{}, nil); status != 413 && err == nil {
		t.Errorf("an endless body: %d", status)
	}
	if status, err := post(strings.NewReader(""), func(r *http.Request) { r.Header.Set("X-A", strings.Repeat("a", 100<<10)) }); status != 431 && err == nil {
		t.Errorf("a hundred kilobytes of header: %d", status)
	}
	if status, err := post(strings.NewReader(""), func(r *http.Request) {
		for i := range 3000 {
			r.Header.Add(fmt.Sprint("X-", i), "some value")
		}
	}); status != 431 && err == nil {
		t.Errorf("three thousand headers: %d", status)
	}
	if status, err := post(strings.NewReader(h.vouching(t, "both").Encode()), func(r *http.Request) { r.Host = "evil.example.com" }); status != 200 || err != nil {
		t.Errorf("a good request for another host: %d %v", status, err)
	}
	started := givenTime()
	slow, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "grant_type=")
	if status, err := post(slow, nil); status != 408 && err == nil {
		t.Errorf("a body that does not come: %d", status)
	}
	if took := givenTime() - started; took > 20*time.Second {
		t.Errorf("a body that does not come was waited for %s", took)
	}
	h.alive(t)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestCertificateIsRenewed: a new certificate is served without a restart, and a broken one not at all.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.write(t, ecSigner(t), "first")
	var log bytes.Buffer
	c, err := loadCertificate(p.cert, p.key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	names := func(want string) {
		t.Helper()
		c.mu.Lock()
		c.checked = time.Time{} // as if enough time had passed
		c.mu.Unlock()
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if leaf.Subject.CommonName != want {
			t.Errorf("the certificate of %s is served, want %s", leaf.Subject.CommonName, want)
		}
	}
	later := func(name string, n time.Duration) {
		t.Helper()
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(n*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	names("first")
	old, err := os.ReadFile(p.cert)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, ecSigner(t), "second")
	later(p.cert, 1)
	names("second")

	if err := os.WriteFile(p.cert, old, 0o600); err != nil { // of the other key, as in the middle of a renewal
		t.Fatal(err)
	}
	later(p.cert, 2)
	names("second")
	if err := os.WriteFile(p.key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	later(p.key, 3)
	names("second")
	if err := os.Remove(p.cert); err != nil {
		t.Fatal(err)
	}
	names("second")
	if n := strings.Count(log.String(), "the last good one stays in force"); n != 3 {
		t.Errorf("told %d times of 3:\n%s", n, log.String())
	}
	p.write(t, ecSigner(t), "third")
	later(p.cert, -100) // brought back from a backup, perhaps: another time is another file
	names("third")

	// Not at each handshake, so that the files are no cost.
	p.write(t, ecSigner(t), "fourth")
	later(p.cert, 5)
	if got, err := c.get(nil); err != nil || bytes.Contains(got.Certificate[0], []byte("fourth")) {
		t.Errorf("looked at again at once (%v)", err)
	}
	names("fourth")
	for _, line := range strings.Split(log.String(), "\n") {
		if strings.Contains(line, "PRIVATE") || strings.Contains(line, "no key") && !strings.Contains(line, "error=") {
			t.Errorf("logged: %s", line)
		}
	}
	if _, err := loadCertificate(p.cert, filepath.Join(t.TempDir(), "none.pem"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a server may start without its key")
	}
}

// TestHostileRenewal: the same on the running server, with connections that stay.
func TestHostileRenewal(t *testing.T) {
	t.Parallel()
	h, p := newHostileTLS(t, ecSigner(t))
	served := func() string {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", h.address, &tls.Config{RootCAs: p.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if name := served(); name != "first" {
		t.Fatalf("served: %s", name)
	}
	stays, err := tls.Dial("tcp", h.address, &tls.Config{RootCAs: p.pool})
	if err != nil {
		t.Fatal(err)
	}
	defer stays.Close()
	answers := bufio.NewReader(stays)
	ask := func() {
		t.Helper()
		fmt.Fprintf(stays, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", jwksPath)
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			t.Errorf("the old connection: %s, %v", resp.Status, err)
		}
	}
	ask()
	p.write(t, ecSigner(t), "second")
	for deadline := time.Now().Add(certificateCheckEvery + patience); served() != "second"; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not served")
		}
	}
	ask()
	h.alive(t)
}
