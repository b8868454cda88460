package trust

import (
	"net/url"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// Issuer is somebody whose assertions are believed as far as its rules say.
type Issuer struct {
	// Issuer is its iss value, exactly: an https URL. It is compared byte by byte; a slash more is another issuer.
	Issuer string

	// SelfIssued says that Issuer is not a URL but the id of a client that signs for itself (RFC 7521 §3), as service
	// accounts do. Its tokens are issued to that client, and no other client may present its assertions.
	SelfIssued bool

	// Name stands before its subjects, as NAME/SUB, so that subjects of two issuers never meet: letters, digits, dot,
	// hyphen and underscore. "" means Issuer itself, or "client:" and the id, path-escaped, where it is SelfIssued.
	Name string

	// Keys is where its public keys come from. Required.
	Keys keys.Source

	// Disabled refuses all its assertions; its keys are not fetched.
	Disabled bool

	// Audience are the exact aud values that name this server, for an issuer that cannot send ours. Nil means the
	// server's issuer identifier and its token endpoint. An aud of several values is refused, whatever they are.
	Audience []string

	// Algorithms its assertions may be signed with. Nil means keys.DefaultAlgorithms.
	Algorithms []keys.Algorithm

	// Types are the header types accepted, as in [assertion.Policy]. Nil means absent or "JWT".
	Types []string

	// Skew is how far its clock may differ, at most 60 s. Zero means 10 s.
	Skew time.Duration

	// MaxLifetime bounds the life of its assertions, at most a year. Zero means 1 h.
	MaxLifetime time.Duration

	// Replay says how often one of its assertions may be used. The zero value is once. SameClientUntilExpiry needs
	// RequireClient, here or in every rule.
	Replay assertion.Replay

	// RequireClient refuses its assertions where no client has authenticated. A public client, which only names itself,
	// has not.
	RequireClient bool

	// SubjectOptional accepts assertions without sub, as Google-style clients send: nobody is meant. They need a rule
	// with Nobody and without Subject, or a Subject hook that says so.
	SubjectOptional bool

	// ScopeClaim lets the claim "scope" of its assertions, a string or an array of strings, ask for scopes as the
	// parameter does. False means that the claim is ignored, as other claims are.
	ScopeClaim bool

	// Rules say which of its subjects are worth what. Without rules the grant needs a Subject hook, which then decides
	// alone.
	Rules []Rule

	index *index // of Rules; nil means that they are searched one by one
}

// Party is how package assertion sees the issuer. own are the values of aud that name this server where neither the
// issuer nor a rule says others; it is not kept unless the result is.
func (i *Issuer) Party(own []string) assertion.Party {
	return assertion.Party{
		Name:     i.Issuer,
		Keys:     i.Keys,
		Disabled: i.Disabled,
		Policy: assertion.Policy{
			Audience:        assertion.Audience{Accept: i.accepts(own)},
			Algorithms:      i.Algorithms,
			Types:           i.Types,
			Skew:            i.Skew,
			MaxLifetime:     i.MaxLifetime,
			Replay:          i.Replay,
			SubjectOptional: i.SubjectOptional,
		},
	}
}

// accepts are all audiences that the issuer or one of its rules accept. Which of them holds for which rule is decided
// with the rule.
func (i *Issuer) accepts(own []string) []string {
	base := i.Audience
	if base == nil {
		base = own
	}
	more, all := i.ruleAudiences()
	switch {
	case len(more) == 0:
		return base
	case all:
		return more
	}
	return append(base[:len(base):len(base)], more...)
}

// ruleAudiences are the audiences of its rules, each once; all says that every rule has its own.
func (i *Issuer) ruleAudiences() (more []string, all bool) {
	if i.index != nil {
		return i.index.audiences, i.index.allAudiences
	}
	all = true
	for k := range i.Rules {
		if i.Rules[k].Audience == nil {
			all = false
		}
		more = append(more, i.Rules[k].Audience...)
	}
	slices.Sort(more)
	return slices.Compact(more), all
}

// name is what stands before its subjects. That of a client can be no issuer's name, because it has a colon, and no
// issuer's URL; and no client's can begin with another one's, because a slash in an id is escaped.
func (i *Issuer) name() string {
	switch {
	case i.Name != "":
		return i.Name
	case i.SelfIssued:
		return "client:" + url.PathEscape(i.Issuer)
	}
	return i.Issuer
}
