package keys

import (
	"fmt"
	"io"
	"os"
)

// LoadPrivate reads a file as [ParsePrivate] does.
func LoadPrivate(path string) (*Private, error) {
	data, err := load(path, maxPrivateBytes)
	if err != nil {
		return nil, err
	}
	k, err := ParsePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// LoadSet reads a file of public keys as [ParsePublic] does, strictly, and makes a set of them.
func LoadSet(path string) (*Set, error) {
	data, err := load(path, maxSetBytes)
	if err != nil {
		return nil, err
	}
	keys, err := ParsePublic(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return newSet(keys, nil), nil
}

// load reads one byte more than the limit, for the parser to refuse.
func load(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}
