package storage

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// CheckText returns an error if a record holds text that not every database keeps as it is: a string that is not UTF-8
// or has a NUL in it, or raw JSON that is not JSON. Every Put and Append calls it first, so that no name is changed on
// the way into a store, and two different names never become one. record is a pointer to one of the records, or to an
// [Entry].
func CheckText(record any) error {
	v := reflect.ValueOf(record).Elem()
	return checkText(v, v.Type().Name())
}

func checkText(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.String:
		return checkString(v.String(), path)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				if err := checkText(v.Field(i), path+"."+f.Name); err != nil {
					return err
				}
			}
		}
	case reflect.Slice:
		if raw, ok := v.Interface().(json.RawMessage); ok {
			if len(raw) > 0 && !json.Valid(raw) {
				return fmt.Errorf("storage: %s is not JSON", path)
			}
			return checkString(string(raw), path)
		}
		return checkElements(v, path)
	case reflect.Array:
		return checkElements(v, path)
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := checkText(it.Key(), path+", a name in it,"); err != nil {
				return err
			}
			if err := checkText(it.Value(), path+"["+it.Key().String()+"]"); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkElements(v reflect.Value, path string) error {
	for i := range v.Len() {
		if err := checkText(v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

func checkString(s, path string) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("storage: %s is not UTF-8", path)
	case strings.ContainsRune(s, 0):
		return fmt.Errorf("storage: %s has a NUL character in it", path)
	}
	return nil
}
