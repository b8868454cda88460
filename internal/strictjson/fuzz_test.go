package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strconv"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds this reader against encoding/json. What it accepts encoding/json must accept, and understand alike.
// What it refuses must break one of the rules that this package adds.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		claims, `{}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":[1,2,{"b":[]}]}`, "{\"a\":\"\xff\"}", "\ufeff{}", `{"a":1}{}`,
		`{"s\u0075b":1,"sub":2}`, `{"a":-0.5e+10}`, `{"a":-0.5e310}`, `{"keys":[{"kty":"EC"},{"kty":"RSA"}]}`, `{"a":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		o, err := Parse(in)
		if !bytes.Equal(in, before) {
			t.Fatal("Parse changed the document")
		}
		theirs, theirErr := byEncodingJSON(in)
		if err == nil {
			if theirErr != nil {
				t.Fatalf("encoding/json refuses it: %v", theirErr)
			}
			if ours := tree(t, &o); !reflect.DeepEqual(ours, theirs) {
				t.Fatalf("read as %v, by encoding/json as %v", ours, theirs)
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(in) {
			t.Fatalf("not a proper error: %#v", err)
		}
		if theirErr == nil && theirs != nil && !breaksOurRules(in) {
			t.Fatalf("encoding/json accepts it, and it breaks no rule of ours: %v", err)
		}
	})
}

// byEncodingJSON reads the document as encoding/json does, its numbers as they are written: into a float64 it takes no
// number beyond its range, which is JSON all the same.
func byEncodingJSON(in []byte) (map[string]any, error) {
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	if !json.Valid(in) {
		return nil, errors.New("more than one value")
	}
	return out, nil
}

// tree turns an object into what encoding/json makes of it, through the accessors.
func tree(t *testing.T, o *Object) map[string]any {
	out := map[string]any{}
	for name, v := range o.Members() {
		out[name] = branch(t, v)
		if got := o.Get(name); !bytes.Equal(got.Raw(), v.Raw()) {
			t.Fatalf("Get(%q) finds %s, Members %s", name, got.Raw(), v.Raw())
		}
	}
	if len(out) != o.Len() {
		t.Fatalf("Len is %d of %d", o.Len(), len(out))
	}
	return out
}

func branch(t *testing.T, v Value) any {
	switch v.Kind() {
	case Null:
		return nil
	case Bool:
		b, _ := v.Bool()
		return b
	case Number:
		theirs, theirErr := strconv.ParseFloat(string(v.Raw()), 64)
		if ours, ok := v.Float(); ok != (theirErr == nil) || ok && ours != theirs {
			t.Fatalf("Float of %s = %v, %v; strconv reads %v, %v", v.Raw(), ours, ok, theirs, theirErr)
		}
		return json.Number(v.Raw())
	case String:
		s, ok := v.Text()
		if !ok || !utf8.ValidString(s) {
			t.Fatalf("Text of %s = %q, %v", v.Raw(), s, ok)
		}
		return s
	case Array:
		list := []any{}
		for element := range v.Elements() {
			list = append(list, branch(t, element))
		}
		return list
	case ObjectKind:
		inner, ok := v.Object()
		if !ok {
			t.Fatalf("%s cannot be read a second time", v.Raw())
		}
		return tree(t, &inner)
	}
	t.Fatalf("a member of kind %v", v.Kind())
	return nil
}

// breaksOurRules finds out by other means, and slowly, whether valid JSON breaks one of the rules of this package.
func breaksOurRules(in []byte) bool {
	if !utf8.Valid(in) || loneSurrogate(in) {
		return true
	}
	type level struct {
		names  map[string]bool // nil for an array
		isName bool            // the next string is a name
	}
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	var open []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			return true
		}
		top := func() *level {
			if len(open) == 0 {
				return &level{}
			}
			return &open[len(open)-1]
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				open = append(open, level{names: map[string]bool{}, isName: true})
			case '[':
				open = append(open, level{})
			default:
				open = open[:len(open)-1]
				top().isName = true
			}
			if len(open) > MaxDepth {
				return true
			}
			continue
		case string:
			if here := top(); here.names != nil && here.isName {
				if here.names[token] {
					return true
				}
				here.names[token] = true
				here.isName = false
				continue
			}
		case json.Number:
			if len(token) > MaxNumber {
				return true
			}
		}
		top().isName = true
	}
}

// loneSurrogate reports whether valid JSON has an escape that is half a pair. encoding/json reads that as U+FFFD, as it
// reads the escape of U+FFFD itself.
func loneSurrogate(in []byte) bool {
	unit := func(at int) int {
		if at+6 > len(in) || in[at] != '\\' || in[at+1] != 'u' {
			return -1
		}
		var n int
		for _, c := range in[at+2 : at+6] {
			n = n*16 + bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
		}
		return n
	}
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' {
			continue
		}
		switch first := unit(i); {
		case first >= 0xD800 && first < 0xDC00:
			if second := unit(i + 6); second < 0xDC00 || second > 0xDFFF {
				return true
			}
			i += 11
		case first >= 0xDC00 && first <= 0xDFFF:
			return true
		default:
			i++
		}
	}
	return false
}

// FuzzNumericDate looks for a number whose date is off, or overflows.
func FuzzNumericDate(f *testing.F) {
	for _, seed := range []string{"0", "1700000000", "1700000000.9999999999", "1e400", "-0", "1E-400", "999999999999999", "1e15"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		o, err := Parse([]byte(`{"exp":` + in + `}`))
		if err != nil {
			return
		}
		date, ok := o.Get("exp").NumericDate()
		if !ok {
			return
		}
		f, ok := o.Get("exp").Float()
		if !ok || f < 0 {
			t.Fatalf("%s is a date but no number", in)
		}
		if got := float64(date.Unix()) + float64(date.Nanosecond())/1e9; math.Abs(got-f) > 1e-6*math.Max(1, f/1e9) {
			t.Fatalf("%s reads as %v", in, date)
		}
	})
}
