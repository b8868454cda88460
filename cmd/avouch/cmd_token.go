package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// tokenFlags say who asks for a token, where, and for what.
type tokenFlags struct {
	dev                            bool
	issuer, tokenURL               string
	clientID, keyFile, secretFile  string
	password                       func() (string, error) // of a PKCS#12 file
	whole                          *keys.KeyFile          // a key file that says who it is for, and where
	assertionFile, subject         string
	scopes, resources              []string
	audience, grantType, algorithm string
}

func (a *app) tokenCommand() *cobra.Command {
	var f tokenFlags
	var passwordFile string
	f.password = func() (string, error) {
		if passwordFile == "" {
			return "", usagef("%s is a PKCS#12 file: give --password-file", f.keyFile)
		}
		password, err := readSecret(a, passwordFile)
		return string(password), err
	}
	c := &cobra.Command{
		Use: "token", Short: "Get an access token, as a client does", Args: noArgs,
		Long: `Gets an access token from this or any other OAuth 2.0 server. With --key the client authenticates by an assertion
it signs (private_key_jwt); with --secret-file by one made with its secret (client_secret_jwt). --grant jwt-bearer signs
the grant itself, --assertion sends a ready-made one, such as the token of a Kubernetes service account.`,
		Example: `  avouch token --dev
  avouch token --issuer https://as.example.com --client billing --key keys/billing-1a2b3c4d.pem --scope invoices:read
  avouch token --issuer https://as.example.com --grant jwt-bearer --client reports --key reports.pem --subject alice
  avouch token --key reports-1a2b3c4d.json --scope reports:read
  avouch token --issuer https://as.example.com --assertion /var/run/secrets/tokens/avouch`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.complete(a); err != nil {
				return err
			}
			got, err := f.get(c.Context(), a)
			if err != nil {
				return f.failure(err)
			}
			return a.printToken(got)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&f.dev, "dev", false, "the demo client of \"serve --dev\" in this folder")
	flags.StringVar(&f.issuer, "issuer", "", "issuer `URL` (default: the configured one)")
	flags.StringVar(&f.tokenURL, "token-url", "", "token endpoint, for servers without metadata")
	flags.StringVar(&f.clientID, "client", "", "`ID` of the client")
	flags.StringVar(&f.keyFile, "key", "", "`FILE` with its private key: PEM, JWK, PKCS#12, or Google-style JSON, which needs nothing else")
	flags.StringVar(&passwordFile, "password-file", "", "`FILE` with the password of a PKCS#12 file, - for standard input")
	flags.StringVar(&f.secretFile, "secret-file", "", "`FILE` with its secret, - for standard input")
	flags.StringVar(&f.assertionFile, "assertion", "", "`FILE` with a ready-made assertion to use as a grant")
	flags.StringVar(&f.grantType, "grant", "client_credentials", "client_credentials or jwt-bearer")
	flags.StringVar(&f.subject, "subject", "", "with --grant jwt-bearer: who the token is to speak for")
	flags.StringSliceVar(&f.scopes, "scope", nil, "scopes to ask for")
	flags.StringSliceVar(&f.resources, "resource", nil, "resources the token is for")
	flags.StringVar(&f.audience, "aud", "", "how the assertion names the server: issuer (default), token-endpoint, or a fixed value")
	flags.StringVar(&f.algorithm, "alg", "", "algorithm to sign with (default: by the key)")
	completeWords(c, "grant", grantClientCredentials, "jwt-bearer")
	completeWords(c, "aud", "issuer", "token-endpoint")
	completeWords(c, "alg", assertionAlgorithms...)
	return c
}

