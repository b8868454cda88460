package trust_test

import (
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/trust"
)

func TestValidate(t *testing.T) {
	entry := func(change func(i *trust.Issuer)) trust.List {
		i := trust.Issuer{Issuer: idp, Keys: anyKeys, Rules: []trust.Rule{{Name: "a", Subject: "alice"}}}
		change(&i)
		return trust.List{i}
	}
	rule := func(r trust.Rule) trust.List {
		return entry(func(i *trust.Issuer) { i.Rules = []trust.Rule{r} })
	}
	tests := []struct {
		name string
		list trust.List
		want string // part of the fault; "" for none
	}{
		{"good", entry(func(*trust.Issuer) {}), ""},
		{"without rules", entry(func(i *trust.Issuer) { i.Rules = nil }), ""},
		{"empty", trust.List{}, ""},

		{"no issuer", entry(func(i *trust.Issuer) { i.Issuer = "" }), "needs its iss"},
		{"http", entry(func(i *trust.Issuer) { i.Issuer = "http://idp.example" }), "not https"},
		{"http on loopback", entry(func(i *trust.Issuer) { i.Issuer = "http://127.0.0.1:8080" }), ""},
		{"http on a name that only begins so", entry(func(i *trust.Issuer) { i.Issuer = "http://localhost.evil.example" }), "not https"},
		{"no scheme", entry(func(i *trust.Issuer) { i.Issuer = "idp.example" }), "SelfIssued"},
		{"user", entry(func(i *trust.Issuer) { i.Issuer = "https://ci.good.org@evil.example" }), "user"},
		{"query", entry(func(i *trust.Issuer) { i.Issuer = idp + "?a=b" }), "query"},
		{"fragment", entry(func(i *trust.Issuer) { i.Issuer = idp + "#a" }), "fragment"},
		{"empty fragment", entry(func(i *trust.Issuer) { i.Issuer = idp + "#" }), "fragment"},
		{"blank", entry(func(i *trust.Issuer) { i.Issuer = " " + idp }), "characters"},
		{"newline", entry(func(i *trust.Issuer) { i.Issuer = idp + "\n" }), "characters"},
		{"backslash", entry(func(i *trust.Issuer) { i.Issuer = `https://good.example\@evil.example` }), "characters"},
		{"not ASCII", entry(func(i *trust.Issuer) { i.Issuer = "https://idр.example" }), "characters"},
		{"no host", entry(func(i *trust.Issuer) { i.Issuer = "https:///path" }), "absolute"},
		{"empty port", entry(func(i *trust.Issuer) { i.Issuer = "https://idp.example:/" }), "port"},
		{"percent in the issuer", entry(func(i *trust.Issuer) { i.Issuer = "https://idp.example/%zz%!s" }), `"https://idp.example/%zz%!s"`},
		{"a client that signs for itself", entry(func(i *trust.Issuer) { i.Issuer, i.SelfIssued = "billing@acme", true }), ""},
		{"a client without an id", entry(func(i *trust.Issuer) { i.Issuer, i.SelfIssued = "", true }), "client id"},

		{"no keys", entry(func(i *trust.Issuer) { i.Keys = nil }), "Keys is required"},
		{"name with a slash", entry(func(i *trust.Issuer) { i.Name = "a/b" }), "letters"},
		{"skew", entry(func(i *trust.Issuer) { i.Skew = 61 * time.Second }), "60 s"},
		{"negative skew", entry(func(i *trust.Issuer) { i.Skew = -time.Second }), "60 s"},
		{"lifetime", entry(func(i *trust.Issuer) { i.MaxLifetime = 10 * 365 * 24 * time.Hour }), "year"},
		{"empty audience", entry(func(i *trust.Issuer) { i.Audience = []string{} }), "Audience"},
		{"blank audience", entry(func(i *trust.Issuer) { i.Audience = []string{own, ""} }), "Audience"},
		{"no algorithms", entry(func(i *trust.Issuer) { i.Algorithms = []keys.Algorithm{} }), "Algorithms is empty"},
		{"none", entry(func(i *trust.Issuer) { i.Algorithms = []keys.Algorithm{"none"} }), `"none" is not known`},
		{"shared secret", entry(func(i *trust.Issuer) { i.Algorithms = []keys.Algorithm{keys.HS256} }), "shared secret"},
		{"unknown replay policy", entry(func(i *trust.Issuer) { i.Replay = 9 }), "replay"},
		{"same client without a client", entry(func(i *trust.Issuer) { i.Replay = assertion.SameClientUntilExpiry }), "RequireClient"},
		{"same client with a client", entry(func(i *trust.Issuer) { i.Replay, i.RequireClient = assertion.SameClientUntilExpiry, true }), ""},
		{"same client with a client in every rule", entry(func(i *trust.Issuer) {
			i.Replay, i.Rules[0].RequireClient = assertion.SameClientUntilExpiry, true
		}), ""},

		{"rule without a subject", rule(trust.Rule{Scopes: []string{"a"}}), "no condition on the subject"},
		{"rule for nobody without relaxation", rule(trust.Rule{Nobody: true}), "no condition on the subject"},
		{"rule for an absent sub", entry(func(i *trust.Issuer) {
			i.SubjectOptional, i.Rules = true, []trust.Rule{{Nobody: true}}
		}), ""},
		{"rule for any subject", rule(trust.Rule{AnySubject: true}), ""},
		{"any subject is root", rule(trust.Rule{AnySubject: true, As: "root"}), "all of them one"},
		{"two subject conditions", rule(trust.Rule{AnySubject: true, Subject: "alice"}), "both"},
		{"two mappings", rule(trust.Rule{Subject: "alice", As: "root", Nobody: true}), "exclude each other"},
		{"condition on iss", rule(trust.Rule{Subject: "alice", Claims: map[string]string{"iss": "x"}}), `"iss"`},
		{"bad scope", rule(trust.Rule{Subject: "alice", Scopes: []string{"a b"}}), "not a scope"},
		{"default beyond the ceiling", rule(trust.Rule{Subject: "alice", Scopes: []string{"a"}, DefaultScopes: []string{"b"}}), "beyond its Scopes"},
		{"token lifetime", rule(trust.Rule{Subject: "alice", Lifetime: time.Millisecond}), "less than a second"},
		{"another client for one that signs for itself", entry(func(i *trust.Issuer) {
			i.Issuer, i.SelfIssued, i.Rules[0].ClientID = "svc", true, "other"
		}), "signs for itself"},
		{"a client with the URL of the issuer", rule(trust.Rule{Subject: "alice", ClientID: idp}), "told apart"},
		{"itself, mapped like a user", entry(func(i *trust.Issuer) {
			i.Issuer, i.SelfIssued, i.Rules[0].Subject = "svc", true, "svc"
		}), "the issuer itself"},
		{"itself, for itself", entry(func(i *trust.Issuer) {
			i.Issuer, i.SelfIssued, i.Rules = "svc", true, []trust.Rule{{Subject: "svc", Nobody: true}}
		}), ""},

		{"rules that always match together", entry(func(i *trust.Issuer) {
			i.Rules = []trust.Rule{{Subject: "alice"}, {Subject: "alice", Scopes: []string{"more"}}}
		}), "rule 1 and rule 2 always match together"},
		{"told apart by name", entry(func(i *trust.Issuer) {
			i.Rules = []trust.Rule{{Name: "a", Subject: "alice"}, {Name: "b", Subject: "alice"}}
		}), ""},
		{"told apart by client", entry(func(i *trust.Issuer) {
			i.Rules = []trust.Rule{{Subject: "alice", ClientID: "x"}, {Subject: "alice", ClientID: "y"}}
		}), ""},
		{"told apart by claims", entry(func(i *trust.Issuer) {
			i.Rules = []trust.Rule{{Subject: "alice", Claims: map[string]string{"a": "b"}}, {Subject: "alice", Claims: map[string]string{"a": "c"}}}
		}), ""},
		{"one of them is audited only", entry(func(i *trust.Issuer) {
			i.Rules = []trust.Rule{{Subject: "alice"}, {Subject: "alice", Audit: true}}
		}), ""},
		{"a name twice", entry(func(i *trust.Issuer) {
			i.Rules = []trust.Rule{{Name: "a", Subject: "alice"}, {Name: "a", Subject: "bob"}}
		}), "there twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, tt.list.Validate(), tt.want)
			if s, err := trust.Compile(tt.list); (s == nil) != (tt.want != "") || (err != nil) != (tt.want != "") {
				t.Errorf("Compile = %v, %v", s, err)
			}
		})
	}
}

