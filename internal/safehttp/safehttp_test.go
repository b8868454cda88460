package safehttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestNoConnection proves with a real listener that what must not be dialled is not: the refusal comes before the first
// packet, and not after an answer.
func TestNoConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int32
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			c.Close()
		}
	}()
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())

	here := [4]byte{127, 0, 0, 1}
	rebinding := resolver(t, map[string][4]byte{
		"keys.example.com.": here, "meta.example.com.": {169, 254, 169, 254},
		"127.1.": here, "2130706433.": here, "0x7f.0.0.1.": here, "0177.0.0.1.": here, // as getaddrinfo reads them
	})
	strict, lenient := Options{Resolver: rebinding}, Options{Resolver: rebinding, AllowPrivate: true}
	for _, c := range []struct {
		options Options
		url     string
	}{
		{strict, "https://127.0.0.1:" + port},
		{strict, "http://127.0.0.1:" + port},
		{strict, "https://localhost:" + port},
		{strict, "https://[::1]:" + port},
		{strict, "https://[::ffff:127.0.0.1]:" + port},
		{strict, "https://0.0.0.0:" + port},
		{strict, "https://[::]:" + port},
		{strict, "https://127.1:" + port},            // short, as inet_aton takes it
		{strict, "https://2130706433:" + port},       // decimal
		{strict, "https://0x7f.0.0.1:" + port},       // hexadecimal
		{strict, "https://0177.0.0.1:" + port},       // octal
		{strict, "https://keys.example.com:" + port}, // by DNS
		{lenient, "http://keys.example.com:" + port}, // not by its name
		{lenient, "https://0.0.0.0:" + port},
		{lenient, "https://meta.example.com:" + port},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		answer, err := Get(ctx, Client(c.options), c.url, "")
		cancel()
		if err == nil {
			t.Errorf("%s: answered with status %d", c.url, answer.Status)
		}
		if ctx.Err() == context.DeadlineExceeded {
			t.Errorf("%s: took longer than to look at an address", c.url)
		}
	}
	_, err = Get(t.Context(), Client(strict), "https://keys.example.com:"+port, "")
	if !errors.Is(err, ErrBlocked) {
		t.Errorf("by DNS: %v, want ErrBlocked", err)
	}
	if n := connections.Load(); n != 0 {
		t.Fatalf("%d connections arrived", n)
	}
	// The same listener is reached where that is meant: the test can see a connection.
	if _, err := Get(t.Context(), Client(lenient), "https://keys.example.com:"+port, ""); err == nil || errors.Is(err, ErrBlocked) {
		t.Errorf("with private addresses allowed: %v, want a failure of TLS", err)
	}
	if n := connections.Load(); n != 1 {
		t.Fatalf("with private addresses allowed %d connections arrived, want 1", n)
	}
}

// TestLoopbackOnly: http goes to a loopback address, whatever the name localhost means here.
func TestLoopbackOnly(t *testing.T) {
	elsewhere := resolver(t, map[string][4]byte{"x.localhost.": {10, 0, 0, 1}})
	_, err := Get(t.Context(), Client(Options{AllowPrivate: true, Resolver: elsewhere}), "http://x.localhost:81", "")
	if !errors.Is(err, ErrBlocked) {
		t.Errorf("%v, want ErrBlocked", err)
	}
}

// resolver answers from a table, as a name server does whose owner can say anything at any time.
func resolver(t *testing.T, table map[string][4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			server.WriteTo(dnsAnswer(packet[:n], table), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// dnsAnswer answers one question (RFC 1035 §4): with an address where it asks for one that is in the table.
func dnsAnswer(query []byte, table map[string][4]byte) []byte {
	end, name := 12, ""
	for query[end] != 0 {
		name += string(query[end+1:end+1+int(query[end])]) + "."
		end += 1 + int(query[end])
	}
	kind := query[end+2]
	answer := append([]byte{query[0], query[1], 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end+5]...)
	if ip, ok := table[name]; ok && kind == 1 {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		return append(answer, ip[:]...)
	}
	if _, ok := table[name]; !ok {
		answer[3] = 3 // no such name
	}
	return answer
}

func trusting(s *httptest.Server) Options {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return Options{AllowPrivate: true, RootCAs: roots}
}

// TestSent looks at what arrives at a real server: nothing that says who asks, however much the caller adds.
func TestSent(t *testing.T) {
	var got *http.Request
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		http.SetCookie(w, &http.Cookie{Name: "tracker", Value: "1"})
	}))
	defer s.Close()
	client := Client(trusting(s))
	client.Jar, _ = cookiejar.New(nil)
	at, _ := url.Parse(s.URL)
	client.Jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "hunter2"}})

	req, _ := http.NewRequest(http.MethodGet, s.URL+"/keys", nil)
	req.Header.Set("Authorization", "Bearer hunter2")
	req.Header.Set("User-Agent", "mine")
	req.Header.Set("If-None-Match", `"e"`)
	req.Host = "other.example"
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	want := []string{"Accept", "Accept-Encoding", "Connection", "If-None-Match", "User-Agent"}
	if names := slices.Sorted(maps.Keys(got.Header)); !slices.Equal(names, want) {
		t.Errorf("headers %q, want %q", names, want)
	}
	if got.UserAgent() != agent || got.Header.Get("Accept-Encoding") != "identity" || got.Host != at.Host {
		t.Errorf("agent %q, encoding %q, host %q", got.UserAgent(), got.Header.Get("Accept-Encoding"), got.Host)
	}

	if (Options{}).transport(toPublic).(*http.Transport).Proxy != nil { // net/http never uses one for a server on loopback
		t.Error("there is a proxy")
	}
	for _, req := range []*http.Request{
		{Method: http.MethodPost, URL: at},
		{Method: http.MethodGet, URL: at, Body: io.NopCloser(strings.NewReader("x"))},
	} {
		if _, err := client.Transport.RoundTrip(req); err == nil {
			t.Errorf("%s with body %t went out", req.Method, req.Body != nil)
		}
	}
}

