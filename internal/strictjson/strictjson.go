// Package strictjson reads the JSON that strangers send: JOSE headers, claims, key sets and metadata.
//
// It refuses what two readers could understand differently: a member name given twice (at any depth, and however it is
// spelled with escapes), text after the value, invalid UTF-8, lone surrogates, a byte order mark, numbers of absurd
// length, and nesting deeper than [MaxDepth]. Names are matched exactly, so that "ISS" is not iss. encoding/json takes
// every one of these and picks a meaning (RFC 8259 §4 and §8.1 leave it to the reader; RFC 8725 §3.7 does not).
//
// A document is scanned once, by [Parse]. Members are looked up in the [Object] and point into the scanned bytes, which
// must not be changed as long as the Object is in use. A document of ordinary size makes no garbage.
//
//	o, err := strictjson.Parse(text)
//	if err != nil { ... }
//	iss, ok := o.Get("iss").Text()
package strictjson

import (
	"fmt"
	"iter"
)

const (
	// MaxDepth is how deeply objects and arrays may nest, the outermost object included.
	MaxDepth = 16
	// MaxNumber is the longest number, in bytes. A longer one is refused wherever it stands.
	MaxNumber = 64
	// MaxSize is the longest document, in bytes. It is a last guard: callers have limits of their own, far below.
	MaxSize = 16 << 20
)

// inline is how many members an Object holds without an allocation. Access tokens and assertions have 7 to 12.
const inline = 16

// Object is a scanned JSON object. The zero Object has no members.
type Object struct {
	data  []byte
	count int
	few   [inline]member // the first members, in document order
	more  []member       // those after them
}

// A member is kept as offsets: small to copy, and nothing for the garbage collector to follow.
type member struct {
	name, value span
	nameEscaped bool
	escaped     bool // value is a string with escapes
	kind        Kind
}

type span struct{ start, end uint32 }

func (s span) of(data []byte) []byte { return data[s.start:s.end:s.end] }

// Error says where and why a document was refused. It holds none of the document but a name that was given twice,
// quoted and cut to 32 bytes.
type Error struct {
	Offset int // of the byte at fault
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("not acceptable as JSON: %s (byte %d)", e.Reason, e.Offset)
}

// Parse scans data, which must be one JSON object and nothing else. The error is an *Error.
func Parse(data []byte) (Object, error) {
	o := Object{data: data}
	if err := scan(data, &o); err != nil {
		return Object{}, err
	}
	return o, nil
}

// Len returns the number of members.
func (o *Object) Len() int { return o.count }

// Get returns the member of exactly this name, or the absent Value.
func (o *Object) Get(name string) Value {
	for i := range o.count {
		if m := o.at(i); o.named(m, name) {
			return o.valueOf(m)
		}
	}
	return Value{}
}

// Members iterates over the members in document order.
func (o *Object) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i := range o.count {
			m := o.at(i)
			if !yield(text(m.name.of(o.data), m.nameEscaped), o.valueOf(m)) {
				return
			}
		}
	}
}

func (o *Object) at(i int) *member {
	if i < inline {
		return &o.few[i]
	}
	return &o.more[i-inline]
}

func (o *Object) add(m member) {
	if o.count < inline {
		o.few[o.count] = m
	} else {
		o.more = append(o.more, m)
	}
	o.count++
}

func (o *Object) named(m *member, name string) bool {
	if m.nameEscaped {
		return text(m.name.of(o.data), true) == name
	}
	return string(m.name.of(o.data)) == name
}

func (o *Object) valueOf(m *member) Value {
	return Value{raw: m.value.of(o.data), kind: m.kind, escaped: m.escaped}
}
