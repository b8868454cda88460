package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// Limits of events.buffer: the least has room for the longest events, and the most takes 1 GiB.
const (
	minEventBuffer = 64
	maxEventBuffer = 1 << 19
)

// validateEvents checks where events go. Nothing else may be in that file: events would be appended to it.
func (c *Config) validateEvents(fault func(string, ...any)) {
	to := c.Events.To
	switch {
	case to == "":
		fault("events.to is empty: give off, stdout or the path of a file")
	case slices.Contains([]string{"on", "yes", "true", "no", "none", "false", "stderr", "-", "syslog", "file"}, strings.ToLower(to)):
		fault("events.to: %q is not one of off, stdout or the path of a file; for a file of that name give ./%[1]s", to)
	case strings.HasSuffix(to, "/"):
		fault("events.to: %q is the path of a folder; give that of a file", to)
	case to != "off" && to != "stdout":
		for _, other := range []struct{ key, path string }{
			{"store.path", c.Store.Path}, {"store.path", c.Store.Path + "-wal"}, {"store.path", c.Store.Path + "-shm"},
			{"tls.cert", c.TLS.Cert}, {"tls.key", c.TLS.Key}, {"seal.keyfile", c.Seal.Keyfile}, {"seal.previousfile", c.Seal.Previousfile},
			{"signin.secretfile", c.SignIn.Secretfile}, {"signin.keyfile", c.SignIn.Keyfile},
		} {
			if other.path != "" && filepath.Clean(other.path) == filepath.Clean(to) {
				fault("events.to: %q is the file of %s; give a file of its own", to, other.key)
			}
		}
	}
	if c.Events.Buffer < minEventBuffer || c.Events.Buffer > maxEventBuffer {
		fault("events.buffer: %d is not between %d and %d", c.Events.Buffer, minEventBuffer, maxEventBuffer)
	}
}
