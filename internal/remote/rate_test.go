package remote

import (
	"fmt"
	"testing"
	"time"
)

// TestRateIsBounded: however many addresses come, the table stays small, and one that is at its limit in a table with
// room in it is not forgotten.
func TestRateIsBounded(t *testing.T) {
	var r Rate
	now := time.Unix(1_800_000_000, 0)
	for range 10 {
		if wait := r.Take(now, "first", 10); wait != 0 {
			t.Fatal(wait)
		}
	}
	for i := range rateMost - 1 {
		r.Take(now, fmt.Sprint(i), 10)
	}
	if r.Take(now, "first", 10) == 0 {
		t.Error("an address at its limit was forgotten while there was room")
	}
	for i := range 3 * rateMost {
		now = now.Add(time.Millisecond)
		r.Take(now, fmt.Sprint("more ", i), 10)
		if len(r.full) > rateMost {
			t.Fatalf("%d addresses are kept", len(r.full))
		}
	}
	now = now.Add(2 * time.Hour)
	r.Take(now, "last", 10)
	if len(r.full) != 1 {
		t.Errorf("%d addresses are kept that have nothing to wait for", len(r.full))
	}
}
