package token_test

import (
	"context"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// ring is a key that is about to be replaced: the next one is published from the beginning, and signs from a moment on
// at which nobody can have an older copy of our keys (avouch.JWKSMaxAge, twice). The old one stays published until the
// last token that it signed has expired.
type ring struct {
	old, next *keys.Private
	takeover  time.Time
	lifetime  time.Duration // of tokens, at most
}

func (r *ring) SigningKey(now time.Time) (*keys.Private, error) {
	if now.Before(r.takeover) {
		return r.old, nil
	}
	return r.next, nil
}

func (r *ring) PublicKeys(now time.Time) *keys.Set {
	published := []keys.Public{r.next.Public()}
	if now.Before(r.takeover.Add(r.lifetime)) {
		published = append(published, r.old.Public())
	}
	set, err := keys.NewSet(published...)
	if err != nil {
		panic(err) // two keys of ours, with different ids
	}
	return set
}

// A program that keeps its own signing keys rotates them with a Signer of its own. Its keys come from where it keeps
// secrets, by keys.ParsePrivate.
func ExampleSigner() {
	old, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	next, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	old.ID, next.ID = "2026-11", "2027-02"
	now := time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC)
	minter := &token.Minter{Key: &ring{old, next, now.Add(30 * time.Minute), 15 * time.Minute}}

	for _, at := range []time.Time{now, now.Add(40 * time.Minute), now.Add(time.Hour)} {
		raw, err := minter.Mint(context.Background(), &token.Claims{
			Issuer: "https://as.example.com", Subject: "alice", ClientID: "shop", Audience: []string{"https://orders.example.com"},
			ID: "1", IssuedAt: at, Expires: at.Add(15 * time.Minute),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		published := minter.PublicKeys(at)
		verifier := &token.Verifier{Issuer: "https://as.example.com", Audience: "https://orders.example.com", Keys: published}
		claims, err := verifier.Verify(context.Background(), at, raw)
		if err != nil {
			fmt.Println(err)
			return
		}
		key, _ := minter.Key.SigningKey(at)
		fmt.Println(at.Format("15:04"), key.ID, "signs for", claims.Subject, "of", len(published.Keys()), "published")
	}
	// Output:
	// 12:00 2026-11 signs for alice of 2 published
	// 12:40 2027-02 signs for alice of 2 published
	// 13:00 2027-02 signs for alice of 1 published
}
