// Command password-migration takes passwords for access tokens, for the time in which old clients are moved to another
// grant. RFC 9700 §2.4 says that the password grant MUST NOT be used: read docs/guide/moving.md before you run this.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// legacyPassword is the password grant (RFC 6749 §4.3), for a migration that ends.
//
// WARNING: RFC 9700 §2.4 says that this grant MUST NOT be used. The client sees the user's password. Users learn to type
// it into anything that asks. It cannot do a second factor, a passkey, or a sign-in elsewhere. Whoever has a client's
// credentials can try passwords here, as fast as Check lets him.
type legacyPassword struct {
	// Until is when it ends. Nothing is answered from then on, so that a migration that is forgotten is not for ever.
	Until time.Time
	// Check says whose password this is, "" where it is nobody's. It must take the same time for a wrong name and a wrong
	// password, and MUST slow down who guesses, by user and by address: nothing else does.
	Check func(ctx context.Context, user, password, remoteAddr string) (subject string, err error)
}

func (legacyPassword) Type() string { return "password" }

func (g legacyPassword) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	user, password := req.Param("username"), req.Param("password")
	switch {
	case req.DryRun(): // nothing counts the guesses of a dry run
		return nil, avouch.ErrNotTried
	case !req.Now.Before(g.Until):
		return nil, &avouch.Error{Code: avouch.UnsupportedGrantType, Description: "the password grant has ended: use authorization_code"}
	case req.Client == nil || req.Client.AuthMethod == "none" || req.HTTP == nil:
		return nil, &avouch.Error{Code: avouch.InvalidClient, Description: "client authentication failed"}
	case user == "" || password == "":
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "username or password is missing"}
	}
	subject, err := g.Check(ctx, user, password, req.HTTP.RemoteAddr)
	if err != nil {
		return nil, err
	}
	if subject == "" {
		return nil, &avouch.Error{Code: avouch.InvalidGrant, Description: "user name or password is wrong"}
	}
	return &avouch.Authorization{Subject: subject, Lifetime: 5 * time.Minute}, nil // within the scopes of the client
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	until := flag.String("until", time.Now().AddDate(0, 3, 0).Format(time.DateOnly), "the day on which this ends")
	flag.Parse()
	end, err := time.Parse(time.DateOnly, *until)
	if err != nil {
		log.Fatal(err)
	}
	server, err := newServer("http://"+*listen, legacyPassword{Until: end, Check: alone})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("WARNING: passwords are taken for tokens until %s", *until)
	log.Printf("curl -u old-app:the-secret-of-the-old-app-is-long -d grant_type=password -d username=alice -d password=sesame http://%s/oauth/token", *listen)
	log.Fatal(http.ListenAndServe(*listen, server.Handler()))
}

// alone knows one user, and slows down nobody: it is for trying things out.
func alone(_ context.Context, user, password, _ string) (string, error) {
	if user == "alice" && sha256.Sum256([]byte(password)) == sha256.Sum256([]byte("sesame")) {
		return "user-1", nil
	}
	return "", nil
}

func newServer(issuer string, old legacyPassword) (*avouch.Server, error) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		return nil, err
	}
	return avouch.New(avouch.Config{
		Issuer:     issuer,
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{old}, // never in avouch.ClientOptional
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}, clientauth.None{}},
		Clients: avouch.ClientList{{
			ID: "old-app", AuthMethod: "client_secret_basic", Grants: []string{"password"}, // this client, and no other
			Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte("the-secret-of-the-old-app-is-long"))}},
			Scopes:  []string{"photos:read"}, DefaultScopes: []string{"photos:read"},
		}, {
			ID: "new-app", AuthMethod: "none", Grants: []string{"authorization_code"}, RedirectURIs: []string{"https://app.example.com/callback"},
		}, {
			ID: "careless", AuthMethod: "none", Grants: []string{"password"}, // a public client: the grant refuses it all the same
		}},
	})
}
