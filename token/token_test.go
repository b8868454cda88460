package token_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

const (
	issuer = "https://as.example.com"
	orders = "https://orders.example.com"
)

var now = time.Unix(1_800_000_000, 0)

func generate(t testing.TB, alg keys.Algorithm) *keys.Private {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func claims() *token.Claims {
	return &token.Claims{
		Issuer: issuer, Subject: "ann", Audience: []string{orders}, ClientID: "shop", Scopes: []string{"read", "write"},
		ID: "T1", IssuedAt: now, Expires: now.Add(15 * time.Minute),
	}
}

func verifier(key *keys.Private) *token.Verifier {
	return &token.Verifier{Issuer: issuer, Audience: orders, Keys: key.PublicKeys(now)}
}

func part(t *testing.T, raw string, i int) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

func TestMint(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256} {
		t.Run(string(alg), func(t *testing.T) {
			key := generate(t, alg)
			c := claims()
			c.NotBefore = now
			c.More = map[string]any{"act": map[string]any{"sub": "bot"}, "quote\"": `"\`, "auth_time": 12}
			raw, err := (&token.Minter{Key: key}).Mint(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			wantHeader := map[string]any{"typ": "at+jwt", "alg": string(alg), "kid": key.ID}
			if got := part(t, raw, 0); !reflect.DeepEqual(got, wantHeader) {
				t.Errorf("header %v", got)
			}
			want := map[string]any{
				"iss": issuer, "sub": "ann", "aud": orders, "client_id": "shop", "scope": "read write", "jti": "T1",
				"iat": 1.8e9, "nbf": 1.8e9, "exp": 1.8e9 + 900, "act": map[string]any{"sub": "bot"}, "quote\"": `"\`, "auth_time": 12.0,
			}
			if got := part(t, raw, 1); !reflect.DeepEqual(got, want) {
				t.Errorf("claims %v", got)
			}

			got, err := verifier(key).Verify(t.Context(), now, raw)
			if err != nil {
				t.Fatal(err)
			}
			var act struct{ Sub string }
			if found, err := got.Decode("act", &act); !found || err != nil || act.Sub != "bot" {
				t.Errorf("act: %v, %v, %v", act, found, err)
			}
			if found, err := got.Decode("ACT", &act); found || err != nil {
				t.Errorf("claims are found by another case: %v, %v", found, err)
			}
			if got.Subject != "ann" || got.ClientID != "shop" || got.ID != "T1" || !reflect.DeepEqual(got.Scopes, c.Scopes) ||
				!reflect.DeepEqual(got.Audience, c.Audience) || !got.Expires.Equal(c.Expires) || !got.IssuedAt.Equal(now) || !got.NotBefore.Equal(now) {
				t.Errorf("claims %+v", got)
			}
		})
	}
}

func TestMintSeveralAudiences(t *testing.T) {
	key := generate(t, keys.EdDSA)
	c := claims()
	c.Audience, c.Scopes = []string{"https://a.example", orders}, nil
	raw, err := (&token.Minter{Key: key}).Mint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	got := part(t, raw, 1)
	if _, there := got["scope"]; there || !reflect.DeepEqual(got["aud"], []any{"https://a.example", orders}) {
		t.Errorf("claims %v", got)
	}
	if _, err := verifier(key).Verify(t.Context(), now, raw); err != nil {
		t.Error(err)
	}
}

func TestMintRefuses(t *testing.T) {
	key := generate(t, keys.EdDSA)
	tests := []struct {
		change func(*token.Claims)
		want   string
	}{
		{func(c *token.Claims) { c.Issuer = "" }, "iss"},
		{func(c *token.Claims) { c.Subject = "" }, "sub"},
		{func(c *token.Claims) { c.Audience = nil }, "aud"},
		{func(c *token.Claims) { c.Audience = []string{orders, ""} }, "aud"},
		{func(c *token.Claims) { c.ClientID = "" }, "client_id"},
		{func(c *token.Claims) { c.ID = "" }, "jti"},
		{func(c *token.Claims) { c.IssuedAt = time.Time{} }, "iat"},
		{func(c *token.Claims) { c.Expires = time.Time{} }, "exp"},
		{func(c *token.Claims) { c.Expires = c.IssuedAt }, "expire"},
		{func(c *token.Claims) { c.More = map[string]any{"sub": "eve"} }, `"sub"`},
		{func(c *token.Claims) { c.More = map[string]any{"nbf": 1} }, `"nbf"`},
		{func(c *token.Claims) { c.More = map[string]any{"x": make(chan int)} }, `"x"`},
	}
	for _, test := range tests {
		c := claims()
		test.change(c)
		if raw, err := (&token.Minter{Key: key}).Mint(t.Context(), c); err == nil || raw != "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("want %s: %q, %v", test.want, raw, err)
		}
	}
	for _, m := range []*token.Minter{nil, {}, {Key: noKey{}}, {Key: &keys.Private{ID: "mac", Algorithm: keys.HS256, Signer: key.Signer}}} {
		if raw, err := m.Mint(t.Context(), claims()); err == nil || raw != "" {
			t.Errorf("%+v: %q, %v", m, raw, err)
		}
	}
}

