// Command custom-grant is a token endpoint with a grant of its own: a kiosk shows a PIN, and whoever types it into a
// terminal gets a token for that kiosk.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
)

// kioskPIN is the grant: a value in the slice of grants, as the built-in ones are.
type kioskPIN struct {
	mu   sync.Mutex
	pins map[string]pin
}

type pin struct {
	kiosk   string
	expires time.Time
}

// Type is the grant_type it answers to.
func (*kioskPIN) Type() string { return "urn:example:grant-type:kiosk-pin" }

// Authorize says who is meant. Everything else — the form, client authentication, scope and resource, the single use,
// the token and the answer — is the server's work.
func (k *kioskPIN) Authorize(_ context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	if req.DryRun() { // a PIN can be guessed, and nothing counts the guesses of a dry run
		return nil, avouch.ErrNotTried
	}
	typed := req.Param("pin")
	k.mu.Lock()
	p, known := k.pins[typed]
	k.mu.Unlock()
	if !known || req.Now.After(p.expires) {
		return nil, &avouch.Error{Code: avouch.InvalidGrant, Description: "the PIN is not good"}
	}
	return &avouch.Authorization{
		ClientID:      "kiosks",
		Subject:       "kiosk/" + p.kiosk,
		Scopes:        []string{"display:show"},
		DefaultScopes: []string{"display:show"},
		Uses:          []replay.Use{{Purpose: "kiosk-pin", Party: p.kiosk, ID: typed, Until: p.expires}}, // once
	}, nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	pins := &kioskPIN{pins: map[string]pin{"271828": {"lobby", time.Now().Add(5 * time.Minute)}}}
	server, err := newServer("http://"+*listen, pins)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/oauth/token", server.TokenEndpoint())
	log.Print("curl -d grant_type=" + pins.Type() + " -d pin=271828 http://" + *listen + "/oauth/token")
	log.Fatal(http.ListenAndServe(*listen, nil))
}

func newServer(issuer string, pins *kioskPIN) (*avouch.Server, error) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		return nil, err
	}
	return avouch.New(avouch.Config{
		Issuer: issuer,
		Minter: &token.Minter{Key: key},
		Grants: []avouch.Grant{avouch.ClientOptional(pins)},
	})
}
