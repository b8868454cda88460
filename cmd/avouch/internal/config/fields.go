package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Field is one key of the configuration: a leaf of the struct.
type Field struct {
	Path  string // as in the file, parts joined by dots
	Env   string // environment variable
	value reflect.Value
}

// Fields lists the keys of c in the order of the struct. Setting one changes c.
func (c *Config) Fields() []Field { return fieldsOf(reflect.ValueOf(c).Elem(), "") }

func fieldsOf(v reflect.Value, prefix string) []Field {
	var all []Field
	for i := range v.NumField() {
		path := prefix + v.Type().Field(i).Tag.Get("config")
		if v.Field(i).Kind() == reflect.Struct {
			all = append(all, fieldsOf(v.Field(i), path+".")...)
			continue
		}
		env := "AVOUCH_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
		all = append(all, Field{Path: path, Env: env, value: v.Field(i)})
	}
	return all
}

// IsSecret reports whether the value must not be shown or stand in the file.
func (f Field) IsSecret() bool { _, ok := f.value.Interface().(Secret); return ok }

// IsList reports whether the value is a list of strings.
func (f Field) IsList() bool { return f.value.Kind() == reflect.Slice }

// Value returns the current value: string, bool, int, time.Duration, []string or Secret.
func (f Field) Value() any { return f.value.Interface() }

// Set parses text into the field. A list is split at commas.
func (f Field) Set(text string) error {
	switch f.value.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return fmt.Errorf("%s: %q is not a duration such as 15m or 2h30m", f.Path, text)
		}
		f.value.SetInt(int64(d))
	case int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("%s: %q is not a whole number", f.Path, text)
		}
		f.value.SetInt(int64(n))
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s: %q is neither true nor false", f.Path, text)
		}
		f.value.SetBool(b)
	case []string:
		var list []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		f.value.Set(reflect.ValueOf(list))
	default: // string and Secret
		f.value.SetString(text)
	}
	return nil
}

func (f Field) setList(list []string) { f.value.Set(reflect.ValueOf(list)) }
