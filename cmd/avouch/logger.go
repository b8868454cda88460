package main

import (
	"fmt"
	"io"
	"log/slog"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// newLogger writes a record as one line in which nothing can be obeyed by a terminal or hidden from a reader, whatever
// strangers have put into it.
func newLogger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // Validate has refused anything else
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(asciiOnly{w}, options))
	}
	return slog.New(slog.NewTextHandler(asciiOnly{w}, options))
}

// asciiOnly escapes what slog leaves as it is: DEL, and in JSON the control characters beyond ASCII, of which one
// begins the orders of a terminal, and characters that turn the direction of text or have no width. Letters that look
// like others are escaped too, so that no client can pass for another in a log. A reader of JSON sees the same text.
type asciiOnly struct{ w io.Writer }

func (a asciiOnly) Write(line []byte) (int, error) {
	plain := true
	for _, c := range line {
		if c >= 0x7f {
			plain = false
			break
		}
	}
	escaped := line
	if !plain {
		escaped = make([]byte, 0, len(line)+64)
		for rest := line; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			switch {
			case r < 0x7f:
				escaped = append(escaped, byte(r))
			case r > 0xffff:
				high, low := utf16.EncodeRune(r)
				escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
			default:
				escaped = fmt.Appendf(escaped, `\u%04x`, r)
			}
			rest = rest[size:]
		}
	}
	if _, err := a.w.Write(escaped); err != nil {
		return 0, err
	}
	return len(line), nil
}
