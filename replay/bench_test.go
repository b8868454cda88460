package replay_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

var large = flag.Bool("large", false, "benchmark with 10^7 live uses, which takes half a minute")

// BenchmarkMemory measures a first use at 1, 16 and 64 callers.
func BenchmarkMemory(b *testing.B) {
	storagetest.BenchmarkGuard(b, func(testing.TB) replay.Guard {
		return replay.NewMemory(replay.MemoryConfig{Max: 1 << 40})
	})
}

// BenchmarkMemoryLive measures a first use while that many are live, and the bytes that each of those takes.
func BenchmarkMemoryLive(b *testing.B) {
	for _, live := range []int{1e4, 1e5, 1e6, 1e7} {
		b.Run(fmt.Sprint(live), func(b *testing.B) {
			if live > 1e6 && !*large {
				b.Skip("-large")
			}
			now := time.Now()
			g := replay.NewMemory(replay.MemoryConfig{Max: 1 << 40})
			before := heap()
			n := 0
			use := func() {
				n++
				u := replay.Use{
					Purpose: "grant",
					Party:   "https://idp.example",
					ID:      "7f0c4c1e-5e0b-4f0b-9a55-" + strconv.Itoa(n),
					Until:   now.Add(time.Duration(n%3600)*time.Second + 2*time.Minute),
				}
				if err := g.FirstUse(context.Background(), now, u); err != nil {
					b.Fatal(err)
				}
			}
			for n < live {
				use()
			}
			bytes := float64(heap() - before)
			for b.Loop() {
				use()
			}
			b.ReportMetric(bytes/float64(live), "B/live")
			runtime.KeepAlive(g)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