func check(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("accepted; want %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("%v, want %q", err, want)
	}
}

func TestValidateIssuersTogether(t *testing.T) {
	rules := []trust.Rule{{Subject: "alice"}}
	mapped := []trust.Rule{{Subject: "alice", As: "a"}}
	tests := []struct {
		name string
		list trust.List
		want string
	}{
		{"twice", trust.List{{Issuer: idp, Keys: anyKeys, Rules: rules}, {Issuer: idp, Keys: anyKeys, Rules: rules}}, "there twice, as entry 1 and 2"},
		{"a slash more is another", trust.List{{Issuer: idp, Name: "a", Keys: anyKeys, Rules: rules}, {Issuer: idp + "/", Name: "b", Keys: anyKeys, Rules: rules}}, ""},
		{"one name", trust.List{{Issuer: idp, Name: "a", Keys: anyKeys, Rules: rules}, {Issuer: "https://b.example", Name: "a", Keys: anyKeys, Rules: rules}}, "also the name"},
		// The subject "oauth2/default/x" of the one and "x" of the other would be one name.
		{"subjects could meet", trust.List{{Issuer: idp, Keys: anyKeys, Rules: rules}, {Issuer: idp + "/oauth2/default", Keys: anyKeys, Rules: rules}}, "give them a Name"},
		{"names keep them apart", trust.List{{Issuer: idp, Name: "a", Keys: anyKeys, Rules: rules}, {Issuer: idp + "/oauth2/default", Name: "b", Keys: anyKeys, Rules: rules}}, ""},
		{"subjects are mapped", trust.List{{Issuer: idp, Keys: anyKeys, Rules: mapped}, {Issuer: idp + "/oauth2/default", Keys: anyKeys, Rules: rules}}, ""},
		{"beginnings of words do not count", trust.List{{Issuer: idp, Keys: anyKeys, Rules: rules}, {Issuer: idp + "2", Keys: anyKeys, Rules: rules}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, tt.list.Validate(), tt.want) })
	}
}

func TestValidateTellsAll(t *testing.T) {
	err := trust.List{
		{Issuer: "ftp://a.example", Rules: []trust.Rule{{}, {Subject: "x", Lifetime: -1}}},
		{Issuer: "ftp://a.example", Keys: anyKeys, Skew: time.Hour},
	}.Validate()
	for _, want := range []string{"not https", "Keys is required", "no condition", "less than a second", "twice", "60 s"} {
		check(t, err, want)
	}
}

func TestDecided(t *testing.T) {
	for name, tt := range map[string]struct {
		rules []trust.Rule
		want  string
	}{
		"no rules":    {nil, "no rules"},
		"any subject": {[]trust.Rule{{AnySubject: true}}, "for any subject"},
		"exact":       {[]trust.Rule{{Subject: "alice"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := trust.List{{Issuer: idp, Keys: anyKeys, Rules: tt.rules}}
			check(t, l.Decided(), tt.want)
			s, err := trust.Compile(l)
			if err != nil {
				t.Fatal(err)
			}
			check(t, s.Decided(), tt.want)
		})
	}
}
