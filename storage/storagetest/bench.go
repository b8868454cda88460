package storagetest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// BenchmarkGuard measures first uses by 1, 16 and 64 callers at a time, each with an assertion of its own that lives for
// an hour or less. It reports first uses a second, and the CPU time that each takes; that of a database on another machine
// or in another process is not in it.
func BenchmarkGuard(b *testing.B, open func(t testing.TB) replay.Guard) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			g := open(b)
			closeAtEnd(b, g)
			b.ReportAllocs()
			cpu := cpuTime()
			b.ResetTimer()
			var next atomic.Int64
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						u := grant("7f0c4c1e-5e0b-4f0b-9a55-"+strconv.FormatInt(n, 10), noon)
						u.Until = noon.Add(time.Duration(n%3600)*time.Second + 120*time.Second)
						if err := g.FirstUse(context.Background(), noon, u); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "uses/s")
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/use")
		})
	}
}
