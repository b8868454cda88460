package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load sends prepared token requests to a token endpoint over a fixed number of connections and measures the answers.
// It is a closed loop: each connection sends its next request when it has the answer to the last.
type load struct {
	url         string
	bodies      []string // each is sent once, in turn
	connections int
	client      *http.Client
}

// loadResult is what a load run saw.
type loadResult struct {
	Requests  int            `json:"requests"`
	Seconds   float64        `json:"seconds"`
	PerSecond float64        `json:"per_second"`
	P50       float64        `json:"p50_ms"`
	P99       float64        `json:"p99_ms"`
	Max       float64        `json:"max_ms"`
	Statuses  map[string]int `json:"statuses"`
	FirstBad  string         `json:"first_refusal,omitempty"`
}

// newLoad makes a load with a transport of its own, so that connections are kept and not shared.
func newLoad(url string, bodies []string, connections int) *load {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
	return &load{url: url, bodies: bodies, connections: connections, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// run sends until the bodies are used up or ctx ends. done, where not nil, is told after each answer.
func (l *load) run(ctx context.Context, done func(n int)) (loadResult, error) {
	var next, answered atomic.Int64
	var mu sync.Mutex
	var latencies []time.Duration
	result := loadResult{Statuses: map[string]int{}}
	var failure error
	start := time.Now()
	var wg sync.WaitGroup
	for range l.connections {
		wg.Go(func() {
			own := make([]time.Duration, 0, len(l.bodies)/l.connections+1)
			statuses, bad := map[int]int{}, ""
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(l.bodies) {
					break
				}
				sent := time.Now()
				status, text, err := l.send(ctx, l.bodies[i])
				if err != nil {
					if ctx.Err() == nil {
						mu.Lock()
						failure = err
						mu.Unlock()
					}
					break
				}
				own = append(own, time.Since(sent))
				statuses[status]++
				if status != http.StatusOK && bad == "" {
					bad = fmt.Sprintf("%d %s", status, text)
				}
				if done != nil {
					done(int(answered.Add(1)))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			for status, n := range statuses {
				result.Statuses[fmt.Sprint(status)] += n
			}
			if result.FirstBad == "" {
				result.FirstBad = bad
			}
		})
	}
	wg.Wait()
	result.Seconds = time.Since(start).Seconds()
	result.Requests = len(latencies)
	result.PerSecond = float64(len(latencies)) / result.Seconds
	if len(latencies) > 0 {
		slices.Sort(latencies)
		at := func(q float64) float64 {
			return float64(latencies[int(q*float64(len(latencies)-1))].Microseconds()) / 1000
		}
		result.P50, result.P99, result.Max = at(0.50), at(0.99), at(1)
	}
	return result, failure
}

func (l *load) send(ctx context.Context, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return 0, "", err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.StatusCode, "", nil // the answer is a token: not for messages
	}
	return resp.StatusCode, string(text), nil
}
