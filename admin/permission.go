package admin

import "strings"

// Caller is the party that an operation runs for, and what it may do. Every change names its caller. The zero Caller
// may do nothing.
type Caller struct {
	Name string `json:"name,omitempty"` // login name; id of a client or of an initial access token; "" for open registration
	Host string `json:"host,omitempty"` // machine that the operation ran on
	Via  string `json:"via,omitempty"`  // how it came: "cli", "serve", "registration", "management"

	// May is what the caller is permitted to do. Nil permits nothing.
	May Permissions `json:"-"`
}

// The values of Caller.Via that this package sets, for clients that register themselves.
const (
	viaRegistration = "registration" // Name is the id of the initial access token, "" if none was sent
	viaManagement   = "management"   // Name is the id of the client
)

// Permissions are operations by noun and verb: "client.add" is one operation, "client.*" are all on clients, "*.list"
// are all lists, "*" is everything. Nouns are matched whole: "client.*" does not include "client_key.revoke". Anything
// else permits nothing.
//
// An operation is checked by its own name before it reads anything, and again by the action of each change that it
// records: applying a document needs "document.apply" and, for each client that it updates, "client.update".
type Permissions []string

// All permits every operation, those of later versions too.
func All() Permissions { return Permissions{"*"} }

// Allow reports whether an operation is permitted.
func (p Permissions) Allow(operation string) bool {
	noun, verb, ok := strings.Cut(operation, ".")
	if !ok {
		return false
	}
	for _, permission := range p {
		if permission == "*" {
			return true
		}
		n, v, ok := strings.Cut(permission, ".")
		if ok && (n == "*" || n == noun) && (v == "*" || v == verb) {
			return true
		}
	}
	return false
}

// As returns an Admin that acts on behalf of c. The code that knows who calls chooses the caller; code that must not
// choose must not have an Admin.
func (a *Admin) As(c Caller) *Admin { return &Admin{a.shared, c} }

// may returns an error of code [Denied] unless the caller is permitted to run an operation. Every exported operation
// calls it first, before anything is read.
func (a *Admin) may(operation string) error { return a.caller.check(operation) }

// check is the one place where permissions are checked: for operations by may, and for each change by the recorder.
func (c *Caller) check(operation string) error {
	if c.May.Allow(operation) {
		return nil
	}
	reason := "caller " + quoteName(c.Name) + " is not permitted to do this; add " + operation + " to the permissions of the caller"
	if len(c.May) == 0 {
		reason = "caller " + quoteName(c.Name) + " has no permissions; give the caller some with Admin.As"
	}
	return &Error{Code: Denied, Kind: "operation", ID: operation, Reason: reason}
}

func quoteName(name string) string { return `"` + clip(name) + `"` }
