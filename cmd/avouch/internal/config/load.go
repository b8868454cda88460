package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source says where configuration is read from.
type Source struct {
	// File is the YAML file. "" means avouch.yaml in the working directory, which may be missing.
	File string
	// Environ is the environment, as os.Environ returns it.
	Environ []string
	// Flags are values by key path; they win over everything else.
	Flags map[string]string
}

// DefaultFile is read where no file is named.
const DefaultFile = "avouch.yaml"

// Load reads the configuration. It tells all faults of all sources at once, and does not judge the values: Validate
// does.
func Load(s Source) (Config, error) {
	c := Default()
	var faults []error
	file, optional := s.File, false
	if file == "" {
		file, optional = DefaultFile, true
	}
	switch text, err := os.ReadFile(file); {
	case err == nil:
		faults = append(faults, readYAML(file, text, c.Fields())...)
	case optional && errors.Is(err, fs.ErrNotExist):
	default:
		faults = append(faults, fmt.Errorf("the configuration file cannot be read: %w", err))
	}
	faults = append(faults, readEnviron(s.Environ, c.Fields())...)
	for _, f := range c.Fields() {
		if text, ok := s.Flags[f.Path]; ok {
			faults = appendFault(faults, f.Set(text))
		}
	}
	faults = append(faults, readSecretFiles(&c)...)
	return c, errors.Join(faults...)
}

func appendFault(faults []error, err error) []error {
	if err == nil {
		return faults
	}
	return append(faults, err)
}

// notKeys are AVOUCH_ variables of the command line, which are no configuration keys.
var notKeys = []string{"AVOUCH_CONFIG", "AVOUCH_FORMAT", "AVOUCH_TOKEN", "AVOUCH_ADDR"}

// readEnviron sets fields from the environment. A secret may also come from a file: that its variable with _FILE
// names, or a systemd credential named avouch.PATH.
func readEnviron(environ []string, fields []Field) []error {
	var faults []error
	credentials := ""
	for _, e := range environ {
		if dir, ok := strings.CutPrefix(e, "CREDENTIALS_DIRECTORY="); ok {
			credentials = dir
		}
	}
	for _, f := range fields {
		if f.IsSecret() && credentials != "" {
			path := filepath.Join(credentials, "avouch."+f.Path)
			if text, err := readSecretFile(path); err == nil {
				faults = appendFault(faults, f.Set(text))
			} else if !errors.Is(err, fs.ErrNotExist) {
				faults = append(faults, err)
			}
		}
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "AVOUCH_") || slices.Contains(notKeys, name) {
			continue
		}
		i := slices.IndexFunc(fields, func(f Field) bool {
			return f.Env == name || f.IsSecret() && f.Env+"_FILE" == name
		})
		switch {
		case i < 0:
			faults = append(faults, fmt.Errorf("environment: %s is no configuration key (avouch config schema lists them)", name))
		case fields[i].Env != name:
			text, err := readSecretFile(value)
			if err == nil {
				err = fields[i].Set(text)
			}
			faults = appendFault(faults, err)
		default:
			if err := fields[i].Set(value); err != nil {
				faults = append(faults, fmt.Errorf("environment %s: %w", name, err))
			}
		}
	}
	return faults
}

// readSecretFiles fills secrets from the files that the configuration names beside them.
func readSecretFiles(c *Config) []error {
	var faults []error
	for _, s := range []struct {
		name, path string
		value      *Secret
	}{{"seal.keyfile", c.Seal.Keyfile, &c.Seal.Key}, {"seal.previousfile", c.Seal.Previousfile, &c.Seal.Previous}, {"signin.secretfile", c.SignIn.Secretfile, &c.SignIn.Secret}} {
		if s.path == "" {
			continue
		}
		if *s.value != "" {
			faults = append(faults, fmt.Errorf("%s: it is given twice, by file and by environment; leave one out", s.name))
			continue
		}
		text, err := readSecretFile(s.path)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		*s.value = Secret(text)
	}
	return faults
}

// maxSecretFile bounds what is read where a secret is expected.
const maxSecretFile = 4096

func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxSecretFile || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a small regular file, as a file with a key is", path)
	}
	text, err := os.ReadFile(path)
	return strings.TrimRight(string(text), "\r\n"), err
}