// TestAnswers are the ways in which a server can be a bad one. What it says is read to a bound, and nothing is followed.
func TestAnswers(t *testing.T) {
	var gzipped bytes.Buffer
	z := gzip.NewWriter(&gzipped)
	z.Write(make([]byte, 4<<20))
	z.Close()
	var followed atomic.Bool
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			w.Header().Set("ETag", `"1"`)
			fmt.Fprint(w, `{}`)
		case "/exact":
			w.Write(make([]byte, maxSize))
		case "/large":
			w.Write(make([]byte, maxSize+1))
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(gzipped.Bytes())
		case "/headers":
			for i := range 2000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{`)
		case "/redirect":
			http.Redirect(w, r, "/followed", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusTemporaryRedirect)
		case "/followed":
			followed.Store(true)
		case "/cookies":
			fmt.Fprint(w, r.Cookies())
		case "/same":
			w.WriteHeader(http.StatusNotModified)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	client := Client(trusting(s))
	for path, want := range map[string]struct {
		size  int
		fault string
	}{
		"/good":      {2, ""},
		"/exact":     {maxSize, ""},
		"/large":     {0, "longer than"},
		"/endless":   {0, "longer than"},
		"/gzip":      {0, "Content-Encoding"},
		"/headers":   {0, "header"},
		"/cut":       {0, "broke off"},
		"/redirect":  {0, `redirect to "/followed"`},
		"/elsewhere": {0, "redirects are not followed"},
		"/same":      {0, "status 304"},
		"/none":      {0, "status 404"},
	} {
		answer, err := Get(t.Context(), client, s.URL+path, "")
		if err == nil {
			err = answer.Err()
		}
		if want.fault != "" {
			if err == nil || !strings.Contains(err.Error(), want.fault) {
				t.Errorf("%s: %v; should speak of %q", path, err, want.fault)
			}
			continue
		}
		if err != nil || len(answer.Body) != want.size {
			t.Errorf("%s: %v", path, err)
		}
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
	// Not followed, and no cookies, with a client that would.
	other := s.Client()
	other.Jar, _ = cookiejar.New(nil)
	at, _ := url.Parse(s.URL)
	other.Jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "hunter2", Path: "/"}})
	if answer, err := Get(t.Context(), other, s.URL+"/redirect", ""); err != nil || answer.Status != http.StatusFound || followed.Load() {
		t.Errorf("another client: %v, followed %t", err, followed.Load())
	}
	if answer, err := Get(t.Context(), other, s.URL+"/cookies", ""); err != nil || string(answer.Body) != "[]" {
		t.Errorf("another client: %v, sent cookies %s", err, answer.Body)
	}
}

func TestCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	_, err := Get(t.Context(), Client(Options{AllowPrivate: true}), s.URL, "")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("%v, want an unknown authority", err)
	}
}

// TestSlow: a server that sends a byte a second keeps nobody longer than the deadline.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := Client(Options{Transport: drip{}})
		start := time.Now()
		_, err := Get(t.Context(), client, "https://idp.example.com/keys", "")
		if err == nil || time.Since(start) != Timeout {
			t.Errorf("%v after %s, want a failure after %s", err, time.Since(start), Timeout)
		}
	})
}

// drip answers for ever, one byte a second, as a body read from a socket would: it ends with the request's context.
type drip struct{}

func (drip) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(dripBody{req.Context()}), Request: req}, nil
}

type dripBody struct{ ctx context.Context }

func (b dripBody) Read(p []byte) (int, error) {
	select {
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	case <-time.After(time.Second):
		return copy(p, " "), nil
	}
}
