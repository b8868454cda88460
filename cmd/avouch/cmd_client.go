package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/avouch-oauth/avouch/admin"
)

const (
	grantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantClientCredentials = "client_credentials"
	grantAuthorizationCode = "authorization_code"
	grantRefreshToken      = "refresh_token"
	grantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
)

func (a *app) clientCommand() *cobra.Command {
	c := asGroup(&cobra.Command{Use: "client", Short: "Clients, their key pairs and secrets"})
	c.AddCommand(
		a.clientAddCommand(),
		a.clientListCommand(),
		showCommand(a, clientRecord(), "Show one client with its keys", (*admin.Admin).Client, clientDetails),
		a.clientUpdateCommand(),
		switchCommand(a, clientRecord(), "disable", "Refuse every request of a client, at once", (*admin.Admin).DisableClient),
		switchCommand(a, clientRecord(), "enable", "Take a client back into use", (*admin.Admin).EnableClient),
		removeCommand(a, clientRecord(), "Remove a client with its keys and secrets", (*admin.Admin).RemoveClient),
		a.clientKeyCommand(),
		a.clientSecretCommand(),
	)
	return c
}

// onStore wraps a command that works on the store.
func (a *app) onStore(f func(c *cobra.Command, w *wired, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		w, err := a.operations(c.Context(), false)
		if err != nil {
			return err
		}
		defer w.Close()
		return f(c, w, args)
	}
}

// exactly is cobra.ExactArgs with a message that names what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s wants %s; see avouch %s --help", c.Name(), what, strings.TrimPrefix(c.CommandPath(), "avouch "))
		}
		return nil
	}
}

// noArgs is cobra.NoArgs with a message that says what a stray word may have been meant for.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see " + c.CommandPath() + " --help"
	if f := c.Flags().Lookup("file"); f != nil {
		hint = "name the file by -f " + args[0]
	} else if f := c.Flags().Lookup("key"); f != nil {
		hint = "every value has its flag before it, and a pattern such as keys/*.pem must stand for one file"
	}
	return usagef("%s takes no argument, and was given %q; %s", c.CommandPath(), args[0], hint)
}

// atMostOne is cobra.MaximumNArgs(1) with a message that says what the one would be.
func atMostOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s wants %s, and was given %d; see %s --help", c.Name(), what, len(args), c.CommandPath())
		}
		return nil
	}
}

// metadataFlags are the flags of a client's metadata, shared by add and update.
type metadataFlags struct {
	meta          admin.ClientMetadata
	lifetime      time.Duration
	maxLifetime   time.Duration
	skew          time.Duration
	scope         []string
	defaultScope  []string
	allowSubject  bool
	allowClaim    bool
	grants        []string
	audiences     []string
	anyAudience   bool
	algorithms    []string
	authAlgorithm string
	redirectURIs  []string
	introspects   []string
	public        bool
	requirePushed bool
}

