package admin

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// hidden stands for a secret in what is shown of changes.
const hidden = "(hidden)"

// diff tells which members differ between two values of the same type, by their JSON. Members of objects are told one
// by one, lists as a whole.
func diff(before, after any) []FieldChange {
	o, n := map[string]string{}, map[string]string{}
	flatten(before, o)
	flatten(after, n)
	all := maps.Clone(o)
	maps.Copy(all, n)
	var changes []FieldChange
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if o[field] != n[field] {
			changes = append(changes, FieldChange{field, o[field], n[field]})
		}
	}
	return changes
}

func flatten(v any, into map[string]string) {
	if v == nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		return // our own structs: it cannot be
	}
	flattenJSON("", text, into)
}

func flattenJSON(path string, text json.RawMessage, into map[string]string) {
	var object map[string]json.RawMessage
	if text[0] == '{' && json.Unmarshal(text, &object) == nil {
		for member, value := range object {
			flattenJSON(join(path, member), value, into)
		}
		return
	}
	into[path] = string(text)
}

// sameJSON reports whether two JSON texts say the same, whatever their white space and the order of members.
func sameJSON(a, b json.RawMessage) bool {
	return bytes.Equal(canonical(a), canonical(b))
}

// canonical is JSON with sorted members and without white space. What is not JSON stays as it is.
func canonical(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return text
	}
	out, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return out
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
