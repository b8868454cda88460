// Package safehttp fetches documents from addresses that somebody else has named: key sets and metadata.
//
// Such an address is an order to this machine to open a connection, and what answers is a stranger. So the client of
// this package
//
//   - dials public addresses only, and looks at the address itself, after DNS and just before the connection is made:
//     what a name meant a moment ago does not count (DNS rebinding);
//   - speaks https only, with certificates checked; http is for loopback, where private addresses are allowed;
//   - follows no redirect, uses no proxy of the environment, keeps no cookie, sends no credential, whatever the caller
//     has set (but see [Options.Forms]);
//   - reads 1 MiB at most, asks for no compression and takes none;
//   - gives up after [Timeout], however steadily the bytes come.
//
// What is relaxed is said in [Options].
package safehttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Timeout bounds one request, from the DNS query to the last byte.
const Timeout = 10 * time.Second

// agent is all that a server learns of who asks.
const agent = "avouch (+https://github.com/avouch-oauth/avouch)"

// Options says what a client may do. The zero value is the strict one.
type Options struct {
	// AllowPrivate lets connections go to private networks and to this machine as well, and lets http be used for the
	// latter. Link-local addresses and others that serve no documents stay refused, the metadata services of clouds
	// above all. False means public addresses only.
	AllowPrivate bool

	// RootCAs are whose certificates are believed. Nil means those of the system.
	RootCAs *x509.CertPool

	// Forms lets forms be posted as well, with an Authorization header: to a token endpoint that the operator has
	// configured, or that metadata names which he trusts. Answers are cut off at 1 MiB then, whoever reads them. False
	// means that documents are fetched and nothing is sent.
	Forms bool

	// Transport makes the connections. Nothing looks at the addresses that it dials; all other rules hold. Nil means
	// the guarded one.
	Transport http.RoundTripper

	// Resolver looks up names. Nil means the system's.
	Resolver *net.Resolver
}

// Client returns an HTTP client that keeps the rules of the package. It keeps no connections, so there is nothing to
// close.
func Client(o Options) *http.Client {
	g := &guard{options: o, secure: o.Transport, plain: o.Transport}
	if o.Transport == nil {
		g.secure, g.plain = o.transport(toPublic), o.transport(toLoopback)
		if o.AllowPrivate {
			g.secure = o.transport(toPrivate)
		}
	}
	return &http.Client{
		Transport:     g,
		Timeout:       Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport makes connections within reach. It speaks HTTP/1.1 only: there is one request in many minutes.
func (o Options) transport(r reach) http.RoundTripper {
	dialer := &net.Dialer{Control: r.control, Resolver: o.Resolver}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// guard holds every request to the rules, whoever made it.
type guard struct {
	options       Options
	secure, plain http.RoundTripper
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if g.options.Forms && req.Method == http.MethodPost {
		return g.post(req)
	}
	if req.Body != nil {
		req.Body.Close()
		return nil, errors.New("safehttp: documents are fetched, nothing is sent")
	}
	if req.Method != http.MethodGet {
		return nil, fmt.Errorf("safehttp: method %.16q: documents are fetched with GET", req.Method)
	}
	if err := g.options.check(req.URL); err != nil {
		return nil, err
	}
	clean := req.Clone(req.Context())
	clean.Host = ""
	clean.Header = http.Header{
		"User-Agent":      {agent},
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"}, // without it a server may pick any (RFC 9110 §12.5.3)
	}
	for _, name := range [...]string{"Accept", "If-None-Match"} {
		if value := req.Header.Get(name); value != "" {
			clean.Header.Set(name, value)
		}
	}
	return g.send(clean)
}

func (g *guard) send(clean *http.Request) (*http.Response, error) {
	through := g.secure
	if clean.URL.Scheme == "http" {
		through = g.plain
	}
	resp, err := through.RoundTrip(clean)
	if err == nil && g.options.Forms {
		resp.Body = &bounded{resp.Body, maxSize}
	}
	return resp, err
}
