package grant_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/trust"
)

// want is what a request becomes.
type want struct {
	// For an accepted one.
	sub, client string
	scope       string
	aud         string

	// For a refused one.
	status int // 0 means 400
	code   string
	reason assertion.Reason
}

const (
	notVerified = "the assertion could not be verified"
	notAccepted = "the assertion is not accepted here"
)

func refused(reason assertion.Reason) want { return want{code: "invalid_grant", reason: reason} }

// cases are requests to a site each: what it is changed to, what is signed, what is sent beside it. Every one is also
// explained, and the explanation must say the same.
var cases = []struct {
	name   string
	change func(s *site)
	sign   func(t *testing.T) string
	form   []string
	want   want
}{
	{name: "good", want: want{sub: "partner/alice", client: idp, scope: "read"}},

	// aud (RFC 7523 §3 item 3)
	{name: "aud is the issuer in an array", sign: claims("aud", []string{own}), want: want{sub: "partner/alice"}},
	{name: "aud is the token endpoint", sign: claims("aud", tokenURL), want: want{sub: "partner/alice"}},
	{name: "aud with a slash more", sign: claims("aud", own+"/"), want: refused(assertion.WrongAudience)},
	{name: "aud in capitals", sign: claims("aud", "HTTPS://as.example"), want: refused(assertion.WrongAudience)},
	{name: "aud begins like ours", sign: claims("aud", own+".evil.example"), want: refused(assertion.WrongAudience)},
	{name: "aud and another", sign: claims("aud", []string{own, "https://evil.example"}), want: refused(assertion.SeveralAudiences)},
	{name: "aud twice ours", sign: claims("aud", []string{own, tokenURL}), want: refused(assertion.SeveralAudiences)},
	{name: "aud is empty", sign: claims("aud", []string{}), want: refused(assertion.AudienceMissing)},
	{name: "no aud", sign: claims("aud", nil), want: refused(assertion.AudienceMissing)},
	{name: "aud is a number", sign: claims("aud", 7), want: refused(assertion.BadClaim)},
	{name: "aud of the issuer's own", change: issuer(func(i *trust.Issuer) { i.Audience = []string{"urn:us"} }),
		sign: claims("aud", "urn:us"), want: want{sub: "partner/alice"}},
	{name: "the issuer's own aud replaces ours", change: issuer(func(i *trust.Issuer) { i.Audience = []string{"urn:us"} }),
		want: refused(assertion.WrongAudience)},
	{name: "aud of the rule's own", change: rule(func(r *trust.Rule) { r.Audience = []string{"urn:us"} }),
		sign: claims("aud", "urn:us"), want: want{sub: "partner/alice"}},
	{name: "aud of another rule", change: issuer(func(i *trust.Issuer) {
		i.Rules = append(i.Rules, trust.Rule{Subject: "bob", Audience: []string{"urn:us"}})
	}), sign: claims("aud", "urn:us"), want: refused(assertion.NoRule)},

	// typ (RFC 8725 §3.11, §3.12)
	{name: "typ JWT", sign: typ("JWT"), want: want{sub: "partner/alice"}},
	{name: "an access token", sign: typ("at+jwt"), want: refused(assertion.WrongType)},
	{name: "an access token with application/", sign: typ("Application/AT+JWT"), want: refused(assertion.WrongType)},
	{name: "a client assertion", sign: typ("client-authentication+jwt"), want: refused(assertion.WrongType)},
	{name: "a DPoP proof", sign: typ("dpop+jwt"), want: refused(assertion.WrongType)},
	{name: "a logout token", sign: typ("logout+jwt"), want: refused(assertion.WrongType)},
	{name: "an unknown typ", sign: typ("vnd.partner+jwt"), want: refused(assertion.WrongType)},
	{name: "the typ of the issuer", change: issuer(func(i *trust.Issuer) { i.Types = []string{"vnd.partner+jwt"} }),
		sign: typ("vnd.partner+jwt"), want: want{sub: "partner/alice"}},
	{name: "an access token, whatever the issuer says", change: issuer(func(i *trust.Issuer) { i.Types = []string{"at+jwt"} }),
		sign: typ("at+jwt"), want: refused(assertion.WrongType)},

	// issuers
	{name: "unknown issuer", sign: claims("iss", "https://evil.example"), want: refused(assertion.UnknownIssuer)},
	{name: "issuer with a slash more", sign: claims("iss", idp+"/"), want: refused(assertion.UnknownIssuer)},
	{name: "issuer in capitals", sign: claims("iss", "HTTPS://idp.example"), want: refused(assertion.UnknownIssuer)},
	{name: "issuer before an at sign", sign: claims("iss", idp+"@evil.example"), want: refused(assertion.UnknownIssuer)},
	{name: "issuer with a dot more", sign: claims("iss", idp+".evil.example"), want: refused(assertion.UnknownIssuer)},
	{name: "issuers in an array", sign: claims("iss", []string{"https://evil.example", idp}), want: refused(assertion.IssuerMissing)},
	{name: "no issuer", sign: claims("iss", nil), want: refused(assertion.IssuerMissing)},
	{name: "issuer is disabled", change: issuer(func(i *trust.Issuer) {
		i.Disabled, i.Keys = true, broken{errors.New("a disabled issuer was asked for keys")}
	}), want: refused(assertion.PartyDisabled)},
	{name: "another issuer's key", change: func(s *site) {
		s.list = append(s.list, trust.Issuer{Issuer: "https://other.example", Name: "other", Keys: published(otherKey()), Rules: s.list[0].Rules})
	}, sign: func(t *testing.T) string {
		return signed(t, assertion.Claims{Issuer: idp, Subject: "alice", Audience: own}, otherKey())
	}, want: refused(assertion.UnknownKey)},
	{name: "another issuer's key under the kid of the right one", sign: func(t *testing.T) string {
		k := *ownKey()
		k.ID = idpKey().ID
		return signed(t, assertion.Claims{Issuer: idp, Subject: "alice", Audience: own}, &k)
	}, want: refused(assertion.BadSignature)},
	{name: "an algorithm the issuer does not use", change: issuer(func(i *trust.Issuer) { i.Algorithms = []keys.Algorithm{keys.RS256} }),
		want: refused(assertion.AlgorithmNotAllowed)},
	{name: "this server as its own issuer", change: issuer(func(i *trust.Issuer) { i.Issuer, i.Keys = own, published(ownKey()) }),
		sign: func(t *testing.T) string {
			return signed(t, assertion.Claims{Issuer: own, Subject: "alice", Audience: own}, ownKey())
		}, want: refused(assertion.UnknownIssuer)},
	{name: "keys cannot be had", change: issuer(func(i *trust.Issuer) { i.Keys = broken{fmt.Errorf("dial 10.0.0.1: %w", keys.ErrUnavailable)} }),
		want: want{status: 503, code: "temporarily_unavailable", reason: assertion.KeySourceUnavailable}},
	{name: "trust cannot be had", change: func(s *site) { s.list, s.grant.Trust = nil, new(trust.Live) },
		want: want{status: 503, code: "temporarily_unavailable"}},

	// times
	{name: "expired", sign: times(-time.Hour, -time.Minute), want: refused(assertion.Expired)},
	{name: "no exp", sign: claims("exp", nil), want: refused(assertion.ExpiryMissing)},
	{name: "not yet", sign: claims("nbf", time.Now().Add(5*time.Minute).Unix()), want: refused(assertion.NotYetValid)},
	{name: "from the future", sign: times(5*time.Minute, 10*time.Minute), want: refused(assertion.IssuedInFuture)},
	{name: "an hour long", sign: times(0, time.Hour), want: want{sub: "partner/alice"}},
	{name: "two hours long", sign: times(0, 2*time.Hour), want: refused(assertion.LifetimeTooLong)},
	{name: "two hours long where that may be", change: issuer(func(i *trust.Issuer) { i.MaxLifetime = 3 * time.Hour }),
		sign: times(0, 2*time.Hour), want: want{sub: "partner/alice"}},
	{name: "exp in milliseconds", sign: claims("exp", time.Now().Add(time.Minute).UnixMilli()), want: refused(assertion.LifetimeTooLong)},
	{name: "clock half a minute ahead", sign: times(30*time.Second, time.Minute), want: refused(assertion.IssuedInFuture)},
	{name: "clock half a minute ahead where that may be", change: issuer(func(i *trust.Issuer) { i.Skew = time.Minute }),
		sign: times(30*time.Second, time.Minute), want: want{sub: "partner/alice"}},

	// sub
	{name: "no sub", sign: claims("sub", nil), want: refused(assertion.SubjectMissing)},
	{name: "prn is no sub", sign: func(t *testing.T) string {
		return craft(t, idpKey(), nil, map[string]any{"sub": nil, "prn": "alice"})
	}, want: refused(assertion.SubjectMissing)},
	{name: "prn beside sub", sign: claims("prn", "root"), want: want{sub: "partner/alice"}},
	{name: "sub is a number", sign: claims("sub", 7), want: refused(assertion.BadClaim)},
	{name: "sub is an array", sign: claims("sub", []string{"alice"}), want: refused(assertion.BadClaim)},
	{name: "sub is empty", sign: claims("sub", ""), want: refused(assertion.BadClaim)},
	{name: "sub is blank", sign: claims("sub", " "), want: refused(assertion.BadClaim)},
	{name: "a subject without a rule", sign: claims("sub", "mallory"), want: refused(assertion.NoRule)},
	{name: "a subject that begins like one", sign: claims("sub", "alice\n"), want: refused(assertion.NoRule)},
	{name: "absent sub", change: issuer(func(i *trust.Issuer) {
		i.SubjectOptional, i.Rules = true, []trust.Rule{{Nobody: true}}
	}), sign: claims("sub", nil), want: want{sub: idp, client: idp}},
	{name: "absent sub without a rule for it", change: issuer(func(i *trust.Issuer) { i.SubjectOptional = true }),
		sign: claims("sub", nil), want: refused(assertion.NoRule)},

	// whom the token is for
	{name: "under another name", change: rule(func(r *trust.Rule) { r.As = "user-7" }), want: want{sub: "user-7"}},
	{name: "as is", change: rule(func(r *trust.Rule) { r.AsIs = true }), want: want{sub: "alice"}},
	{name: "nobody", change: rule(func(r *trust.Rule) { r.Nobody = true }), want: want{sub: idp, client: idp}},
	{name: "hook", change: hook(func(a *assertion.Assertion) (string, error) { return "user-of-" + a.Subject, nil }),
		want: want{sub: "user-of-alice"}},
	{name: "hook without rules", change: all(issuer(func(i *trust.Issuer) { i.Rules = nil }),
		hook(func(a *assertion.Assertion) (string, error) { return a.Issuer + "|" + a.Subject, nil })), want: want{sub: idp + "|alice"}},
	{name: "hook for any subject", change: all(rule(func(r *trust.Rule) { r.Subject, r.AnySubject = "", true }),
		hook(func(a *assertion.Assertion) (string, error) { return "u", nil })), sign: claims("sub", "whoever"), want: want{sub: "u"}},
	{name: "a rule says it before the hook", change: all(rule(func(r *trust.Rule) { r.As = "ruled" }),
		hook(func(a *assertion.Assertion) (string, error) { return "hooked", nil })), want: want{sub: "ruled"}},
	{name: "hook knows nobody", change: hook(func(*assertion.Assertion) (string, error) { return "", nil }), want: refused(assertion.UnknownSubject)},
	{name: "hook says nobody", change: hook(func(*assertion.Assertion) (string, error) { return "", grant.Nobody }), want: want{sub: idp, client: idp}},
	{name: "hook says nobody in other words", change: hook(func(*assertion.Assertion) (string, error) {
		return "ignored", fmt.Errorf("guest: %w", grant.Nobody)
	}), want: want{sub: idp, client: idp}},
	{name: "the words for nobody are no name", change: hook(func(a *assertion.Assertion) (string, error) { return a.Subject, nil }),
		sign: claims("sub", grant.Nobody.Error()), want: refused(assertion.NoRule)},
	{name: "hook refuses", change: hook(func(*assertion.Assertion) (string, error) {
		return "", &assertion.Error{Reason: assertion.SubjectDisabled}
	}), want: refused(assertion.SubjectDisabled)},
	{name: "hook cannot tell", change: hook(func(*assertion.Assertion) (string, error) { return "", errors.New("no connection to 10.0.0.7") }),
		want: want{status: 503, code: "temporarily_unavailable"}},
	{name: "hook panics", change: hook(func(*assertion.Assertion) (string, error) { panic("the hook's own words") }),
		want: want{status: 500, code: "server_error"}},
	{name: "user has the name of a client", change: all(rule(func(r *trust.Rule) { r.As = "billing" }), clients(confidential("billing"))),
		want: refused(assertion.SubjectIsClient)},
	{name: "subject as it is has the name of a client", change: all(rule(func(r *trust.Rule) { r.AsIs = true }), clients(confidential("alice"))),
		want: refused(assertion.SubjectIsClient)},
	{name: "hook names a client", change: all(hook(func(*assertion.Assertion) (string, error) { return "billing", nil }), clients(confidential("billing"))),
		want: refused(assertion.SubjectIsClient)},
	{name: "user has the name of the issuer", change: rule(func(r *trust.Rule) { r.As = idp }), want: refused(assertion.SubjectIsClient)},
	{name: "issuer about itself", sign: claims("sub", idp), change: all(issuer(func(i *trust.Issuer) { i.Rules = nil }),
		hook(func(*assertion.Assertion) (string, error) { return "u", nil })), want: refused(assertion.SelfAssertedGrant)},

	// which client
	{name: "client of the rule", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("billing"))),
		want: want{sub: "partner/alice", client: "billing", scope: "read"}},
	{name: "client of the rule, named", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("billing"))),
		form: []string{"client_id", "billing"}, want: want{client: "billing"}},
	{name: "client of the rule, authenticated", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("billing"))),
		form: []string{"client_id", "billing", "client_secret", secretOf}, want: want{client: "billing"}},
	{name: "another client named", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("billing"), confidential("other"))),
		form: []string{"client_id", "other"}, want: refused(assertion.ClientMismatch)},
	{name: "another client authenticated", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("billing"), confidential("other"))),
		form: []string{"client_id", "other", "client_secret", secretOf}, want: refused(assertion.ClientMismatch)},
	{name: "client that nobody knows, named", form: []string{"client_id", "whoever"}, want: refused(assertion.ClientMismatch)},
	{name: "any client", change: clients(confidential("other")), form: []string{"client_id", "other", "client_secret", secretOf},
		want: want{client: "other", sub: "partner/alice", scope: "read"}},
	{name: "wrong secret beside a good grant", change: clients(confidential("other")), form: []string{"client_id", "other", "client_secret", "wrong"},
		want: want{status: 401, code: "invalid_client"}},
	{name: "client of the rule is gone", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("other"))),
		want: refused(assertion.UnknownClient)},
	{name: "client of the rule is disabled", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }),
		clients(confidential("billing", func(c *avouch.Client) { c.Disabled = true }))), want: refused(assertion.UnknownClient)},
	{name: "client of the rule may not use the grant", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }),
		clients(confidential("billing", func(c *avouch.Client) { c.Grants = []string{"client_credentials"} }))), want: refused(assertion.NotPermitted)},
	{name: "client must authenticate", change: all(rule(func(r *trust.Rule) { r.ClientID, r.RequireClient = "billing", true }), clients(confidential("billing"))),
		form: []string{"client_id", "billing"}, want: refused(assertion.ClientMismatch)},
	{name: "client must authenticate, and does", change: all(rule(func(r *trust.Rule) { r.ClientID, r.RequireClient = "billing", true }), clients(confidential("billing"))),
		form: []string{"client_id", "billing", "client_secret", secretOf}, want: want{client: "billing"}},
	{name: "issuer wants a client", change: issuer(func(i *trust.Issuer) { i.RequireClient = true }), want: refused(assertion.ClientMismatch)},
	{name: "issuer without rules wants a client", change: all(issuer(func(i *trust.Issuer) { i.RequireClient, i.Rules = true, nil }),
		hook(func(*assertion.Assertion) (string, error) { return "u", nil })), want: refused(assertion.ClientMismatch)},
	{name: "grant wants a client", change: all(clients(confidential("other")), func(s *site) { s.compulsory = true }),
		want: want{status: 401, code: "invalid_client"}},
	{name: "client with the URL of the issuer", change: clients(confidential(idp)), want: refused(assertion.UnknownClient)},
	{name: "client with the URL of the issuer, authenticated", change: clients(confidential(idp)),
		form: []string{"client_id", idp, "client_secret", secretOf}, want: refused(assertion.UnknownClient)},
	{name: "one that signs for itself, and a client hook", change: func(s *site) {
		s.list[0].SelfIssued = true
		s.grant.Client = func(context.Context, *assertion.Assertion) (string, error) { return "other", nil }
	}, want: want{client: idp}},
	{name: "one that signs for itself is disabled as a client", change: all(issuer(func(i *trust.Issuer) { i.SelfIssued = true }),
		clients(confidential(idp, func(c *avouch.Client) { c.Disabled = true }))), want: refused(assertion.UnknownClient)},
	{name: "one that signs for itself is registered", change: all(issuer(func(i *trust.Issuer) { i.SelfIssued = true }), clients(confidential(idp))),
		want: want{client: idp}},
	{name: "client hook", change: all(clients(confidential("billing")), func(s *site) {
		s.grant.Client = func(_ context.Context, a *assertion.Assertion) (string, error) { return "billing", nil }
	}), want: want{client: "billing"}},
	{name: "client hook knows none", change: func(s *site) {
		s.grant.Client = func(context.Context, *assertion.Assertion) (string, error) { return "", nil }
	}, want: refused(assertion.UnknownClient)},
	{name: "client hook names one that is not registered", change: func(s *site) {
		s.grant.Client = func(context.Context, *assertion.Assertion) (string, error) { return "ghost", nil }
	}, want: refused(assertion.UnknownClient)},
	{name: "client hook cannot tell", change: func(s *site) {
		s.grant.Client = func(context.Context, *assertion.Assertion) (string, error) { return "", errors.New("no connection") }
	}, want: want{status: 503, code: "temporarily_unavailable"}},
	{name: "client hook names another than the one that authenticated", change: all(clients(confidential("billing"), confidential("other")), func(s *site) {
		s.grant.Client = func(context.Context, *assertion.Assertion) (string, error) { return "billing", nil }
	}), form: []string{"client_id", "other", "client_secret", secretOf}, want: refused(assertion.ClientMismatch)},

	// rules
	{name: "two rules", change: twoRules, want: refused(assertion.AmbiguousRule)},
	{name: "two rules, one named", change: twoRules, form: []string{grant.RuleParameter, "second"}, want: want{scope: "write"}},
	{name: "a rule that is not there", form: []string{grant.RuleParameter, "ghost"}, want: refused(assertion.NoRule)},
	{name: "a rule named where there are none", form: []string{grant.RuleParameter, "ghost"}, change: all(issuer(func(i *trust.Issuer) { i.Rules = nil }),
		hook(func(*assertion.Assertion) (string, error) { return "u", nil })), want: refused(assertion.NoRule)},
	{name: "disabled rule", change: rule(func(r *trust.Rule) { r.Disabled = true }), want: refused(assertion.NoRule)},
	{name: "audited rule", change: rule(func(r *trust.Rule) { r.Audit = true }), want: refused(assertion.NoRule)},
	{name: "claims of a rule", change: rule(func(r *trust.Rule) { r.Claims = map[string]string{"env": "prod"} }), sign: claims("env", "prod"),
		want: want{sub: "partner/alice"}},
	{name: "claims of a rule that are not there", change: rule(func(r *trust.Rule) { r.Claims = map[string]string{"env": "prod"} }),
		want: refused(assertion.NoRule)},

	// permission
	{name: "permitted", change: func(s *site) {
		s.grant.Permit = func(_ context.Context, client, subject string, a *assertion.Assertion) error {
			if client != idp || subject != "partner/alice" || a.Subject != "alice" {
				return fmt.Errorf("Permit was asked of %q for %q", client, subject)
			}
			return nil
		}
	}, want: want{sub: "partner/alice"}},
	{name: "not permitted", change: func(s *site) {
		s.grant.Permit = func(context.Context, string, string, *assertion.Assertion) error {
			return &assertion.Error{Reason: assertion.NotPermitted}
		}
	}, want: refused(assertion.NotPermitted)},
	{name: "permission cannot be told", change: func(s *site) {
		s.grant.Permit = func(context.Context, string, string, *assertion.Assertion) error { return errors.New("no connection") }
	}, want: want{status: 503, code: "temporarily_unavailable"}},

	// scopes
	{name: "scope parameter", form: []string{"scope", "write read"}, want: want{scope: "write read"}},
	{name: "scope beyond the ceiling", form: []string{"scope", "read admin"}, want: want{code: "invalid_scope"}},
	{name: "no ceiling at all", change: rule(func(r *trust.Rule) { r.Scopes, r.DefaultScopes = nil, nil }),
		form: []string{"scope", "read"}, want: want{code: "invalid_scope"}},
	{name: "ceiling of the client", change: all(rule(func(r *trust.Rule) { r.Scopes, r.ClientID = nil, "billing" }), clients(confidential("billing"))),
		form: []string{"scope", "admin"}, want: want{scope: "admin"}},
	{name: "ceiling of rule and client", change: all(rule(func(r *trust.Rule) { r.ClientID = "billing" }), clients(confidential("billing"))),
		form: []string{"scope", "admin"}, want: want{code: "invalid_scope"}},
	{name: "scopes of the hook", change: scopes("read", "other"), form: []string{"scope", "read"}, want: want{scope: "read"}},
	{name: "hook narrows the rule", change: scopes("read", "other"), form: []string{"scope", "write"}, want: want{code: "invalid_scope"}},
	{name: "rule narrows the hook", change: scopes("read", "other"), form: []string{"scope", "other"}, want: want{code: "invalid_scope"}},
	{name: "hook gives no scopes", change: scopes(), form: []string{"scope", "read"}, want: want{code: "invalid_scope"}},
	{name: "hook without rules", change: all(scopes("read"), issuer(func(i *trust.Issuer) { i.Rules = nil }),
		hook(func(*assertion.Assertion) (string, error) { return "u", nil })), form: []string{"scope", "read"}, want: want{scope: "read", sub: "u"}},
	{name: "hook refuses", change: func(s *site) {
		s.grant.Scopes = func(context.Context, string, string, *assertion.Assertion) ([]string, error) {
			return nil, &assertion.Error{Reason: assertion.NotPermitted}
		}
	}, want: refused(assertion.NotPermitted)},
	{name: "scope claim that is not asked of", sign: claims("scope", "write"), want: want{scope: "read"}},
	{name: "scope claim", change: scopeClaim, sign: claims("scope", "write"), want: want{scope: "write"}},
	{name: "scope claim beyond the ceiling", change: scopeClaim, sign: claims("scope", "write admin"), want: want{scope: "write"}},
	{name: "scope claim in an array", change: scopeClaim, sign: claims("scope", []string{"write", "admin"}), want: want{scope: "write"}},
	{name: "scope claim and parameter", change: scopeClaim, sign: claims("scope", "read write"), form: []string{"scope", "write"}, want: want{scope: "write"}},
	{name: "parameter beyond the scope claim", change: scopeClaim, sign: claims("scope", "read"), form: []string{"scope", "write"}, want: want{code: "invalid_scope"}},
	{name: "empty scope claim", change: scopeClaim, sign: claims("scope", ""), want: want{scope: "read"}},
	{name: "scope claim that is a number", change: scopeClaim, sign: claims("scope", 7), want: refused(assertion.BadClaim)},
	{name: "scope claim with a number", change: scopeClaim, sign: claims("scope", []any{"read", 7}), want: refused(assertion.BadClaim)},
	{name: "scope claim with null", change: scopeClaim, sign: claims("scope", []any{"read", nil}), want: refused(assertion.BadClaim)},
	{name: "scope claim that is an object", change: scopeClaim, sign: claims("scope", map[string]any{"read": true}), want: refused(assertion.BadClaim)},
	{name: "scope claim with a quote", change: scopeClaim, sign: claims("scope", `read"`), want: refused(assertion.BadClaim)},
	{name: "scope claim with two spaces", change: scopeClaim, sign: claims("scope", "read  write"), want: refused(assertion.BadClaim)},
	{name: "scope claim without end", change: scopeClaim, sign: claims("scope", strings.Repeat("a ", 200)+"a"), want: refused(assertion.BadClaim)},

	// resources
	{name: "resource of the rule", change: rule(func(r *trust.Rule) { r.Audiences = []string{"https://api.example", "https://b.example"} }),
		want: want{aud: "https://api.example"}},
	{name: "resource asked for", change: rule(func(r *trust.Rule) { r.Audiences = []string{"https://api.example", "https://b.example"} }),
		form: []string{"resource", "https://b.example"}, want: want{aud: "https://b.example"}},
	{name: "resource beyond", form: []string{"resource", "https://evil.example"}, want: want{code: "invalid_target"}},
	{name: "aud is never copied", want: want{aud: own}},

	// what is not an assertion
	{name: "junk", sign: text("junk"), want: refused(assertion.NotThreeParts)},
	{name: "dots", sign: text(strings.Repeat(".", 10_000)), want: refused(assertion.NotThreeParts)},
	{name: "five parts", sign: text("a.b.c.d.e"), want: refused(assertion.NotThreeParts)},
	{name: "JSON serialization", sign: text(`{"payload":"","signatures":[]}`), want: refused(assertion.BadAlphabet)},
	{name: "two assertions with a blank", sign: func(t *testing.T) string { return sign(t) + " " + sign(t) }, want: refused(assertion.BadAlphabet)},
	{name: "two assertions with a comma", sign: func(t *testing.T) string { return sign(t) + "," + sign(t) }, want: refused(assertion.BadAlphabet)},
	{name: "two assertions with a tilde", sign: func(t *testing.T) string { return sign(t) + "~" + sign(t) }, want: refused(assertion.BadAlphabet)},
	{name: "a line break at the end", sign: func(t *testing.T) string { return sign(t) + "\n" }, want: refused(assertion.BadAlphabet)},
	{name: "one bit flipped", sign: func(t *testing.T) string { return flip(sign(t)) }, want: refused(assertion.BadSignature)},
	{name: "no signature", sign: func(t *testing.T) string { s := sign(t); return s[:strings.LastIndex(s, ".")+1] }, want: refused(assertion.BadSignature)},
	{name: "alg none", sign: header("alg", "none"), want: refused(assertion.BadAlgorithm)},
	{name: "crit", sign: header("crit", []string{"exp"}), want: refused(assertion.CriticalHeader)},
	{name: "too large", sign: text(strings.Repeat("a", 17<<10)), want: refused(assertion.TooLarge)},
}

