package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) issuerCommand() *cobra.Command {
	c := asGroup(&cobra.Command{
		Use: "issuer", Short: "Who else's assertions are believed",
		Long: `An issuer is somebody whose signed assertions are believed, as far as rules say: an identity provider, a CI
system, a Kubernetes cluster, a SPIFFE trust domain. Nothing of it is believed before "avouch rule add" says what.`,
	})
	c.AddCommand(
		a.issuerAddCommand(),
		&cobra.Command{
			Use: "list", Short: "List trusted issuers", Args: noArgs,
			RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
				list, err := w.admin.Issuers(c.Context())
				if err != nil {
					return err
				}
				t := table{head: []string{"NAME", "ISSUER", "KEYS FROM", "REPLAY", "STATE"}}
				for _, i := range list {
					t.rows = append(t.rows, []string{i.Name, i.URL, keySource(i.IssuerMetadata), orDefault(i.Assertions.Replay, "once"), enabled(i.Disabled)})
				}
				if len(list) == 0 {
					t.note = "no issuers yet: avouch issuer add NAME URL --discovery"
				}
				return a.print(list, t)
			}),
		},
		showCommand(a, issuerRecord(), "Show one issuer", (*admin.Admin).Issuer, issuerDetails),
		a.issuerUpdateCommand(),
		&cobra.Command{
			Use: "test NAME", Short: "Fetch an issuer's keys once, as the server would, and say what was found", Args: exactly(1, "the name of an issuer"),
			ValidArgsFunction: a.complete(issuerRecord()),
			RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
				found, err := w.admin.FetchIssuerKeys(c.Context(), args[0])
				if err != nil {
					return err
				}
				if err := a.print(found, keySourceDetails(found)); err != nil {
					return err
				}
				if found.Error != "" {
					return fmt.Errorf("the keys of %s cannot be had: %s", found.Issuer, found.Error)
				}
				return nil
			}),
		},
		switchCommand(a, issuerRecord(), "disable", "Refuse all assertions of an issuer, at once", (*admin.Admin).DisableIssuer),
		switchCommand(a, issuerRecord(), "enable", "Believe an issuer again", (*admin.Admin).EnableIssuer),
		removeCommand(a, issuerRecord(), "Remove an issuer", (*admin.Admin).RemoveIssuer),
	)
	return c
}

// issuerFlags are the flags of what is said of an issuer, shared by add and update.
type issuerFlags struct {
	meta              admin.IssuerMetadata
	jwks              string
	skew, maxLifetime time.Duration
}

func (f *issuerFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVar(&f.meta.Discovery, "discovery", false, "find its keys by its RFC 8414 or OpenID metadata")
	flags.StringVar(&f.meta.JWKSURL, "jwks-uri", "", "`URL` of its keys")
	flags.StringVar(&f.jwks, "jwks", "", "`FILE` with its keys as a JWK set, - for standard input")
	flags.StringVar(&f.meta.SPIFFEBundleURL, "spiffe-bundle-uri", "", "`URL` of the bundle of a SPIFFE trust domain")
	flags.BoolVar(&f.meta.AllowPrivateAddresses, "allow-private-addresses", false, "its keys may be fetched from a private network")
	flags.StringSliceVar(&f.meta.Assertions.Audiences, "audience", nil, "exact aud values accepted in place of this server's own")
	flags.StringSliceVar(&f.meta.Assertions.Algorithms, "alg", nil, "algorithms it may sign with (default RS256,PS256,ES256,EdDSA)")
	flags.StringSliceVar(&f.meta.Assertions.Types, "typ", nil, "header types of its assertions (default JWT or none)")
	flags.DurationVar(&f.skew, "skew", 0, "how far its clock may differ (default 10s, at most 60s)")
	flags.DurationVar(&f.maxLifetime, "max-lifetime", 0, "longest life of its assertions (default 1h)")
	flags.StringVar(&f.meta.Assertions.Replay, "replay", "", "once (default), same_client_until_exp, or off for platforms that re-send their tokens")
	flags.BoolVar(&f.meta.Assertions.SubjectOptional, "subject-optional", false, "its assertions may lack sub: nobody is meant")
	flags.BoolVar(&f.meta.Assertions.ScopeClaim, "scope-claim", false, "a scope claim of its assertions asks for scopes")
	completeWords(c, "replay", "once", "same_client_until_exp", "off")
	completeWords(c, "alg", assertionAlgorithms...)
}

// assertionAlgorithms are those of assertions that are signed with a private key.
var assertionAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512"}

// apply puts the flags that were given into meta. A source of keys takes the place of the one before.
func (f *issuerFlags) apply(a *app, flags *pflag.FlagSet, meta *admin.IssuerMetadata) error {
	set := func(name string, put func()) {
		if flags.Changed(name) {
			put()
		}
	}
	if flags.Changed("discovery") || flags.Changed("jwks-uri") || flags.Changed("jwks") || flags.Changed("spiffe-bundle-uri") {
		meta.Discovery, meta.JWKSURL, meta.SPIFFEBundleURL, meta.JWKS = f.meta.Discovery, f.meta.JWKSURL, f.meta.SPIFFEBundleURL, nil
	}
	if f.jwks != "" {
		var err error
		if meta.JWKS, err = a.readKeySet(f.jwks); err != nil {
			return err
		}
	}
	set("allow-private-addresses", func() { meta.AllowPrivateAddresses = f.meta.AllowPrivateAddresses })
	set("audience", func() { meta.Assertions.Audiences = f.meta.Assertions.Audiences })
	set("alg", func() { meta.Assertions.Algorithms = f.meta.Assertions.Algorithms })
	set("typ", func() { meta.Assertions.Types = f.meta.Assertions.Types })
	set("skew", func() { meta.Assertions.Skew = admin.Duration(f.skew) })
	set("max-lifetime", func() { meta.Assertions.MaxLifetime = admin.Duration(f.maxLifetime) })
	set("replay", func() { meta.Assertions.Replay = f.meta.Assertions.Replay })
	set("subject-optional", func() { meta.Assertions.SubjectOptional = f.meta.Assertions.SubjectOptional })
	set("scope-claim", func() { meta.Assertions.ScopeClaim = f.meta.Assertions.ScopeClaim })
	return nil
}

