package strictjson

import (
	"iter"
	"math"
	"strconv"
	"time"
)

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

// String returns the name of the kind in words of JSON.
func (k Kind) String() string {
	switch k {
	case Absent:
		return "absent"
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case ObjectKind:
		return "object"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one JSON value, still in its text form. The zero Value is "absent". The methods below convert it; their ok
// is false where the value is absent or of another type: nothing is converted from one type into another.
type Value struct {
	raw     []byte
	kind    Kind
	escaped bool // a string that holds a backslash
}

// Kind returns the type of v.
func (v Value) Kind() Kind { return v.kind }

// Raw returns the JSON text of v, a string with its quotes. It is a part of the scanned document and not to be changed.
func (v Value) Raw() []byte { return v.raw }

// Text returns the decoded string. Where the string has no escape the result is one conversion of the scanned bytes.
func (v Value) Text() (s string, ok bool) {
	if v.kind != String {
		return "", false
	}
	return text(v.raw[1:len(v.raw)-1], v.escaped), true
}

// TextIs reports whether v is the string s. Unlike Text it makes no string.
func (v Value) TextIs(s string) bool {
	if v.kind != String {
		return false
	}
	if v.escaped {
		return text(v.raw[1:len(v.raw)-1], true) == s
	}
	return string(v.raw[1:len(v.raw)-1]) == s
}

// Bool returns the boolean.
func (v Value) Bool() (b, ok bool) {
	if v.kind != Bool {
		return false, false
	}
	return v.raw[0] == 't', true
}

// Float returns the number. One that a float64 cannot hold, such as 1e400, is not ok.
func (v Value) Float() (f float64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

// Int returns a number that is written as digits, with or without a minus sign. One with a fraction or an exponent, or
// beyond 64 bits, is not ok.
func (v Value) Int() (n int64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	return n, err == nil
}

// latestDate bounds a NumericDate, in seconds: far beyond every real date, far below what overflows time.Time. A date
// in milliseconds is below it, so that a caller can tell one from nonsense.
const latestDate = 1e15

// NumericDate returns a NumericDate (RFC 7519 §2): a number of seconds since 1970, fractions allowed. One that is
// negative, or beyond the year 31 million, is not ok.
func (v Value) NumericDate() (t time.Time, ok bool) {
	if v.kind != Number || v.raw[0] == '-' {
		return time.Time{}, false
	}
	if n, ok := digits(v.raw); ok {
		return time.Unix(n, 0), true
	}
	f, ok := v.Float()
	if !ok || f < 0 || f >= latestDate {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}

// digits reads a number of at most 15 digits and nothing else, as nearly all dates are.
func digits(raw []byte) (n int64, ok bool) {
	if len(raw) > 15 {
		return 0, false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// Strings returns an array of strings. An array that holds anything else is not ok; an empty one is.
func (v Value) Strings() (list []string, ok bool) {
	if v.kind != Array {
		return nil, false
	}
	for element := range v.Elements() {
		s, ok := element.Text()
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// Elements iterates over an array. For anything else there are none.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind == Array {
			elements(v.raw, yield)
		}
	}
}

// Object returns the object.
func (v Value) Object() (o Object, ok bool) {
	if v.kind != ObjectKind {
		return Object{}, false
	}
	o, err := Parse(v.raw)
	return o, err == nil
}
