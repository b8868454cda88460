package handle_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

func TestMemory(t *testing.T) {
	storagetest.RunHandles(t, func(testing.TB) handle.Store { return handle.NewMemory(0) })
}

// TestMemoryIsBounded fills a store: it refuses, forgets nothing that lives, and takes more when something has expired.
func TestMemoryIsBounded(t *testing.T) {
	m, ctx, now := handle.NewMemory(3), t.Context(), time.Date(2041, 5, 17, 12, 0, 0, 0, time.UTC)
	put := func(i int, at time.Time) error {
		return m.PutHandle(ctx, at, &handle.Record{Kind: "code", Digest: handle.Digest(strconv.Itoa(i)), Expires: now.Add(time.Minute)})
	}
	for i := range 3 {
		if err := errors.Join(put(i, now), m.Revoke(ctx, now, now.Add(time.Minute), strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(3, now); !errors.Is(err, handle.ErrFull) {
		t.Errorf("PutHandle into a full store = %v", err)
	}
	if err := m.Revoke(ctx, now, now.Add(time.Minute), "3"); !errors.Is(err, handle.ErrFull) {
		t.Errorf("Revoke in a full store = %v", err)
	}
	for i := range 3 {
		if r, err := m.Handle(ctx, now, "code", handle.Digest(strconv.Itoa(i))); r == nil || err != nil {
			t.Errorf("a full store forgot a record: %v, %v", r, err)
		}
		if is, err := m.Revoked(ctx, now, strconv.Itoa(i)); !is || err != nil {
			t.Errorf("a full store forgot a revocation: %v", err)
		}
	}
	later := now.Add(time.Minute)
	if err := m.PutHandle(ctx, later, &handle.Record{Kind: "code", Digest: handle.Digest("new"), Expires: later.Add(time.Minute)}); err != nil {
		t.Errorf("PutHandle when all has expired = %v", err)
	}
	if err := m.Revoke(ctx, later, later.Add(time.Minute), "new"); err != nil {
		t.Errorf("Revoke when all has expired = %v", err)
	}
	// Those that have ended went early, to make room: that is remembered.
	if is, err := m.Revoked(ctx, now, "0"); !errors.Is(err, handle.ErrForgotten) {
		t.Errorf("Revoked = %t, %v of a revocation that was dropped early, want ErrForgotten", is, err)
	}
	if is, err := m.Revoked(ctx, later, "0"); is || err != nil {
		t.Errorf("Revoked = %t, %v after its end", is, err)
	}
}
