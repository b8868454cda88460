package admin

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestCacheKeepsNoRequest: ids come as parts of request bodies, which hold assertions and secrets beside them and may be
// long. What is remembered of a client must not keep one.
func TestCacheKeepsNoRequest(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const clients, body = 10, 1 << 20
	for i := range clients {
		add(t, a, AddClientInput{ID: fmt.Sprint("client-", i)})
	}
	heap := func() uint64 {
		var m runtime.MemStats
		for range 3 { // what pools keep goes with the second one
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range clients {
		for _, name := range []string{"client-", "nobody-"} {
			id := fmt.Sprint(name, i)
			form := id + strings.Repeat("x", body)
			if _, err := live.Client(ctx, form[:len(id)]); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := int64(heap()) - int64(before)
	if kept > clients*body/2 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(live)
}
