package storagetest

import "github.com/avouch-oauth/avouch/replay"
import "github.com/avouch-oauth/avouch/storage"
import "testing"

func serveChild(a func(string) (storage.Store, error), b func(string) (replay.Guard, error)) {}
func judgeSharedGuard(t *testing.T, g Guards)                                                {}
func judgeRecords(t *testing.T, s Stores)                                                    {}
