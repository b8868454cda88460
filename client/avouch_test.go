package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// TestWholePath goes from a signed assertion to an answer of an API, with our server, our client and our guard over
// real HTTP: each way of getting a token, and what the API then takes the caller for.
func TestWholePath(t *testing.T) {
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	defer site.Close()
	issuer, orders := site.URL, site.URL+"/orders"

	signing, batchKey, partnerKey, googleKey := generate(t, keys.ES256), generate(t, keys.EdDSA), generate(t, keys.ES256), generate(t, keys.RS256)
	secret := []byte(strings.Repeat("s", 32))
	scopes := []string{"orders:read", "orders:write"}
	ours := func(id, method string) *avouch.Client {
		return &avouch.Client{
			ID: id, AuthMethod: method, Grants: []string{"client_credentials", grant.JWTBearerType},
			Scopes: scopes, DefaultScopes: scopes[:1], Audiences: []string{orders},
		}
	}
	batch, terminal := ours("batch", ""), ours("terminal", "client_secret_jwt")
	batch.Keys = batchKey.PublicKeys(time.Now())
	terminal.Secrets = []avouch.Secret{{Value: secret}}
	rule := trust.Rule{Scopes: scopes, DefaultScopes: scopes[:1], Audiences: []string{orders}}
	ruleFor := func(change func(*trust.Rule)) []trust.Rule {
		r := rule
		change(&r)
		return []trust.Rule{r}
	}
	server, err := avouch.New(avouch.Config{
		Issuer: issuer,
		Minter: &token.Minter{Key: signing},
		Grants: []avouch.Grant{
			&grant.ClientCredentials{},
			avouch.ClientOptional(&grant.JWTBearer{Trust: trust.List{
				{
					Issuer: "https://hr.example.com", Name: "hr", Keys: partnerKey.PublicKeys(time.Now()),
					Rules: ruleFor(func(r *trust.Rule) { r.Subject = "alice" }),
				},
				{
					Issuer: "shop@example.com", SelfIssued: true, Keys: googleKey.PublicKeys(time.Now()),
					SubjectOptional: true, ScopeClaim: true, Rules: ruleFor(func(r *trust.Rule) { r.Nobody = true }),
				},
			}}),
		},
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}, &clientauth.SecretJWT{}},
		Clients:    avouch.ClientList{batch, terminal},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("POST /oauth/token", server.TokenEndpoint())
	mux.Handle("GET /oauth/jwks", server.JWKS())
	mux.Handle("GET /.well-known/oauth-authorization-server", server.Metadata())
	guard, err := resource.New(resource.Config{Issuer: issuer, Audience: orders})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("GET /orders/whoami", guard.WhoAmI())
	mux.Handle("POST /orders", guard.Require("orders:write")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	mux.Handle("GET "+guard.MetadataPath(), guard.Metadata())

	keyFile, err := keys.MarshalKeyFile(googleKey, "shop@example.com", issuer+"/oauth/token")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "shop.json")
	if err := os.WriteFile(path, keyFile, 0o600); err != nil {
		t.Fatal(err)
	}
	shop, err := client.JWTBearerFromKeyFile(path, scopes...)
	if err != nil {
		t.Fatal(err)
	}
	private := client.PrivateKeyJWT{Issuer: issuer, ClientID: "batch", Key: batchKey, Scopes: scopes}
	alice := client.JWTBearer{Issuer: issuer, Key: partnerKey, AssertionIssuer: "https://hr.example.com", Subject: "alice"}
	aliceByBatch := alice
	aliceByBatch.ClientAuth = client.PrivateKeyJWT{ClientID: "batch", Key: batchKey}
	handed := client.JWTBearer{Issuer: issuer, Assertion: func(context.Context) (string, error) {
		return assertion.Sign(assertion.Claims{Issuer: "https://hr.example.com", Subject: "alice", Audience: issuer}, partnerKey)
	}}

	for _, c := range []struct {
		name string
		by   interface {
			Client(context.Context) *http.Client
		}
		subject, clientID string
		write             int // status of a request that needs orders:write
	}{
		{"private_key_jwt", private, "batch", "batch", 200},
		{"client_secret_jwt", client.SecretJWT{Issuer: issuer, ClientID: "terminal", Secret: secret}, "terminal", "terminal", 403},
		{"for a user", alice, "hr/alice", "https://hr.example.com", 403},
		{"for a user, by a client", aliceByBatch, "hr/alice", "batch", 403},
		{"ready-made", handed, "hr/alice", "https://hr.example.com", 403},
		{"key file", shop, "shop@example.com", "shop@example.com", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			hc := c.by.Client(t.Context())
			resp, err := hc.Get(orders + "/whoami")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var who struct {
				Sub      string   `json:"sub"`
				ClientID string   `json:"client_id"`
				Aud      []string `json:"aud"`
				Iss      string   `json:"iss"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&who); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status, err)
			}
			if who.Sub != c.subject || who.ClientID != c.clientID || len(who.Aud) != 1 || who.Aud[0] != orders || who.Iss != issuer {
				t.Errorf("the API takes it for %+v", who)
			}
			resp, err = hc.Post(orders, "application/json", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.write {
				t.Errorf("POST: %s, want %d", resp.Status, c.write)
			}
		})
	}

	// A stranger is refused, and learns where to ask.
	private.Key = generate(t, keys.EdDSA)
	_, err = private.Client(t.Context()).Get(orders + "/whoami")
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized || client.RefusalID(err) == "" {
		t.Errorf("a stranger's key: %v", err)
	}
}
