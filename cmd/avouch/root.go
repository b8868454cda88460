package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/internal/near"
)

// process is what a run of the program sees of the world; tests make their own.
type process struct {
	args           []string
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// app is what the commands share: the process, and the global flags.
type app struct {
	process
	configFile string
	storePath  string
	format     string
	noColor    bool
}

// Exit codes; scripts rely on them.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitDenied   = 3
	exitNotFound = 4
)

// codedError carries the exit code of a failure whose text has been, or need not be, said otherwise.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// run runs one command and returns the exit code.
func run(ctx context.Context, p process) int {
	a := &app{process: p}
	root := a.root()
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if text := errorText(c, err); text != "" {
		fmt.Fprintf(p.stderr, "avouch: %s\n", strings.ReplaceAll(text, "\n", "\n        "))
	}
	return exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "avouch",
		Short: "An OAuth 2.0 server for programs that prove who they are by signed assertions",
		Long: `avouch gives access tokens to programs that prove who they are by signed JWT assertions (RFC 7523)
instead of shared secrets.

Two commands to the first token:

  avouch serve --dev        a server with an embedded database, a demo client and its key
  avouch token --dev        an access token for that client

"avouch login --dev" gets one for a person. Or see all of it happen at once: avouch demo

Exit codes: 0 done, 1 a failure, 2 the command or its input is wrong, 3 refused (a token, an assertion, an operation that
the caller is not permitted to do), 4 there is none of that name. Environment: AVOUCH_CONFIG and AVOUCH_FORMAT stand for --config and --output; "avouch config print"
lists what configures the server; NO_COLOR is honoured.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		// before anything is done: what was done could not be told, and a private key is shown once
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkFormat() },
	}
	asGroup(root)
	root.SetVersionTemplate("avouch {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.configFile, "config", "c", a.env("AVOUCH_CONFIG"), "configuration `FILE` (default avouch.yaml where it exists)")
	flags.StringVar(&a.storePath, "store", "", "SQLite `FILE` to work on, over the configured one")
	flags.StringVarP(&a.format, "output", "o", a.env("AVOUCH_FORMAT"), "output `FORMAT`: table, json, yaml or name (default table)")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours, whatever the terminal can do")
	if err := root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputFormats, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is registered three lines above
	}
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"},
		&cobra.Group{ID: "state", Title: "Manage:"},
		&cobra.Group{ID: "use", Title: "Use and understand:"},
	)
	for group, commands := range map[string][]*cobra.Command{
		"run":   {a.serveCommand(), a.demoCommand(), a.configCommand(), a.healthcheckCommand()},
		"state": {a.clientCommand(), a.issuerCommand(), a.ruleCommand(), a.subjectCommand(), a.registrationCommand(), a.revokeCommand(), a.keyCommand(), a.changesCommand(), a.applyCommand(), a.diffCommand(), a.exportCommand()},
		"use":   {a.tokenCommand(), a.loginCommand(), a.whoAmICommand(), a.explainCommand(), a.benchCommand(), a.manCommand(), versionCommand(a)},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	return root
}

// flagError says of a flag that is none which may be meant: one whose name is near, or no flag at all but a kid, which is
// base64url and so begins with - now and then.
func flagError(c *cobra.Command, err error) error {
	if !strings.HasPrefix(err.Error(), "unknown ") {
		return usage(err)
	}
	hint := ""
	if wrong, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if name, how := near.Nearest(wrong.GetSpecifiedName(), known); how != "" {
			hint = " did you mean --" + name + "?"
		}
	}
	err = fmt.Errorf("%w;%s \"%s --help\" lists all", err, hint, c.CommandPath())
	if strings.Contains(c.Use, " KID") {
		err = fmt.Errorf("%w; a kid that begins with - stands behind --, after all flags: %s [flags] -- CLIENT KID", err, c.CommandPath())
	}
	return usage(err)
}

// asGroup makes a command that only holds others: alone it shows its help, and anything it does not know is a usage
// error with the nearest thing it does.
func asGroup(c *cobra.Command) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = " did you mean " + strings.Join(near, " or ") + "?"
		}
		return usagef("%s has no command %q;%s \"%s --help\" lists all", c.CommandPath(), args[0], hint, c.CommandPath())
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.SuggestionsMinimumDistance = 2
	return c
}

// env returns a variable of the process' environment.
func (a *app) env(name string) string {
	for _, e := range a.environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// load reads the configuration with the flags given on the command line over it. It does not judge the values: a
// command that only reads the store needs no issuer.
func (a *app) load(flags map[string]string) (config.Config, error) {
	all := map[string]string{}
	for k, v := range flags {
		all[k] = v
	}
	if a.storePath != "" {
		all["store.path"] = a.storePath
	}
	conf, err := config.Load(config.Source{File: a.configFile, Environ: a.environ, Flags: all})
	if err != nil {
		err = usage(err)
	}
	return conf, err
}

func usage(err error) error { return &codedError{exitUsage, err} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// color reports whether w is a terminal that wants colours (https://no-color.org).
func (a *app) color(w io.Writer) bool {
	return !a.noColor && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" && isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && !errors.Is(err, os.ErrInvalid)
}
