//go:build !unix

package storagetest

import "time"

func cpuTime() time.Duration { return 0 }
