package assertion

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// scene is one way to be refused.
type scene struct {
	name   string
	reason Reason
	check  string // the step that refuses
	change func(w *world)
	token  func(t testing.TB, w *world) string
	more   []testCheck
	hint   string // must be in the hint that Explain gives
}

func with(header func(object) object, claims func(object) object) func(testing.TB, *world) string {
	return func(t testing.TB, w *world) string {
		h, c := goodHeader(), goodClaims()
		if header != nil {
			h = header(h)
		}
		if claims != nil {
			c = claims(c)
		}
		return w.token(t, h, c)
	}
}

func header(name string, value any) func(testing.TB, *world) string {
	return with(func(h object) object { return h.with(name, value) }, nil)
}

func claim(name string, value any) func(testing.TB, *world) string {
	return with(nil, func(c object) object { return c.with(name, value) })
}

func good(t testing.TB, w *world) string { return with(nil, nil)(t, w) }

func policy(change func(p *Policy)) func(w *world) {
	return func(w *world) { change(&w.party.Policy) }
}

type sourceFunc func(h keys.Hint) ([]*keys.Public, error)

func (f sourceFunc) Find(_ context.Context, h keys.Hint, _ time.Time) ([]*keys.Public, error) {
	return f(h)
}

func refuse(r Reason) []testCheck {
	return []testCheck{{"own", func(*Assertion) error { return &Error{Reason: r} }}}
}

