package keys_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/trust"
)

// partner is an identity provider that publishes its keys, here on this machine.
func partner() (server *httptest.Server, authority *x509.CertPool) {
	mux := http.NewServeMux()
	server = httptest.NewTLSServer(mux)
	mux.HandleFunc("GET /jwks.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, jwks("2026-11")) })
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/jwks.json")
	})
	authority = x509.NewCertPool()
	authority.AddCert(server.Certificate())
	return server, authority
}

// A partner publishes its keys at a URL. They are fetched when the first of its assertions comes.
func ExampleFromURL() {
	idp, authority := partner()
	defer idp.Close()

	partnerKeys, err := keys.FromURL(idp.URL+"/jwks.json", keys.FetchOptions{
		AllowPrivateAddresses: true, // the partner of this example runs on this machine; leave it out for one on the Internet
		RootCAs:               authority,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	trusted := trust.List{{
		Issuer: "https://idp.partner.example",
		Keys:   partnerKeys,
		Rules:  []trust.Rule{{Name: "deployments", Subject: "ci/deploy", Scopes: []string{"deploy"}, ClientID: "deployer"}},
	}}
	fmt.Println("trust:", trusted.Validate() == nil)

	// What the grant does with each assertion.
	for _, kid := range []string{"2026-11", "made-up"} {
		found, err := partnerKeys.Find(context.Background(), keys.Hint{ID: kid, Algorithm: keys.ES256}, time.Now())
		fmt.Printf("%s: %d key, unknown %t\n", kid, len(found), errors.Is(err, keys.ErrNoKey))
	}
	// Output:
	// trust: true
	// 2026-11: 1 key, unknown false
	// made-up: 0 key, unknown true
}

// An issuer says in its metadata where its keys are. Refresh tries the address out before anybody depends on it.
func ExampleDiscover() {
	idp, authority := partner()
	defer idp.Close()

	idpKeys, err := keys.Discover(idp.URL, keys.FetchOptions{AllowPrivateAddresses: true, RootCAs: authority})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := idpKeys.Refresh(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	status := idpKeys.Status()
	fmt.Println("keys:", status.KeyIDs)
	fmt.Println("found by metadata:", status.From == idp.URL+"/jwks.json")
	fmt.Println("relied on for", status.UsableUntil.Sub(status.Fetched), "if the issuer goes away")
	// Output:
	// keys: [2026-11]
	// found by metadata: true
	// relied on for 24h0m0s if the issuer goes away
}

// The address of a key set that somebody else has named, such as the jwks_uri of a client that registers itself, may
// point into a private network. With the zero options nothing there is reached, whatever its name resolves to.
func ExampleFetchOptions() {
	for _, url := range []string{
		"https://169.254.169.254/latest/meta-data",
		"https://[::ffff:10.0.0.1]/keys",
		"http://idp.example.com/keys",
		"https://idp.example.com/keys",
	} {
		if _, err := keys.FromURL(url, keys.FetchOptions{}); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(url, "may be fetched")
	}
	// Output:
	// keys: address not allowed: 169.254.169.254 is link-local and never dialled
	// keys: address not allowed: ::ffff:10.0.0.1 is private: use a public address, or allow private addresses for this source
	// keys: the URL is http; https is wanted (http is for loopback, where private addresses are allowed)
	// https://idp.example.com/keys may be fetched
}
