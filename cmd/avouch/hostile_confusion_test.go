package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// TestHostileConfusion: a token made for one place is worth nothing in another (RFC 8725 §3.12).
func TestHostileConfusion(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	// A client with no rule about itself: as most are.
	key, _ := h.client(admin.AddClientInput{ID: "plain"}, keys.ES256)
	h.keys["plain"] = key
	h.rule(admin.RuleMetadata{Name: "plain-alice", Client: "plain", Subject: "alice", AsSubject: "=", Scope: "orders:read"})
	typed := func(typ string) func(*assertion.Claims) { return func(c *assertion.Claims) { c.Type = typ } }

	ownToken := func(form map[string][]string) string {
		got := h.send(t, h.request(t, form), "")
		h.want(t, got, granted)
		text, _ := got.body["access_token"].(string)
		return text
	}
	forClient, forAlice := ownToken(asClient(h.assertion(t, "both", "both", nil))), ownToken(asGrant(h.assertion(t, "both", "alice", nil)))
	resigned := func(typ string) string { // what the server says of itself, signed with a key of the client's
		header, payload, _ := parts(forClient)
		var h2 map[string]any
		if err := json.Unmarshal(decoded(t, header), &h2); err != nil {
			t.Fatal(err)
		}
		f := h.forger("both")
		return f.signed(object("alg", "ES256", "kid", h.keys["both"].ID, "typ", typ), string(decoded(t, payload)))
	}

	t.Run("client assertions", func(t *testing.T) {
		plain, dressed := h.assertion(t, "plain", "plain", nil), h.assertion(t, "plain", "plain", typed("client-authentication+jwt"))
		both := h.assertion(t, "both", "both", typed("client-authentication+jwt"))
		h.repel(t, []attack{
			{name: "as a grant", form: asGrant(plain), want: invalidGrant, spared: asClient(plain)},
			{name: "typed, as a grant", form: asGrant(dressed), want: invalidGrant, spared: asClient(dressed)},
			{name: "typed, as a grant, of a client that may", form: asGrant(both), want: invalidGrant, spared: asClient(both)},
			{name: "in the wrong parameter", form: with(asGrant(""), "assertion", "", "client_assertion", h.assertion(t, "plain", "alice", nil), "client_assertion_type", assertionType), want: invalidClient},
		})
	})

	t.Run("grants", func(t *testing.T) {
		alice, ann := h.assertion(t, "plain", "alice", nil), h.assertion(t, "idp", "ann", nil)
		h.repel(t, []attack{
			{name: "as a client assertion", form: asClient(alice), want: invalidClient, spared: asGrant(alice)},
			{name: "of an issuer as a client assertion", form: asClient(ann), want: invalidClient, spared: asGrant(ann)},
			{name: "for another grant type", form: with(asGrant(h.assertion(t, "plain", "alice", nil)), "grant_type", "", "grant_type", grantClientCredentials), want: invalidClient},
			{name: "SAML", form: with(asGrant(h.assertion(t, "plain", "alice", nil)), "grant_type", "", "grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"), want: unsupportedGrantType},
			{name: "of an audience that is another client", form: asGrant(h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Audience = "both" })), want: invalidGrant},
			{name: "of an audience that is another server", form: asGrant(h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Audience = "https://other-as.example.com" })), want: invalidGrant},
		})
	})

	t.Run("own tokens", func(t *testing.T) {
		var attacks []attack
		for name, text := range map[string]string{
			"of a client": forClient, "of a user": forAlice, "signed anew": resigned("at+jwt"), "signed anew, untyped": resigned("JWT"),
		} {
			attacks = append(attacks, attack{name: name + " as a grant", form: asGrant(text), want: invalidGrant}, attack{name: name + " as a client assertion", form: asClient(text), want: invalidClient})
		}
		h.repel(t, attacks)
		// The server cannot be made to believe itself.
		if _, err := h.admin.AddIssuer(t.Context(), admin.IssuerMetadata{Name: "self", URL: h.url, JWKSURL: h.url + jwksPath, AllowPrivateAddresses: true}); err == nil {
			t.Error("the server was registered as an issuer at itself")
		}
		if _, err := h.admin.AddClient(t.Context(), admin.AddClientInput{ID: h.url, GenerateSecret: true}); err == nil {
			t.Error("the server was registered as a client of itself")
		}
	})

	// What a trusted issuer signs for other purposes.
	t.Run("other kinds", func(t *testing.T) {
		var attacks []attack
		for _, typ := range []string{
			"at+jwt", "application/at+jwt", "AT+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "oauth-client-attestation+jwt", "oauth-client-attestation-pop+jwt",
			"oauth-authz-req+jwt", "token-introspection+jwt", "client-authentication+jwt", "oauth-id-jag+jwt", "vc+sd-jwt", "entity-statement+jwt",
		} {
			attacks = append(attacks, attack{name: typ, form: asGrant(h.assertion(t, "idp", "ann", typed(typ))), want: invalidGrant})
		}
		request := h.forger("plain") // a signed request object, which has no sub (RFC 9101)
		attacks = append(attacks,
			attack{name: "a request object", form: asClient(request.signed(request.header("typ", gone), request.claims("sub", gone, "client_id", "plain", "response_type", "code"))), want: invalidClient},
			attack{name: "an access token of an issuer", form: asGrant(foreignToken(t, h)), want: invalidGrant},
		)
		h.repel(t, attacks)
	})

	// At the API nothing serves but an access token (RFC 9068 §4).
	t.Run("at the API", func(t *testing.T) {
		_, _, signature := parts(forClient)
		header, payload, _ := parts(forAlice)
		for name, text := range map[string]string{
			"client assertion": h.assertion(t, "both", "both", nil), "grant": h.assertion(t, "idp", "ann", nil), "signed by a client": resigned("at+jwt"),
			"an issuer's access token": foreignToken(t, h), "cut": forClient[:len(forClient)-1], "without its signature": forClient[:len(forClient)-len(signature)], "with another's signature": header + "." + payload + "." + signature,
			"unsigned": encode([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + payload + ".", "two": forClient + "," + forAlice, "rubbish": "rubbish", "refusal id": "abcdefghijkl",
		} {
			h.keepToken(text)
			status, body, head := h.call(t, whoAmIPath, "Bearer "+text)
			if status != 401 && (name != "two" || status != 400) || head.Get("WWW-Authenticate") == "" || body["sub"] != nil {
				t.Errorf("%s: %d %v %q", name, status, body, head.Get("WWW-Authenticate"))
			}
		}
		for _, scheme := range []string{"Bearer", "bearer", "bEARER"} {
			if status, body, _ := h.call(t, whoAmIPath, scheme+" "+forAlice); status != 200 || body["sub"] != "alice" {
				t.Errorf("%s: %d %v", scheme, status, body)
			}
		}
		status, body, head := h.call(t, whoAmIPath, "")
		if status != 401 || body["error"] != nil || head.Get("WWW-Authenticate") == "" {
			t.Errorf("no token: %d %v %q", status, body, head)
		}
		if status, _, _ = h.call(t, whoAmIPath+"?access_token="+forAlice, ""); status != 400 && status != 401 {
			t.Errorf("a token in the URL: %d", status)
		}
		if status, _, _ = h.call(t, whoAmIPath+"?access_token="+forAlice, "Bearer "+forAlice); status != 400 {
			t.Errorf("a token in the URL and one in the header: %d", status)
		}
	})
}

// foreignToken is an access token that a trusted issuer has made for its own APIs.
func foreignToken(t *testing.T, h *hostile) string {
	t.Helper()
	m := token.Minter{Key: h.keys["idp"]}
	now := time.Now()
	text, err := m.Mint(t.Context(), &token.Claims{
		Issuer: issuerURL("idp"), Subject: "ann", Audience: []string{h.url}, ClientID: "both", ID: "1", IssuedAt: now, Expires: now.Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
