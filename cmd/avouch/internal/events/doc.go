// Package events writes what happens to requests, tokens and refusals, as JSON lines to a file or to standard output.
//
// A [Sink] has a buffer of bounded size and one goroutine that writes. [Sink.Reserve] takes a place in the buffer before a
// token request spends anything, and [Sink.Observe] uses that place, so the line of a token always fits. If there is no
// place, Reserve returns an error, and the request is refused as temporarily unavailable. A refusal takes a place only if
// enough are left for tokens; otherwise it is counted, and a line reports the count.
//
// Neither Reserve nor Observe ever waits for the output. A line that cannot be written stays in the buffer and is tried
// again, until it is written or the process ends.
//
// docs/events.md has the members of the lines; a test compares it with what is written.
package events