// complete fills in what the configuration, --dev and the key file know.
func (f *tokenFlags) complete(a *app) error {
	if f.keyFile != "" && f.clientID == "" {
		if text, err := a.readInput(f.keyFile); err == nil {
			if file, err := keys.ParseKeyFile(text); err == nil {
				f.whole = file
				return nil
			}
		}
	}
	if f.issuer == "" && f.tokenURL == "" || f.dev {
		conf, err := a.loadBeside(f.dev)
		if err != nil {
			return err
		}
		if f.dev {
			f.clientID, f.keyFile = orDefault(f.clientID, devClient), orDefault(f.keyFile, devKeyFile(conf))
		}
		f.issuer = orDefault(f.issuer, conf.Issuer)
	}
	switch {
	case f.issuer == "" && f.tokenURL == "":
		return usagef("which server? give --issuer, or --dev for the one of \"serve --dev\" in this folder")
	case f.assertionFile == "" && f.keyFile == "" && f.secretFile == "":
		return usagef("who asks? give --client and --key, --secret-file, or a ready-made --assertion")
	case f.issuer == "" && (f.audience == "" || f.audience == "issuer") && f.assertionFile == "":
		return usagef("which server is the assertion for? give --issuer, or the value that the server wants as --aud")
	}
	return errors.Join(checkServerURL("--issuer", f.issuer), checkServerURL("--token-url", f.tokenURL))
}

// checkServerURL tells in the words of the command line what package client would refuse.
func checkServerURL(flag, given string) error {
	if given == "" {
		return nil
	}
	u, err := url.Parse(given)
	switch {
	case err != nil || u.Host == "":
		return usagef("%s %q is not a URL such as https://as.example.com", flag, given)
	case u.Scheme == "http" && !config.IsLoopback(u.Hostname()):
		return usagef("%s %s is plain HTTP to another machine, where anybody on the way could take the token: use https; http is for this machine only (127.0.0.1, ::1, localhost)", flag, given)
	}
	return nil
}

// failure is tokenFailure for what these flags have asked.
func (f *tokenFlags) failure(err error) error {
	refused, _ := errors.AsType[*oauth2.RetrieveError](err)
	err = tokenFailure(err)
	if coded, ok := errors.AsType[*codedError](err); ok && refused != nil && refused.ErrorCode == "invalid_grant" && f.subject == "" && f.assertionFile == "" {
		return &codedError{coded.code, fmt.Errorf("%w\nthe assertion named nobody: where the token is to speak for somebody, --subject NAME says for whom", coded.err)}
	}
	return err
}

// get asks for the token.
func (f *tokenFlags) get(ctx context.Context, a *app) (*oauth2.Token, error) {
	audience := map[string]client.Audience{"": client.AudienceIssuer, "issuer": client.AudienceIssuer, "token-endpoint": client.AudienceTokenEndpoint}
	aud, known := audience[f.audience]
	if !known {
		aud = client.Audience(f.audience)
	}
	if f.whole != nil {
		return client.JWTBearer{
			Issuer: f.issuer, TokenURL: orDefault(f.tokenURL, f.whole.TokenURL), Key: f.whole.Key, AssertionIssuer: f.whole.ClientID,
			Subject: f.subject, Scopes: f.scopes, Resources: f.resources, ScopeClaim: true, Audience: client.AudienceTokenEndpoint,
		}.Token(ctx)
	}
	if f.assertionFile != "" {
		g := client.JWTBearer{Issuer: f.issuer, TokenURL: f.tokenURL, Assertion: client.AssertionFile(f.assertionFile), Scopes: f.scopes, Resources: f.resources}
		if f.keyFile != "" {
			key, err := f.key()
			if err != nil {
				return nil, err
			}
			g.ClientAuth = client.PrivateKeyJWT{ClientID: f.clientID, Key: key, Audience: aud}
		}
		return g.Token(ctx)
	}
	if f.secretFile != "" {
		secret, err := readSecret(a, f.secretFile)
		if err != nil {
			return nil, err
		}
		return client.SecretJWT{
			Issuer: f.issuer, TokenURL: f.tokenURL, ClientID: f.clientID, Secret: secret,
			Algorithm: keys.Algorithm(f.algorithm), Scopes: f.scopes, Resources: f.resources, Audience: aud,
		}.Token(ctx)
	}
	key, err := f.key()
	if err != nil {
		return nil, err
	}
	switch f.grantType {
	case "jwt-bearer", grantJWTBearer:
		return client.JWTBearer{
			Issuer: f.issuer, TokenURL: f.tokenURL, Key: key, AssertionIssuer: f.clientID, Subject: f.subject,
			Scopes: f.scopes, Resources: f.resources, Audience: aud,
		}.Token(ctx)
	case grantClientCredentials:
		return client.PrivateKeyJWT{
			Issuer: f.issuer, TokenURL: f.tokenURL, ClientID: f.clientID, Key: key,
			Scopes: f.scopes, Resources: f.resources, Audience: aud,
		}.Token(ctx)
	}
	return nil, usagef("--grant %q is neither client_credentials nor jwt-bearer", f.grantType)
}