func (m *metadataFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&m.meta.Name, "name", "", "a `NAME` for people")
	flags.StringVar(&m.meta.AuthMethod, "auth-method", "", "private_key_jwt (default), client_secret_jwt, client_secret_basic, client_secret_post or none")
	flags.BoolVar(&m.public, "public", false, "it cannot keep a secret, as an app in a browser or on a phone: --auth-method none")
	flags.StringVar(&m.authAlgorithm, "auth-alg", "", "the one algorithm of its assertions (default: any that is allowed)")
	flags.StringSliceVar(&m.grants, "grant", nil, "grant types it may use (default "+grantClientCredentials+", or with --redirect-uri "+grantAuthorizationCode+","+grantRefreshToken+")")
	flags.StringArrayVar(&m.redirectURIs, "redirect-uri", nil, "where browsers may be sent back to; one `URI` for each flag")
	flags.BoolVar(&m.requirePushed, "require-par", false, "its authorization requests must be pushed (RFC 9126)")
	flags.StringSliceVar(&m.introspects, "introspects", nil, "resources that it is: it may introspect tokens for them")
	flags.StringSliceVar(&m.scope, "scope", nil, "scopes it may ask for")
	flags.StringSliceVar(&m.defaultScope, "default-scope", nil, "scopes it gets when it asks for none")
	flags.StringSliceVar(&m.audiences, "audience", nil, "resources it may ask for; the first is its default (default: this server's audience only)")
	flags.BoolVar(&m.anyAudience, "any-audience", false, "in place of --audience: the audiences of each rule are the only limit")
	flags.DurationVar(&m.lifetime, "token-lifetime", 0, "life of its access tokens (default: the server's)")
	flags.StringVar(&m.meta.JWKSURL, "jwks-uri", "", "`URL` of its public keys, in place of registered ones")
	flags.BoolVar(&m.meta.AllowPrivateAddresses, "allow-private-addresses", false, "jwks-uri may point into a private network")
	flags.StringVar(&m.meta.Assertions.AudienceMode, "assertion-audience", "", "how its assertions name this server: strict (default), fapi2, legacy")
	flags.StringVar(&m.meta.Assertions.Replay, "assertion-replay", "", "once (default) or same_client_until_exp, for clients that re-send one assertion")
	flags.StringSliceVar(&m.algorithms, "assertion-alg", nil, "algorithms it may sign with (default RS256,PS256,ES256,EdDSA)")
	flags.DurationVar(&m.maxLifetime, "assertion-max-lifetime", 0, "longest life of its assertions (default 1h)")
	flags.DurationVar(&m.skew, "assertion-skew", 0, "how far its clock may differ (default 10s, at most 60s)")
	flags.BoolVar(&m.allowSubject, "assertion-subject-optional", false, "its assertions may lack sub: nobody is meant")
	flags.BoolVar(&m.allowClaim, "assertion-scope-claim", false, "a scope claim of its assertions asks for scopes")
	completeWords(c, "auth-method", "private_key_jwt", "client_secret_jwt", "client_secret_basic", "client_secret_post", "none")
	completeWords(c, "grant", grantClientCredentials, "jwt-bearer", grantAuthorizationCode, grantRefreshToken, "device-code")
	completeWords(c, "assertion-audience", "strict", "fapi2", "legacy")
	completeWords(c, "assertion-replay", "once", "same_client_until_exp")
	completeWords(c, "assertion-alg", assertionAlgorithms...)
	completeWords(c, "auth-alg", assertionAlgorithms...)
}

// apply puts the flags that were given into meta.
func (m *metadataFlags) apply(flags *pflag.FlagSet, meta *admin.ClientMetadata) {
	given := flags.Changed
	set := func(name string, put func()) {
		if given(name) {
			put()
		}
	}
	set("name", func() { meta.Name = m.meta.Name })
	set("auth-method", func() { meta.AuthMethod = m.meta.AuthMethod })
	set("public", func() {
		if m.public {
			meta.AuthMethod = "none"
		}
	})
	set("redirect-uri", func() { meta.RedirectURIs = m.redirectURIs })
	set("require-par", func() { meta.RequirePushed = m.requirePushed })
	set("introspects", func() { meta.Introspects = m.introspects })
	set("auth-alg", func() { meta.AuthAlgorithm = m.authAlgorithm })
	set("grant", func() { meta.GrantTypes = longGrants(m.grants) })
	set("scope", func() { meta.Scope = strings.Join(m.scope, " ") })
	set("default-scope", func() { meta.DefaultScope = strings.Join(m.defaultScope, " ") })
	set("audience", func() { meta.Audiences = m.audiences })
	set("any-audience", func() { meta.AnyAudience = m.anyAudience })
	set("token-lifetime", func() { meta.TokenLifetime = admin.Duration(m.lifetime) })
	set("jwks-uri", func() { meta.JWKSURL = m.meta.JWKSURL })
	set("allow-private-addresses", func() { meta.AllowPrivateAddresses = m.meta.AllowPrivateAddresses })
	set("assertion-audience", func() { meta.Assertions.AudienceMode = m.meta.Assertions.AudienceMode })
	set("assertion-replay", func() { meta.Assertions.Replay = m.meta.Assertions.Replay })
	set("assertion-alg", func() { meta.Assertions.Algorithms = m.algorithms })
	set("assertion-max-lifetime", func() { meta.Assertions.MaxLifetime = admin.Duration(m.maxLifetime) })
	set("assertion-skew", func() { meta.Assertions.Skew = admin.Duration(m.skew) })
	set("assertion-subject-optional", func() { meta.Assertions.SubjectOptional = m.allowSubject })
	set("assertion-scope-claim", func() { meta.Assertions.ScopeClaim = m.allowClaim })
}

