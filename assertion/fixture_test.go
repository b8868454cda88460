package assertion

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

var now = time.Date(2026, 11, 24, 2, 20, 0, 0, time.UTC)

const (
	us  = "https://as.example.com"
	idp = "https://idp.partner.example"
)

var background = context.Background()

// pair makes each key once for all tests.
var pair = func() func(alg keys.Algorithm) *keys.Private {
	var mu sync.Mutex
	made := map[keys.Algorithm]*keys.Private{}
	return func(alg keys.Algorithm) *keys.Private {
		mu.Lock()
		defer mu.Unlock()
		if made[alg] == nil {
			k, err := keys.Generate(alg)
			if err != nil {
				panic(err)
			}
			made[alg] = k
		}
		return made[alg]
	}
}()

func setOf(t testing.TB, all ...keys.Public) *keys.Set {
	t.Helper()
	set, err := keys.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// world is who is known to a checker under test, and what is asked of them.
type world struct {
	*Checker
	find  PartyFunc
	party *Party
	key   *keys.Private
}

// newWorld knows one issuer, with an ES256 key and the strict policy.
func newWorld(t testing.TB, change ...func(w *world)) *world {
	t.Helper()
	key := pair(keys.ES256)
	w := &world{
		key: key,
		party: &Party{
			Name:   idp,
			Keys:   setOf(t, key.Public()),
			Policy: Policy{Audience: Audience{Accept: []string{us}}},
		},
	}
	w.Checker = &Checker{Purpose: Grant}
	w.find = func(_ context.Context, u Unverified) (*Party, error) {
		if u.Issuer == w.party.Name || u.Issuer == "" && w.party.Policy.IssuerOptional {
			return w.party, nil
		}
		return nil, nil
	}
	for _, c := range change {
		c(w)
	}
	return w
}

// testCase is a Case whose checks are functions.
type testCase struct {
	PartyFunc
	checks []testCheck
}

type testCheck struct {
	name string
	run  func(a *Assertion) error
}

func (c *testCase) Checks() []string {
	var names []string
	for _, check := range c.checks {
		names = append(names, check.name)
	}
	return names
}

func (c *testCase) Run(_ context.Context, i int, a *Assertion) error { return c.checks[i].run(a) }

// ask returns a case of the world's party with further checks.
func (w *world) ask(checks ...testCheck) Case { return &testCase{w.find, checks} }

// object is a JSON object by its members; a member whose value is absent is left out.
type object map[string]any

type absent struct{}

func goodHeader() object { return object{"alg": "ES256", "typ": "JWT"} }

func goodClaims() object {
	return object{"iss": idp, "sub": "alice", "aud": us, "exp": now.Unix() + 60, "iat": now.Unix(), "jti": "id-1"}
}

func (o object) with(name string, value any) object {
	o = maps.Clone(o)
	if value == (absent{}) {
		delete(o, name)
	} else {
		o[name] = value
	}
	return o
}

func (o object) text(t testing.TB) string {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sign signs any header and claims, whether they make sense or not.
func sign(t testing.TB, header, claims string, alg keys.Algorithm, signer crypto.Signer) string {
	t.Helper()
	token, err := jose.AppendSigned(nil, []byte(header), []byte(claims), string(alg), signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func (w *world) token(t testing.TB, header, claims object) string {
	t.Helper()
	return sign(t, header.text(t), claims.text(t), w.key.Algorithm, w.key.Signer)
}

// judge checks and explains, holds the two against each other, and returns what Check says.
func (w *world) judge(t testing.TB, token, holder string, checks ...testCheck) (*Assertion, error) {
	t.Helper()
	a, _, err := w.Check(background, now, token, holder, w.ask(checks...))
	agree(t, w.Checker, now, token, holder, err, w.ask(checks...))
	return a, err
}

// agree fails if Explain comes to another verdict than Check did with err.
func agree(t testing.TB, c *Checker, now time.Time, token, holder string, err error, caller Case) *Report {
	t.Helper()
	report := c.Explain(background, now, token, holder, caller)
	if report.Untried && (report.Accepted || report.Verified) {
		t.Fatalf("a secret was not tried, and the report is verified or accepted:\n%s", toJSON(t, report))
	}
	if report.Accepted != (err == nil) && !(report.Untried && err == nil) {
		t.Fatalf("Check says %v, Explain says accepted = %t:\n%s", err, report.Accepted, toJSON(t, report))
	}
	if report.Accepted && !report.Verified {
		t.Fatalf("accepted and not verified:\n%s", toJSON(t, report))
	}
	if text := toJSON(t, report); len(token) > 40 && strings.Contains(text, token[len(token)-40:]) {
		t.Fatalf("the report holds the signature:\n%s", text)
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Reason == BadSignature && report.Untried {
		return report // the one thing that Explain cannot know
	}
	refused, isRefused := report.Refusal()
	if isRefused != (err != nil) {
		t.Fatalf("Check says %v, the report's refusal is %+v", err, refused)
	}
	var e *Error
	if !errors.As(err, &e) {
		return report
	}
	if refused.Check != e.Check || refused.Reason != e.Reason {
		t.Fatalf("Check stopped at %q with %s, Explain says %q with %s", e.Check, e.Reason, refused.Check, refused.Reason)
	}
	own := e.Report()
	if last := own.Findings[len(own.Findings)-1]; last.Check != e.Check || last.Outcome != Failed {
		t.Fatalf("the report of the error ends with %+v", last)
	}
	for i, f := range own.Findings[:len(own.Findings)-1] {
		if f.Outcome != Passed || f.Check != report.Findings[i].Check || report.Findings[i].Outcome != Passed {
			t.Fatalf("finding %d: the error's report says %+v, Explain %+v", i, f, report.Findings[i])
		}
	}
	if own.Verified == e.Reason.BeforeSignature() && e.Reason != WrongType {
		t.Fatalf("%s: BeforeSignature and the report's Verified = %t contradict each other", e.Reason, own.Verified)
	}
	return report
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// reasonOf returns the Reason of a refusal, "" where there is none.
func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func sha256Text(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
