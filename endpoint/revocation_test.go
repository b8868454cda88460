package endpoint_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

// isDone holds an answer of the revocation endpoint to the one that may be given.
func isDone(t testing.TB, what string, r reply) {
	t.Helper()
	if r.status != http.StatusOK || r.body != "" {
		t.Errorf("%s: %d %q; want 200 and nothing", what, r.status, r.body)
	}
}

// TestRevokeAccessToken: this token ends, and nothing else.
func TestRevokeAccessToken(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web")
	second, _ := s.consent(t, "web")
	isDone(t, "an access token", s.revoke(t, "web", access))
	isInactive(t, "revoked", s.introspect(t, "web", access))
	isInactive(t, "revoked, to the API", s.introspect(t, "orders-api", access))
	isActive(t, "another of the same consent", s.introspect(t, "web", second))
	isActive(t, "the refresh token", s.introspect(t, "web", refresh))
	isDone(t, "again", s.revoke(t, "web", access))
	isInactive(t, "revoked twice", s.introspect(t, "web", access))
	if r := s.refresh(t, "web", refresh); r.status != 200 {
		t.Errorf("refresh: %d %s", r.status, r.body)
	}
}

// TestRevokeRefreshToken: everything of the consent ends (RFC 7009 §2.1), and nothing of another consent.
func TestRevokeRefreshToken(t *testing.T) {
	for _, client := range []string{"web", "signer", "phone"} {
		s := start(t)
		access, refresh := s.consent(t, client)
		r := s.refresh(t, client, refresh)
		later, newest := r.text("access_token"), r.text("refresh_token")
		if newest == "" {
			newest = refresh
		}
		other, otherRefresh := s.consent(t, client, "resource", orders)
		// the family is a parameter of this grant, so that both are of one: a third is not
		apart := s.post(t, "/oauth/token", client, "grant_type", consent, "user", "alice", "family", "f-2")
		isDone(t, client+" revokes", s.revoke(t, client, refresh)) // for phone this is one that was used up
		for name, text := range map[string]string{"the first": access, "the refreshed": later, "another of the family": other} {
			isInactive(t, client+": "+name, s.introspect(t, "orders-api", text))
		}
		for _, text := range []string{refresh, newest, otherRefresh} {
			isRefused(t, client+" refreshes", s.refresh(t, client, text), 400, "invalid_grant")
		}
		isActive(t, client+": of another consent", s.introspect(t, "orders-api", apart.text("access_token")))
		if r := s.refresh(t, client, apart.text("refresh_token")); r.status != 200 {
			t.Errorf("%s: of another consent: %d %s", client, r.status, r.body)
		}
	}
}

// TestRevokeHasNoEffect: unknown tokens and those of others get the same answer, and stay as they are (RFC 7009 §2.2).
func TestRevokeHasNoEffect(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web")
	for _, as := range []string{"other", "orders-api", "phone", "signer"} {
		for name, text := range map[string]string{
			"another's access token":  access,
			"another's refresh token": refresh,
			"junk":                    "junk",
			"dots":                    "a.b.c",
			"truncated":               access[:len(access)-3],
			"very long":               strings.Repeat("a.", 20<<10),
			"expired":                 s.mint(t, func(c *token.Claims) { c.ClientID, c.IssuedAt, c.Expires = as, time.Unix(1, 0), time.Unix(2, 0) }),
			"of another issuer":       s.mint(t, func(c *token.Claims) { c.ClientID, c.Issuer = as, idp }),
		} {
			for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
				isDone(t, as+", "+name+", "+hint, s.revoke(t, as, text, "token_type_hint", hint))
			}
		}
	}
	isActive(t, "the access token", s.introspect(t, "web", access))
	isActive(t, "the refresh token", s.introspect(t, "web", refresh))
}

func TestRevokeRefuses(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web")
	isRefused(t, "nobody", s.revoke(t, "", access), 401, "invalid_client")
	isRefused(t, "a name alone", s.revoke(t, "", access, "client_id", "web"), 401, "invalid_client")
	isRefused(t, "wrong secret", s.revoke(t, "", access, "client_id", "web", "client_secret", "guess"), 401, "invalid_client")
	isRefused(t, "no token", s.post(t, "/oauth/revoke", "web"), 400, "invalid_request")
	isRefused(t, "two tokens", s.revoke(t, "web", access, "token", refresh), 400, "invalid_request")
	const asserts = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	for _, aud := range []string{s.issuer + "/oauth/revoke", s.issuer + "/oauth/token"} {
		r := s.revoke(t, "", access, "client_assertion_type", asserts, "client_assertion", s.assertion(t, aud))
		isRefused(t, "aud "+aud, r, 401, "invalid_client")
	}
	isActive(t, "the access token", s.introspect(t, "web", access))
	isActive(t, "the refresh token", s.introspect(t, "web", refresh))
}

