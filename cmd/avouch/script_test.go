package main

import (
	"context"
	"net"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets testscript run this binary as avouch.
func TestMain(m *testing.M) {
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
			l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Setenv("ADDRESS", l.Addr().String())
			e.Setenv("GORACE", quickExit)
			return l.Close()
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
