// Command avouch is an OAuth 2.0 authorization server for programs that prove who they are by signed JWT assertions
// (RFC 7523), and the command line to run it.
//
// All wiring happens here, by hand: package config reads the configuration, wire.go makes the store, the operations
// and the server of it, and every command is one file.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the process at once, whatever is under way
	code := run(ctx, process{
		args:    os.Args[1:],
		environ: os.Environ(),
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
	})
	stop()
	os.Exit(code)
}
