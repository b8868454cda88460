package trust

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/scope"
	"github.com/avouch-oauth/avouch/keys"
)

const (
	maxSkew     = 60 * time.Second
	maxLifetime = 365 * 24 * time.Hour
)

// Validate tells every fault of a list at once: what could never work, what two entries contradict each other in, and
// what would believe more than anybody can have meant.
func (l List) Validate() error {
	var faults []error
	byIssuer, byName := map[string]int{}, map[string]int{}
	for k := range l {
		i := &l[k]
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("issuer %s: %w", quote(i.Issuer), fmt.Errorf(format, args...)))
		}
		if first, taken := byIssuer[i.Issuer]; taken {
			fault("it is there twice, as entry %d and %d; give all its rules to one entry", first+1, k+1)
		} else {
			byIssuer[i.Issuer] = k
		}
		if first, taken := byName[i.Name]; taken && i.Name != "" {
			fault("its name %q is also the name of issuer %s; subjects of two issuers must never meet", i.Name, quote(l[first].Issuer))
		} else {
			byName[i.Name] = k
		}
		i.validate(fault)
	}
	faults = append(faults, l.prefixes()...)
	return errors.Join(faults...)
}

// Decided tells each issuer that leaves it to a Subject hook who is meant: one without rules, or with a rule for any
// subject. A grant without that hook refuses such a list when the server is made.
func (l List) Decided() error {
	var faults []error
	for k := range l {
		i := &l[k]
		if len(i.Rules) == 0 {
			faults = append(faults, fmt.Errorf("issuer %s has no rules, and there is no Subject hook to say who is meant", quote(i.Issuer)))
		}
		for n := range i.Rules {
			if i.Rules[n].AnySubject {
				faults = append(faults, fmt.Errorf("issuer %s: %s is for any subject, and there is no Subject hook to say who is meant",
					quote(i.Issuer), i.title(&i.Rules[n])))
			}
		}
	}
	return errors.Join(faults...)
}

// prefixes finds issuers whose subjects could meet: "https://a" with the subject "b/c" and "https://a/b" with "c".
func (l List) prefixes() (faults []error) {
	type prefix struct {
		text   string
		issuer string
	}
	var sorted []prefix
	for k := range l {
		if l[k].qualifies() {
			sorted = append(sorted, prefix{l[k].name() + "/", l[k].Issuer})
		}
	}
	slices.SortFunc(sorted, func(a, b prefix) int { return strings.Compare(a.text, b.text) })
	for k := 1; k < len(sorted); k++ {
		if a, b := sorted[k-1], sorted[k]; a.issuer != b.issuer && strings.HasPrefix(b.text, a.text) {
			faults = append(faults, fmt.Errorf("issuer %s: its subjects could be taken for those of issuer %s, because the one begins with the other; give them a Name",
				quote(b.issuer), quote(a.issuer)))
		}
	}
	return faults
}

// qualifies reports whether some subject of the issuer can become NAME/SUB.
func (i *Issuer) qualifies() bool {
	return slices.ContainsFunc(i.Rules, func(r Rule) bool { return !r.maps() })
}

func (i *Issuer) validate(fault func(string, ...any)) {
	if i.SelfIssued {
		if i.Issuer == "" || !printable(i.Issuer) {
			fault("with SelfIssued it must be a client id: printable ASCII, not empty")
		}
	} else if err := checkIssuer(i.Issuer); err != nil {
		fault("%w", err)
	}
	if strings.Trim(i.Name, nameCharacters) != "" {
		fault("name %q: letters, digits, dot, hyphen and underscore only", i.Name)
	}
	if i.Keys == nil {
		fault("Keys is required: nothing could be verified")
	}
	if i.Skew < 0 || i.Skew > maxSkew {
		fault("a skew of %v: at most 60 s; clocks that differ more need an NTP server", i.Skew)
	}
	if i.MaxLifetime < 0 || i.MaxLifetime > maxLifetime {
		fault("a maximum lifetime of %v: at most a year, because uses are remembered that long", i.MaxLifetime)
	}
	if i.Audience != nil && len(i.Audience) == 0 || slices.Contains(i.Audience, "") {
		fault("Audience must hold the exact values that name this server; leave it nil for the server's own")
	}
	i.validateAlgorithms(fault)
	i.validateReplay(fault)
	for k := range i.Rules {
		r := &i.Rules[k]
		i.validateRule(r, func(format string, args ...any) {
			fault("%s: %w", i.title(r), fmt.Errorf(format, args...))
		})
	}
	i.validateDistinct(fault)
}

