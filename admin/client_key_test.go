package admin

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

func TestKeyLifeCycle(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	made := add(t, a, AddClientInput{ID: "c"})
	first := made.Keys[0].ID
	_, public := pair(t)
	added, err := a.AddClientKeys(ctx, "c", AddKeysInput{Keys: public, Label: "2027", State: KeyNext})
	if err != nil {
		t.Fatal(err)
	}
	next := added[0]
	if next.State != KeyNext || next.Verifies || next.Label != "2027" || next.Type != "EC P-256" || next.ID != next.Thumbprint {
		t.Errorf("added %+v", next)
	}
	if k, err := a.ActivateClientKey(ctx, "c", next.ID); err != nil || k.State != KeyActive || !k.Verifies {
		t.Errorf("activated %+v, %v", k, err)
	}
	if k, err := a.RetireClientKey(ctx, "c", first, time.Time{}); err != nil || k.State != KeyRetiring || !k.Verifies || time.Until(k.Expires) > overlap {
		t.Errorf("retired %+v, %v", k, err)
	}
	if k, err := a.ActivateClientKey(ctx, "c", first); err != nil || k.State != KeyActive || !k.Expires.IsZero() {
		t.Errorf("taken back %+v, %v", k, err)
	}
	if _, err := a.RetireClientKey(ctx, "c", first, time.Now().Add(-time.Hour)); !slices.Equal(faultsAt(t, err), []string{"until"}) {
		t.Errorf("retired in the past: %v", err)
	}
	if k, err := a.RevokeClientKey(ctx, "c", first); err != nil || k.State != KeyRevoked || k.Verifies || k.Revoked.IsZero() {
		t.Errorf("revoked %+v, %v", k, err)
	}
	if _, err := a.ActivateClientKey(ctx, "c", first); code(err) != Conflict {
		t.Errorf("a revoked key activated: %v", err)
	}
	if _, err := a.RetireClientKey(ctx, "c", first, time.Time{}); code(err) != Conflict {
		t.Errorf("a revoked key retired: %v", err)
	}
	if k, err := a.RevokeClientKey(ctx, "c", first); err != nil || k.State != KeyRevoked {
		t.Errorf("revoked twice: %+v, %v", k, err)
	}
	if all, err := a.ClientKeys(ctx, "c"); err != nil || len(all) != 2 || all[0].State != KeyRevoked {
		t.Errorf("listed %+v, %v", all, err)
	}
	if _, err := a.RevokeClientKey(ctx, "c", "nothing"); code(err) != NotFound {
		t.Errorf("no such key: %v", err)
	}
	if _, err := a.RevokeClientKey(ctx, "nobody", first); code(err) != NotFound {
		t.Errorf("no such client: %v", err)
	}
}

