package admin

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// hidden stands for a value that is not recorded.
const hidden = "(hidden)"

// snapshot holds what changes record of a record at one moment, by the names of its members.
type snapshot map[string]member

type member struct {
	text  string // as it is recorded: JSON, or "(hidden)"
	value string // as it is compared
}

// add adds a value by its JSON. Members of objects are added one by one, lists as a whole.
func (m snapshot) add(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		return // our own structs: it cannot be
	}
	m.addJSON(name, text)
}

func (m snapshot) addJSON(name string, text json.RawMessage) {
	var object map[string]json.RawMessage
	if text[0] == '{' && json.Unmarshal(text, &object) == nil {
		for inner, value := range object {
			m.addJSON(join(name, inner), value)
		}
		return
	}
	m[name] = member{string(text), string(text)}
}

// hide adds a value that is compared and not recorded. An empty one counts as not set.
func (m snapshot) hide(name string, value []byte) {
	if len(value) > 0 {
		m[name] = member{hidden, string(value)}
	}
}

// differences returns the members in which two states of a record differ, sorted by name.
func differences(before, after snapshot) []FieldChange {
	names := maps.Clone(before)
	if names == nil {
		names = snapshot{}
	}
	maps.Copy(names, after)
	var changes []FieldChange
	for _, name := range slices.Sorted(maps.Keys(names)) {
		o, n := before[name], after[name]
		if o != n {
			changes = append(changes, FieldChange{name, o.text, n.text})
		}
	}
	return changes
}

// diff returns the members in which two values of the same type differ, by their JSON.
func diff(before, after any) []FieldChange {
	o, n := snapshot{}, snapshot{}
	if before != nil {
		o.add("", before)
	}
	if after != nil {
		n.add("", after)
	}
	return differences(o, n)
}

// clientSnapshot returns the members of a client with its keys and secrets, which are recorded by name.
func clientSnapshot(c *storage.Client) snapshot {
	m := snapshot{}
	m.add("", clientState(c))
	m.add("disabled", c.Disabled) // false, too
	known := (&ClientMetadata{}).extra()
	for name, text := range c.Extra {
		switch {
		case known[name] != nil: // part of the metadata
		case name == "software_statement": // a JWT
			m.hide(name, text)
		case len(text) > 0:
			m.addJSON(name, canonical(text))
		}
	}
	m.hide("registration_sha256", c.RegistrationSHA256)
	for i := range c.Keys {
		m.add("keys "+c.Keys[i].ID, keyLife(&c.Keys[i]))
	}
	for i := range c.Secrets {
		s := &c.Secrets[i]
		m.hide("secrets "+s.ID, slices.Concat(s.SHA256, s.Sealed))
		m.add("secrets "+s.ID, secretLife(s))
	}
	return m
}

// issuerSnapshot returns the members of an issuer. Inline keys are recorded by their kids.
func issuerSnapshot(i *storage.Issuer) snapshot {
	m := snapshot{}
	state := issuerMetadata(i)
	state.JWKS = nil
	m.add("", state)
	m.add("disabled", i.Disabled)
	if len(i.JWKS) > 0 {
		m["jwks"] = member{keyNames(i.JWKS), string(canonical(i.JWKS))}
	}
	return m
}

// keyNames returns the kids of a JWK set as a JSON list, thumbprints for keys without.
func keyNames(jwks json.RawMessage) string {
	set, err := keys.ParseSet(jwks)
	if err != nil {
		return hidden
	}
	names := []string{}
	for _, k := range set.Keys() {
		if k.ID == "" {
			k.ID = k.Thumbprint()
		}
		names = append(names, k.ID)
	}
	text, err := json.Marshal(names)
	if err != nil {
		return hidden
	}
	return string(text)
}

func ruleSnapshot(r *storage.Rule) snapshot {
	m := snapshot{}
	m.add("", ruleMetadata(r))
	m.add("disabled", r.Disabled)
	return m
}

func subjectSnapshot(s *storage.Subject) snapshot {
	m := snapshot{}
	m.add("", subjectState(s))
	return m
}

func initialTokenSnapshot(t *storage.InitialToken) snapshot {
	m := snapshot{}
	m.add("", initialTokenState(t))
	m.hide("token", t.SHA256)
	return m
}

// signingKeySnapshot returns the members of a signing key. Its public half is recorded by its kid, which is its
// thumbprint.
func signingKeySnapshot(k *storage.SigningKey) snapshot {
	m := snapshot{}
	m.add("", signingKeyState(k))
	m.hide("sealed", k.Sealed)
	return m
}
