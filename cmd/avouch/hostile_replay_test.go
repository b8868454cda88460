package main

import (
	"crypto/elliptic"
	"fmt"
	"math/big"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
)

// TestHostileReplay: what may be used once is used once, and nobody can use up what is another's (RFC 7521 §8.2, OpenID
// Connect Core §9; CVE-2020-5300, CVE-2026-1035).
func TestHostileReplay(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)

	once := func(t *testing.T, form, again url.Values, refused verdict) {
		t.Helper()
		h.want(t, h.send(t, h.request(t, form), ""), granted)
		for range 3 {
			h.want(t, h.send(t, h.request(t, again), ""), refused)
		}
		h.alive(t)
	}

	t.Run("plain", func(t *testing.T) {
		c, g := asClient(h.assertion(t, "both", "both", nil)), asGrant(h.assertion(t, "idp", "ann", nil))
		once(t, c, c, invalidClient)
		once(t, g, g, invalidGrant)
	})

	// Another signature over the same token is no other use of it: s and n-s both verify.
	t.Run("malleable", func(t *testing.T) {
		for name, without := range map[string]any{"with jti": nil, "without": gone} {
			t.Run(name, func(t *testing.T) {
				f := h.forger("both")
				changes := []any{}
				if without != nil {
					changes = []any{"jti", gone}
				}
				twin := func(token string) string {
					header, payload, signature := parts(token)
					raw := decoded(t, signature)
					s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(raw[32:]))
					return header + "." + payload + "." + encode(fixed(new(big.Int).SetBytes(raw[:32]), s))
				}
				token := f.say(changes...)
				once(t, asGrant(token), asGrant(twin(token)), invalidGrant)
				if name == "with jti" {
					token := h.forger("both").good()
					once(t, asClient(twin(token)), asClient(token), invalidClient)
				}
				// And signed once more by its owner, which makes another signature of the same words.
				h.want(t, h.send(t, h.request(t, asGrant(f.say(changes...))), ""), invalidGrant)
			})
		}
	})

	// The same jti means something else in another place, of another client, of another issuer.
	t.Run("apart", func(t *testing.T) {
		f := h.forger("both")
		same := func(c *assertion.Claims) { c.ID = f.jti }
		for _, form := range []url.Values{
			asClient(f.good()), asGrant(f.say("sub", "alice")), asClient(h.assertion(t, "other", "other", same)), asGrant(h.assertion(t, "other", "alice", same)),
			asGrant(h.assertion(t, "idp", "ann", same)), asGrant(h.assertion(t, "twin", "ann", same)),
		} {
			once(t, form, form, map[bool]verdict{true: invalidClient, false: invalidGrant}[form.Has("client_assertion")])
		}
		// But not with other claims, another type, another alg of the same party.
		h.want(t, h.send(t, h.request(t, asClient(f.signed(f.header("typ", "client-authentication+jwt"), f.claims("exp", f.now+300, "x", 1)))), ""), invalidClient)
		h.want(t, h.send(t, h.request(t, asGrant(f.say("sub", "alice", "x", 1))), ""), invalidGrant)
	})

	// What a client says about itself looks alike in both places, and is good in one of them only.
	t.Run("about itself", func(t *testing.T) {
		f, g := h.forger("both"), h.forger("both")
		once(t, asClient(f.good()), asGrant(f.good()), invalidGrant)
		once(t, asGrant(g.good()), asClient(g.good()), invalidClient)
	})

	// Nobody burns another's jti: junk, and what is refused by any later policy, spends nothing.
	t.Run("unspent", func(t *testing.T) {
		post := func() url.Values { return asClient(h.assertion(t, "both", "both", nil)) }
		grant := func() url.Values { return asGrant(h.assertion(t, "both", "alice", nil)) }
		var attacks []attack
		for name, broken := range map[string]struct {
			more []string
			want verdict
		}{
			"scope beyond the ceiling": {[]string{"scope", "orders:read admin"}, invalidScope}, "malformed scope": {[]string{"scope", `a"b`}, invalidScope}, "unknown resource": {[]string{"resource", "https://evil.example.com"}, invalidTarget},
			"resource with a fragment": {[]string{"resource", "https://a.example.com#x"}, invalidTarget}, "scope twice": {[]string{"scope", "a", "scope", "b"}, invalidRequest},
			"another grant type": {[]string{"grant_type", "", "grant_type", "password"}, unsupportedGrantType}, "no grant type": {[]string{"grant_type", ""}, invalidRequest},
		} {
			for place, form := range map[string]url.Values{"client": post(), "grant": grant()} {
				attacks = append(attacks, attack{name: place + ", " + name, form: with(form, broken.more...), want: broken.want, spared: form})
			}
		}
		named := post()
		attacks = append(attacks, attack{name: "client, another client_id", form: with(named, "client_id", "other"), want: invalidClient, spared: named})
		h.repel(t, attacks)

		// A request with two assertions spends both or none.
		c, g := post(), grant()
		together := with(c, "grant_type", "", "grant_type", grantJWTBearer, "assertion", g.Get("assertion"))
		h.want(t, h.send(t, h.request(t, with(together, "scope", "admin")), ""), invalidScope)
		h.want(t, h.send(t, h.request(t, g), ""), granted)
		h.want(t, h.send(t, h.request(t, together), ""), invalidGrant)
		h.want(t, h.send(t, h.request(t, c), ""), granted)
	})

	// For as long as it would be accepted: also between exp and the end of the skew.
	t.Run("late", func(t *testing.T) {
		f := h.forger("both")
		form := asClient(f.say("exp", f.now+1))
		h.want(t, h.send(t, h.request(t, form), ""), granted)
		time.Sleep(time.Until(time.Unix(f.now+2, 0)))
		got := h.send(t, h.request(t, form), "")
		h.want(t, got, invalidClient)
		if got.told() != "the credentials of the client were used before; make new ones for each request" {
			t.Errorf("told %q", got.told())
		}
	})

	for place, form := range map[string]url.Values{
		"client": asClient(h.assertion(t, "both", "both", nil)), "grant": asGrant(h.assertion(t, "idp", "ann", nil)),
		"grant without jti": asGrant(h.forger("both").say("jti", gone)),
	} {
		t.Run("at once, "+place, func(t *testing.T) {
			refused := invalidGrant
			if place == "client" {
				refused = invalidClient
			}
			h.race(t, []*hostile{h}, form, refused)
		})
	}
}

