package events

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"
)

// BenchmarkLine makes one line.
func BenchmarkLine(b *testing.B) {
	buffer := make([]byte, 0, maxLine)
	b.Run("token", func(b *testing.B) {
		e := issued("Q5FFM7DJAMEIBZZRKXXX7RZERO")
		b.ReportAllocs()
		for b.Loop() {
			buffer = appendEvent(buffer[:0], &e, nil)
		}
		b.ReportMetric(float64(len(buffer)), "B/line")
	})
	b.Run("refusal", func(b *testing.B) {
		e := invalid()
		b.ReportAllocs()
		for b.Loop() {
			r := readRefusal(&e)
			buffer = appendEvent(buffer[:0], &e, &r)
		}
		b.ReportMetric(float64(len(buffer)), "B/line")
	})
}

func benchSink(b *testing.B, out output) *Sink {
	b.Helper()
	s := start(out, Config{Lines: 1 << 16, Log: slog.New(slog.DiscardHandler)})
	b.Cleanup(func() { closeSink(b, s) })
	return s
}

// BenchmarkObserve is what a token request pays: a place, a line, and its way to an output that costs nothing, or to a file.
func BenchmarkObserve(b *testing.B) {
	e := issued("Q5FFM7DJAMEIBZZRKXXX7RZERO")
	e.Reserved = true
	observe := func(b *testing.B, out output) {
		s := benchSink(b, out)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if s.Reserve(background) == nil {
					s.Observe(background, e)
				}
			}
		})
		b.ReportMetric(float64(s.Stats().TokensRefused)/float64(b.N), "refused/op")
	}
	b.Run("nowhere", func(b *testing.B) { observe(b, stream{io.Discard}) })
	b.Run("file", func(b *testing.B) { observe(b, &file{path: filepath.Join(b.TempDir(), "events.jsonl")}) })
}

// BenchmarkJunk is what a refusal pays that gets no line.
func BenchmarkJunk(b *testing.B) {
	s := benchSink(b, stream{io.Discard})
	e := junk()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Observe(background, e)
		}
	})
}