func TestRevokedKeyDoesNotComeBack(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	_, public := pair(t)
	made := add(t, a, AddClientInput{ID: "c", Keys: public})
	if _, err := a.RevokeClientKey(ctx, "c", made.Keys[0].ID); err != nil {
		t.Fatal(err)
	}
	renamed := bytes.Replace(public, []byte(made.Keys[0].ID), []byte("another-name"), 1)
	if bytes.Equal(renamed, public) {
		t.Fatal("the kid was not replaced")
	}
	for name, text := range map[string][]byte{"as it was": public, "under another kid": renamed} {
		_, err := a.AddClientKeys(ctx, "c", AddKeysInput{Keys: text})
		if code(err) != Invalid || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := publicJWK(t)
	p, err := keys.ParsePublic(other)
	if err != nil {
		t.Fatal(err)
	}
	sameName := bytes.Replace(other, []byte(p[0].ID), []byte(made.Keys[0].ID), 1)
	if _, err := a.AddClientKeys(ctx, "c", AddKeysInput{Keys: sameName}); !slices.Equal(faultsAt(t, err), []string{"keys[0].kid"}) {
		t.Errorf("another key under a revoked kid: %v", err)
	}
}

func TestAddKeysRefuses(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	_, public := pair(t)
	add(t, a, AddClientInput{ID: "c", Keys: public})
	private, _ := pair(t)
	secret, err := private.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		in   AddKeysInput
		want string
	}{
		"private":              {AddKeysInput{Keys: secret}, "keys"},
		"a set that has one":   {AddKeysInput{Keys: []byte(`{"keys":[` + string(secret) + `]}`)}, "keys"},
		"there already":        {AddKeysInput{Keys: public}, "keys[0]"},
		"begins as revoked":    {AddKeysInput{Keys: publicJWK(t), State: KeyRevoked}, "keys.state"},
		"expired":              {AddKeysInput{Keys: publicJWK(t), Expires: time.Now().Add(-time.Second)}, "keys[0].expires"},
		"ends before it is":    {AddKeysInput{Keys: publicJWK(t), NotBefore: time.Now().Add(2 * time.Hour), Expires: time.Now().Add(time.Hour)}, "keys[0].expires"},
		"label with a newline": {AddKeysInput{Keys: publicJWK(t), Label: "a\nb"}, "keys.label"},
		"1024-bit RSA": {AddKeysInput{Keys: []byte(`{"kty":"RSA","e":"AQAB","n":"` +
			strings.Repeat("q", 170) + `w"}`)}, "keys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.AddClientKeys(ctx, "c", test.in)
			if got := faultsAt(t, err); !slices.Equal(got, []string{test.want}) {
				t.Errorf("faults at %q, want %q: %v", got, test.want, err)
			}
			if strings.Contains(err.Error(), string(secret[20:60])) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
	for range maxKeys - 1 {
		if _, err := a.AddClientKeys(ctx, "c", AddKeysInput{Keys: publicJWK(t)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.AddClientKeys(ctx, "c", AddKeysInput{Keys: publicJWK(t)}); code(err) != Invalid {
		t.Errorf("key %d: %v", maxKeys+1, err)
	}
}

// TestWhichKeysVerify signs with a key in each state and asks a checker that has the live view.
func TestWhichKeysVerify(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	add(t, a, AddClientInput{ID: "c"})
	soon := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		in     AddKeysInput
		change func(kid string) error
		now    assertion.Reason // "" means accepted
		later  assertion.Reason // in two hours
	}{
		"active":              {now: "", later: ""},
		"active from then on": {in: AddKeysInput{NotBefore: soon}, now: assertion.KeyMismatch},
		"active until then":   {in: AddKeysInput{Expires: soon}, later: assertion.KeyMismatch},
		"next":                {in: AddKeysInput{State: KeyNext}, now: assertion.UnknownKey, later: assertion.UnknownKey},
		"next from then on":   {in: AddKeysInput{State: KeyNext, NotBefore: soon}, now: assertion.KeyMismatch},
		"next, activated": {in: AddKeysInput{State: KeyNext}, change: func(kid string) error {
			_, err := a.ActivateClientKey(ctx, "c", kid)
			return err
		}},
		"retiring": {change: func(kid string) error {
			_, err := a.RetireClientKey(ctx, "c", kid, soon)
			return err
		}, later: assertion.KeyMismatch},
		"revoked": {change: func(kid string) error {
			_, err := a.RevokeClientKey(ctx, "c", kid)
			return err
		}, now: assertion.UnknownKey, later: assertion.UnknownKey},
		"retiring, revoked": {change: func(kid string) error {
			if _, err := a.RetireClientKey(ctx, "c", kid, soon); err != nil {
				return err
			}
			_, err := a.RevokeClientKey(ctx, "c", kid)
			return err
		}, now: assertion.UnknownKey, later: assertion.UnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			private, public := pair(t)
			test.in.Keys = public
			added, err := a.AddClientKeys(ctx, "c", test.in)
			if err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				if err := test.change(added[0].ID); err != nil {
					t.Fatal(err)
				}
			}
			if got := judged(t, live, private, time.Now()); got != test.now {
				t.Errorf("now %q, want %q", got, test.now)
			}
			if got := judged(t, live, private, time.Now().Add(2*time.Hour)); got != test.later {
				t.Errorf("later %q, want %q", got, test.later)
			}
			k := findKeyView(t, a, added[0].ID)
			if k.Verifies != (test.now == "") {
				t.Errorf("shown as %+v", k)
			}
		})
	}
}

func findKeyView(t *testing.T, a *Admin, kid string) ClientKey {
	t.Helper()
	all, err := a.ClientKeys(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.ID == kid {
			return k
		}
	}
	t.Fatalf("no key %s", kid)
	return ClientKey{}
}

// judged says why an assertion of client c is refused, "" where it is not.
func judged(t *testing.T, live *Live, key *keys.Private, at time.Time) assertion.Reason {
	t.Helper()
	token, err := assertion.Sign(assertion.Claims{Issuer: "c", Subject: "c", Audience: "https://as.example.com", IssuedAt: at}, key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := live.Client(t.Context(), "c")
	if err != nil || client == nil {
		t.Fatalf("client: %v, %v", client, err)
	}
	policy := live.ClientPolicy(client).Policy
	policy.Audience.Accept = []string{"https://as.example.com"}
	checker := assertion.Checker{Purpose: assertion.ClientAuthentication}
	party := func(context.Context, assertion.Unverified) (*assertion.Party, error) {
		return &assertion.Party{
			Name: client.ID, Keys: client.Keys, Disabled: client.Disabled, Policy: policy,
		}, nil
	}
	_, _, err = checker.Check(t.Context(), at, token, "", assertion.PartyFunc(party))
	var refused *assertion.Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}
