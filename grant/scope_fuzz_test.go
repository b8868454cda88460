package grant_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/internal/scope"
	"github.com/avouch-oauth/avouch/keys"
)

// FuzzScopeClaim gives the grant whatever can stand in a scope claim: what comes out are scopes, or a refusal.
func FuzzScopeClaim(f *testing.F) {
	for _, seed := range []string{`"a b"`, `["a","b"]`, `""`, `[]`, `null`, `7`, `{"a":"b"}`, `["a",null]`, `[["a"]]`, `"\u0000"`, `" a"`, `"a\"b"`} {
		f.Add(seed)
	}
	secret := []byte(strings.Repeat("s", 32))
	s := &site{grant: grant.JWTBearer{
		ScopeClaim: true,
		Party: func(context.Context, assertion.Unverified) (*assertion.Party, error) {
			return &assertion.Party{Name: "svc", Secret: secret}, nil
		},
		Subject: func(context.Context, *assertion.Assertion) (string, error) { return "u", nil },
	}}
	s.start(f)
	f.Fuzz(func(t *testing.T, claim string) {
		if !json.Valid([]byte(claim)) {
			return
		}
		token, err := assertion.SignMAC(assertion.Claims{
			Issuer: "svc", Subject: "alice", Audience: own, More: map[string]any{"scope": json.RawMessage(claim)},
		}, keys.HS256, secret)
		if err != nil {
			return
		}
		req, err := s.server.Request(s.form(token), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		authz, err := s.grant.Authorize(t.Context(), req)
		if err != nil {
			return
		}
		for _, asked := range authz.Asserted {
			if !scope.Valid(asked) {
				t.Errorf("claim %s asks for scope %q", claim, asked)
			}
		}
		if len(authz.Asserted) > 128 {
			t.Errorf("claim %s asks for %d scopes", claim, len(authz.Asserted))
		}
	})
}
