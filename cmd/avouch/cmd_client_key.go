package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) clientKeyCommand() *cobra.Command {
	c := asGroup(&cobra.Command{
		Use: "key", Short: "Keys of a client: next, active, retiring, revoked",
		Long: `A client's key is next (registered, used later), active, retiring (works until it expires) or revoked (never again).
To rotate without an interruption: add a new key, let the client sign with it, then retire the old one.`,
	})
	c.AddCommand(a.clientKeyAddCommand(), a.clientKeyRetireCommand(),
		&cobra.Command{
			Use: "list CLIENT", Short: "List the keys of a client, revoked ones included", Args: exactly(1, "the id of a client"),
			ValidArgsFunction: a.complete(clientRecord()),
			RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
				list, err := w.admin.ClientKeys(c.Context(), args[0])
				if err != nil {
					return err
				}
				t := keyTable(list)
				if client, err := w.admin.Client(c.Context(), args[0]); err == nil {
					t.note += notes(keyAdvice(client, time.Now()))
				}
				return a.print(list, t)
			}),
		},
		a.clientKeyVerb("activate", "Make a next or retiring key active", func(c *cobra.Command, w *wired, client, kid string) (*admin.ClientKey, error) {
			return w.admin.ActivateClientKey(c.Context(), client, kid)
		}),
		a.clientKeyVerb("revoke", "End a key at once and for good", func(c *cobra.Command, w *wired, client, kid string) (*admin.ClientKey, error) {
			return w.admin.RevokeClientKey(c.Context(), client, kid)
		}),
	)
	return c
}

func keyTable(list []admin.ClientKey) table {
	t := table{head: []string{"KID", "LABEL", "TYPE", "STATE", "NOT BEFORE", "EXPIRES", "LAST USED"}}
	for _, k := range list {
		t.rows = append(t.rows, []string{k.ID, orDash(k.Label), k.Type, k.State, moment(k.NotBefore, "-"), moment(k.Expires, "never"), moment(k.LastUsed, "never")})
	}
	if len(list) == 0 {
		t.note = "the client has no keys: avouch client key add CLIENT --keys 1"
	}
	return t
}

// clientKeyVerb is a command on one key. The kid may be shortened, as long as it is the only one.
func (a *app) clientKeyVerb(verb, short string, do func(c *cobra.Command, w *wired, client, kid string) (*admin.ClientKey, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " CLIENT KID", Short: short, Args: exactly(2, "the id of a client and the kid of its key"),
		ValidArgsFunction: a.completeClientKeys,
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			kid, err := wholeKID(c, w, args[0], args[1])
			if err != nil {
				return err
			}
			key, err := do(c, w, args[0], kid)
			if err != nil {
				return err
			}
			t := keyTable([]admin.ClientKey{*key})
			t.note = "running servers see it within a second"
			if found, err := w.admin.Client(c.Context(), args[0]); err == nil {
				t.note += notes(keysLeft(found, time.Now()))
			}
			return a.print(key, t)
		}),
	}
}

