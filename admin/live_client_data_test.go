package admin

import (
	"testing"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/keys"
)

// TestPolicyTravelsWithTheClient finds the policy in the client's Data, whatever its Keys are, and never one of another
// age than the keys.
func TestPolicyTravelsWithTheClient(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	_, public := pair(t)
	add(t, a, AddClientInput{ID: "c", Keys: public, ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{AudienceMode: audienceLegacy}}})
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client := func() *avouch.Client {
		c, err := live.Client(ctx, "c")
		if err != nil || c == nil {
			t.Fatalf("%v, %v", c, err)
		}
		return c
	}
	mode := func(c *avouch.Client) clientauth.Audience { return live.ClientPolicy(c).Audience }

	before := client()
	wrapped := *before
	wrapped.Keys = struct{ keys.Source }{before.Keys} // as a program does that counts or caches
	if mode(before) != clientauth.AudienceLegacy || mode(&wrapped) != clientauth.AudienceLegacy {
		t.Errorf("the policy is %v, with its keys wrapped %v", mode(before), mode(&wrapped))
	}
	for name, strange := range map[string]*avouch.Client{
		"no data":      {ID: "c", Keys: before.Keys},
		"another data": {ID: "c", Keys: before.Keys, Data: "legacy"},
	} {
		if mode(strange) != clientauth.AudienceStrict {
			t.Errorf("%s: the policy is %v", name, mode(strange))
		}
	}
	if _, err := a.UpdateClient(ctx, "c", 0, ClientMetadata{}); err != nil {
		t.Fatal(err)
	}
	if after := client(); mode(after) != clientauth.AudienceStrict || mode(before) != clientauth.AudienceLegacy {
		t.Errorf("after a change the policy is %v, and %v for the client that was read before", mode(after), mode(before))
	}
}
