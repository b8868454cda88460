package assertion

import "strings"

// Types that this package names.
const (
	typeJWT    = "JWT"
	typeClient = "client-authentication+jwt" // RFC 10070 §4
	typeIDJAG  = "oauth-id-jag+jwt"          // identity assertion authorization grant
)

// otherKinds are the types of tokens that are signed for something else. A party that signs them too must not find
// them accepted as assertions (RFC 8725 §3.12), so no list of accepted types can hold them.
var otherKinds = [...]string{
	"at+jwt", // RFC 9068
	"dpop+jwt",
	"logout+jwt",
	"secevent+jwt",
	"oauth-client-attestation+jwt",
	"oauth-client-attestation-pop+jwt",
	"wit+jwt", // WIMSE: good only with a proof of its key
	"wpt+jwt",
	"token-introspection+jwt", // RFC 9701
	"oauth-authz-req+jwt",     // RFC 9101
}

// otherKind reports whether typ is that of a token which is never an assertion for this purpose.
func otherKind(typ string, purpose Purpose) bool {
	for _, other := range otherKinds {
		if sameType(typ, other) {
			return true
		}
	}
	if purpose == ClientAuthentication {
		return sameType(typ, typeIDJAG)
	}
	return sameType(typ, typeClient)
}

// acceptsType reports whether typ is on the list of p, or one of the defaults for the purpose where there is no list.
func (p *Policy) acceptsType(typ string, purpose Purpose) bool {
	if p.Types == nil {
		return typ == "" || sameType(typ, typeJWT) || purpose == ClientAuthentication && sameType(typ, typeClient)
	}
	for _, accepted := range p.Types {
		if accepted == "" && typ == "" || accepted != "" && sameType(typ, accepted) {
			return true
		}
	}
	return false
}

// sameType compares two types as RFC 7515 §4.1.9 says: media types, without case, with "application/" implied.
func sameType(a, b string) bool { return strings.EqualFold(bareType(a), bareType(b)) }

func bareType(typ string) string {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		return typ[len(prefix):]
	}
	return typ
}

// wantedTypes says what acceptsType accepts.
func (p *Policy) wantedTypes(purpose Purpose) string {
	types := p.Types
	if types == nil {
		types = []string{"", typeJWT}
		if purpose == ClientAuthentication {
			types = append(types, typeClient)
		}
	}
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = t
		if t == "" {
			words[i] = "absent"
		}
	}
	return oneOf(words)
}
