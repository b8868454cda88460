// Command custom-client-auth is a token endpoint for clients that had API keys before there was OAuth: they send the key
// they have, in the header they know, and get access tokens for it.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"log"
	"net/http"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// apiKey is the method: a value in the slice of methods, as the built-in ones are.
type apiKey struct {
	owners map[[32]byte]string // client ids by SHA-256 of the key: the table opens nothing for who steals it
}

// Method is the name under which clients are registered for it.
func (apiKey) Method() string { return "api_key" }

// Presented looks whether the credentials are there, and not whether they are good.
func (apiKey) Presented(req *avouch.Request) bool {
	return req.HTTP != nil && req.HTTP.Header.Get("X-Api-Key") != ""
}

// Authenticate says whose they are. That the client is enabled, and registered for this method, is the server's work.
func (k apiKey) Authenticate(ctx context.Context, req *avouch.Request) (*avouch.Authentication, error) {
	owner := k.owners[sha256.Sum256([]byte(req.HTTP.Header.Get("X-Api-Key")))]
	client, err := req.FindClient(ctx, owner)
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed"}
	}
	return &avouch.Authentication{Client: client}, nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	server, err := newServer("http://" + *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("curl -H 'X-Api-Key: k-1' -d grant_type=client_credentials http://%s/oauth/token", *listen)
	log.Fatal(http.ListenAndServe(*listen, server.Handler()))
}

func newServer(issuer string) (*avouch.Server, error) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		return nil, err
	}
	return avouch.New(avouch.Config{
		Issuer: issuer,
		Minter: &token.Minter{Key: key},
		Grants: []avouch.Grant{grant.ClientCredentials{}},
		// real keys are long and random: they cannot be guessed, so a plain hash is enough
		ClientAuth: []avouch.ClientAuth{apiKey{owners: map[[32]byte]string{
			sha256.Sum256([]byte("k-1")): "reports",
			sha256.Sum256([]byte("k-2")): "closed-down",
			sha256.Sum256([]byte("k-3")): "moved-on",
		}}},
		Clients: avouch.ClientList{
			{ID: "reports", AuthMethod: "api_key", Grants: []string{"client_credentials"}, Scopes: []string{"reports:read"}},
			{ID: "closed-down", AuthMethod: "api_key", Grants: []string{"client_credentials"}, Disabled: true},
			{ID: "moved-on", AuthMethod: "private_key_jwt", Grants: []string{"client_credentials"}},
		},
	})
}
