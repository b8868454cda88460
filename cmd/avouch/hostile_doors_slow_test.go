package main

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHostileDoorsSlow: who sends slowly, or without end, is heard for a bounded time at every endpoint that takes a body.
func TestHostileDoorsSlow(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	const form, text = "application/x-www-form-urlencoded", "application/json"
	const body = 18 * time.Second // what the server allows, and some time to spare
	var ended sync.WaitGroup
	for _, d := range []struct {
		path, content string
		slow, endless int // what it says in the end
	}{
		{"/oauth/par", form, 408, 413},
		{"/oauth/device_authorization", form, 408, 413},
		{"/oauth/introspect", form, 408, 413},
		{"/oauth/revoke", form, 408, 413},
		{registerPath, text, 408, 413},
		{"/oauth/authorize", form, 400, 400},
		{"/device", form, 400, 400},
	} {
		head := "POST " + d.path + " HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\nContent-Type: " + d.content + "\r\n"
		for _, slow := range []slowpoke{
			{name: d.path + ", no body", start: head + "Content-Length: 100\r\n\r\n", atMost: body, want: []int{d.slow}},
			{name: d.path + ", byte by byte", start: head + "Content-Length: 60000\r\n\r\n", drip: "a", every: 100 * time.Millisecond, atMost: body, want: []int{d.slow, d.endless}},
			{name: d.path + ", chunks without end", start: head + "Transfer-Encoding: chunked\r\n\r\n", drip: "8000\r\n" + strings.Repeat("a", 0x8000) + "\r\n", atMost: body, want: []int{d.endless}},
		} {
			ended.Go(func() { slow.run(t, h) })
		}
	}
	for _, d := range doors() {
		h.want(t, h.enter(t, d, h.credentials(t)...), d.good)
	}
	ended.Wait()
}
