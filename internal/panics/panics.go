// Package panics turns the panics of other people's code, hooks and grants, into errors.
package panics

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
)

// Catch is deferred, and turns a panic into an error: where it happened, and what it was only where the runtime says so,
// because the value of a panic may quote the request. http.ErrAbortHandler goes on: it is for the HTTP server.
func Catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		*err = fmt.Errorf("panic: %w\n%s", p, debug.Stack())
	default:
		if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(p)
		}
		*err = fmt.Errorf("panic with a %T\n%s", p, debug.Stack())
	}
}
