package handle

import (
	"errors"
	"fmt"
	"time"
)

// Check says what is wrong with a record that is to be kept at now. Stores call it in PutHandle.
func (r *Record) Check(now time.Time) error {
	switch {
	case r.Kind == "":
		return errors.New("handle: a record needs a kind")
	case r.Digest == [32]byte{}:
		return errors.New("handle: a record needs the digest of its handle")
	case len(r.Data) > MaxData:
		return fmt.Errorf("handle: %d bytes of data are more than %d", len(r.Data), MaxData)
	case !r.Expires.After(now):
		return errors.New("handle: the record has expired already")
	}
	return nil
}