// check refuses flags that contradict each other.
func (m *metadataFlags) check(flags *pflag.FlagSet) error {
	if m.public && flags.Changed("auth-method") && m.meta.AuthMethod != "none" {
		return usagef("--public is --auth-method none, and --auth-method says %s", m.meta.AuthMethod)
	}
	if flags.Changed("public") && !m.public {
		return usagef("--public=false says nothing of how the client authenticates: give --auth-method")
	}
	return nil
}

// longGrants spells out the grant types that nobody types: jwt-bearer and device-code.
func longGrants(grants []string) []string {
	long := make([]string, len(grants))
	for i, g := range grants {
		switch g {
		case "jwt-bearer":
			g = grantJWTBearer
		case "device-code", "device_code":
			g = grantDeviceCode
		}
		long[i] = g
	}
	return long
}

func (a *app) clientListCommand() *cobra.Command {
	var limit int
	var after string
	c := &cobra.Command{
		Use: "list", Short: "List clients", Args: noArgs,
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			page, err := w.admin.Clients(c.Context(), after, limit)
			if err != nil {
				return err
			}
			t := table{head: []string{"ID", "NAME", "AUTH METHOD", "KEYS", "SCOPE", "STATE", "KEY LAST USED"}}
			now := time.Now()
			var advice []string
			for _, client := range page.Clients {
				t.rows = append(t.rows, []string{
					client.ID, orDash(client.Name), orDash(client.AuthMethod), keyCount(&client), orDash(client.Scope), enabled(client.Disabled), lastUsed(&client),
				})
				advice = append(advice, endingKeys(&client, now)...)
			}
			switch {
			case page.Next != "":
				t.note = "more: avouch client list --after " + page.Next
			case len(t.rows) == 0:
				t.note = "no clients yet: avouch client add NAME --keys 2"
			}
			t.note += notes(advice)
			return a.print(page, t)
		}),
	}
	c.Flags().IntVar(&limit, "limit", 100, "at most so many")
	c.Flags().StringVar(&after, "after", "", "clients with an id greater than `ID`")
	return c
}

func (a *app) clientUpdateCommand() *cobra.Command {
	var m metadataFlags
	c := &cobra.Command{
		Use: "update ID", Short: "Change what a client may do; flags that are not given change nothing", Args: exactly(1, "the id of a client"),
		ValidArgsFunction: a.complete(clientRecord()),
	}
	c.RunE = a.onStore(func(c *cobra.Command, w *wired, args []string) error {
		if err := m.check(c.Flags()); err != nil {
			return err
		}
		client, err := w.admin.Client(c.Context(), args[0])
		if err != nil {
			return err
		}
		meta := client.ClientMetadata
		m.apply(c.Flags(), &meta)
		client, err = w.admin.UpdateClient(c.Context(), args[0], client.Revision, meta)
		if err != nil {
			return err
		}
		return a.print(client, clientDetails(client))
	})
	m.register(c)
	return c
}

// keyCount is how many keys of a client verify now, of how many that it has.
func keyCount(c *admin.Client) string {
	if c.JWKSURL != "" {
		return "by URL"
	}
	verify, all := 0, 0
	for _, k := range c.Keys {
		if k.State != admin.KeyRevoked {
			all++
		}
		if k.Verifies {
			verify++
		}
	}
	if verify == all {
		return fmt.Sprint(all)
	}
	return fmt.Sprintf("%d of %d", verify, all)
}

