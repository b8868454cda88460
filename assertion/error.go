package assertion

// Error is a refused assertion. What the caller may learn and what the operator should read stand side by side.
type Error struct {
	Reason Reason
	Public string // what may be said to the caller; ASCII, no quotes; set by the checks, never from input
	Check  string // name of the check that refused
	Seen   string // what was found, escaped and cut to 256 bytes; never the assertion itself
	Want   string // what would have been accepted
	Hint   string // what to do next, where the miss is near
	Err    error  // the cause, where there is one
}

func (e *Error) Error() string { panic("not built") }
func (e *Error) Unwrap() error { return e.Err }
