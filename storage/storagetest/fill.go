package storagetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// How much of a record is filled.
type fullness int

const (
	nothing fullness = iota // all fields have their zero value: nil slices, zero times
	empty                   // slices and maps are empty, but not nil
	all                     // everything is there, and everything is different
)

// filler fills records, so that a field that is added later is tested without a word here.
type filler struct {
	much fullness
	n    int // makes values different from each other
}

// Texts that get lost on the way where somebody quotes, cuts or folds.
var texts = []string{"ключ", "𝛼\u2028", "it's", `"quoted\"`, "<a&b>", "%_*?", " spaces ", "line\nbreak\ttab", "NULL", "0", "\u00e9", "e\u0301", "\ufeff", "\x01\x7f"}

// Raw JSON, kept as it came: spaces, order, numbers and escapes.
var raws = []string{` { "b" : 1.0 , "a":[ ] } `, ` "<&\u2028\/>"`, "null ", ` 12345678901234567890.10`, "[1,\n 2]", `{"a":1, "a":2}`}

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		if f.much == all {
			// A place east of here, and more digits than are kept: a store gives back UTC and milliseconds.
			*x = time.Date(2031, 2, 3, 4, 5, 6, f.n*1_000_000+999_999, time.FixedZone("", 2*60*60))
		}
		return
	case *time.Duration:
		if f.much == all {
			*x = time.Duration(f.n)*time.Minute + 1
		}
		return
	case *json.RawMessage:
		if f.much == all {
			*x = json.RawMessage(raws[f.n%len(raws)])
		}
		return
	case *[]byte:
		switch f.much {
		case empty:
			*x = []byte{}
		case all:
			*x = []byte{byte(f.n), 0, 0xff, '\'', 0x80}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.String:
		if f.much == all {
			v.SetString(fmt.Sprint(f.n, texts[f.n%len(texts)]))
		}
	case reflect.Bool:
		v.SetBool(f.much == all)
	case reflect.Int64:
		if f.much == all {
			v.SetInt(int64(f.n))
		}
	case reflect.Slice:
		switch f.much {
		case empty:
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		case all:
			v.Set(reflect.MakeSlice(v.Type(), 3, 3))
			for i := range 3 {
				f.fill(v.Index(i))
			}
		}
	case reflect.Map:
		if f.much == nothing {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		if f.much == all {
			for range 3 {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				f.fill(key)
				f.fill(value)
				v.SetMapIndex(key, value)
			}
		}
	default:
		panic("storagetest: no values for a field of kind " + v.Kind().String())
	}
}

// kept changes a record to what a store gives back: times in UTC and in milliseconds.
func kept(v reflect.Value) {
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		if !t.IsZero() {
			*t = t.UTC().Truncate(time.Millisecond)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			kept(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			kept(v.Index(i))
		}
	}
}

// difference says where two records differ, or "".
func difference(path string, got, want reflect.Value) string {
	switch want.Kind() {
	case reflect.Pointer:
		return difference(path, got.Elem(), want.Elem())
	case reflect.Struct:
		if _, ok := want.Interface().(time.Time); ok {
			break
		}
		for i := range want.NumField() {
			if d := difference(path+"."+want.Type().Field(i).Name, got.Field(i), want.Field(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Slice:
		if got.IsNil() == want.IsNil() && got.Len() == want.Len() && want.Type().Elem().Kind() == reflect.Struct {
			for i := range want.Len() {
				if d := difference(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i)); d != "" {
					return d
				}
			}
			return ""
		}
	}
	if !reflect.DeepEqual(got.Interface(), want.Interface()) {
		return fmt.Sprintf("%s is %#v, want %#v", path, got.Interface(), want.Interface())
	}
	return ""
}
