package sqlite_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

var large = flag.Bool("large", false, "benchmark with 10^6 live uses, which takes a minute")

// BenchmarkFirstUse measures a first use at 1, 16 and 64 callers, in an empty database.
func BenchmarkFirstUse(b *testing.B) {
	b.Run("Full", func(b *testing.B) {
		storagetest.BenchmarkGuard(b, func(t testing.TB) replay.Guard { return open(t, place(t), sqlite.Options{}) })
	})
	b.Run("Normal", func(b *testing.B) {
		storagetest.BenchmarkGuard(b, func(t testing.TB) replay.Guard {
			return open(t, place(t), sqlite.Options{Synchronous: sqlite.Normal})
		})
	})
}

// BenchmarkFirstUseLive measures a first use at 64 callers while that many are live, and the bytes on the disk that each
// of those takes, with the log and without.
func BenchmarkFirstUseLive(b *testing.B) {
	for _, live := range []int64{1e4, 1e5, 1e6} {
		b.Run(fmt.Sprint(live), func(b *testing.B) {
			if live > 1e5 && !*large {
				b.Skip("-large")
			}
			path := place(b)
			s := open(b, path, sqlite.Options{})
			now := time.Date(2041, 5, 17, 12, 0, 0, 0, time.UTC)
			var n atomic.Int64
			spend := func(upTo int64) {
				var all sync.WaitGroup
				for range 64 {
					all.Go(func() {
						for {
							i := n.Add(1)
							if i > upTo {
								return
							}
							u := replay.Use{
								Purpose: "grant",
								Party:   "https://idp.example",
								ID:      "7f0c4c1e-5e0b-4f0b-9a55-" + strconv.FormatInt(i, 10),
								Until:   now.Add(time.Duration(i%3600)*time.Second + 2*time.Minute),
							}
							if err := s.FirstUse(context.Background(), now, u); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				n.Store(upTo)
			}
			spend(live)
			b.ResetTimer()
			spend(live + int64(b.N))
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "uses/s")
			total := float64(live) + float64(b.N)
			b.ReportMetric(float64(size(b, path)+size(b, path+"-wal"))/total, "B/live+log")
			s.Close()
			b.ReportMetric(float64(size(b, path))/total, "B/live")
		})
	}
}

func size(t testing.TB, path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// BenchmarkHandles measures records put and found, at 1, 16 and 64 callers.
func BenchmarkHandles(b *testing.B) {
	b.Run("Full", func(b *testing.B) {
		storagetest.BenchmarkHandles(b, func(t testing.TB) handle.Store { return open(t, place(t), sqlite.Options{}) })
	})
	b.Run("Normal", func(b *testing.B) {
		storagetest.BenchmarkHandles(b, func(t testing.TB) handle.Store {
			return open(t, place(t), sqlite.Options{Synchronous: sqlite.Normal})
		})
	})
}

// BenchmarkRevoked measures how long it takes to learn that a token and its consent were not revoked, among 10^5
// revocations, and how long a sweep takes to drop each of those.
func BenchmarkRevoked(b *testing.B) {
	const live = 100_000
	s, ctx := open(b, place(b), sqlite.Options{}), context.Background()
	now := time.Date(2041, 5, 17, 12, 0, 0, 0, time.UTC)
	for i := range live / 1000 {
		ids := make([]string, 1000)
		for j := range ids {
			ids[j] = handle.TokenID(strconv.Itoa(i*1000 + j))
		}
		if err := s.Revoke(ctx, now, now.Add(time.Duration(i)*time.Second+time.Minute), ids...); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		n++
		if is, err := s.Revoked(ctx, now, handle.TokenID("x"+strconv.Itoa(n)), handle.FamilyID(strconv.Itoa(n))); is || err != nil {
			b.Fatal(is, err)
		}
	}
	b.StopTimer()
	start := time.Now()
	for _, day := range []time.Duration{0, 1, 2} { // the clock must have run for a day
		if err := s.Sweep(ctx, now.Add(day*24*time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/live, "µs/dropped")
}