// TestReplayedCredentialsRevokeNothing: an assertion that was used before is refused before anything is done.
func TestReplayedCredentialsRevokeNothing(t *testing.T) {
	s := start(t)
	access, _ := s.consent(t, "signer")
	const asserts = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	once := s.assertion(t, s.issuer)
	isDone(t, "first", s.revoke(t, "", "junk", "client_assertion_type", asserts, "client_assertion", once))
	isRefused(t, "second", s.revoke(t, "", access, "client_assertion_type", asserts, "client_assertion", once), 401, "invalid_client")
	isActive(t, "the token", s.introspect(t, "signer", access))
}

// TestRevokeWhileDown: a client that is told "done" can rely on it, so it is not told so where it is not done.
func TestRevokeWhileDown(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web")
	s.store.down.Store(true)
	for _, text := range []string{access, refresh, strings.Repeat("A", 43)} {
		r := s.revoke(t, "web", text)
		isRefused(t, "store down", r, 503, "temporarily_unavailable")
		if r.header.Get("Retry-After") == "" || strings.Contains(r.body, "disk") {
			t.Errorf("%v %s", r.header, r.body)
		}
	}
	s.store.down.Store(false)
	isActive(t, "the access token", s.introspect(t, "web", access))
	isDone(t, "later", s.revoke(t, "web", refresh))
	isInactive(t, "the access token, later", s.introspect(t, "web", access))
}

// TestReuseEndsTheFamily: a refresh token of a public client that comes twice ends everything, seen at introspection.
func TestReuseEndsTheFamily(t *testing.T) {
	s := start(t)
	first, refresh := s.consent(t, "phone")
	r := s.refresh(t, "phone", refresh)
	second, newest := r.text("access_token"), r.text("refresh_token")
	if r.status != 200 || newest == "" || newest == refresh {
		t.Fatalf("%d %s", r.status, r.body)
	}
	isActive(t, "the first access token", s.introspect(t, "orders-api", first))
	isActive(t, "the second", s.introspect(t, "orders-api", second))
	isInactive(t, "a refresh token that is good once", s.introspect(t, "orders-api", newest))

	isRefused(t, "the old one again", s.refresh(t, "phone", refresh), 400, "invalid_grant")
	isInactive(t, "the first access token", s.introspect(t, "orders-api", first))
	isInactive(t, "the second", s.introspect(t, "orders-api", second))
	isRefused(t, "the newest", s.refresh(t, "phone", newest), 400, "invalid_grant")
}

// TestRevocationIsSeen: whatever is switched off, it holds from the next request on, at the token endpoint and at
// introspection.
func TestRevocationIsSeen(t *testing.T) {
	type tokens struct{ access, refresh string }
	var issuerGone, keyGone, subjectGone atomic.Bool // what the host's own tables say
	lapsed := func(_ context.Context, c *token.Claims) (*avouch.Lapse, error) {
		switch {
		case issuerGone.Load() && c.Origin.Issuer == idp:
			return &avouch.Lapse{Of: avouch.BasisIssuer, Reason: "it is gone"}, nil
		case subjectGone.Load() && c.Subject == "alice":
			return &avouch.Lapse{Of: avouch.BasisSubject, Reason: "she is gone"}, nil
		}
		for _, kid := range c.Origin.KeyIDs {
			if keyGone.Load() && kid == clientKey().ID {
				return &avouch.Lapse{Of: avouch.BasisKey, Reason: "it is gone"}, nil
			}
		}
		return nil, nil
	}
	bearer := func(t *testing.T, s *site) tokens {
		r := s.jwtBearer(t, "web")
		return tokens{access: r.text("access_token")}
	}
	by := func(client string) func(*testing.T, *site) tokens {
		return func(t *testing.T, s *site) tokens {
			access, refresh := s.consent(t, client)
			return tokens{access, refresh}
		}
	}
	for _, c := range []struct {
		name   string
		client string
		issue  func(*testing.T, *site) tokens
		change func(*testing.T, *site, tokens)
		code   string // what the token endpoint says to a refresh, or to another assertion
	}{
		{"client disabled", "web", by("web"), func(_ *testing.T, s *site, _ tokens) {
			s.registry.change("web", func(c *avouch.Client) { c.Disabled = true })
		}, "invalid_client"},
		{"client deleted", "web", by("web"), func(_ *testing.T, s *site, _ tokens) { s.registry.change("web", nil) }, "invalid_client"},
		{"public client disabled", "phone", by("phone"), func(_ *testing.T, s *site, _ tokens) {
			s.registry.change("phone", func(c *avouch.Client) { c.Disabled = true })
		}, "invalid_client"},
		{"subject disabled", "web", by("web"), func(_ *testing.T, s *site, _ tokens) { s.disable("alice") }, "invalid_grant"},
		{"subject disabled, public client", "phone", by("phone"), func(_ *testing.T, s *site, _ tokens) { s.disable("alice") }, "invalid_grant"},
		{"subject of the host gone", "web", by("web"), func(*testing.T, *site, tokens) { subjectGone.Store(true) }, "invalid_grant"},
		{"subject of an assertion disabled", "web", bearer, func(_ *testing.T, s *site, _ tokens) { s.disable("partner/alice"); s.disable("alice") }, "invalid_grant"},
		{"issuer disabled", "web", bearer, func(_ *testing.T, s *site, _ tokens) {
			issuerGone.Store(true)
			s.trust.Store(&trust.List{})
		}, "invalid_grant"},
		{"key of the client revoked", "signer", by("signer"), func(_ *testing.T, s *site, _ tokens) {
			keyGone.Store(true)
			s.registry.change("signer", func(c *avouch.Client) { c.Keys = idpKey().PublicKeys(time.Now()) })
		}, "invalid_client"},
		{"refresh token revoked", "web", by("web"), func(t *testing.T, s *site, got tokens) {
			isDone(t, "revoke", s.revoke(t, "web", got.refresh))
		}, "invalid_grant"},
		{"access token revoked", "web", by("web"), func(t *testing.T, s *site, got tokens) {
			isDone(t, "revoke", s.revoke(t, "web", got.access))
		}, ""},
		{"key of the server withdrawn", "web", by("web"), func(_ *testing.T, s *site, _ tokens) { s.ring.withdrawn.Store(true) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			issuerGone.Store(false)
			keyGone.Store(false)
			subjectGone.Store(false)
			s := start(t, func(s *site) { s.lapsed = lapsed })
			got := c.issue(t, s)
			isActive(t, "before", s.introspect(t, "orders-api", got.access))
			c.change(t, s, got)
			isInactive(t, "after", s.introspect(t, "orders-api", got.access))
			switch {
			case c.code == "":
			case got.refresh != "":
				r := s.refresh(t, c.client, got.refresh)
				if r.text("error") != c.code || r.text("access_token") != "" {
					t.Errorf("the token endpoint: %d %s; want %s", r.status, r.body, c.code)
				}
			default:
				isRefused(t, "the token endpoint", s.jwtBearer(t, c.client), 400, c.code)
			}
		})
	}
}

