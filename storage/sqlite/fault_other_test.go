//go:build !unix

package sqlite_test

import (
	"testing"

	"github.com/avouch-oauth/avouch/storage"
)

func addDiskFull(map[string]func(testing.TB, string, storage.Store)) {}