// wholeKID completes the beginning of a kid.
func wholeKID(c *cobra.Command, w *wired, client, kid string) (string, error) {
	list, err := w.admin.ClientKeys(c.Context(), client)
	if err != nil {
		return "", err
	}
	var found []string
	for _, k := range list {
		if k.ID == kid {
			return kid, nil
		}
		if len(kid) >= 4 && strings.HasPrefix(k.ID, kid) {
			found = append(found, k.ID)
		}
	}
	switch len(found) {
	case 0:
		return kid, nil // the operation says that there is none
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d keys of %s begin with %s: %s", len(found), client, kid, strings.Join(found, ", "))
}

func (a *app) completeClientKeys(c *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return a.complete(clientRecord())(c, args, part)
	}
	w, err := a.operations(c.Context(), false)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer w.Close()
	list, err := w.admin.ClientKeys(c.Context(), args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var kids []string
	for _, k := range list {
		kids = append(kids, k.ID+"\t"+k.State)
	}
	return kids, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) clientKeyAddCommand() *cobra.Command {
	var pairs keyPairFlags
	var publicKeys, label, state, notBefore, expires string
	c := &cobra.Command{
		Use: "add CLIENT", Short: "Make another key pair for a client, or register a public key it brings", Args: exactly(1, "the id of a client"),
		Example:           "  avouch client key add billing --keys 1 --out ./keys\n  avouch client key add billing --public-keys new.pem --state next --expires 8760h",
		ValidArgsFunction: a.complete(clientRecord()),
	}
	c.RunE = a.onStore(func(c *cobra.Command, w *wired, args []string) error {
		in := admin.AddKeysInput{Label: label, State: state}
		var err error
		if in.NotBefore, err = parseWhen(notBefore); err != nil {
			return err
		}
		if in.Expires, err = parseWhen(expires); err != nil {
			return err
		}
		client, err := w.admin.Client(c.Context(), args[0])
		if err != nil {
			return err
		}
		if pairs.google {
			pairs.algorithm, pairs.formats = "RS256", []string{"google"}
		}
		if pairs.count > 0 && !mayUse(client, []string{pairs.algorithm}) {
			return usagef("assertions of %s may not be signed with %s; allow it first: avouch client update %[1]s --assertion-alg %[3]s",
				client.ID, pairs.algorithm, strings.Join(append(allowedAlgorithms(client), pairs.algorithm), ","))
		}
		made, err := pairs.make("", w.conf.Issuer, args[0], a)
		if err != nil {
			return err
		}
		switch {
		case (made != nil) == (publicKeys != ""):
			return usagef("give either --keys N, to make key pairs, or --public-keys FILE, to register public keys")
		case made != nil:
			in.Keys = made.public
		default:
			if in.Keys, err = a.readInput(publicKeys); err != nil {
				return err
			}
		}
		if err := made.write(); err != nil {
			return err
		}
		added, err := w.admin.AddClientKeys(c.Context(), args[0], in)
		if err != nil {
			return made.undo(err)
		}
		t := keyTable(added)
		for _, path := range made.paths() {
			t.note += "private key written to " + path + " (mode 0600); it is nowhere else\n"
		}
		result := map[string]any{"keys": added, "key_files": made.paths()}
		if made != nil && made.dir == "" {
			var private []string
			for _, f := range made.files {
				private = append(private, string(f.content))
				t.note += "\n" + f.kid + ": the private key, shown this once\n" + string(f.content)
			}
			result["private_keys"] = private
		}
		if client, err := w.admin.Client(c.Context(), args[0]); err == nil {
			t.note += notes(keyAdvice(client, time.Now()))
		}
		return a.print(result, t)
	})
	pairs.register(c)
	c.Flags().StringVar(&publicKeys, "public-keys", "", "`FILE` with public keys (JWK, JWK set, PEM), - for standard input")
	c.Flags().StringVar(&label, "label", "", "label, for people")
	c.Flags().StringVar(&state, "state", "", "active (default) or next")
	c.Flags().StringVar(&notBefore, "not-before", "", "when it begins to work: RFC 3339 time or a duration from now")
	c.Flags().StringVar(&expires, "expires", "", "when it ends to work: RFC 3339 time or a duration from now")
	return c
}

func (a *app) clientKeyRetireCommand() *cobra.Command {
	var until string
	c := a.clientKeyVerb("retire", "Let a key work until a time, for the overlap of a rotation",
		func(c *cobra.Command, w *wired, client, kid string) (*admin.ClientKey, error) {
			when, err := parseWhen(until)
			if err != nil {
				return nil, err
			}
			return w.admin.RetireClientKey(c.Context(), client, kid, when)
		})
	c.Flags().StringVar(&until, "until", "", "RFC 3339 time or a duration from now (default 24h)")
	return c
}

// parseWhen reads a moment: an RFC 3339 time, or a duration from now. "" is the zero time.
func parseWhen(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return time.Now().Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usagef("%q is neither a time such as 2027-01-31T00:00:00Z nor a duration such as 720h", text)
	}
	return t, nil
}
