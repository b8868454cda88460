package main

import (
	"context"
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets testscript run this binary as avouch. More tests run at once than there are processors, because most of
// them wait: for disks, for processes, for a server to lose its patience.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil { // a flag of go test comes later and wins
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"avouch": main,
	})
}

// quickExit is a GORACE for the many runs of this binary as avouch: the race detector else sleeps for a second at the end
// of each.
const quickExit = "atexit_sleep_ms=0"

// TestScripts runs the transcripts in testdata/script: what a person types, and what he sees.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"ADDRESS", "ADDRESS2", "MANAGEMENT"} {
				address, err := freePort(context.Background())
				if err != nil {
					return err
				}
				e.Setenv(name, address)
			}
			e.Setenv("GORACE", quickExit)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"mode": checkMode, "sign": signAsPlatform,
		},
		RequireExplicitExec: true,
	})
}

// checkMode checks the permission bits of a file: mode 0600 FILE.
func checkMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode BITS FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm().String(); got != args[0] {
		ts.Fatalf("%s has the mode %s, want %s", args[1], got, args[0])
	}
}
