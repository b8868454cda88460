// Package strictjson reads the JSON that strangers send: JOSE headers, claims and key sets.
//
// It refuses what two readers could understand differently: a member name given twice (at any depth), names that
// differ from the wanted one only in case, text after the value, invalid UTF-8, lone surrogates, a byte order mark,
// numbers of absurd length, and nesting deeper than [MaxDepth]. A document is scanned once; members are looked up by
// exact name and point into the scanned bytes.
package strictjson

// MaxDepth is how deeply objects and arrays may nest.
const MaxDepth = 16

// Kind is the JSON type of a [Value].
type Kind byte

const (
	Absent Kind = iota // the zero Value: no such member
	Null
	Bool
	Number
	String
	Array
	ObjectKind
)

// Value is one JSON value, still in its text form. The zero Value is "absent".
type Value struct {
	raw  []byte
	kind Kind
}

func (v Value) Kind() Kind  { return v.kind }
func (v Value) Raw() []byte { return v.raw }

// Text returns the decoded string; ok is false where v is not a string. Where the string has no escape the result is
// one conversion of the scanned bytes.
func (v Value) Text() (s string, ok bool) { panic("not built") }

// Object is a scanned JSON object.
type Object struct {
	// members in document order; a small inline array avoids an allocation for ordinary claim sets
}

// Parse scans data, which must be one JSON object and nothing else.
func Parse(data []byte) (Object, error) { panic("not built") }

// Get returns the member of exactly this name, or the absent Value.
func (o *Object) Get(name string) Value { panic("not built") }
