package endpoint

import (
	"fmt"
	"testing"
	"time"
)

// TestRateIsBounded: however many addresses come, the table stays small, and one that is at its limit in a table with
// room in it is not forgotten.
func TestRateIsBounded(t *testing.T) {
	var r rate
	now := time.Unix(1_800_000_000, 0)
	for range rateFirst {
		if wait := r.take(now, "first", 0); wait != 0 {
			t.Fatal(wait)
		}
	}
	for i := range rateMost - 1 {
		r.take(now, fmt.Sprint(i), 0)
	}
	if r.take(now, "first", 0) == 0 {
		t.Error("an address at its limit was forgotten while there was room")
	}
	for i := range 3 * rateMost {
		now = now.Add(time.Millisecond)
		r.take(now, fmt.Sprint("more ", i), 0)
		if len(r.full) > rateMost {
			t.Fatalf("%d addresses are kept", len(r.full))
		}
	}
	now = now.Add(2 * time.Hour)
	r.take(now, "last", 0)
	if len(r.full) != 1 {
		t.Errorf("%d addresses are kept that have nothing to wait for", len(r.full))
	}
}
