package keys

import (
	"errors"
	"fmt"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// The largest key set that is read. What identity providers publish has 2 to 12 keys in 2 to 20 KiB.
const (
	maxSetBytes = 1 << 20
	maxSetKeys  = 100
)

// ParseSet reads a JWK set (RFC 7517 §5) as others publish it. Members that are unusable — of unknown type,
// malformed, weak, symmetric, private — are skipped and told by Skipped; the rest is used. More than 100 keys or 1 MiB
// are refused, and so is a document that is not JSON by strict rules: unique names, UTF-8, nothing after it.
//
// Keys that are there for something else ("use": "enc") are kept: they never fit, and Fits says why.
func ParseSet(data []byte) (*Set, error) {
	if len(data) > maxSetBytes {
		return nil, fmt.Errorf("keys: a JWK set of %d bytes; %d are the limit", len(data), maxSetBytes)
	}
	o, err := strictjson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("keys: the JWK set is %w", err)
	}
	members, err := setMembers(&o)
	if err != nil {
		return nil, err
	}
	var keys []Public
	var skipped []error
	for i, member := range members {
		p, err := readMember(member)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("keys: member %d of the set%s is left out: %w", i+1, kidOf(member), err))
			continue
		}
		keys = append(keys, p)
	}
	return newSet(keys, skipped), nil
}

// setMembers returns what stands in "keys".
func setMembers(o *strictjson.Object) (members []strictjson.Value, err error) {
	list := o.Get("keys")
	if list.Kind() != strictjson.Array {
		return nil, errors.New(`keys: not a JWK set: there is no array "keys" (RFC 7517 §5)`)
	}
	for member := range list.Elements() {
		if len(members) == maxSetKeys {
			return nil, fmt.Errorf("keys: the JWK set has more than %d keys", maxSetKeys)
		}
		members = append(members, member)
	}
	return members, nil
}

func readMember(v strictjson.Value) (Public, error) {
	o, ok := v.Object()
	if !ok {
		return Public{}, errors.New("not a JSON object")
	}
	return readJWK(&o)
}

// kidOf names a member by its kid, where it has one.
func kidOf(v strictjson.Value) string {
	o, _ := v.Object()
	kid, ok := o.Get("kid").Text()
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (kid %+.64q)", kid)
}
