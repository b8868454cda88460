package handle

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Check says what is wrong with a record that is to be kept at now. Stores call it in PutHandle.
func (r *Record) Check(now time.Time) error {
	switch {
	case r.Kind == "":
		return errors.New("handle: a record needs a kind")
	case !utf8.ValidString(r.Kind) || strings.ContainsRune(r.Kind, 0):
		return errors.New("handle: the kind of a record is text without NUL, which not every database would keep as it is")
	case r.Digest == [32]byte{}:
		return errors.New("handle: a record needs the digest of its handle")
	case len(r.Data) > MaxData:
		return fmt.Errorf("handle: %d bytes of data are more than %d", len(r.Data), MaxData)
	case !r.Expires.After(now):
		return errors.New("handle: the record has expired already")
	}
	return nil
}
