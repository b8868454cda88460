package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/keys"
)

func (a *app) clientAddCommand() *cobra.Command {
	var (
		m          metadataFlags
		pairs      keyPairFlags
		publicKeys string
		label      string
		secret     bool
		secretFile string
		secretLife time.Duration
	)
	c := &cobra.Command{
		Use:   "add ID",
		Short: "Register a client and make its key pairs",
		Long: `Registers a client. With --keys the key pairs are made here, on your side: the private halves are written to
the folder --out names (or printed), once and never again, and the server gets the public halves only.

Keys of the client's own go by --public-keys (JWK, JWK set, PEM public key or certificate) or --jwks-uri.`,
		Example: `  avouch client add billing --keys 2 --out ./keys --scope invoices:read
  avouch client add reports --keys 1 --google --out ./keys --scope reports:read
  avouch client add partner --public-keys partner.pem --scope orders:read
  avouch client add web --public --redirect-uri https://app.example.com/callback --scope orders:read
  avouch client add orders-api --keys 1 --out ./keys --introspects https://orders.example.com
  avouch client add legacy --auth-method client_secret_basic --secret`,
		Args: exactly(1, "an id for the client"),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := m.check(c.Flags()); err != nil {
			return err
		}
		w, err := a.operations(c.Context(), true)
		if err != nil {
			return err
		}
		defer w.Close()
		if secret && a.format == "name" {
			return usagef("-o name would not show the secret, and it is shown once: choose another output format")
		}
		in := admin.AddClientInput{ID: args[0], KeyLabel: label, GenerateSecret: secret, SecretLifetime: secretLife}
		in.GrantTypes = []string{grantClientCredentials}
		if len(m.redirectURIs) > 0 {
			in.GrantTypes = []string{grantAuthorizationCode, grantRefreshToken}
		}
		m.apply(c.Flags(), &in.ClientMetadata)
		if pairs.google {
			googleDefaults(&in.ClientMetadata, c, w.conf.Issuer, pairs.tokenURL)
			pairs.algorithm, pairs.formats = string(keys.RS256), []string{"google"}
		}
		if secretFile != "" {
			value, err := readSecret(a, secretFile)
			if err != nil {
				return err
			}
			in.Secret = &admin.SecretInput{Value: value}
		}
		allowMade(&in.ClientMetadata, &pairs)
		made, err := pairs.make(in.AuthMethod, w.conf.Issuer, args[0], a)
		if err != nil {
			return err
		}
		switch {
		case made != nil && publicKeys != "":
			return usagef("--keys makes key pairs and --public-keys brings keys along; choose one")
		case made != nil:
			in.Keys = made.public
		case publicKeys != "":
			if in.Keys, err = a.readInput(publicKeys); err != nil {
				return err
			}
		}
		// The private halves are safe on disk before the server knows the public ones: a client that is registered
		// and cannot sign would be worse than a file that nobody needs.
		if err := made.write(); err != nil {
			return err
		}
		added, err := w.admin.AddClient(c.Context(), in)
		if err != nil {
			return made.undo(err)
		}
		result := addedClient{AddClientResult: added, KeyFiles: made.paths()}
		if pairs.google {
			rule, err := w.admin.AddRule(c.Context(), serviceRule(added))
			if err != nil { // the key would be good for nothing
				return made.undo(errors.Join(err, w.admin.RemoveClient(c.Context(), added.ID)))
			}
			result.Rule = rule.Name
		}
		return a.printAdded(result, made, w.conf.Issuer)
	}
	m.register(c)
	pairs.register(c)
	c.Flags().StringVar(&publicKeys, "public-keys", "", "`FILE` with its public keys (JWK, JWK set, PEM), - for standard input")
	c.Flags().StringVar(&label, "key-label", "", "label of the keys, for people")
	c.Flags().BoolVar(&secret, "secret", false, "make a secret and show it once")
	c.Flags().StringVar(&secretFile, "secret-file", "", "`FILE` with a secret of your own, 32 bytes or more; - for standard input")
	c.Flags().DurationVar(&secretLife, "secret-lifetime", 0, "how long the secret is good (default: for ever)")
	return c
}

// allowMade lets the client sign with the keys that are made for it, where their algorithm is none of the default ones.
func allowMade(meta *admin.ClientMetadata, pairs *keyPairFlags) {
	c := &admin.Client{ClientMetadata: *meta}
	if pairs.count > 0 && len(meta.Assertions.Algorithms) == 0 && !mayUse(c, []string{pairs.algorithm}) {
		meta.Assertions.Algorithms = append(allowedAlgorithms(c), pairs.algorithm)
	}
}

