package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

func TestGuard(t *testing.T) {
	storagetest.RunSharedGuard(t, storagetest.Guards{
		Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") },
		Open:  func(place string) (replay.Guard, error) { return open(context.Background(), place) },
	})
}
