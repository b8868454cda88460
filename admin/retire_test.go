package admin

import (
	"testing"
	"time"
)

// TestRetiringForgetsNoEnd: a key has the end that it was registered with, as one from a certificate does, however often
// it is retired and taken back.
func TestRetiringForgetsNoEnd(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "c"})
	end := kept(time.Now().Add(72 * time.Hour))
	made, err := a.AddClientKeys(ctx, "c", AddKeysInput{Keys: publicJWK(t), Expires: end})
	if err != nil {
		t.Fatal(err)
	}
	kid := made[0].ID
	retire := func(until time.Duration) time.Time {
		t.Helper()
		k, err := a.RetireClientKey(ctx, "c", kid, time.Now().Add(until))
		if err != nil {
			t.Fatal(err)
		}
		return k.Expires
	}
	soon := retire(time.Hour)
	if !soon.Before(end) {
		t.Errorf("retired until %v", soon)
	}
	if later := retire(2 * time.Hour); !later.After(soon) {
		t.Errorf("not prolonged: %v", later)
	}
	if got := retire(9999 * time.Hour); !got.Equal(end) {
		t.Errorf("prolonged until %v, beyond its own end %v", got, end)
	}
	retire(time.Hour)
	if k, err := a.ActivateClientKey(ctx, "c", kid); err != nil || !k.Expires.Equal(end) {
		t.Errorf("active again until %v, %v; its own end is %v", k.Expires, err, end)
	}
}
