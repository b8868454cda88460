package admin

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/internal/near"
)

// maxDocument is the largest document that is read, in bytes; maxDepth is how deeply it may nest.
const (
	maxDocument = 64 << 20
	maxDepth    = 16
)

// faults collects what is wrong with an input.
type faults []Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, Fault{field, fmt.Sprintf(format, args...)})
}

// err is an Error with the faults, nil where there is none.
func (f faults) err(kind, id string) error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Kind: kind, ID: id, Reason: "the input cannot be accepted", Faults: f}
}

// decoder reads JSON into Go values by exact member names, and goes on after a fault so that all are told at once.
// encoding/json would take CLIENT_ID for client_id, the last of two equal names, and stop at the first wrong type.
type decoder struct {
	json   *json.Decoder
	faults faults
}

// decode reads data, which must be one JSON value, into the value that to points to.
func decode(data []byte, to any) faults {
	var f faults
	switch {
	case len(data) > maxDocument:
		f.add("", "it is longer than %d MiB", maxDocument>>20)
		return f
	case !utf8.Valid(data):
		f.add("", "it is not UTF-8")
		return f
	}
	d := &decoder{json: json.NewDecoder(bytes.NewReader(data))}
	d.json.UseNumber()
	if err := d.value(reflect.ValueOf(to).Elem(), "", 0); err != nil {
		d.faults.add("", "it is not JSON: %v (at byte %d)", err, d.json.InputOffset())
		return d.faults
	}
	if _, err := d.json.Token(); err != io.EOF {
		d.faults.add("", "there is text after the end of the document")
	}
	return d.faults
}

var (
	rawMessage      = reflect.TypeFor[json.RawMessage]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// value reads the next value. It returns an error only where the text is not JSON; then nothing more can be read.
func (d *decoder) value(to reflect.Value, path string, depth int) error {
	if to.Type() == rawMessage {
		var raw json.RawMessage
		if err := d.json.Decode(&raw); err != nil {
			return err
		}
		if string(raw) != "null" {
			to.SetBytes(raw)
		}
		return nil
	}
	token, err := d.json.Token()
	if err != nil {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	if token != nil && to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	switch token := token.(type) {
	case nil:
		return nil // a member that is null is absent: YAML writers leave "scope:" behind
	case json.Delim:
		switch {
		case depth >= maxDepth:
			return fmt.Errorf("%s nests deeper than %d", name(path), maxDepth)
		case token == '{' && to.Kind() == reflect.Struct && !isText(to):
			return d.object(to, path, depth+1)
		case token == '{' && to.Kind() == reflect.Map:
			return d.dictionary(to, path, depth+1)
		case token == '[' && to.Kind() == reflect.Slice:
			return d.list(to, path, depth+1)
		}
		d.faults.add(path, "it must be %s", wanted(to))
		return d.skip()
	case string:
		switch {
		case isText(to):
			if err := to.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(token)); err != nil {
				if to.Type() == reflect.TypeFor[time.Time]() { // whose error speaks of layouts
					err = fmt.Errorf("%q is none", clip(token))
				}
				d.faults.add(path, "it must be %s: %v", wanted(to), err)
			}
		case to.Kind() == reflect.String:
			to.SetString(token)
		default:
			d.faults.add(path, "it must be %s", wanted(to))
		}
	case bool:
		if to.Kind() != reflect.Bool {
			d.faults.add(path, "it must be %s", wanted(to))
			return nil
		}
		to.SetBool(token)
	default: // json.Number: no document has one
		d.faults.add(path, "it must be %s", wanted(to))
	}
	return nil
}

func isText(v reflect.Value) bool { return reflect.PointerTo(v.Type()).Implements(textUnmarshaler) }

// wanted says in words what a field takes.
func wanted(v reflect.Value) string {
	switch {
	case v.Type() == reflect.TypeFor[Duration]():
		return "a duration in quotes, such as \"15m\""
	case isText(v):
		return "a time in quotes, such as \"2026-11-24T12:00:00Z\""
	}
	switch v.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func (d *decoder) object(to reflect.Value, path string, depth int) error {
	fields := map[string]reflect.Value{}
	members(to, fields)
	seen := map[string]bool{}
	for d.json.More() {
		member, err := d.memberName(path, seen)
		if err != nil {
			return err
		}
		field, known := fields[member]
		if !known {
			d.faults.add(join(path, member), "there is no such member%s", nearest(member, fields))
			if err := d.skipValue(); err != nil {
				return err
			}
			continue
		}
		if err := d.value(field, join(path, member), depth); err != nil {
			return err
		}
	}
	_, err := d.json.Token()
	return err
}

func (d *decoder) dictionary(to reflect.Value, path string, depth int) error {
	to.Set(reflect.MakeMap(to.Type()))
	seen := map[string]bool{}
	for d.json.More() {
		member, err := d.memberName(path, seen)
		if err != nil {
			return err
		}
		v := reflect.New(to.Type().Elem()).Elem()
		if err := d.value(v, join(path, member), depth); err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(member), v)
	}
	_, err := d.json.Token()
	return err
}

func (d *decoder) list(to reflect.Value, path string, depth int) error {
	for i := 0; d.json.More(); i++ {
		v := reflect.New(to.Type().Elem()).Elem()
		if err := d.value(v, path+"["+strconv.Itoa(i)+"]", depth); err != nil {
			return err
		}
		to.Set(reflect.Append(to, v))
	}
	_, err := d.json.Token()
	return err
}

// memberName reads the name of the next member.
func (d *decoder) memberName(path string, seen map[string]bool) (string, error) {
	token, err := d.json.Token()
	if err != nil {
		return "", err
	}
	member := token.(string) // encoding/json takes nothing else for a name
	if seen[member] {
		d.faults.add(join(path, member), "it is there twice")
	}
	seen[member] = true
	return member, nil
}

// skip reads to the end of the array or object that has just begun.
func (d *decoder) skip() error {
	for depth := 1; depth > 0; {
		token, err := d.json.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

func (d *decoder) skipValue() error {
	var raw json.RawMessage
	return d.json.Decode(&raw)
}

// members finds the fields of a struct by their JSON names, those of embedded structs included.
func members(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			members(v.Field(i), into)
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			into[name] = v.Field(i)
		}
	}
}

// nearest names the member that was probably meant.
func nearest(member string, fields map[string]reflect.Value) string {
	name := nearestOf(member, slices.Sorted(maps.Keys(fields)))
	if name == "" {
		return ""
	}
	return "; did you mean " + name + "?"
}

func nearestOf(member string, names []string) string {
	plain := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(strings.TrimSuffix(s, "s")))
	}
	for _, name := range names {
		if plain(name) == plain(member) {
			return name
		}
	}
	if name, how := near.Nearest(member, names); how != "" {
		return name
	}
	// a part of a name, where there is one such name: id, auth_method, grants
	part, found := strings.TrimSuffix(member, "s"), ""
	for _, name := range names {
		if part != "" && (strings.HasPrefix(name, part+"_") || strings.HasSuffix(name, "_"+part)) {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

func name(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}