// key reads the private key.
func (f *tokenFlags) key() (*keys.Private, error) {
	if f.clientID == "" {
		return nil, usagef("whose key is it? give --client")
	}
	key, err := readPrivateKey(f.keyFile, f.password)
	if err != nil {
		return nil, err
	}
	if f.algorithm != "" {
		again, err := keys.NewPrivate(key.Signer, keys.Algorithm(f.algorithm))
		if err != nil {
			return nil, fmt.Errorf("--alg: %w", err)
		}
		again.ID = key.ID
		return again, nil
	}
	return key, nil
}

func (a *app) printToken(t *oauth2.Token) error {
	if a.forPeople() {
		_, err := fmt.Fprintln(a.stdout, t.AccessToken)
		return err
	}
	value := map[string]any{"access_token": t.AccessToken, "token_type": t.TokenType}
	if !t.Expiry.IsZero() {
		value["expires_in"] = int64(time.Until(t.Expiry).Round(time.Second) / time.Second)
	}
	if scope, ok := t.Extra("scope").(string); ok {
		value["scope"] = scope
	}
	if t.RefreshToken != "" {
		value["refresh_token"] = t.RefreshToken
	}
	return a.print(value, table{rows: [][]string{{t.AccessToken}}})
}

// whoAmICommand asks the server's own guarded API who a token speaks for.
func (a *app) whoAmICommand() *cobra.Command {
	var dev bool
	var issuer string
	c := &cobra.Command{
		Use: "whoami", Short: "Ask the server's guarded API who a token speaks for", Args: noArgs,
		Long:    "Reads an access token from standard input, calls /whoami with it, and prints what an API sees.",
		Example: "  avouch token --dev | avouch whoami --dev",
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := a.readInput("-")
			if err != nil {
				return err
			}
			if len(bytes.TrimSpace(text)) == 0 {
				return usagef("there is no token on standard input: avouch token ... | avouch whoami")
			}
			conf, err := a.loadBeside(dev)
			if err != nil {
				return err
			}
			if issuer = orDefault(issuer, conf.Issuer); issuer == "" {
				return usagef("which server? give --issuer, or --dev")
			}
			status, body, err := callGuarded(c.Context(), issuer+whoAmIPath, strings.TrimSpace(string(text)))
			if err != nil {
				return err
			}
			if status != http.StatusOK {
				return &codedError{exitDenied, fmt.Errorf("the API refused the token: %d %s", status, body)}
			}
			_, err = a.stdout.Write(body)
			return err
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "the server of \"serve --dev\" in this folder")
	c.Flags().StringVar(&issuer, "issuer", "", "issuer `URL` (default: the configured one)")
	return c
}

// callGuarded calls an API with an access token. On a refusal body is the challenge where there is one.
func callGuarded(ctx context.Context, url, accessToken string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err != nil {
		return 0, nil, err
	}
	if challenge := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != http.StatusOK && challenge != "" {
		body = []byte(challenge)
	}
	return resp.StatusCode, body, nil
}