func (i *Issuer) validateAlgorithms(fault func(string, ...any)) {
	if i.Algorithms != nil && len(i.Algorithms) == 0 {
		fault("Algorithms is empty: nothing could be verified; leave it nil for the default ones")
	}
	for _, alg := range i.Algorithms {
		switch alg {
		case keys.RS256, keys.RS384, keys.RS512, keys.PS256, keys.PS384, keys.PS512, keys.ES256, keys.ES384, keys.ES512, keys.EdDSA:
		case keys.HS256, keys.HS384, keys.HS512:
			fault("algorithm %s: an issuer signs with a private key; a shared secret is for client_secret_jwt only", alg)
		default:
			fault("algorithm %q is not known; names are compared exactly", string(alg))
		}
	}
}

func (i *Issuer) validateReplay(fault func(string, ...any)) {
	switch i.Replay {
	case assertion.Once, assertion.ReuseUntilExpiry:
	case assertion.SameClientUntilExpiry:
		required := i.RequireClient || len(i.Rules) > 0 && !slices.ContainsFunc(i.Rules, func(r Rule) bool { return !r.RequireClient })
		if !required {
			fault("re-use by the same client until expiry needs a client that authenticates: set RequireClient, here or in every rule")
		}
	default:
		fault("the replay policy %d is not known", i.Replay)
	}
}

func (i *Issuer) validateRule(r *Rule, fault func(string, ...any)) {
	switch {
	case r.AnySubject && r.Subject != "":
		fault("it has both a Subject and AnySubject; one of them is meant")
	case r.AnySubject && r.maps():
		fault("a rule for any subject must leave to the Subject hook who is meant: As, AsIs and Nobody would make all of them one, or anybody")
	case !r.AnySubject && r.Subject == "" && (!r.Nobody || !i.SubjectOptional):
		fault("it has no condition on the subject: name the exact sub, or set AnySubject for a grant with a Subject hook")
	case r.Subject != "" && r.Subject == i.Issuer && !r.maps():
		fault("the subject is the issuer itself: say with Nobody that it acts for itself, or with As for whom it acts")
	}
	if count(r.As != "", r.AsIs, r.Nobody) > 1 {
		fault("As, AsIs and Nobody exclude each other")
	}
	if r.Audience != nil && len(r.Audience) == 0 || slices.Contains(r.Audience, "") {
		fault("Audience must hold the exact values that name this server; leave it nil for the issuer's")
	}
	for name := range r.Claims {
		switch name {
		case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "":
			fault("a condition on the claim %q is not for Claims: it has its own field or check", name)
		}
	}
	if !i.SelfIssued && r.ClientID == i.Issuer {
		fault("its client has the URL of the issuer as its id: tokens of the two could not be told apart")
	}
	if i.SelfIssued && r.ClientID != "" && r.ClientID != i.Issuer {
		fault("it gives the token to client %s, but the issuer is a client that signs for itself", quote(r.ClientID))
	}
	for _, s := range slices.Concat(r.Scopes, r.DefaultScopes) {
		if !scope.Valid(s) {
			fault("%s is not a scope (RFC 6749 §3.3)", quote(s))
		}
	}
	for _, s := range r.DefaultScopes {
		if r.Scopes != nil && !slices.Contains(r.Scopes, s) {
			fault("the default scope %s is beyond its Scopes", quote(s))
		}
	}
	if slices.Contains(r.Audiences, "") {
		fault("Audiences holds an empty resource")
	}
	if r.Lifetime != 0 && r.Lifetime < time.Second {
		fault("a token lifetime of %v is less than a second; zero means the default", r.Lifetime)
	}
}

// validateDistinct finds rules that always match together and that no caller can tell apart.
func (i *Issuer) validateDistinct(fault func(string, ...any)) {
	names, conditions := map[string]bool{}, map[string][]*Rule{}
	for k := range i.Rules {
		r := &i.Rules[k]
		if r.Name != "" && names[r.Name] {
			fault("the name %s is there twice", i.title(r))
		}
		names[r.Name] = true
		if r.Disabled || r.Audit {
			continue
		}
		key := i.conditionKey(r)
		for _, other := range conditions[key] {
			if r.Name == "" || other.Name == "" {
				fault("%s and %s always match together: give them names by which a caller can choose, or different clients", i.title(other), i.title(r))
			}
		}
		conditions[key] = append(conditions[key], r)
	}
}

// conditionKey is equal for rules that match the same assertions from the same client.
func (i *Issuer) conditionKey(r *Rule) string {
	var b []byte
	add := func(s string) { b = append(strconv.AppendQuote(b, s), ' ') }
	add(r.Subject)
	add(strconv.FormatBool(r.AnySubject))
	add(i.Client(r))
	for _, a := range slices.Sorted(slices.Values(r.Audience)) {
		add(a)
	}
	b = append(b, '|')
	for _, name := range sortedNames(r.Claims) {
		add(name)
		add(r.Claims[name])
	}
	return string(b)
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