// googleTokenURL is what Google's own libraries write into aud, whatever the key file says. To accept it is safe for a
// key that was made for this server: nobody else knows its public half, so no assertion for another could come here.
const googleTokenURL = "https://oauth2.googleapis.com/token"

// googleDefaults are what a Google-style key file implies: the client signs a grant for itself, names nobody, asks for
// scopes by a claim, and names this server by its token endpoint or, whatever the file says, Google's.
func googleDefaults(meta *admin.ClientMetadata, c *cobra.Command, issuer, tokenURL string) {
	if issuer != "" {
		meta.Assertions.Audiences = append(meta.Assertions.Audiences, issuer, issuer+tokenPath)
	}
	if tokenURL != "" && tokenURL != issuer+tokenPath {
		meta.Assertions.Audiences = append(meta.Assertions.Audiences, tokenURL)
	}
	meta.Assertions.Audiences = append(meta.Assertions.Audiences, googleTokenURL)
	if !c.Flags().Changed("grant") {
		meta.GrantTypes = []string{grantJWTBearer}
	}
	meta.Assertions.SubjectOptional = true
	meta.Assertions.ScopeClaim = true
}

// serviceRule lets a client that signs for itself get tokens for itself.
func serviceRule(c *admin.AddClientResult) admin.RuleMetadata {
	return admin.RuleMetadata{
		Name: ruleName(c.ID) + "-service", Client: c.ID, Nobody: true, Scope: c.Scope, DefaultScope: c.DefaultScope, Audiences: c.Audiences,
	}
}

// ruleName makes a name for a rule of a client's id, which may have characters that no name has, such as @.
func ruleName(clientID string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r) {
			return r
		}
		return '-'
	}, clientID)
	return name[:min(len(name), 100)]
}

// addedClient is what client add tells: the client, and where the private halves are.
type addedClient struct {
	*admin.AddClientResult
	KeyFiles []string `json:"key_files,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	// PrivateKeys holds the private halves where no folder was named for them.
	PrivateKeys []json.RawMessage `json:"private_keys,omitempty"`
}

func (a *app) printAdded(result addedClient, made *madeKeys, issuer string) error {
	t := clientDetails(&result.Client)
	var note strings.Builder
	for _, path := range result.KeyFiles {
		fmt.Fprintf(&note, "\nprivate key written to %s (mode 0600); it is nowhere else", path)
	}
	if made != nil && made.dir == "" {
		for _, f := range made.files {
			if a.forPeople() {
				fmt.Fprintf(&note, "\n\n%s: the private key, shown this once\n%s", f.kid, strings.TrimRight(string(f.content), "\n"))
				continue
			}
			text, err := json.Marshal(string(f.content))
			if err != nil {
				return err
			}
			result.PrivateKeys = append(result.PrivateKeys, text)
		}
	}
	if result.Secret != "" {
		fmt.Fprintf(&note, "\n\nclient secret, shown this once: %s", result.Secret)
	}
	if len(result.KeyFiles) > 0 {
		fmt.Fprintf(&note, "\n\ntry it: %s", tokenCommandLine(&result.Client, result.KeyFiles[0], issuer))
	}
	t.note = note.String() + strings.Replace(t.note, "\n", "\n\n", 1)
	return a.print(result, t)
}

// tokenCommandLine is the command that gets a token for a client with a key file; issuer is the one that is configured.
func tokenCommandLine(c *admin.Client, keyFile, issuer string) string {
	line := "avouch token --client " + c.ID + " --key " + keyFile
	if strings.HasSuffix(keyFile, ".p12") {
		line += " --password-file FILE"
	}
	if issuer == "" {
		line += " --issuer URL"
	}
	if !slices.Contains(c.GrantTypes, grantClientCredentials) {
		line += " --grant jwt-bearer"
	}
	if scopes := strings.Fields(c.Scope); len(scopes) > 0 && c.DefaultScope == "" {
		line += " --scope " + scopes[0]
	}
	return line
}

// readSecret reads a secret from a file; a trailing line end is not part of it.
func readSecret(a *app, name string) ([]byte, error) {
	text, err := a.readInput(name)
	return []byte(strings.TrimRight(string(text), "\r\n")), err
}

// removeAll takes back files that were written for nothing.
func removeAll(paths []string) {
	for _, p := range paths {
		os.Remove(p) // nothing to be done where it fails: the error that led here is told
	}
}
