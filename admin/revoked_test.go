package admin

import (
	"errors"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// TestRevokedKeyDoesNotComeBackByItsURL: a key that was revoked here verifies nothing any more, whoever publishes it and
// under whatever kid.
func TestRevokedKeyDoesNotComeBackByItsURL(t *testing.T) {
	ctx := t.Context()
	private, public := pair(t)
	_, other := pair(t)
	renamed, kept := mustParse(t, public)[0], mustParse(t, other)[0]
	renamed.ID = "renamed"
	set, err := keys.NewSet(mustParse(t, public)[0], renamed, kept)
	if err != nil {
		t.Fatal(err)
	}
	text, err := set.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t, text)
	a := newAdmin(openStore(t), newTestSealer(t), Options{RootCAs: p.roots()})
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	add(t, a, AddClientInput{ID: "app", Keys: public})
	if _, err := a.RevokeClientKey(ctx, "app", private.ID); err != nil {
		t.Fatal(err)
	}
	meta := ClientMetadata{JWKSURL: p.URL + "/app", AllowPrivateAddresses: true, GrantTypes: []string{grantClientCredentials}}
	if _, err := a.UpdateClient(ctx, "app", 0, meta); err != nil {
		t.Fatal(err)
	}
	c, err := live.Client(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	for _, kid := range []string{private.ID, "renamed"} {
		found, err := c.Keys.Find(ctx, keys.Hint{ID: kid, Algorithm: keys.ES256}, time.Now())
		if len(found) != 0 || !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("kid %q: found %d, %v", kid, len(found), err)
		}
	}
	for _, kid := range []string{kept.ID, ""} {
		found, err := c.Keys.Find(ctx, keys.Hint{ID: kid, Algorithm: keys.ES256}, time.Now())
		if err != nil || len(found) != 1 || found[0].Thumbprint() != kept.Thumbprint() {
			t.Errorf("kid %q: found %d, %v", kid, len(found), err)
		}
	}
}