// noKey is a ring that is empty.
type noKey struct{}

func (noKey) SigningKey(time.Time) (*keys.Private, error) { return nil, nil }
func (noKey) PublicKeys(time.Time) *keys.Set              { return nil }

// forge signs any header and claims.
func forge(t *testing.T, key *keys.Private, header, claims map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, key, string(h), string(c))
}

func sign(t *testing.T, key *keys.Private, header, claims string) string {
	t.Helper()
	raw, err := jose.AppendSigned(nil, []byte(header), []byte(claims), string(key.Algorithm), key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestVerify(t *testing.T) {
	key, other := generate(t, keys.ES256), generate(t, keys.ES256)
	other.ID = key.ID
	goodHeader := map[string]any{"typ": "at+jwt", "alg": "ES256", "kid": key.ID}
	goodClaims := map[string]any{
		"iss": issuer, "sub": "ann", "aud": orders, "client_id": "shop", "scope": "read write", "jti": "T1",
		"iat": 1_800_000_000, "exp": 1_800_000_900,
	}
	const remove = "\x00remove"
	change := func(m map[string]any, name string, value any) map[string]any {
		c := maps.Clone(m)
		if c[name] = value; value == remove {
			delete(c, name)
		}
		return c
	}
	type test struct {
		name   string
		header map[string]any
		claims map[string]any
		want   token.Fault
	}
	header := func(name, value string, want token.Fault) test {
		return test{name: "typ or so " + value, header: change(goodHeader, name, value), claims: goodClaims, want: want}
	}
	claim := func(name string, value any, want token.Fault) test {
		return test{name: name, header: goodHeader, claims: change(goodClaims, name, value), want: want}
	}
	tests := []test{
		{name: "good", header: goodHeader, claims: goodClaims},
		header("typ", "AT+JWT", ""),
		header("typ", "application/at+jwt", ""),
		header("typ", "Application/AT+JWT", ""),
		header("kid", remove, ""),
		claim("aud", []string{"https://a.example", orders}, ""),
		claim("scope", remove, ""),
		claim("avouch_origin", map[string]any{"iss": "https://idp.example", "later": 1}, ""),
		claim("avouch_origin", "x", token.BadClaim),
		claim("avouch_origin", nil, token.BadClaim),
		claim("avouch_origin", []string{"x"}, token.BadClaim),
		claim("avouch_origin", map[string]any{"iss": 1}, token.BadClaim),
		claim("avouch_origin", map[string]any{"fam": nil}, token.BadClaim),
		claim("avouch_origin", map[string]any{"kids": "k"}, token.BadClaim),
		claim("avouch_origin", map[string]any{"kids": []any{1}}, token.BadClaim),
		claim("unknown", map[string]any{"a": 1}, ""),
		claim("exp", 1_799_999_991, ""),
		claim("exp", 1_800_000_900.5, ""),
		claim("iat", 1_800_000_010, ""),
		claim("nbf", 1_800_000_010, ""),

		header("typ", remove, token.WrongType),
		header("typ", "JWT", token.WrongType),
		header("typ", "at+jwt ", token.WrongType),
		header("typ", "application/application/at+jwt", token.WrongType),
		header("typ", "dpop+jwt", token.WrongType),
		header("typ", "client-authentication+jwt", token.WrongType),
		header("kid", "another", token.UnknownKey),
		header("crit", "x", token.Malformed),
		claim("iss", "https://evil.example", token.WrongIssuer),
		claim("iss", issuer+"/", token.WrongIssuer),
		claim("iss", remove, token.BadClaim),
		claim("iss", []string{issuer}, token.BadClaim),
		claim("aud", "https://billing.example.com", token.WrongAudience),
		claim("aud", orders+"/", token.WrongAudience),
		claim("aud", []string{}, token.WrongAudience),
		claim("aud", []any{orders, 1}, token.BadClaim),
		claim("aud", map[string]any{orders: 1}, token.BadClaim),
		claim("aud", nil, token.BadClaim),
		claim("aud", remove, token.BadClaim),
		claim("exp", 1_799_999_990, token.Expired),
		claim("exp", "1800000900", token.BadClaim),
		claim("exp", nil, token.BadClaim),
		claim("exp", -1, token.BadClaim),
		claim("exp", 1e300, token.BadClaim),
		claim("exp", remove, token.BadClaim),
		claim("iat", remove, token.BadClaim),
		claim("iat", 1_800_000_011, token.NotYetValid),
		claim("nbf", 1_800_000_011, token.NotYetValid),
		claim("nbf", "soon", token.BadClaim),
		claim("sub", remove, token.BadClaim),
		claim("sub", "", token.BadClaim),
		claim("sub", 1, token.BadClaim),
		claim("client_id", remove, token.BadClaim),
		claim("jti", remove, token.BadClaim),
		claim("scope", []string{"read"}, token.BadClaim),
	}
	v := verifier(key)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := v.Verify(t.Context(), now, forge(t, key, test.header, test.claims))
			wantFault(t, c, err, test.want)
		})
	}

	raw := forge(t, key, goodHeader, goodClaims)
	h, rest, _ := strings.Cut(raw, ".")
	c, signature, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"at+jwt","alg":"none"}`))
	rs := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"at+jwt","alg":"HS256","kid":"` + key.ID + `"}`))
	for name, test := range map[string]struct {
		raw  string
		want token.Fault
	}{
		"empty":                {"", token.Malformed},
		"two parts":            {h + "." + c, token.Malformed},
		"four parts":           {raw + ".x", token.Malformed},
		"no signature":         {h + "." + c + ".", token.BadSignature},
		"none":                 {none + "." + c + ".", token.Malformed},
		"a MAC":                {rs + "." + c + "." + signature, token.AlgorithmNotAllowed},
		"another's signature":  {forge(t, other, goodHeader, goodClaims), token.BadSignature},
		"other claims":         {h + "." + strings.Replace(c, c[10:12], "AA", 1) + "." + signature, ""},
		"a claim twice":        {sign(t, key, `{"typ":"at+jwt","alg":"ES256"}`, `{"iss":"https://as.example.com","iss":"https://as.example.com"}`), token.Malformed},
		"too long":             {raw + strings.Repeat("A", token.MaxSize), token.Malformed},
		"trailing line break":  {raw + "\n", token.Malformed},
		"padding":              {raw + "=", token.Malformed},
		"not even close":       {"\x00\xff", token.Malformed},
		"header and all dots":  {strings.Repeat(".", 10_000), token.Malformed},
		"an assertion's claim": {sign(t, key, `{"typ":"JWT","alg":"ES256"}`, `{"iss":"https://as.example.com"}`), token.WrongType},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), now, test.raw)
			if name == "other claims" {
				if err == nil || got != nil {
					t.Error("accepted")
				}
				return
			}
			wantFault(t, got, err, test.want)
		})
	}
}

