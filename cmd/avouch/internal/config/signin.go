package config

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// validate judges the values about signing in.
func (s *SignIn) validate(fault func(format string, args ...any)) {
	for _, line := range s.Descriptions {
		if scope, text, ok := strings.Cut(line, "="); !ok || scope == "" || strings.TrimSpace(text) == "" {
			fault("signin.descriptions: %.100q does not look like orders:read=See your orders", line)
		} else if !utf8.ValidString(text) || len(text) > 300 {
			fault("signin.descriptions: the text of %.100q is longer than 300 bytes", scope)
		}
	}
	if s.Idle < time.Minute || s.Idle > s.Lifetime {
		fault("signin.idle: %s is not between 1m and signin.lifetime (%s)", s.Idle, s.Lifetime)
	}
	if s.Lifetime > 30*24*time.Hour {
		fault("signin.lifetime: %s is longer than 720h", s.Lifetime)
	}
	if s.Issuer == "" {
		if s.Clientid != "" || s.Secret != "" || s.Keyfile != "" || s.Name != "" {
			fault("signin.issuer is missing: the other keys of signin say how to use it")
		}
		return
	}
	if s.Clientid == "" {
		fault("signin.clientid is missing: the id of this server as a client of %.200q", s.Issuer)
	}
	if (s.Secret == "") == (s.Keyfile == "") {
		fault("signin: exactly one of secret and keyfile is needed, by which this server authenticates at %.200q", s.Issuer)
	}
	for _, c := range s.Name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", c) {
			fault("signin.name: %.100q has other characters than letters, digits, dot, hyphen and underscore", s.Name)
			break
		}
	}
	if slices.Contains(s.Scopes, "offline_access") {
		fault("signin.scopes: offline_access asks for tokens that nobody uses here; leave it out")
	}
}

// Texts are the descriptions of scopes by scope.
func (s *SignIn) Texts() map[string]string {
	texts := make(map[string]string, len(s.Descriptions))
	for _, line := range s.Descriptions {
		scope, text, _ := strings.Cut(line, "=")
		texts[scope] = strings.TrimSpace(text)
	}
	return texts
}
