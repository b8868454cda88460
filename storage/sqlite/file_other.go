//go:build !unix

package sqlite

import "io/fs"

// Without owners and modes the access lists of the directory decide who may use the database.

func owned(fs.FileInfo) bool     { return true }
func ownerOf(fs.FileInfo) string { return "unknown" }
func shared(fs.FileInfo) bool    { return false }
func openToAll(fs.FileInfo) bool { return false }
func syncDirectory(string) error { return nil }
