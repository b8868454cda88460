package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestHostileSlow: who sends slowly, or without end, is heard for a bounded time, and keeps nobody else waiting.
func TestHostileSlow(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	const head = "POST " + tokenPath + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	const header, body = 7 * time.Second, 18 * time.Second // what the server allows for them, and some time to spare

	var ended sync.WaitGroup // and not t.Parallel, which waits for processors: here everybody sleeps
	for _, slow := range []slowpoke{
		{name: "says nothing", atMost: header},
		{name: "one line of header", start: head, atMost: header},
		{name: "header by header", start: head, drip: "X-A: b\r\n", every: 200 * time.Millisecond, atMost: header},
		{name: "letter by letter", drip: "P", every: 200 * time.Millisecond, atMost: header, want: []int{400}},
		{name: "no body", start: head + "Content-Length: 100\r\n\r\n", atMost: body, want: []int{408}},
		{name: "body byte by byte", start: head + "Content-Length: 60000\r\n\r\n", drip: "a", every: 100 * time.Millisecond, atMost: body, want: []int{408}},
		{name: "chunk by chunk", start: head + "Transfer-Encoding: chunked\r\n\r\n", drip: "1\r\na\r\n", every: 100 * time.Millisecond, atMost: body, want: []int{408}},
		{name: "chunks without end", start: head + "Transfer-Encoding: chunked\r\n\r\n", drip: "8000\r\n" + strings.Repeat("a", 0x8000) + "\r\n", atMost: header, want: []int{413}},
		{name: "a body of terabytes", start: head + "Content-Length: 9999999999999\r\n\r\n", drip: strings.Repeat("a", 0x8000), atMost: header, want: []int{413}},
		{name: "a body for a path that takes none", start: "GET /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n", drip: "a", every: 100 * time.Millisecond, atMost: body, want: []int{404}},
		{name: "a form for the API", start: "POST " + whoAmIPath + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: Bearer x\r\nContent-Length: 60000\r\n\r\n", drip: "a", every: 100 * time.Millisecond, atMost: body, want: []int{400, 401}},
	} {
		ended.Go(func() { slow.run(t, h) })
	}

	// Meanwhile, beside a crowd of those.
	var crowd []io.Closer
	for i := range 300 {
		conn := h.dial(t)
		fmt.Fprint(conn, head[:len(head)-i%40])
		crowd = append(crowd, conn)
	}
	started := givenTime()
	for range 20 {
		h.alive(t)
	}
	if took := givenTime() - started; took > 15*time.Second {
		t.Errorf("twenty requests took %s beside slow ones", took)
	}
	for _, c := range crowd {
		c.Close()
	}
	ended.Wait()
	h.alive(t)
}

// slowpoke sends something at once and something else again and again.
type slowpoke struct {
	name        string
	start, drip string
	every       time.Duration
	atMost      time.Duration // until the server has had enough
	want        []int         // what it says then, if anything; nothing is always right before there is a request
}

func (s *slowpoke) run(t *testing.T, h *hostile) {
	conn := h.dial(t)
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(s.atMost + patience)); err != nil {
		t.Error(err)
	}
	began := givenTime()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, err := io.WriteString(conn, s.start)
		for err == nil && s.drip != "" {
			time.Sleep(s.every)
			_, err = io.WriteString(conn, s.drip)
		}
	}()
	said, err := io.ReadAll(conn)
	took := givenTime() - began
	conn.Close()
	<-gone
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Errorf("%s: after %s the server still listens", s.name, took)
	} else if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%s: %v", s.name, err)
	}
	got := statuses(t, string(said))
	if len(got) > 1 || len(got) == 1 && !slices.Contains(s.want, got[0]) || len(got) == 0 && len(s.want) > 0 && s.atMost > 10*time.Second {
		t.Errorf("%s: got %v, want one of %v: %.200q", s.name, got, s.want, said)
	}
	if took > s.atMost {
		t.Errorf("%s: it was heard for %s", s.name, took)
	}
}
