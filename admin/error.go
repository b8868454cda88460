package admin

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure an [Error] is, for exit codes and HTTP statuses.
type Code string

const (
	NotFound Code = "not_found" // there is no such record
	Exists   Code = "exists"    // the id is taken
	Conflict Code = "conflict"  // the record was changed meanwhile, or others depend on it
	Invalid  Code = "invalid"   // the input is at fault; Faults says where
	Sealed   Code = "sealed"    // the seal key is missing or opens nothing
	Denied   Code = "denied"    // the caller is not permitted to do this
)

// Error is a refused operation. Nothing was changed, unless the operation says that it works in portions. Any other
// error is a failure of the store.
type Error struct {
	Code   Code    `json:"code"`
	Kind   string  `json:"kind"`         // "client", "client key", "issuer", "rule", ...
	ID     string  `json:"id,omitempty"` // of the record; "" where there is none yet
	Reason string  `json:"reason"`       // what happened, why, and what to do next
	Faults []Fault `json:"faults,omitempty"`
	Err    error   `json:"-"` // the cause, where there is one
}

// Fault is one thing wrong with an input.
type Fault struct {
	Field   string `json:"field"`   // as the input names it: "redirect_uris[2]", "clients[3].jwks"; "" for the whole
	Problem string `json:"problem"` // what is wrong with it, and what would be right
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind)
	if e.ID != "" {
		fmt.Fprintf(&b, " %q", e.ID)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	for _, f := range e.Faults {
		b.WriteString("\n")
		if f.Field != "" {
			b.WriteString(f.Field + ": ")
		}
		b.WriteString(f.Problem)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

func isError(err error) (*Error, bool) { return errors.AsType[*Error](err) }
