package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

func place(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

func TestHandles(t *testing.T) {
	storagetest.RunSharedHandles(t, storagetest.Handles{
		Place: place,
		Open:  func(place string) (handle.Store, error) { return open(context.Background(), place) },
	})
}

func TestGuard(t *testing.T) {
	storagetest.RunSharedGuard(t, storagetest.Guards{
		Place: place,
		Open:  func(place string) (replay.Guard, error) { return open(context.Background(), place) },
	})
}
