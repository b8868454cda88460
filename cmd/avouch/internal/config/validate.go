package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Validate judges the values, and tells all faults at once. It opens nothing.
func (c *Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if c.Issuer == "" {
		fault("issuer is missing: the https URL by which clients know this server, such as https://as.example.com")
	} else if err := checkIssuer(c.Issuer); err != nil {
		fault("issuer: %w", err)
	}
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		fault("listen: %q is not an address such as 127.0.0.1:8080", c.Listen)
	case c.TLS.Cert == "" && c.TLS.Key == "" && !c.Plaintext && !IsLoopback(host):
		fault("listen: %s is reachable from other machines, and there is no TLS: set tls.cert and tls.key, listen on 127.0.0.1, or set plaintext where a proxy in front ends TLS", c.Listen)
	}
	_, err = c.TrustedProxies()
	if err != nil {
		faults = append(faults, err)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		fault("tls: cert and key belong together; one is missing")
	}
	if c.Management.Listen != "off" {
		if _, _, err := net.SplitHostPort(c.Management.Listen); err != nil {
			fault("management.listen: %q is neither an address such as 127.0.0.1:9090 nor off", c.Management.Listen)
		}
	}
	if c.Store.Path == "" {
		fault("store.path is empty: name the SQLite file")
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			fault("%s: %q is not one of %s", key, value, strings.Join(allowed, ", "))
		}
	}
	oneOf("store.synchronous", c.Store.Synchronous, "full", "normal")
	oneOf("registration.mode", c.Registration.Mode, "", "off", "token", "open")
	oneOf("replay", c.Replay, "store", "memory")
	oneOf("keys.algorithm", c.Keys.Algorithm, "ES256", "EdDSA", "RS256", "PS256")
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "text", "json")
	if c.Token.Lifetime < 10*time.Second || c.Token.Lifetime > 24*time.Hour {
		fault("token.lifetime: %s is not between 10s and 24h", c.Token.Lifetime)
	}
	if c.Keys.Rotate != 0 && c.Keys.Rotate < 24*time.Hour {
		fault("keys.rotate: %s is shorter than 24h; use \"avouch key rotate\" to rotate now", c.Keys.Rotate)
	}
	if c.Changes.Keep != 0 && c.Changes.Keep < 24*time.Hour {
		fault("changes.keep: %s is shorter than 24h; \"0s\" keeps changes for ever", c.Changes.Keep)
	}
	if a := c.Token.Audience; a != "" {
		if u, err := url.Parse(a); err != nil || !u.IsAbs() || u.Fragment != "" {
			fault("token.audience: %q is not an absolute URI without fragment (RFC 8707)", a)
		}
	}
	c.SignIn.validate(fault)
	c.validateEvents(fault)
	return errors.Join(faults...)
}

// checkIssuer tells the person what avouch.New would refuse, in the words of the configuration.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is not a URL such as https://as.example.com", issuer)
	case u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())):
		return fmt.Errorf("%q must be https; http is for loopback hosts", issuer)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q must have no query, fragment or user (RFC 8414 §2)", issuer)
	case strings.HasSuffix(issuer, "/"):
		return fmt.Errorf("%q ends in a slash; clients compare it byte by byte, so leave it out", issuer)
	}
	return nil
}

// IsLoopback reports whether a host name or address is this machine and no other.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