// race sends one request many times at once, to several servers in turn: exactly one is granted.
func (h *hostile) race(t *testing.T, servers []*hostile, form url.Values, refused verdict) {
	t.Helper()
	const racers = 96
	var won atomic.Int64
	var start, ended sync.WaitGroup
	start.Add(1)
	for i := range racers {
		s := servers[i%len(servers)]
		req := s.request(t, form)
		ended.Go(func() {
			start.Wait()
			got := s.send(t, req, "")
			if got.status == 200 {
				won.Add(1)
				return
			}
			s.want(t, got, refused)
		})
	}
	start.Done()
	ended.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of %d requests with the same assertion were granted", won.Load(), racers)
	}
}

// TestHostileRace: the same with many different assertions under way, of which each is sent several times.
func TestHostileRace(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	const assertions, each = 40, 4
	var won [assertions]atomic.Int64
	var ended sync.WaitGroup
	for i := range assertions {
		form := asClient(h.assertion(t, "both", "both", func(c *assertion.Claims) { c.ID = fmt.Sprint("jti ", i) }))
		for range each {
			req := h.request(t, form)
			ended.Go(func() {
				if got := h.send(t, req, ""); got.status == 200 {
					won[i].Add(1)
				} else {
					h.want(t, got, invalidClient)
				}
			})
		}
	}
	ended.Wait()
	for i := range won {
		if n := won[i].Load(); n != 1 {
			t.Errorf("assertion %d was granted %d times", i, n)
		}
	}
}

// TestHostileReuse: where re-use is allowed by name, it is to one client until exp, and to nobody else.
func TestHostileReuse(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	m := admin.IssuerMetadata{Name: "cluster", URL: issuerURL("cluster"), JWKS: mustJSON(t, h.keys["idp"].PublicKeys(time.Now()))}
	m.Assertions.Replay = "same_client_until_exp"
	if _, err := h.admin.AddIssuer(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h.rule(admin.RuleMetadata{Name: "cluster-ann", Issuer: "cluster", Subject: "ann", Scope: "orders:read", RequireClient: true})
	grant := h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Issuer = issuerURL("cluster") })
	by := func(client string) url.Values {
		return with(asGrant(grant), "client_id", client, "client_secret", h.secret[client])
	}
	second := admin.AddClientInput{ID: "second", GenerateSecret: true}
	second.AuthMethod = "client_secret_post"
	h.secret["second"] = h.add(second).Secret
	h.repel(t, []attack{
		{name: "without a client", form: asGrant(grant), want: invalidGrant},
		{name: "the first client", form: by("post"), want: granted},
		{name: "the first client again", form: by("post"), want: granted},
		{name: "another client", form: by("second"), want: invalidGrant},
		{name: "without a client afterwards", form: asGrant(grant), want: invalidGrant},
		{name: "a public client", form: with(asGrant(grant), "client_id", "public"), want: invalidGrant},
		{name: "the first client at last", form: by("post"), want: granted},
	})
}
