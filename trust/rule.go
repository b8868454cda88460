package trust

import "time"

// Rule gives something to one subject of an issuer.
type Rule struct {
	// Name is what reports call the rule, and what a caller may ask for. "" means that it can only be found.
	Name string

	Disabled bool // as if it were not there
	Audit    bool // it is told in reports, never applied

	// Subject is the sub it is for, byte by byte. Required, but for AnySubject, and for a rule with Nobody of an issuer
	// with SubjectOptional: there "" stands for an absent sub.
	Subject string
	// AnySubject makes it a rule for every subject: the grant's Subject hook decides whom it means. Such a rule cannot
	// say who is meant (As, AsIs, Nobody), and does nothing on a grant without that hook.
	AnySubject bool
	// Audience are the aud values it is for, in place of the issuer's. Nil means the issuer's.
	Audience []string
	// Claims are string claims that must be there with exactly these values.
	Claims map[string]string

	// ClientID is the registered client that the token is issued to, and the only one that may present the assertion.
	// "" means the client that has authenticated; without one the issuer, or what the grant's Client hook says.
	ClientID string
	// RequireClient lets the rule match only where a client has authenticated.
	RequireClient bool

	// As is the sub of the token. "" means what the grant's Subject hook says, else NAME/SUB.
	As string
	// AsIs is a relaxation: the sub of the token is that of the assertion, unmapped. Whoever can sign for this issuer
	// can then be anybody this rule's Subject names.
	AsIs bool
	// Nobody says that the assertion speaks for nobody: the sub of the token is the client's id.
	Nobody bool

	// Scopes is the ceiling of what may be had. Nil sets none beside the registered client's; a client that is not
	// registered has none but this.
	Scopes []string
	// DefaultScopes are given where no scope is asked for. Nil means the client's default.
	DefaultScopes []string
	// Audiences are the resources that may be asked for; the first is the default. A registered client narrows them to
	// its own, or to the server's audience if it has none; see avouch.Client.AnyAudience. Nil means the client's, else
	// the server's.
	Audiences []string
	// Lifetime of the token. Zero means the client's, else the server's.
	Lifetime time.Duration
}

// maps reports whether the rule itself says who is meant.
func (r *Rule) maps() bool { return r.As != "" || r.AsIs || r.Nobody }

// Client is the client that the rule is for, "" for any: the one that signs for itself has to be itself.
func (i *Issuer) Client(r *Rule) string {
	if r != nil && r.ClientID != "" {
		return r.ClientID
	}
	if i.SelfIssued {
		return i.Issuer
	}
	return ""
}

// Mapped says who is meant by a subject under a rule that has matched. ok is false where the rule leaves that open:
// then a Subject hook may say so, and [Issuer.Qualified] is the answer where there is none. "" means nobody.
func (i *Issuer) Mapped(r *Rule, sub string) (subject string, ok bool) {
	switch {
	case r == nil:
		return "", false
	case r.Nobody:
		return "", true
	case r.As != "":
		return r.As, true
	case r.AsIs && sub != "":
		return sub, true
	}
	return "", false
}

// Qualified is a subject of the issuer under a name that no other issuer's subjects can have: NAME/SUB.
func (i *Issuer) Qualified(sub string) string {
	if i.index != nil {
		return i.index.prefix + sub
	}
	return i.name() + "/" + sub
}
