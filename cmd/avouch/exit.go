package main

import (
	"errors"
	"strings"

	"github.com/avouch-oauth/avouch/admin"
)

// exitCode is what the process ends with.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	if refused, ok := errors.AsType[*admin.Error](err); ok {
		switch refused.Code {
		case admin.NotFound:
			return exitNotFound
		case admin.Invalid:
			return exitUsage
		case admin.Denied:
			return exitDenied
		}
	}
	// cobra's own complaints have no type
	for _, begin := range []string{"unknown command", "unknown flag", "accepts ", "requires ", "required flag", "invalid argument"} {
		if strings.HasPrefix(err.Error(), begin) {
			return exitUsage
		}
	}
	return exitError
}