func wantFault(t *testing.T, c *token.Claims, err error, want token.Fault) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	e, ok := errors.AsType[*token.Error](err)
	if !ok || e.Fault != want || c != nil {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestAnyAudience: the server that has issued a token may ask about it whatever it is for; the word must be said, and alone.
func TestAnyAudience(t *testing.T) {
	key := generate(t, keys.ES256)
	set := key.PublicKeys(now)
	mint := func(aud ...string) string {
		c := claims()
		c.Audience = aud
		raw, err := (&token.Minter{Key: key}).Mint(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	server := token.Verifier{Issuer: issuer, Keys: set, AnyAudience: true}
	for _, raw := range []string{mint(orders), mint("https://other.example"), mint("a", "b")} {
		if _, err := server.Verify(t.Context(), now, raw); err != nil {
			t.Error(err)
		}
	}
	if _, err := server.Verify(t.Context(), now.Add(time.Hour), mint(orders)); err == nil {
		t.Error("an expired one is accepted")
	}
	for _, v := range []token.Verifier{{Issuer: issuer, Keys: set, Audience: orders, AnyAudience: true}, {Issuer: issuer, Keys: set}} {
		if err := v.Validate(); err == nil {
			t.Errorf("%+v is valid", v)
		}
		if _, err := v.Verify(t.Context(), now, mint(orders)); err == nil {
			t.Errorf("%+v accepts", v)
		}
	}
}

// TestTextsAreUTF8: other bytes would be replaced in JSON, and two of them become one user or one consent.
func TestTextsAreUTF8(t *testing.T) {
	m := &token.Minter{Key: generate(t, keys.ES256)}
	const bad = "\xff\xfe"
	for name, spoil := range map[string]func(*token.Claims){
		"subject": func(c *token.Claims) { c.Subject = bad }, "client": func(c *token.Claims) { c.ClientID = bad },
		"audience": func(c *token.Claims) { c.Audience = []string{orders, bad} }, "scope": func(c *token.Claims) { c.Scopes = []string{bad} },
		"family": func(c *token.Claims) { c.Origin.Family = bad }, "issuer": func(c *token.Claims) { c.Origin.Issuer = bad },
		"key": func(c *token.Claims) { c.Origin.KeyIDs = []string{bad} },
	} {
		c := claims()
		c.Subject = "zoë"
		if _, err := m.Mint(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		if raw, err := m.Mint(t.Context(), c); err == nil {
			t.Errorf("%s: minted %s", name, raw)
		}
	}
}

func TestVerifierConfiguration(t *testing.T) {
	key := generate(t, keys.ES256)
	raw, err := (&token.Minter{Key: key}).Mint(t.Context(), claims())
	if err != nil {
		t.Fatal(err)
	}
	set := key.PublicKeys(now)
	for _, v := range []*token.Verifier{
		nil, {}, {Issuer: issuer, Audience: orders}, {Issuer: issuer, Keys: set}, {Audience: orders, Keys: set},
		{Issuer: issuer, Audience: orders, Keys: set, Algorithms: []keys.Algorithm{keys.HS256}},
	} {
		if c, err := v.Verify(t.Context(), now, raw); err == nil || c != nil {
			t.Errorf("%+v accepts", v)
		}
	}
	for _, test := range []struct {
		v    token.Verifier
		at   time.Duration
		want token.Fault
	}{
		{v: token.Verifier{Algorithms: []keys.Algorithm{keys.EdDSA}}, want: token.AlgorithmNotAllowed},
		{v: token.Verifier{Algorithms: []keys.Algorithm{}}, want: token.AlgorithmNotAllowed},
		{v: token.Verifier{Algorithms: []keys.Algorithm{keys.ES256}}},
		{at: 15*time.Minute + 9*time.Second},
		{at: 15*time.Minute + 10*time.Second, want: token.Expired},
		{v: token.Verifier{Skew: 30 * time.Second}, at: 15*time.Minute + 29*time.Second},
		{v: token.Verifier{Skew: time.Hour}, at: 15*time.Minute + 59*time.Second},
		{v: token.Verifier{Skew: time.Hour}, at: 16 * time.Minute, want: token.Expired},
		{v: token.Verifier{Skew: time.Hour}, at: -61 * time.Second, want: token.NotYetValid},
		{v: token.Verifier{Keys: oldKey{key}}, want: token.UnknownKey},
		{v: token.Verifier{Keys: brokenSource{}}, want: token.KeysUnavailable},
	} {
		v := test.v
		v.Issuer, v.Audience = issuer, orders
		if v.Keys == nil {
			v.Keys = set
		}
		c, err := v.Verify(t.Context(), now.Add(test.at), raw)
		wantFault(t, c, err, test.want)
	}
}

// oldKey finds a key whose time is over.
type oldKey struct{ *keys.Private }

func (s oldKey) Find(context.Context, keys.Hint, time.Time) ([]*keys.Public, error) {
	public := s.Public()
	public.NotAfter = now.Add(-time.Hour)
	return []*keys.Public{&public}, nil
}

// brokenSource cannot get its keys.
type brokenSource struct{}

func (brokenSource) Find(context.Context, keys.Hint, time.Time) ([]*keys.Public, error) {
	return nil, keys.ErrUnavailable
}

// TestNothingIsFetchedForStrangers: the issuer is judged before its keys are asked for.
func TestNothingIsFetchedForStrangers(t *testing.T) {
	key := generate(t, keys.ES256)
	source := &countingSource{Source: key.PublicKeys(now)}
	v := &token.Verifier{Issuer: issuer, Audience: orders, Keys: source}
	for range 10 {
		_, err := v.Verify(t.Context(), now, sign(t, key, `{"typ":"at+jwt","alg":"ES256"}`, `{"iss":"https://evil.example"}`))
		wantFault(t, nil, err, token.WrongIssuer)
	}
	if source.calls != 0 {
		t.Errorf("keys were asked for %d times", source.calls)
	}
}

type countingSource struct {
	keys.Source
	calls int
}

func (s *countingSource) Find(ctx context.Context, h keys.Hint, now time.Time) ([]*keys.Public, error) {
	s.calls++
	return s.Source.Find(ctx, h, now)
}

func BenchmarkMint(b *testing.B) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			m := &token.Minter{Key: generate(b, alg)}
			c := claims()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Mint(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			key := generate(b, alg)
			raw, err := (&token.Minter{Key: key}).Mint(b.Context(), claims())
			if err != nil {
				b.Fatal(err)
			}
			v := verifier(key)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), now, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