// lastUsed is when the client last proved by one of its registered keys who it is.
func lastUsed(c *admin.Client) string {
	var last time.Time
	for _, k := range c.Keys {
		if k.LastUsed.After(last) {
			last = k.LastUsed
		}
	}
	return moment(last, "-")
}

// clientDetails is a client as a person reads it.
func clientDetails(c *admin.Client) table {
	t := table{name: c.ID, rows: [][]string{
		{"id", c.ID},
		{"name", orDash(c.Name)},
		{"state", enabled(c.Disabled)},
		{"authenticates by", orDash(c.AuthMethod)},
		{"grants", orDash(strings.Join(c.GrantTypes, " "))},
		{"scope", orDash(c.Scope)},
	}}
	t.rowIf("default scope", c.DefaultScope)
	for _, uri := range c.RedirectURIs {
		t.rowIf("redirect URI", uri)
	}
	if c.RequirePushed {
		t.rowIf("requests", "must be pushed")
	}
	t.rowIf("introspects", strings.Join(c.Introspects, " "))
	if c.Itself {
		t.rowIf("registered", "by itself")
	}
	audiences := orDash(strings.Join(c.Audiences, " "))
	if c.AnyAudience {
		audiences = "any: those of each rule are the limit"
	}
	t.rows = append(t.rows, []string{"audiences", audiences})
	if c.TokenLifetime != 0 {
		t.rowIf("token lifetime", time.Duration(c.TokenLifetime).String())
	}
	t.rowIf("assertion alg", c.AuthAlgorithm)
	t.policy(&c.Assertions)
	t.rowIf("keys at", c.JWKSURL)
	for _, k := range c.Keys {
		t.rows = append(t.rows, []string{"key", strings.Join(append([]string{k.ID}, keySummary(k)...), "  ")})
	}
	for _, s := range c.Secrets {
		t.rows = append(t.rows, []string{"secret", s.ID + "  expires " + moment(s.Expires, "never")})
	}
	t.note = notes(keyAdvice(c, time.Now()))
	return t
}

// policy adds what is asked of a party's assertions, where it is not the default.
func (t *table) policy(p *admin.AssertionPolicy) {
	t.rowIf("assertion audience", p.AudienceMode)
	t.rowIf("accepted aud", strings.Join(p.Audiences, " "))
	t.rowIf("algorithms", strings.Join(p.Algorithms, " "))
	t.rowIf("types", strings.Join(p.Types, " "))
	if p.Skew != 0 {
		t.rowIf("skew", time.Duration(p.Skew).String())
	}
	if p.MaxLifetime != 0 {
		t.rowIf("longest life", time.Duration(p.MaxLifetime).String())
	}
	t.rowIf("re-use", p.Replay)
	for _, relaxed := range []struct {
		what string
		is   bool
	}{{"sub may be missing", p.SubjectOptional}, {"a scope claim asks for scopes", p.ScopeClaim}} {
		if relaxed.is {
			t.rowIf("assertions", relaxed.what)
		}
	}
}

func keySummary(k admin.ClientKey) []string {
	return []string{k.Type, k.State, "expires " + moment(k.Expires, "never"), "used " + moment(k.LastUsed, "never")}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func enabled(disabled bool) string {
	if disabled {
		return "disabled"
	}
	return "enabled"
}

func moment(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// maxInput bounds what is read from a file or standard input that somebody names; maxDocument does so for a document,
// which may hold every client there is.
const (
	maxInput    = 1 << 20
	maxDocument = 64 << 20
)

// readInput reads a file, or standard input for "-".
func (a *app) readInput(name string) ([]byte, error) { return a.readUpTo(name, maxInput) }

func (a *app) readUpTo(name string, most int64) ([]byte, error) {
	var r io.Reader = a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s is longer than %d MiB", name, most>>20)
	}
	return data, err
}
