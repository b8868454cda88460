package keys

import (
	"fmt"
	"io"
	"os"
)

// LoadPrivate reads a file as [ParsePrivate] does.
func LoadPrivate(path string) (*Private, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPrivateBytes+1)) // one byte too many, for the parser to refuse
	if err != nil {
		return nil, err
	}
	k, err := ParsePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}
