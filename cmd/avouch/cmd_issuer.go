package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

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

func (a *app) issuerAddCommand() *cobra.Command {
	var meta admin.IssuerMetadata
	var jwks string
	var skew, maxLifetime time.Duration
	c := &cobra.Command{
		Use: "add NAME URL", Short: "Trust an issuer, as far as rules will say", Args: exactly(2, "a short name and the iss value of the issuer"),
		Example: `  avouch issuer add idp https://idp.partner.example --discovery
  avouch issuer add cluster https://kubernetes.default.svc --jwks cluster-keys.json --replay off
  avouch rule add deploys --issuer idp --subject 4711 --as-client deployer --scope deploy:run`,
		RunE: func(c *cobra.Command, args []string) error {
			w, err := a.operations(c.Context(), true)
			if err != nil {
				return err
			}
			defer w.Close()
			meta.Name, meta.URL = args[0], args[1]
			meta.Assertions.Skew, meta.Assertions.MaxLifetime = admin.Duration(skew), admin.Duration(maxLifetime)
			if jwks != "" {
				if meta.JWKS, err = a.readInput(jwks); err != nil {
					return err
				}
			}
			i, err := w.admin.AddIssuer(c.Context(), meta)
			if err != nil {
				return err
			}
			t := issuerDetails(i)
			t.note = "nothing of it is believed yet: avouch rule add NAME --issuer " + i.Name + " --subject SUB --as-client CLIENT"
			return a.print(i, t)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&meta.Discovery, "discovery", false, "find its keys by its RFC 8414 or OpenID metadata")
	flags.StringVar(&meta.JWKSURL, "jwks-uri", "", "`URL` of its keys")
	flags.StringVar(&jwks, "jwks", "", "`FILE` with its keys as a JWK set, - for standard input")
	flags.StringVar(&meta.SPIFFEBundleURL, "spiffe-bundle-uri", "", "`URL` of the bundle of a SPIFFE trust domain")
	flags.BoolVar(&meta.AllowPrivateAddresses, "allow-private-addresses", false, "its keys may be fetched from a private network")
	flags.StringSliceVar(&meta.Assertions.Audiences, "audience", nil, "exact aud values accepted in place of this server's own")
	flags.StringSliceVar(&meta.Assertions.Algorithms, "alg", nil, "algorithms it may sign with (default RS256,PS256,ES256,EdDSA)")
	flags.StringSliceVar(&meta.Assertions.Types, "typ", nil, "header types of its assertions (default JWT or none)")
	flags.DurationVar(&skew, "skew", 0, "how far its clock may differ (default 10s, at most 60s)")
	flags.DurationVar(&maxLifetime, "max-lifetime", 0, "longest life of its assertions (default 1h)")
	flags.StringVar(&meta.Assertions.Replay, "replay", "", "once (default), same_client_until_exp, or off for platforms that re-send their tokens")
	flags.BoolVar(&meta.Assertions.SubjectOptional, "subject-optional", false, "its assertions may lack sub: nobody is meant")
	flags.BoolVar(&meta.Assertions.ScopeClaim, "scope-claim", false, "a scope claim of its assertions asks for scopes")
	return c
}

func issuerDetails(i *admin.Issuer) table {
	t := table{rows: [][]string{
		{"name", i.Name},
		{"issuer", i.URL},
		{"state", enabled(i.Disabled)},
		{"keys from", keySource(i.IssuerMetadata)},
		{"replay", orDefault(i.Assertions.Replay, "once")},
	}}
	if !i.JWKSUpdated.IsZero() {
		t.rows = append(t.rows, []string{"keys given", moment(i.JWKSUpdated, "-")})
	}
	if len(i.Assertions.Audiences) > 0 {
		t.rows = append(t.rows, []string{"audience", strings.Join(i.Assertions.Audiences, " ")})
	}
	return t
}

// keySourceDetails is what a fetch of an issuer's keys found.
func keySourceDetails(s *admin.KeySource) table {
	t := table{rows: [][]string{
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