// TestParallelRevocation: many revocations and introspections of one token at once, and none of those that come after the
// first answer sees it active.
func TestParallelRevocation(t *testing.T) {
	s := start(t)
	access, refresh := s.consent(t, "web")
	var done atomic.Bool
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			if n%2 == 0 {
				isDone(t, "revoke", s.revoke(t, "web", refresh))
				done.Store(true)
				return
			}
			for range 10 {
				after := done.Load()
				if r := s.introspect(t, "orders-api", access); after {
					isInactive(t, "after the first answer", r)
				}
			}
		})
	}
	wg.Wait()
	isInactive(t, "in the end", s.introspect(t, "orders-api", access))
}

// TestRevokedUntilItExpires: what was revoked stays so for as long as the token would have lived.
func TestRevokedUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := handle.NewMemory(0)
		minter := &token.Minter{Key: ownKey()}
		in, out := endpoint.Introspection(), endpoint.Revocation()
		server, err := avouch.New(avouch.Config{
			Issuer: "https://as.example", Minter: minter, Grants: []avouch.Grant{grant.ClientCredentials{}}, Replay: replay.NewMemory(replay.MemoryConfig{}),
			Handles: store, Clients: avouch.ClientList{{ID: "web", AuthMethod: "client_secret_post"}}, ClientAuth: []avouch.ClientAuth{everybody{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		issued := time.Now()
		raw, err := minter.Mint(t.Context(), &token.Claims{
			Issuer: "https://as.example", Subject: "alice", ClientID: "web", Audience: []string{orders}, ID: "t", IssuedAt: issued, Expires: issued.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func() bool {
			req, err := server.Request(map[string][]string{"token": {raw}}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			req.Client = &avouch.Client{ID: "web"}
			answer, err := in.Answer(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(string(must(jsonOf(answer.Body))), `"active":true`)
		}
		if !ask() {
			t.Fatal("inactive at once")
		}
		time.Sleep(time.Minute)
		req, err := server.Request(map[string][]string{"token": {raw}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		req.Client = &avouch.Client{ID: "web"}
		answer, err := out.Answer(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if !ask() {
			t.Error("revoked before the credentials were spent")
		}
		if err := answer.Record(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 70 {
			if ask() {
				t.Fatalf("active %v after it was issued", time.Since(issued))
			}
			time.Sleep(time.Minute)
			// what has expired is swept away now
			if err := store.Revoke(t.Context(), time.Now(), time.Now().Add(time.Second), "x"); err != nil {
				t.Fatal(err)
			}
		}
	})
}
