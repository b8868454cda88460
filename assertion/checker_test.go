package assertion

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
)

func TestAccepted(t *testing.T) {
	type check func(t *testing.T, a *Assertion)
	for _, test := range []struct {
		name   string
		change func(w *world)
		token  func(t testing.TB, w *world) string
		check  check
	}{
		{name: "as usual", token: good, check: func(t *testing.T, a *Assertion) {
			if a.Issuer != idp || a.Subject != "alice" || a.ID != "id-1" || a.Type != "JWT" || a.Algorithm != keys.ES256 || a.LegacyAudience {
				t.Errorf("got %+v", a)
			}
			if len(a.Audience) != 1 || a.Audience[0] != us || !a.Expires.Equal(now.Add(time.Minute)) || !a.IssuedAt.Equal(now) || !a.NotBefore.IsZero() {
				t.Errorf("got %+v", a)
			}
			if a.KeyID != pair(keys.ES256).ID || a.Party.Name != idp {
				t.Errorf("verified by key %q of %q", a.KeyID, a.Party.Name)
			}
		}},
		{name: "with its kid", token: named},
		{name: "no typ", token: header("typ", absent{})},
		{name: "typ in lower case", token: header("typ", "jwt")},
		{name: "typ as a media type", token: header("typ", "Application/JWT")},
		{name: "client assertion", token: header("typ", "Client-Authentication+JWT"), change: func(w *world) { w.Purpose = ClientAuthentication }},
		{name: "listed typ", token: header("typ", "application/"+typeIDJAG), change: policy(func(p *Policy) { p.Types = []string{typeIDJAG} })},
		{name: "absent typ is listed", token: header("typ", absent{}), change: policy(func(p *Policy) { p.Types = []string{"", "x+jwt"} })},
		{name: "keys in the header are not looked at", token: with(func(h object) object {
			return h.with("jku", "https://evil.example/keys").with("x5u", "http://127.0.0.1/").with("jwk", object{"kty": "oct", "k": "AA"}).with("x5c", []string{"AA"})
		}, nil)},
		{name: "aud is a list of one", token: claim("aud", []string{us}), check: func(t *testing.T, a *Assertion) {
			if len(a.Audience) != 1 || a.Audience[0] != us {
				t.Errorf("got %v", a.Audience)
			}
		}},
		{name: "the other accepted aud", token: claim("aud", us+"/oauth/token"),
			change: policy(func(p *Policy) { p.Audience.Accept = append(p.Audience.Accept, us+"/oauth/token") })},
		{name: "legacy aud", token: claim("aud", us+"/oauth/token"),
			change: policy(func(p *Policy) { p.Audience.Legacy = []string{us + "/oauth/token"} }),
			check: func(t *testing.T, a *Assertion) {
				if !a.LegacyAudience {
					t.Error("not told")
				}
			}},
		{name: "aud as a string where one is wanted", token: good, change: policy(func(p *Policy) { p.Audience.StringOnly = true })},
		{name: "exp within skew", token: claim("exp", now.Unix()-9)},
		{name: "exp with a fraction", token: rawClaim("exp", "1795486860.75"), check: func(t *testing.T, a *Assertion) {
			if want := time.Unix(1795486860, 750e6); !a.Expires.Equal(want) {
				t.Errorf("exp is %v, want %v", a.Expires, want)
			}
		}},
		{name: "exp with an exponent", token: rawClaim("exp", "1.79548686e9"), check: func(t *testing.T, a *Assertion) {
			if want := time.Unix(1795486860, 0); !a.Expires.Equal(want) {
				t.Errorf("exp is %v, want %v", a.Expires, want)
			}
		}},
		{name: "an hour", token: claim("exp", now.Unix()+3600)},
		{name: "an hour and skew", token: claim("exp", now.Unix()+3610)},
		{name: "nbf a little ahead", token: claim("nbf", now.Unix()+8)},
		{name: "iat a little ahead", token: claim("iat", now.Unix()+8)},
		{name: "no iat", token: claim("iat", absent{}), check: func(t *testing.T, a *Assertion) {
			if !a.IssuedAt.IsZero() {
				t.Errorf("iat is %v", a.IssuedAt)
			}
		}},
		{name: "jti of 256 bytes", token: claim("jti", strings.Repeat("j", 256))},
		{name: "no jti", token: claim("jti", absent{})},
		{name: "no sub", token: claim("sub", absent{}), change: policy(func(p *Policy) { p.SubjectOptional = true })},
		{name: "no iss", token: claim("iss", absent{}), change: policy(func(p *Policy) { p.IssuerOptional = true })},
		{name: "fifty claims more", token: with(nil, func(c object) object {
			for i := range 50 {
				c = c.with(fmt.Sprint("claim", i), object{"a": []any{1, nil, object{"b": true}}})
			}
			return c.with("ISS", "evil").with("Sub", "evil").with("AUD", "evil").with("i\u017fs", "evil")
		}), check: func(t *testing.T, a *Assertion) {
			if a.Issuer != idp || a.Subject != "alice" {
				t.Errorf("a name that differs in case was taken: %+v", a)
			}
			var c struct{ A []any }
			if found, err := a.DecodeClaim("claim49", &c); !found || err != nil || len(c.A) != 3 {
				t.Errorf("claim49: %t, %v, %v", found, err, c)
			}
		}},
		{name: "secret", change: shared, token: func(t testing.TB, w *world) string { return mac(t, goodClaims(), secret) }},
		{name: "one of two keys", token: good, change: func(w *world) {
			set, err := keys.NewSet(other().Public(), w.key.Public())
			if err != nil {
				panic(err)
			}
			w.party.Keys = set
		}, check: func(t *testing.T, a *Assertion) {
			if a.KeyID != pair(keys.ES256).ID {
				t.Errorf("verified by %q", a.KeyID)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			a, err := w.judge(t, test.token(t, w), "")
			if err != nil {
				t.Fatal(err)
			}
			if test.check != nil {
				test.check(t, a)
			}
		})
	}
}

func TestAlgorithms(t *testing.T) {
	for _, name := range []string{"RS256", "PS256", "ES256", "EdDSA", "Ed25519", "ES384", "RS512"} {
		t.Run(name, func(t *testing.T) {
			key := pair(algorithm(name))
			w := newWorld(t, func(w *world) {
				w.key = key
				w.party.Keys = setOf(t, key.Public())
			})
			alg := keys.Algorithm(name)
			token := sign(t, goodHeader().with("alg", name).text(t), goodClaims().text(t), alg, key.Signer)
			_, err := w.judge(t, token, "")
			if name == "ES384" || name == "RS512" {
				if reasonOf(err) != AlgorithmNotAllowed {
					t.Fatalf("by default: got %v", err)
				}
				w.party.Policy.Algorithms = []keys.Algorithm{alg}
				_, err = w.judge(t, token, "")
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("Ed25519 in a list stands for EdDSA", func(t *testing.T) {
		key := pair(keys.EdDSA)
		w := newWorld(t, func(w *world) { w.party.Keys = setOf(t, key.Public()) })
		w.party.Policy.Algorithms = []keys.Algorithm{"Ed25519"}
		if _, err := w.judge(t, sign(t, `{"alg":"EdDSA"}`, goodClaims().text(t), keys.EdDSA, key.Signer), ""); err != nil {
			t.Error(err)
		}
	})
}

// A key of one party is of no use for another, even where they have published the same kid.
func TestKeysBelongToTheirParty(t *testing.T) {
	a, b := newWorld(t), newWorld(t)
	stranger := other()
	p := stranger.Public()
	p.ID = b.key.ID
	a.party.Keys = setOf(t, p)
	b.party.Name = "https://b.example"
	both := PartyFunc(func(_ context.Context, u Unverified) (*Party, error) {
		return map[string]*Party{a.party.Name: a.party, b.party.Name: b.party}[u.Issuer], nil
	})
	token := header("kid", b.key.ID)(t, b) // signed by b's key, says that it is from a
	_, _, err := a.Check(background, now, token, "", both)
	if reasonOf(err) != BadSignature {
		t.Errorf("got %v", err)
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	w := newWorld(t)
	var many []*keys.Public
	wrong := other().Public()
	wrong.ID = ""
	for range 50 {
		many = append(many, &wrong)
	}
	right := w.key.Public()
	w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { return append(many, &right), nil })
	_, err := w.judge(t, good(t, w), "")
	if reasonOf(err) != BadSignature {
		t.Errorf("got %v", err)
	}
}

func TestUses(t *testing.T) {
	hash := func(token string) string { return "sha256:" + sha256Text(token[:strings.LastIndexByte(token, '.')]) }
	for _, test := range []struct {
		name   string
		change func(w *world)
		claims func(c object) object
		holder string
		want   func(token string) []replay.Use
	}{
		{name: "once", want: func(string) []replay.Use {
			return []replay.Use{{Purpose: "grant", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now}}
		}},
		{name: "kept as long with any skew", change: policy(func(p *Policy) { p.Skew = time.Hour }), want: func(string) []replay.Use {
			return []replay.Use{{Purpose: "grant", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now}}
		}},
		{name: "a holder makes no difference", holder: "c", want: func(string) []replay.Use {
			return []replay.Use{{Purpose: "grant", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now}}
		}},
		{name: "as a client assertion", change: func(w *world) { w.Purpose = ClientAuthentication }, want: func(string) []replay.Use {
			return []replay.Use{{Purpose: "client_assertion", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now}}
		}},
		{name: "no jti, no iat", claims: func(c object) object { return c.with("jti", absent{}).with("iat", absent{}) }, want: func(token string) []replay.Use {
			return []replay.Use{{Purpose: "grant", Party: idp, ID: hash(token), Until: now.Add(180 * time.Second)}}
		}},
		{name: "same client", change: policy(func(p *Policy) { p.Replay = SameClientUntilExpiry }), holder: "c", want: func(string) []replay.Use {
			return []replay.Use{{Purpose: "grant", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now, Holder: "c"}}
		}},
		{name: "same client, of a client assertion", holder: "whatever",
			change: func(w *world) { w.Purpose = ClientAuthentication; w.party.Policy.Replay = SameClientUntilExpiry },
			want: func(string) []replay.Use {
				return []replay.Use{{Purpose: "client_assertion", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now, Holder: idp}}
			}},
		{name: "re-use", change: policy(func(p *Policy) { p.Replay = ReuseUntilExpiry }), want: none},
		{name: "re-use of a client assertion without jti", claims: func(c object) object { return c.with("jti", absent{}) },
			change: func(w *world) { w.Purpose = ClientAuthentication; w.party.Policy.Replay = ReuseUntilExpiry }, want: none},
		{name: "Google-style", change: policy(func(p *Policy) { p.SubjectOptional = true }),
			claims: func(c object) object { return c.with("jti", absent{}).with("sub", absent{}) }, want: none},
		{name: "Google-style with a jti", change: policy(func(p *Policy) { p.SubjectOptional = true }),
			claims: func(c object) object { return c.with("sub", absent{}) }, want: func(string) []replay.Use {
				return []replay.Use{{Purpose: "grant", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now}}
			}},
		{name: "Google-style by one client", holder: "c",
			change: policy(func(p *Policy) { p.SubjectOptional = true; p.Replay = SameClientUntilExpiry }),
			claims: func(c object) object { return c.with("jti", absent{}) }, want: func(token string) []replay.Use {
				return []replay.Use{{Purpose: "grant", Party: idp, ID: hash(token), Until: now.Add(180 * time.Second), Issued: now, Holder: "c"}}
			}},
		{name: "a Replay that does not exist is once", change: policy(func(p *Policy) { p.Replay = 77 }), want: func(string) []replay.Use {
			return []replay.Use{{Purpose: "grant", Party: idp, ID: "id-1", Until: now.Add(180 * time.Second), Issued: now}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			token := with(nil, test.claims)(t, w)
			_, uses, err := w.Check(background, now, token, test.holder, w.ask())
			if err != nil {
				t.Fatal(err)
			}
			want := test.want(token)
			if len(uses) != len(want) {
				t.Fatalf("got %+v, want %+v", uses, want)
			}
			for i := range want {
				if !uses[i].Until.Equal(want[i].Until) || !uses[i].Issued.Equal(want[i].Issued) {
					t.Errorf("times: got %+v, want %+v", uses[i], want[i])
				}
				uses[i].Until, uses[i].Issued, want[i].Until, want[i].Issued = time.Time{}, time.Time{}, time.Time{}, time.Time{}
				if uses[i] != want[i] {
					t.Errorf("got %+v, want %+v", uses[i], want[i])
				}
			}
		})
	}
}

func none(string) []replay.Use { return nil }

// From one ECDSA signature (r, s) anybody makes another one, (r, n-s). It must be no second use.
func TestMalleableSignatureIsNoSecondUse(t *testing.T) {
	w := newWorld(t)
	token := claim("jti", absent{})(t, w)
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	twin := token[:dot+1] + base64.RawURLEncoding.EncodeToString(signature)
	if twin == token {
		t.Fatal("the same token")
	}
	guard := replay.NewMemory(replay.MemoryConfig{Start: now})
	if _, err := w.Verify(background, now, token, "", w.ask(), guard); err != nil {
		t.Fatal(err)
	}
	if _, err := w.judge(t, twin, ""); err != nil {
		t.Fatalf("the twin should verify, or this test shows nothing: %v", err)
	}
	if _, err := w.Verify(background, now, twin, "", w.ask(), guard); reasonOf(err) != Replayed {
		t.Errorf("got %v", err)
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t)
	guard := replay.NewMemory(replay.MemoryConfig{Start: now})
	token := good(t, w)

	if _, err := w.Verify(background, now, token, "", w.ask(), nil); err == nil || reasonOf(err) != "" {
		t.Errorf("without a guard: got %v", err)
	}
	forged := token[:len(token)-4] + "AAAA"
	if _, err := w.Verify(background, now, forged, "", w.ask(), guard); reasonOf(err) != BadSignature {
		t.Errorf("forged: got %v", err)
	}
	if _, err := w.Verify(background, now, token, "", w.ask(refuse(Refused)...), guard); reasonOf(err) != Refused {
		t.Errorf("refused by a check: got %v", err)
	}
	if _, err := w.Verify(background, now, token, "", w.ask(), guard); err != nil {
		t.Fatalf("nothing has spent it before: %v", err)
	}
	_, err := w.Verify(background, now, token, "", w.ask(), guard)
	var e *Error
	if !errors.As(err, &e) || e.Reason != Replayed || e.Public != Replayed.Public() || !strings.Contains(e.Hint, "set replay to off") {
		t.Errorf("replayed: got %#v", err)
	}
	fit(t, e)

	late := now.Add(60*time.Second + 9*time.Second) // expired, within skew
	if _, err := w.Verify(background, late, token, "", w.ask(), guard); reasonOf(err) != Replayed {
		t.Errorf("replayed after exp: got %v", err)
	}
	old := replay.NewMemory(replay.MemoryConfig{Start: now.Add(time.Minute)})
	if _, err := w.Verify(background, now, token, "", w.ask(), old); !errors.As(err, &e) || e.Reason != Replayed || !strings.Contains(e.Hint, "before this server started") {
		t.Errorf("made before the start: got %v", err)
	}
	full := replay.NewMemory(replay.MemoryConfig{Start: now, Max: 1})
	if _, err := w.Verify(background, now, token, "", w.ask(), full); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Verify(background, now, claim("jti", "id-2")(t, w), "", w.ask(), full); !errors.Is(err, replay.ErrFull) || reasonOf(err) != "" {
		t.Errorf("a guard that cannot tell: got %v", err)
	}
}

func TestOneOfManyPasses(t *testing.T) {
	w := newWorld(t)
	guard := replay.NewMemory(replay.MemoryConfig{Start: now})
	token := good(t, w)
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := w.Verify(background, now, token, "", w.ask(), guard); err == nil {
				passed.Add(1)
			} else if reasonOf(err) != Replayed {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d passed", passed.Load())
	}
}

// A checker or a case that is not complete, and methods of a case that fail, refuse with an error that is no refusal of
// the assertion.
func TestServerFaults(t *testing.T) {
	boom := errors.New("boom")
	for name, change := range map[string]func(w *world){
		"no Purpose":    func(w *world) { w.Purpose = "" },
		"nil PartyFunc": func(w *world) { w.find = nil },
		"Party fails": func(w *world) {
			w.find = func(context.Context, Unverified) (*Party, error) { return nil, boom }
		},
		"party without a name": func(w *world) {
			w.find = func(context.Context, Unverified) (*Party, error) { return &Party{}, nil }
		},
		"keys and a secret": func(w *world) { w.party.Secret = secret },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(w)
			_, err := w.judge(t, good(t, w), "")
			if err == nil || reasonOf(err) != "" {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, check := range map[string]testCheck{
		"fails": {name: "own", run: func(*Assertion) error { return boom }},
		"nil *Error": {name: "own", run: func(*Assertion) error {
			var e *Error
			return e
		}},
	} {
		t.Run("check: "+name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.judge(t, good(t, w), "", check)
			if err == nil || reasonOf(err) != "" {
				t.Errorf("got %v", err)
			}
			if name == "fails" && err != boom {
				t.Errorf("the error was changed: %v", err)
			}
		})
	}
}

// A check may return the same *Error every time: the Checker does not write to it.
func TestSharedErrorStaysAsItIs(t *testing.T) {
	w := newWorld(t)
	one := &Error{Reason: NoRule, Seen: "line\nbreak"}
	token := good(t, w)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, _, err := w.Check(background, now, token, "", w.ask(testCheck{name: "rule", run: func(*Assertion) error { return fmt.Errorf("wrapped: %w", one) }}))
			var e *Error
			if !errors.As(err, &e) || e.Check != "rule" || e.Seen != `line\nbreak` || !errors.Is(err, one) {
				t.Errorf("got %#v", err)
			}
		})
	}
	all.Wait()
	if one.Check != "" || one.Public != "" || one.Report() != nil {
		t.Errorf("written to: %+v", one)
	}
}

// A check that needs an earlier one says so: Explain calls it skipped, and for Check it is a refusal all the same.
func TestSkipped(t *testing.T) {
	w := newWorld(t)
	needy := testCheck{name: "needy", run: func(*Assertion) error { return ErrSkipped }}
	_, err := w.judge(t, good(t, w), "", needy)
	if !errors.Is(err, ErrSkipped) {
		t.Errorf("got %v", err)
	}
	report := w.Explain(background, now, good(t, w), "", w.ask(append(refuse(NoRule), needy)...))
	if got := outcome(report); got != "own failed, needy skipped" {
		t.Error(got)
	}
}

// What a case says it has seen is reported in its own words.
func TestOwnWords(t *testing.T) {
	w := newWorld(t)
	w.find = func(context.Context, Unverified) (*Party, error) {
		return nil, &Error{Reason: UnknownIssuer, Seen: "a client for\nsecrets", Want: "one for keys", Hint: "change it"}
	}
	_, err := w.judge(t, good(t, w), "")
	var e *Error
	if !errors.As(err, &e) || e.Seen != `a client for\nsecrets` || e.Want != "one for keys" || e.Hint != "change it" {
		t.Errorf("got %v", err)
	}
}

// The case's checks run in their order, after all others, and stop at the first refusal.
func TestOwnChecks(t *testing.T) {
	w := newWorld(t)
	var ran []string
	note := func(name string, err error) testCheck {
		return testCheck{name: name, run: func(a *Assertion) error {
			ran = append(ran, name+" of "+a.Subject)
			return err
		}}
	}
	checks := []testCheck{note("a", nil), note("b", &Error{Reason: NoRule}), note("c", nil)}
	_, _, err := w.Check(background, now, good(t, w), "", w.ask(checks...))
	if reasonOf(err) != NoRule || strings.Join(ran, ", ") != "a of alice, b of alice" {
		t.Errorf("%v; ran %v", err, ran)
	}
	ran = nil
	if _, _, err := w.Check(background, now, claim("exp", 1)(t, w), "", w.ask(checks...)); reasonOf(err) != Expired || ran != nil {
		t.Errorf("%v; ran %v", err, ran)
	}
}

// Nothing of what is refused ends in a report or a log but what is said to.
func TestErrorKeepsNoToken(t *testing.T) {
	w := newWorld(t)
	token := claim("exp", 1)(t, w)
	_, err := w.judge(t, token, "")
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.at.token != "" || e.at.compact != nil {
		t.Error("the token was kept")
	}
	if s := fmt.Sprintf("%v %+v %s", e, w.party, w.party); strings.Contains(s, token[len(token)-20:]) {
		t.Error(s)
	}
	shared(w)
	if s := fmt.Sprintf("%v %+v %#v %s", w.party, w.party, *w.party, toJSON(t, w.party)); strings.Contains(s, "ssss") || strings.Contains(s, "115 115") || strings.Contains(s, "c3Nz") {
		t.Errorf("the secret is shown: %s", s)
	}
}

func TestUnverifiedAlgorithm(t *testing.T) {
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, test := range []struct {
		token string
		alg   keys.Algorithm
		ok    bool
	}{
		{b64(`{"alg":"HS256"}`) + ".e30.AA", keys.HS256, true},
		{b64(`{"alg":"Ed25519"}`) + "..", keys.EdDSA, true},
		{b64(`{"alg":"none"}`) + "..", "none", true},
		{b64(`{"alg":"HS256","alg":"RS256"}`) + "..", "", false},
		{b64(`{"ALG":"HS256"}`) + "..", "", false},
		{b64(`{"alg":1}`) + "..", "", false},
		{b64(`{"alg":""}`) + "..", "", false},
		{b64(`{"alg":"HS256"}`), "", false},
		{b64(`{"alg":"HS256"}`) + "\n.e30.", "", false},
		{b64(`{"alg":"HS256","x":"`+strings.Repeat("x", 9000)+`"}`) + ".e30.", "", false},
		{"", "", false},
		{".", "", false},
		{"!!.", "", false},
	} {
		if alg, ok := UnverifiedAlgorithm(test.token); alg != test.alg || ok != test.ok {
			t.Errorf("%.60q: got %q, %t, want %q, %t", test.token, alg, ok, test.alg, test.ok)
		}
	}
}
