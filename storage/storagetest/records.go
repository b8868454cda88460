package storagetest

import "testing"

func judgeRecords(t *testing.T, s Stores) {}
