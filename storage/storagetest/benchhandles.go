package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/avouch-oauth/avouch/handle"
)

// BenchmarkHandles measures how many records of 600 bytes are put a second by 1, 16 and 64 callers at a time, how many are
// looked for, and the CPU time that each takes.
func BenchmarkHandles(b *testing.B, open func(t testing.TB) handle.Store) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			s := open(b)
			closeAtEnd(b, s)
			data := bytes.Repeat([]byte("x"), 600)
			cpu := cpuTime()
			b.ResetTimer()
			each(callers, b.N, func(n int64) {
				r := record("code", strconv.FormatInt(n, 10))
				r.Data = data
				if err := s.PutHandle(context.Background(), noon, r); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/put")
			put := b.Elapsed()
			each(callers, b.N, func(n int64) {
				if r, err := s.Handle(context.Background(), noon, "code", handle.Digest(strconv.FormatInt(n, 10))); err != nil || r == nil {
					b.Error(r, err)
				}
			})
			b.ReportMetric(float64(b.N)/(b.Elapsed()-put).Seconds(), "gets/s")
		})
	}
}

// each calls f with the numbers from 1 to n, from several goroutines.
func each(callers, n int, f func(n int64)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f(i)
			}
		})
	}
	all.Wait()
}