// Making of cases.

func issuer(f func(i *trust.Issuer)) func(*site) { return func(s *site) { f(&s.list[0]) } }
func rule(f func(r *trust.Rule)) func(*site)     { return func(s *site) { f(&s.list[0].Rules[0]) } }

func hook(f func(a *assertion.Assertion) (string, error)) func(*site) {
	return func(s *site) {
		s.grant.Subject = func(_ context.Context, a *assertion.Assertion) (string, error) { return f(a) }
	}
}

func scopes(list ...string) func(*site) {
	return func(s *site) {
		s.grant.Scopes = func(context.Context, string, string, *assertion.Assertion) ([]string, error) { return list, nil }
	}
}

func clients(list ...*avouch.Client) func(*site) { return func(s *site) { s.clients = list } }

func all(changes ...func(*site)) func(*site) {
	return func(s *site) {
		for _, f := range changes {
			f(s)
		}
	}
}

func scopeClaim(s *site) { s.list[0].ScopeClaim = true }

func twoRules(s *site) {
	s.list[0].Rules = append(s.list[0].Rules, trust.Rule{Name: "second", Subject: "alice", Scopes: []string{"write"}, DefaultScopes: []string{"write"}})
}

// claims signs the usual claims with one of them changed, left out where value is nil.
func claims(name string, value any) func(*testing.T) string {
	return func(t *testing.T) string { return craft(t, idpKey(), nil, map[string]any{name: value}) }
}

func header(name string, value any) func(*testing.T) string {
	return func(t *testing.T) string { return craft(t, idpKey(), map[string]any{name: value}, nil) }
}

func typ(value string) func(*testing.T) string { return header("typ", value) }

func times(issued, expires time.Duration) func(*testing.T) string {
	return func(t *testing.T) string {
		now := time.Now()
		return craft(t, idpKey(), nil, map[string]any{"iat": now.Add(issued).Unix(), "exp": now.Add(expires).Unix()})
	}
}

func text(s string) func(*testing.T) string { return func(*testing.T) string { return s } }

// flip changes one bit in the middle of the payload's signature.
func flip(token string) string {
	b := []byte(token)
	k := len(b) - 40
	if b[k] == 'A' {
		b[k] = 'B'
	} else {
		b[k] = 'A'
	}
	return string(b)
}
