package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

// errorText is an error as the person at the command line reads it. What package admin refuses is told in the words of
// the records; here the flags stand beside them, and what to do next.
func errorText(c *cobra.Command, err error) string {
	refused, ok := errors.AsType[*admin.Error](err)
	if !ok || c == nil {
		return strings.TrimRight(err.Error(), " \n")
	}
	plain := refused.Error()
	lines := strings.Split(plain, "\n")
	for i, f := range refused.Faults {
		at := len(lines) - len(refused.Faults) + i
		if flag := flagOf(c, f.Field); flag != "" && at > 0 {
			lines[at] = strings.Replace(lines[at], f.Field+": ", f.Field+" (--"+flag+"): ", 1)
		}
	}
	lines = append(lines, nextSteps(c, refused)...)
	return strings.Replace(err.Error(), plain, strings.Join(lines, "\n"), 1)
}

// flagOf is the flag of a command that sets a member of a record, "" where it has none.
func flagOf(c *cobra.Command, field string) string {
	name, _, _ := strings.Cut(field, "[")
	name = strings.TrimPrefix(name, "token_endpoint_")
	names := map[string]string{"grant_types": "grant", "client_name": "name", "audiences": "audience", "claims": "claim",
		"auth_signing_alg": "auth-alg", "algorithms": "alg", "types": "typ", "audience_mode": "audience",
		"redirect_uris": "redirect-uri", "require_pushed_authorization_requests": "require-par"}
	for _, prefix := range []string{"assertions.", ""} {
		last, cut := strings.CutPrefix(name, prefix)
		if !cut {
			continue
		}
		flag := orDefault(names[last], strings.ReplaceAll(last, "_", "-"))
		for _, candidate := range []string{"assertion-" + flag, flag} {
			if (prefix != "") == strings.HasPrefix(candidate, "assertion-") && c.Flags().Lookup(candidate) != nil {
				return candidate
			}
		}
		if prefix != "" && c.Flags().Lookup(flag) != nil {
			return flag
		}
	}
	return ""
}

// nextSteps are commands and flags that help with a refusal.
func nextSteps(c *cobra.Command, e *admin.Error) (steps []string) {
	step := func(text string) {
		if !slices.Contains(steps, text) {
			steps = append(steps, text)
		}
	}
	if e.Code == admin.NotFound && slices.Contains([]string{"client", "issuer", "rule"}, e.Kind) {
		step("avouch " + e.Kind + " list tells which there are")
	}
	for _, f := range e.Faults {
		switch {
		case c.Name() == "add" && e.Kind == "client" && f.Field == "jwks" && c.Flags().Lookup("keys") != nil:
			step("--keys 2 makes key pairs here; --public-keys FILE and --jwks-uri URL are for keys of the client's own")
		case c.Name() == "add" && e.Kind == "client" && f.Field == "secret" && c.Flags().Lookup("secret") != nil:
			step("--secret makes one; --secret-file FILE brings one along")
		case e.Kind == "issuer" && f.Field == "jwks" && strings.Contains(f.Problem, "exactly one"):
			step("one of --discovery, --jwks-uri URL, --jwks FILE and --spiffe-bundle-uri URL")
		case e.Kind == "rule" && strings.Contains(f.Problem, "may not use"):
			step("avouch client update CLIENT --grant client_credentials,jwt-bearer")
		}
	}
	return steps
}