// readKeySet reads the keys of an issuer. They come as a JWK set and in no other form, because what the issuer signs
// names them by kid.
func (a *app) readKeySet(name string) ([]byte, error) {
	text, err := a.readInput(name)
	if err != nil {
		return nil, err
	}
	switch trimmed := bytes.TrimSpace(text); {
	case len(trimmed) == 0:
		return nil, usagef("--jwks %s is empty", name)
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		return nil, usagef("--jwks %s is PEM: the keys of an issuer come as a JWK set, {\"keys\": [...]}, because its assertions name them by kid", name)
	}
	return text, nil
}

func (a *app) issuerAddCommand() *cobra.Command {
	var f issuerFlags
	c := &cobra.Command{
		Use: "add NAME URL", Short: "Trust an issuer, as far as rules will say", Args: exactly(2, "a short name and the iss value of the issuer"),
		Example: `  avouch issuer add idp https://idp.partner.example --discovery
  avouch issuer add cluster https://kubernetes.default.svc --jwks cluster-keys.json --replay off
  avouch rule add deploys --issuer idp --subject 4711 --as-client deployer --scope deploy:run`,
		RunE: func(c *cobra.Command, args []string) error {
			meta := admin.IssuerMetadata{Name: args[0], URL: args[1]}
			if err := f.apply(a, c.Flags(), &meta); err != nil {
				return err
			}
			w, err := a.operations(c.Context(), true)
			if err != nil {
				return err
			}
			defer w.Close()
			i, err := w.admin.AddIssuer(c.Context(), meta)
			if err != nil {
				return err
			}
			t := issuerDetails(i)
			t.note = "nothing of it is believed yet: avouch rule add NAME --issuer " + i.Name + " --subject SUB --as-client CLIENT"
			if len(i.JWKS) == 0 {
				t.note += "\nwhether its keys can be had: avouch issuer test " + i.Name
			}
			return a.print(i, t)
		},
	}
	f.register(c)
	return c
}

func (a *app) issuerUpdateCommand() *cobra.Command {
	var f issuerFlags
	c := &cobra.Command{
		Use: "update NAME", Short: "Change what is said of an issuer; flags that are not given change nothing", Args: exactly(1, "the name of an issuer"),
		Example:           "  avouch issuer update cluster --jwks new-cluster-keys.json",
		ValidArgsFunction: a.complete(issuerRecord()),
	}
	c.RunE = a.onStore(func(c *cobra.Command, w *wired, args []string) error {
		i, err := w.admin.Issuer(c.Context(), args[0])
		if err != nil {
			return err
		}
		if err := f.apply(a, c.Flags(), &i.IssuerMetadata); err != nil {
			return err
		}
		if i, err = w.admin.UpdateIssuer(c.Context(), i.Revision, i.IssuerMetadata); err != nil {
			return err
		}
		return a.print(i, issuerDetails(i))
	})
	f.register(c)
	return c
}

func issuerDetails(i *admin.Issuer) table {
	t := table{name: i.Name, rows: [][]string{
		{"name", i.Name},
		{"issuer", i.URL},
		{"state", enabled(i.Disabled)},
		{"keys from", keySource(i.IssuerMetadata)},
		{"replay", orDefault(i.Assertions.Replay, "once")},
	}}
	if i.AllowPrivateAddresses {
		t.rowIf("fetched", "from private addresses too")
	}
	if !i.JWKSUpdated.IsZero() {
		t.rows = append(t.rows, []string{"keys given", moment(i.JWKSUpdated, "-")})
	}
	policy := i.Assertions
	policy.Replay = "" // it has its row
	t.policy(&policy)
	return t
}

// keySourceDetails is what a fetch of an issuer's keys found.
func keySourceDetails(s *admin.KeySource) table {
	t := table{name: s.Issuer, rows: [][]string{
		{"issuer", s.Issuer},
		{"keys from", strings.TrimSpace(s.Source + " " + s.From)},
		{"keys", fmt.Sprint(s.Keys)},
		{"fetched", moment(s.Fetched, "never")},
	}}
	for _, id := range s.KeyIDs {
		t.rows = append(t.rows, []string{"kid", id})
	}
	for _, skipped := range s.Skipped {
		t.rows = append(t.rows, []string{"left out", skipped})
	}
	return t
}

func keySource(i admin.IssuerMetadata) string {
	switch {
	case i.Discovery:
		return "discovery"
	case i.JWKSURL != "":
		return i.JWKSURL
	case i.SPIFFEBundleURL != "":
		return i.SPIFFEBundleURL
	}
	return "given here"
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
