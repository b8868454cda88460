package grant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// partnerClient is a row of a program's own table of clients. Each signs for itself: its id is its issuer.
type partnerClient struct {
	jwks      *keys.Set // what it has registered, by keys.ParseSet
	mayActFor []string  // users who have said so
	scopes    []string
}

// Every hook at once, for a program that keeps clients, users and permissions in tables of its own: whose key verifies
// (a JWK set of each issuer; the key is chosen by its kid), which user is meant, or nobody, and whether the client may
// act for that user. Whoever comes from Authlib's JWTBearerGrant knows them as resolve_issuer_client, resolve_client_key,
// authenticate_user and has_granted_permission.
func ExampleJWTBearer_hooks() {
	// The client makes two pairs of keys and registers the public halves.
	pairs, public, err := keys.GeneratePairs(2, keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	document, err := json.Marshal(public)
	if err != nil {
		fmt.Println(err)
		return
	}
	jwks, err := keys.ParseSet(document)
	if err != nil {
		fmt.Println(err)
		return
	}

	clients := map[string]*partnerClient{
		"newsletter": {jwks: jwks, mayActFor: []string{"user-1"}, scopes: []string{"profile"}},
	}
	users := map[string]string{"alice": "user-1", "bob": "user-2"}

	bearer := &grant.JWTBearer{
		// Which client does the assertion claim to come from, and what are its keys? Nothing of u is verified yet.
		Party: func(ctx context.Context, u assertion.Unverified) (*assertion.Party, error) {
			c, ok := clients[u.Issuer]
			if !ok {
				return nil, nil
			}
			return &assertion.Party{
				Name:   u.Issuer,
				Keys:   c.jwks,
				Policy: assertion.Policy{SubjectOptional: true}, // an anonymous user is legal here
			}, nil
		},
		// Which user is meant?
		Subject: func(ctx context.Context, a *assertion.Assertion) (string, error) {
			if a.Subject == "" {
				return "", grant.Nobody
			}
			return users[a.Subject], nil
		},
		// May this client act for this user?
		Permit: func(ctx context.Context, client, subject string, a *assertion.Assertion) error {
			if subject != "" && !slices.Contains(clients[client].mayActFor, subject) {
				return &assertion.Error{Reason: assertion.NotPermitted}
			}
			return nil
		},
		// With which scopes?
		Scopes: func(ctx context.Context, client, subject string, a *assertion.Assertion) ([]string, error) {
			return clients[client].scopes, nil
		},
		ScopeClaim: true, // it may ask for them in the assertion
	}

	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := avouch.New(avouch.Config{
		Issuer: "https://api.example.com",
		Minter: &token.Minter{Key: key},
		Grants: []avouch.Grant{avouch.ClientOptional(bearer)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := httptest.NewServer(server.TokenEndpoint())
	defer site.Close()

	for _, who := range []string{"alice", "", "bob"} {
		signed, err := assertion.Sign(assertion.Claims{
			Issuer: "newsletter", Subject: who, Audience: "https://api.example.com",
			More: map[string]any{"scope": "profile admin"},
		}, pairs[1])
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := http.PostForm(site.URL, url.Values{"grant_type": {grant.JWTBearerType}, "assertion": {signed}})
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		var answer map[string]any
		if err := json.Unmarshal(body, &answer); err != nil {
			fmt.Println(err)
			return
		}
		if resp.StatusCode != http.StatusOK {
			fmt.Printf("%q: %v\n", who, answer["error"])
			continue
		}
		api := &token.Verifier{Issuer: "https://api.example.com", Audience: "https://api.example.com", Keys: key.PublicKeys(time.Now())}
		claims, err := api.Verify(context.Background(), time.Now(), answer["access_token"].(string))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q: a token of %s for %s, scopes %v\n", who, claims.ClientID, claims.Subject, claims.Scopes)
	}
	// Output:
	// "alice": a token of newsletter for user-1, scopes [profile]
	// "": a token of newsletter for newsletter, scopes [profile]
	// "bob": invalid_grant
}
