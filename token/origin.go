package token

import (
	"github.com/avouch-oauth/avouch/internal/jsonwrite"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// Origin says what an access token rests on. Introspection asks whether all of it still stands; an API that verifies
// tokens by itself has no use for it.
type Origin struct {
	Issuer string   // iss: the issuer whose assertion was exchanged for it; "" for none
	KeyIDs []string // kids: keys of the client that signed for it, or for the grant; nil for none
	Rule   string   // rule: the name of the trust rule that the assertion was accepted by; "" for none
	Family string   // fam: names everything that was issued on one consent of a user; "" for none

	// Unregistered is the member unreg: the client was not a registered one. Without it, a client that is not found, and is
	// not the Issuer, has been deleted.
	Unregistered bool
}

// originClaim is the name of the claim that holds the Origin: a private one (RFC 7519 §4.3).
const originClaim = "avouch_origin"

// appendClaim appends the claim, with a comma before it; nothing where the origin is zero.
func (o *Origin) appendClaim(b []byte) []byte {
	if o.Issuer == "" && len(o.KeyIDs) == 0 && o.Rule == "" && o.Family == "" && !o.Unregistered {
		return b
	}
	b = append(b, `,"`+originClaim+`":{`...)
	comma := false
	member := func(name string) {
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, '"', ':')
	}
	if o.Issuer != "" {
		member("iss")
		b = jsonwrite.String(b, o.Issuer)
	}
	if len(o.KeyIDs) > 0 {
		member("kids")
		b = jsonwrite.Strings(b, o.KeyIDs)
	}
	if o.Rule != "" {
		member("rule")
		b = jsonwrite.String(b, o.Rule)
	}
	if o.Family != "" {
		member("fam")
		b = jsonwrite.String(b, o.Family)
	}
	if o.Unregistered {
		member("unreg")
		b = append(b, "true"...)
	}
	return append(b, '}')
}

// read reads the claim where it is there. Members that it does not know it passes over: they come from a newer server.
func (o *Origin) read(v strictjson.Value) error {
	if v.Kind() == strictjson.Absent {
		return nil
	}
	object, ok := v.Object()
	if !ok {
		return fault(BadClaim, "%s is not an object", originClaim)
	}
	for _, member := range [...]struct {
		name string
		to   *string
	}{{"iss", &o.Issuer}, {"rule", &o.Rule}, {"fam", &o.Family}} {
		if at := object.Get(member.name); at.Kind() != strictjson.Absent {
			if *member.to, ok = at.Text(); !ok {
				return fault(BadClaim, "%s.%s is not a string", originClaim, member.name)
			}
		}
	}
	if at := object.Get("kids"); at.Kind() != strictjson.Absent {
		if o.KeyIDs, ok = at.Strings(); !ok {
			return fault(BadClaim, "%s.kids is not an array of strings", originClaim)
		}
	}
	if at := object.Get("unreg"); at.Kind() != strictjson.Absent {
		if o.Unregistered = string(at.Raw()) == "true"; !o.Unregistered && string(at.Raw()) != "false" {
			return fault(BadClaim, "%s.unreg is not a boolean", originClaim)
		}
	}
	return nil
}