// scenes has every reason that a Checker finds by itself, in each of the ways in which it comes about.
var scenes = []scene{
	{name: "17 KiB", reason: TooLarge, check: "size", token: claim("x", strings.Repeat("x", 17<<10))},
	{name: "line break", reason: BadAlphabet, check: "alphabet", token: func(t testing.TB, w *world) string { return good(t, w) + "\n" }},
	{name: "padding", reason: BadAlphabet, check: "alphabet", token: func(t testing.TB, w *world) string { return good(t, w) + "=" }},
	{name: "JSON serialisation", reason: BadAlphabet, check: "alphabet",
		token: func(testing.TB, *world) string { return `{"payload":"e30","signatures":[]}` }},
	{name: "nothing", reason: NotThreeParts, check: "parts", token: func(testing.TB, *world) string { return "" }},
	{name: "dots", reason: NotThreeParts, check: "parts", token: func(testing.TB, *world) string { return strings.Repeat("a.", 8000) }},
	{name: "encrypted", reason: NotThreeParts, check: "parts", token: func(t testing.TB, w *world) string { return good(t, w) + ".e30.e30" }},
	{name: "last bits", reason: BadEncoding, check: "encoding",
		token: func(t testing.TB, w *world) string { return strings.Replace(good(t, w), ".", "B.", 1) }},
	{name: "header is null", reason: BadHeader, check: "header",
		token: func(t testing.TB, w *world) string { return sign(t, "null", "{}", w.key.Algorithm, w.key.Signer) }},
	{name: "alg twice", reason: BadHeader, check: "header", token: func(t testing.TB, w *world) string {
		return sign(t, `{"alg":"ES256","alg":"ES256"}`, goodClaims().text(t), w.key.Algorithm, w.key.Signer)
	}},
	{name: "kid is a list", reason: BadHeader, check: "header", token: header("kid", []string{"a"})},
	{name: "alg none", reason: BadAlgorithm, check: "algorithm", token: header("alg", "none")},
	{name: "alg in lower case", reason: BadAlgorithm, check: "algorithm", token: header("alg", "es256")},
	{name: "no alg", reason: BadAlgorithm, check: "algorithm", token: header("alg", absent{})},
	{name: "crit", reason: CriticalHeader, check: "critical header", token: header("crit", []string{"exp"})},
	{name: "crit is empty", reason: CriticalHeader, check: "critical header", token: header("crit", []string{})},
	{name: "b64", reason: CriticalHeader, check: "critical header", token: header("b64", false)},
	{name: "claims are a list", reason: BadClaims, check: "claims",
		token: func(t testing.TB, w *world) string {
			return sign(t, goodHeader().text(t), "[]", w.key.Algorithm, w.key.Signer)
		}},
	{name: "sub twice", reason: BadClaims, check: "claims", token: func(t testing.TB, w *world) string {
		return sign(t, goodHeader().text(t), `{"sub":"a","sub":"b"}`, w.key.Algorithm, w.key.Signer)
	}},

	{name: "access token", reason: WrongType, check: "kind", token: header("typ", "at+jwt")},
	{name: "access token though listed", reason: WrongType, check: "kind", token: header("typ", "APPLICATION/AT+JWT"),
		change: policy(func(p *Policy) { p.Types = []string{"at+jwt"} })},
	{name: "client assertion as a grant", reason: WrongType, check: "kind", token: header("typ", typeClient),
		change: policy(func(p *Policy) { p.Types = []string{typeClient} })},
	{name: "ID-JAG as a client assertion", reason: WrongType, check: "kind", token: header("typ", typeIDJAG),
		change: func(w *world) { w.Purpose = ClientAuthentication; w.party.Policy.Types = []string{typeIDJAG} }},
	{name: "ID-JAG that is not listed", reason: WrongType, check: "type", token: header("typ", typeIDJAG)},
	{name: "unknown type", reason: WrongType, check: "type", token: header("typ", "vc+jwt")},
	{name: "type is needed", reason: WrongType, check: "type", token: header("typ", absent{}),
		change: policy(func(p *Policy) { p.Types = []string{"JWT"} })},

	{name: "no iss", reason: IssuerMissing, check: "issuer", token: claim("iss", absent{})},
	{name: "no iss, and a case that does not mind", reason: IssuerMissing, check: "issuer", token: claim("iss", absent{}), hint: "IssuerOptional",
		change: func(w *world) {
			w.find = func(context.Context, Unverified) (*Party, error) { return w.party, nil }
		}},
	{name: "iss is empty", reason: IssuerMissing, check: "issuer", token: claim("iss", "")},
	{name: "iss is a list", reason: IssuerMissing, check: "issuer", token: claim("iss", []string{idp, "evil"})},
	{name: "iss is null, and may be absent", reason: IssuerMissing, check: "issuer", token: claim("iss", nil),
		change: policy(func(p *Policy) { p.IssuerOptional = true })},
	{name: "unknown iss", reason: UnknownIssuer, check: "issuer", token: claim("iss", "https://nobody.example")},
	{name: "iss with a slash", reason: UnknownIssuer, check: "issuer", token: claim("iss", idp+"/"), hint: "trailing slash",
		change: func(w *world) { w.Known = func(context.Context) []string { return []string{"https://x.example", idp} } }},
	{name: "iss with a wrong letter", reason: UnknownIssuer, check: "issuer", token: claim("iss", strings.Replace(idp, "partner", "partmer", 1)),
		hint:   "near " + idp,
		change: func(w *world) { w.Known = func(context.Context) []string { return []string{idp} } }},
	{name: "disabled", reason: PartyDisabled, check: "enabled", token: good, change: func(w *world) {
		w.party.Disabled = true
		w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { panic("keys of a disabled party were asked for") })
	}},

	{name: "alg not listed", reason: AlgorithmNotAllowed, check: "algorithm allowed", token: good,
		change: policy(func(p *Policy) { p.Algorithms = []keys.Algorithm{keys.RS256} })},
	{name: "no alg is listed", reason: AlgorithmNotAllowed, check: "algorithm allowed", token: good,
		change: policy(func(p *Policy) { p.Algorithms = []keys.Algorithm{} })},
	{name: "HMAC by the public key, though HS256 is listed", reason: AlgorithmNotAllowed, check: "algorithm allowed",
		hint:   "registered with public keys",
		change: policy(func(p *Policy) { p.Algorithms = []keys.Algorithm{keys.ES256, keys.HS256} }),
		token: func(t testing.TB, w *world) string {
			return mac(t, goodClaims(), []byte(toJSON(t, w.party.Keys)))
		}},
	{name: "signature where a secret is registered", reason: AlgorithmNotAllowed, check: "algorithm allowed", token: good,
		hint: "registered with a shared secret",
		change: func(w *world) {
			w.party.Keys, w.party.Secret = nil, secret
			w.party.Policy.Algorithms = []keys.Algorithm{keys.ES256}
		}},

	{name: "unknown kid", reason: UnknownKey, check: "key", token: header("kid", "nobody's"), hint: "known: kid "},
	{name: "party without keys", reason: UnknownKey, check: "key", token: good, change: func(w *world) { w.party.Keys = nil }},
	{name: "source that returns nothing", reason: UnknownKey, check: "key", token: good, change: func(w *world) {
		w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { return nil, nil })
	}},
	{name: "x5t in hex", reason: UnknownKey, check: "key", token: header("x5t", strings.Repeat("0a", 20)), hint: "in hex",
		change: certified},
	{name: "x5t#S256 in base64url of hex", reason: UnknownKey, check: "key", token: header("x5t#S256", strings.Repeat("MGEw", 16)+strings.Repeat("YTBh", 5)+"MA"),
		hint: "in hex", change: certified},
	{name: "key for encryption", reason: KeyMismatch, check: "key fits", token: named, change: only(func(p *keys.Public) { p.Use = "enc" })},
	{name: "key for another alg", reason: KeyMismatch, check: "key fits", token: named, change: only(func(p *keys.Public) { p.Algorithm = keys.ES384 })},
	{name: "key that has ended", reason: KeyMismatch, check: "key fits", token: named,
		change: only(func(p *keys.Public) { p.NotAfter = now.Add(-time.Second) })},
	{name: "key of another type", reason: KeyMismatch, check: "key fits", token: named,
		change: only(func(p *keys.Public) { p.Key = pair(keys.EdDSA).Public().Key; p.Algorithm = "" })},
	{name: "source is down", reason: KeySourceUnavailable, check: "key", token: good, change: func(w *world) {
		w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { return nil, keys.ErrUnavailable })
	}},
	{name: "source fails in its own way", reason: KeySourceUnavailable, check: "key", token: good, change: func(w *world) {
		w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { return nil, errors.New("boom") })
	}},
	{name: "another key", reason: BadSignature, check: "signature", token: named,
		change: only(func(p *keys.Public) { p.Key = other().Public().Key })},
	{name: "no signature", reason: BadSignature, check: "signature",
		token: func(t testing.TB, w *world) string {
			return strings.TrimRight(good(t, w), "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		}},
	{name: "another secret", reason: BadSignature, check: "signature", change: shared,
		token: func(t testing.TB, w *world) string { return mac(t, goodClaims(), []byte(strings.Repeat("y", 32))) }},

	{name: "no sub", reason: SubjectMissing, check: "subject", token: claim("sub", absent{}), hint: "subject_optional"},
	{name: "sub is a number", reason: BadClaim, check: "subject", token: claim("sub", 123)},
	{name: "sub is a list", reason: BadClaim, check: "subject", token: claim("sub", []string{"alice"})},
	{name: "sub is null, and may be absent", reason: BadClaim, check: "subject", token: claim("sub", nil),
		change: policy(func(p *Policy) { p.SubjectOptional = true })},
	{name: "sub is blank, and may be absent", reason: BadClaim, check: "subject", token: claim("sub", " \t"),
		change: policy(func(p *Policy) { p.SubjectOptional = true })},

	{name: "no aud", reason: AudienceMissing, check: "audience", token: claim("aud", absent{})},
	{name: "aud is an empty list", reason: AudienceMissing, check: "audience", token: claim("aud", []string{})},
	{name: "aud is another server", reason: WrongAudience, check: "audience", token: claim("aud", "https://other.example")},
	{name: "aud with a slash", reason: WrongAudience, check: "audience", token: claim("aud", us+"/"), hint: "trailing slash"},
	{name: "aud in upper case", reason: WrongAudience, check: "audience", token: claim("aud", strings.ToUpper(us)), hint: "upper and lower case"},
	{name: "aud by http", reason: WrongAudience, check: "audience", token: claim("aud", "http://as.example.com"), hint: "scheme"},
	{name: "aud without a scheme", reason: WrongAudience, check: "audience", token: claim("aud", "as.example.com"), hint: "scheme"},
	{name: "aud with a port", reason: WrongAudience, check: "audience", token: claim("aud", us+":443"), hint: "port"},
	{name: "aud goes on", reason: WrongAudience, check: "audience", token: claim("aud", us+".evil.example")},
	{name: "aud is a prefix", reason: WrongAudience, check: "audience", token: claim("aud", us[:12])},
	{name: "aud is the endpoint", reason: WrongAudience, check: "audience", token: claim("aud", us+"/oauth/token"), hint: "issuer identifier is wanted",
		change: policy(func(p *Policy) { p.Audience.NearMiss = []string{us + "/oauth/token"} })},
	{name: "aud is below us", reason: WrongAudience, check: "audience", token: claim("aud", us+"/token"), hint: "endpoint"},
	{name: "no audience is configured", reason: WrongAudience, check: "audience", token: good,
		change: policy(func(p *Policy) { p.Audience = Audience{} })},
	{name: "no audience is configured, and aud is empty", reason: WrongAudience, check: "audience", token: claim("aud", ""),
		change: policy(func(p *Policy) { p.Audience = Audience{Accept: []string{""}} })},
	{name: "aud is a list where a string is wanted", reason: WrongAudience, check: "audience", token: claim("aud", []string{us}), hint: "FAPI",
		change: policy(func(p *Policy) { p.Audience.StringOnly = true })},
	{name: "two audiences", reason: SeveralAudiences, check: "audience", token: claim("aud", []string{us, "https://evil.example"})},
	{name: "two audiences, ours last", reason: SeveralAudiences, check: "audience", token: claim("aud", []string{"https://evil.example", us})},
	{name: "our audience twice", reason: SeveralAudiences, check: "audience", token: claim("aud", []string{us, us})},
	{name: "aud is a number", reason: BadClaim, check: "audience", token: claim("aud", 1)},
	{name: "aud is null", reason: BadClaim, check: "audience", token: claim("aud", nil)},
	{name: "aud is an object", reason: BadClaim, check: "audience", token: claim("aud", object{us: us})},
	{name: "aud is a list of null", reason: BadClaim, check: "audience", token: claim("aud", []any{nil})},
	{name: "aud is a list in a list", reason: BadClaim, check: "audience", token: claim("aud", []any{[]string{us}})},

	{name: "no exp", reason: ExpiryMissing, check: "expiry", token: claim("exp", absent{})},
	{name: "expired", reason: Expired, check: "expiry", token: claim("exp", now.Unix()-301), hint: ""},
	{name: "expired, by the clock", reason: Expired, check: "expiry", hint: "behind ours",
		token: with(nil, func(c object) object { return c.with("iat", now.Unix()-400).with("exp", now.Unix()-100) })},
	{name: "expired just now", reason: Expired, check: "expiry", token: claim("exp", now.Unix()-10)},
	{name: "exp is a lifetime", reason: Expired, check: "expiry", token: claim("exp", 3600), hint: "a lifetime"},
	{name: "exp is 0", reason: Expired, check: "expiry", token: claim("exp", 0)},
	{name: "exp is text", reason: BadClaim, check: "expiry", token: claim("exp", "1795486860"), hint: "without quotes"},
	{name: "exp is true", reason: BadClaim, check: "expiry", token: claim("exp", true)},
	{name: "exp is null", reason: BadClaim, check: "expiry", token: claim("exp", nil)},
	{name: "exp is a list", reason: BadClaim, check: "expiry", token: claim("exp", []int64{now.Unix() + 60})},
	{name: "exp is -1", reason: BadClaim, check: "expiry", token: claim("exp", -1)},
	{name: "exp is 1e400", reason: BadClaim, check: "expiry", token: rawClaim("exp", "1e400")},
	{name: "exp is -0", reason: BadClaim, check: "expiry", token: rawClaim("exp", "-0")},
	{name: "exp is 2^63", reason: BadClaim, check: "expiry", token: rawClaim("exp", "9223372036854775808")},
	{name: "exp is 2^63 as a float", reason: BadClaim, check: "expiry", token: rawClaim("exp", "9.223372036854775808e18")},
	{name: "exp in nanoseconds", reason: BadClaim, check: "expiry", token: claim("exp", now.UnixNano()), hint: "nanoseconds"},
	{name: "exp in microseconds", reason: BadClaim, check: "expiry", token: claim("exp", now.UnixMicro()), hint: "microseconds"},
	{name: "exp in milliseconds", reason: LifetimeTooLong, check: "lifetime", token: claim("exp", now.UnixMilli()+60000), hint: "milliseconds: read as seconds it is the year 58"},
	{name: "exp in ten years", reason: LifetimeTooLong, check: "lifetime", token: claim("exp", now.AddDate(10, 0, 0).Unix()), hint: "max_lifetime"},
	{name: "exp beyond an hour and skew", reason: LifetimeTooLong, check: "lifetime", token: claim("exp", now.Unix()+3611)},
	{name: "made long ago", reason: LifetimeTooLong, check: "lifetime", token: claim("iat", now.Unix()-2*86400)},
	{name: "nbf ahead", reason: NotYetValid, check: "not before", token: claim("nbf", now.Unix()+61), hint: "ahead of ours"},
	{name: "nbf a little ahead", reason: NotYetValid, check: "not before", token: claim("nbf", now.Unix()+11), hint: "raise skew"},
	{name: "nbf is text", reason: BadClaim, check: "not before", token: claim("nbf", "now")},
	{name: "nbf is null", reason: BadClaim, check: "not before", token: claim("nbf", nil)},
	{name: "iat ahead", reason: IssuedInFuture, check: "issued at", token: claim("iat", now.Unix()+61)},
	{name: "iat in another time zone", reason: IssuedInFuture, check: "issued at", token: claim("iat", now.Unix()+2*3600+3), hint: "time zone"},
	{name: "iat in milliseconds", reason: IssuedInFuture, check: "issued at", token: claim("iat", now.UnixMilli()), hint: "milliseconds"},
	{name: "iat is text", reason: BadClaim, check: "issued at", token: claim("iat", "now")},

	{name: "no jti where one is wanted", reason: IDMissing, check: "id", token: claim("jti", absent{}),
		change: policy(func(p *Policy) { p.RequireID = true })},
	{name: "no jti in a client assertion", reason: IDMissing, check: "id", token: claim("jti", absent{}),
		change: func(w *world) { w.Purpose = ClientAuthentication }},
	{name: "jti of 257 bytes", reason: IDTooLong, check: "id", token: claim("jti", strings.Repeat("j", 257))},
	{name: "jti is empty", reason: BadClaim, check: "id", token: claim("jti", "")},
	{name: "jti is a number", reason: BadClaim, check: "id", token: claim("jti", 7)},
	{name: "jti is null", reason: BadClaim, check: "id", token: claim("jti", nil)},

	{name: "nobody holds it", reason: HolderMissing, check: "re-use", token: good, hint: "let the client authenticate",
		change: policy(func(p *Policy) { p.Replay = SameClientUntilExpiry })},

	{name: "not client", reason: NotClient, check: "own", token: good, more: refuse(NotClient)},
	{name: "no rule", reason: NoRule, check: "own", token: good, more: refuse(NoRule)},
	{name: "ambiguous rule", reason: AmbiguousRule, check: "own", token: good, more: refuse(AmbiguousRule)},
	{name: "unknown subject", reason: UnknownSubject, check: "own", token: good, more: refuse(UnknownSubject)},
	{name: "subject disabled", reason: SubjectDisabled, check: "own", token: good, more: refuse(SubjectDisabled)},
	{name: "unknown client", reason: UnknownClient, check: "own", token: good, more: refuse(UnknownClient)},
	{name: "client mismatch", reason: ClientMismatch, check: "own", token: good, more: refuse(ClientMismatch)},
	{name: "not permitted", reason: NotPermitted, check: "own", token: good, more: refuse(NotPermitted)},
	{name: "self-asserted grant", reason: SelfAssertedGrant, check: "own", token: good, more: refuse(SelfAssertedGrant)},
	{name: "subject is client", reason: SubjectIsClient, check: "own", token: good, more: refuse(SubjectIsClient)},
	{name: "refused", reason: Refused, check: "own", token: good, more: refuse(Refused)},
	{name: "a reason of the program's own", reason: "too_late_at_night", check: "own", token: good, more: refuse("too_late_at_night")},
}

func TestRefusals(t *testing.T) {
	seen := map[Reason]bool{Replayed: true} // by TestVerify
	for _, s := range scenes {
		seen[s.reason] = true
		t.Run(string(s.reason)+"/"+s.name, func(t *testing.T) {
			w := newWorld(t)
			if s.change != nil {
				s.change(w)
			}
			token := s.token(t, w)
			a, uses, err := w.Check(background, now, token, "", w.ask(s.more...))
			if a != nil || uses != nil {
				t.Errorf("a refusal comes with %v and %v", a, uses)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Reason != s.reason || e.Check != s.check {
				t.Fatalf("refused by %q with %s, want %q with %s: %v", e.Check, e.Reason, s.check, s.reason, e)
			}
			if want := s.reason.Public(); e.Public != want {
				t.Errorf("the caller learns %q, want %q", e.Public, want)
			}
			fit(t, e)
			report := agree(t, w.Checker, now, token, "", err, w.ask(s.more...))
			if f, _ := report.Refusal(); !strings.Contains(f.Hint, s.hint) {
				t.Errorf("hint %q, want one with %q", f.Hint, s.hint)
			}
		})
	}
	for _, r := range Reasons() {
		if !seen[r] {
			t.Errorf("no case for %s", r)
		}
	}
}

// fit checks that all parts of an error are fit to be shown.
func fit(t *testing.T, e *Error) {
	t.Helper()
	for name, s := range map[string]string{"Seen": e.Seen, "Want": e.Want, "Hint": e.Hint, "Error": e.Error(), "LogValue": e.LogValue().String()} {
		if !plain(s) {
			t.Errorf("%s is not printable ASCII: %q", name, s)
		}
	}
	if len(e.Seen) > maxShown || len(e.Want) > maxShown {
		t.Errorf("too long: seen %d, want %d bytes", len(e.Seen), len(e.Want))
	}
}

func TestPublicTexts(t *testing.T) {
	allowed := regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6749 §5.2
	texts := map[string]Reason{}
	seen := map[Reason]bool{}
	for _, r := range Reasons() {
		if seen[r] {
			t.Errorf("%s is listed twice", r)
		}
		seen[r] = true
		text := r.Public()
		if !allowed.MatchString(text) {
			t.Errorf("%s: %q is not of the characters of an error_description", r, text)
		}
		if first, again := texts[text]; again && text != notVerified && text != notAccepted {
			t.Errorf("%s and %s have one text", first, r)
		}
		texts[text] = r
	}
	for _, r := range []Reason{UnknownIssuer, PartyDisabled, BadSignature, UnknownKey, KeySourceUnavailable, WrongType, TooLarge} {
		if !r.BeforeSignature() || r.Public() != notVerified {
			t.Errorf("%s tells more than that the assertion could not be verified", r)
		}
	}
	for _, r := range []Reason{UnknownSubject, SubjectDisabled, NoRule, UnknownClient, NotPermitted, "unheard_of"} {
		if r.BeforeSignature() || r.Public() != notAccepted {
			t.Errorf("%s tells more than that the assertion is not accepted", r)
		}
	}
}

// Party may refuse with any reason: the caller learns no more than of any other refusal before the signature.
func TestHookBeforeSignature(t *testing.T) {
	w := newWorld(t)
	w.find = func(context.Context, Unverified) (*Party, error) {
		return nil, &Error{Reason: SubjectDisabled, Public: "the user alice is disabled"}
	}
	_, err := w.judgeLoosely(t)
	var e *Error
	if !errors.As(err, &e) || e.Public != notVerified || e.Reason != SubjectDisabled {
		t.Errorf("got %#v", err)
	}
}

func (w *world) judgeLoosely(t *testing.T) (*Assertion, error) {
	a, _, err := w.Check(background, now, good(t, w), "", w.ask())
	return a, err
}

// TestDocumented keeps docs/errors.md complete.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	var entries []Reason
	for _, m := range regexp.MustCompile(`(?m)^### (\S+)$`).FindAllStringSubmatch(string(page), -1) {
		entries = append(entries, Reason(m[1]))
	}
	if !slices.Equal(entries, Reasons()) {
		t.Errorf("entries:\n%v\nreasons:\n%v", entries, Reasons())
	}
	for _, r := range Reasons() {
		if !strings.Contains(text, "*"+r.Public()+"*") {
			t.Errorf("%s: the page does not say what the caller is told: %q", r, r.Public())
		}
	}
}

var secret = []byte(strings.Repeat("s", 32))

func shared(w *world) { w.party.Keys, w.party.Secret = nil, secret }

func mac(t testing.TB, claims object, secret []byte) string {
	t.Helper()
	header := `{"alg":"HS256"}`
	token, err := jose.AppendMAC(nil, []byte(header), []byte(claims.text(t)), "HS256", secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

// named signs with the kid of the world's key.
func named(t testing.TB, w *world) string {
	return header("kid", w.key.ID)(t, w)
}

// only leaves one key in the party's set, changed.
func only(change func(p *keys.Public)) func(w *world) {
	return func(w *world) {
		p := w.key.Public()
		change(&p)
		p.ID = w.key.ID
		w.party.Keys = sourceFunc(func(keys.Hint) ([]*keys.Public, error) { return []*keys.Public{&p}, nil })
	}
}

// certified registers the key with a certificate: without one, thumbprints of certificates say nothing.
func certified(w *world) {
	p := w.key.Public()
	p.X5T, p.X5TS256 = "of a certificate", "of a certificate"
	set, err := keys.NewSet(p)
	if err != nil {
		panic(err)
	}
	w.party.Keys = set
}

func other() *keys.Private {
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		panic(err)
	}
	return k
}

// rawClaim sets a claim to any JSON text.
func rawClaim(name, text string) func(testing.TB, *world) string {
	return func(t testing.TB, w *world) string {
		claims := goodClaims().with(name, absent{}).text(t)
		claims = strings.TrimSuffix(claims, "}") + `,"` + name + `":` + text + "}"
		return sign(t, goodHeader().text(t), claims, w.key.Algorithm, w.key.Signer)
	}
}
