//go:build !unix

package events

import (
	"io/fs"
	"os"
)

const openFlags = 0

func judgeOwner(string, fs.FileInfo) error { return nil }

func isLink(error) bool { return false }

func isBrokenPipe(error) bool { return false }

func isPipeWithoutReader(string, error) bool { return false }

func duplicate(f *os.File) (output, error) { return stream{f}, nil }
