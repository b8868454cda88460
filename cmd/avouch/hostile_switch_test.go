package main

import (
	"net/url"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
)

// TestHostileSwitchedOff: what is switched off is off when the operation returns, whatever was known before
// (CVE-2026-1486, CVE-2026-1609, CVE-2026-2733).
func TestHostileSwitchedOff(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	ctx := t.Context()
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	idp := func() url.Values { return asGrant(h.assertion(t, "idp", "ann", nil)) }
	alice := func() url.Values { return asGrant(h.assertion(t, "both", "alice", nil)) }
	post := func() url.Values { return clientCredentials("client_id", "post", "client_secret", h.secret["post"]) }
	secrets, err := h.admin.Client(ctx, "post")
	done(err)

	for name, test := range map[string]struct {
		request func() url.Values
		off     func() error
		on      func() error // nil where it cannot be undone
		want    verdict
		others  func() url.Values // which must not mind
	}{
		"client, its method": {func() url.Values { return h.vouching(t, "other") },
			func() error { _, err := h.admin.DisableClient(ctx, "other"); return err },
			func() error { _, err := h.admin.EnableClient(ctx, "other"); return err }, invalidClient, idp},
		"client, its grant": {func() url.Values { return asGrant(h.assertion(t, "ed", "alice", nil)) },
			func() error { _, err := h.admin.DisableClient(ctx, "ed"); return err },
			func() error { _, err := h.admin.EnableClient(ctx, "ed"); return err }, invalidGrant, alice},
		"client with a secret": {post,
			func() error { _, err := h.admin.DisableClient(ctx, "post"); return err },
			func() error { _, err := h.admin.EnableClient(ctx, "post"); return err }, invalidClient, alice},
		"issuer": {func() url.Values { return asGrant(h.assertion(t, "twin", "ann", nil)) },
			func() error { _, err := h.admin.DisableIssuer(ctx, "twin"); return err },
			func() error { _, err := h.admin.EnableIssuer(ctx, "twin"); return err }, invalidGrant, idp},
		"subject": {func() url.Values { return asGrant(h.assertion(t, "twin", "ann", nil)) },
			func() error { _, err := h.admin.DisableSubject(ctx, "twin/ann", "left"); return err },
			func() error { _, err := h.admin.EnableSubject(ctx, "twin/ann"); return err }, invalidGrant, idp},
		"rule": {alice,
			func() error { _, err := h.admin.DisableRule(ctx, "both-alice"); return err },
			func() error { _, err := h.admin.EnableRule(ctx, "both-alice"); return err }, invalidGrant, idp},
		"grant type of a client": {func() url.Values { return h.vouching(t, "rsa") }, func() error {
			c, err := h.admin.Client(ctx, "rsa")
			if err == nil {
				m := c.ClientMetadata
				m.GrantTypes = []string{grantJWTBearer}
				_, err = h.admin.UpdateClient(ctx, "rsa", c.Revision, m)
			}
			return err
		}, nil, unauthorizedClient, alice},
	} {
		t.Run(name, func(t *testing.T) {
			made := test.request() // before it is switched off, and sent afterwards
			h.attack(t, attack{form: test.request(), want: granted})
			done(test.off())
			got := h.attack(t, attack{form: test.request(), want: test.want})
			h.attack(t, attack{form: made, want: test.want})
			if text := got.told(); test.want == invalidGrant && text != notVerified && text != "the assertion is not accepted here" && text != "the grant is not accepted" {
				t.Errorf("the caller is told %q", text)
			}
			h.attack(t, attack{form: test.others(), want: granted})
			if test.on != nil {
				done(test.on())
				h.attack(t, attack{form: made, want: granted}) // nothing of it was spent
			}
		})
	}

	t.Run("key", func(t *testing.T) {
		h.signer("keyed", "ES256")
		first := h.keys["keyed"]
		h.attack(t, attack{form: h.vouching(t, "keyed"), want: granted})
		made := h.vouching(t, "keyed")
		_, err := h.admin.RevokeClientKey(ctx, "keyed", first.ID)
		done(err)
		h.attack(t, attack{form: made, want: invalidClient})
		h.attack(t, attack{form: asGrant(h.assertion(t, "keyed", "alice", nil)), want: invalidGrant})
	})

	t.Run("retiring key", func(t *testing.T) {
		h.signer("retired", "ES256")
		end := time.Now().Add(1500 * time.Millisecond)
		_, err := h.admin.RetireClientKey(ctx, "retired", h.keys["retired"].ID, end)
		done(err)
		if got := h.attackAny(t, attack{form: h.vouching(t, "retired")}); got.status != 200 && time.Now().Before(end) {
			t.Errorf("before its end: %d %s", got.status, got.text)
		}
		time.Sleep(time.Until(end.Add(200 * time.Millisecond)))
		h.attack(t, attack{form: h.vouching(t, "retired"), want: invalidClient})
	})

	t.Run("secret", func(t *testing.T) {
		added, err := h.admin.AddClientSecret(ctx, "post", admin.AddSecretInput{})
		done(err)
		h.keep(added.Value)
		done(h.admin.RemoveClientSecret(ctx, "post", secrets.Secrets[0].ID))
		h.attack(t, attack{form: post(), from: "127.0.5.1", want: invalidClient})
		h.attack(t, attack{form: clientCredentials("client_id", "post", "client_secret", added.Value), from: "127.0.5.1", want: granted})
	})

	t.Run("removed", func(t *testing.T) {
		h.signer("gone", "ES256")
		made, grant := h.vouching(t, "gone"), asGrant(h.assertion(t, "gone", "alice", nil))
		for _, rule := range []string{"gone-itself", "gone-alice"} {
			done(h.admin.RemoveRule(ctx, rule))
		}
		h.attack(t, attack{form: grant, want: invalidGrant})
		done(h.admin.RemoveClient(ctx, "gone"))
		h.attack(t, attack{form: made, want: invalidClient})
	})
	h.alive(t)
}
