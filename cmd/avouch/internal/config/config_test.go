package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	file := write(t, "avouch.yaml", "issuer: https://file.example\nlisten: 127.0.0.1:1\ntoken:\n  lifetime: 5m\nscopes: [a, b]\n")
	c, err := Load(Source{
		File:    file,
		Environ: []string{"AVOUCH_LISTEN=127.0.0.1:2", "AVOUCH_TOKEN_LIFETIME=6m", "HOME=/nowhere"},
		Flags:   map[string]string{"token.lifetime": "7m"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "https://file.example" || c.Listen != "127.0.0.1:2" || c.Token.Lifetime != 7*time.Minute {
		t.Errorf("flag over environment over file over default: got %+v", c)
	}
	if fmt.Sprint(c.Scopes) != "[a b]" || c.Keys.Algorithm != "ES256" {
		t.Errorf("list from the file, default where nothing is said: got %v %q", c.Scopes, c.Keys.Algorithm)
	}
}

func TestFaultsAreToldAllAtOnceWithTheirPlace(t *testing.T) {
	file := write(t, "avouch.yaml", "isuer: https://x.example\ntoken:\n  lifetime: soon\n  lifetime: 1m\nevents:\n  buffer: many\n  to: off\nseal:\n  key: 0011\nlisten: [a]\nlog: yes\n")
	_, err := Load(Source{File: file, Environ: []string{"AVOUCH_ISUER=x", "AVOUCH_KEYS_ROTATE=never"}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"avouch.yaml:1:1: unknown key isuer; did you mean issuer?",
		`avouch.yaml:3:13: token.lifetime: "soon" is not a duration`,
		`avouch.yaml:6:11: events.buffer: "many" is not a whole number`,
		"seal.key is a secret and must not stand in this file",
		"listen: a single value expected",
		"log must have keys under it",
		"AVOUCH_ISUER is no configuration key",
		`AVOUCH_KEYS_ROTATE: keys.rotate: "never" is not a duration`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}

func TestDuplicateKeysAreRefused(t *testing.T) {
	file := write(t, "avouch.yaml", "issuer: https://a.example\nissuer: https://b.example\n")
	if c, err := Load(Source{File: file}); err == nil {
		t.Errorf("accepted as %q", c.Issuer)
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load(Source{File: filepath.Join(t.TempDir(), "none.yaml")}); err == nil {
		t.Error("a named file that is missing must be told")
	}
	t.Chdir(t.TempDir())
	if _, err := Load(Source{}); err != nil {
		t.Errorf("the default file may be missing: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	key := strings.Repeat("ab", 32)
	file := write(t, "key", key+"\n")
	for name, source := range map[string]Source{
		"environment": {Environ: []string{"AVOUCH_SEAL_KEY=" + key}},
		"file":        {Environ: []string{"AVOUCH_SEAL_KEY_FILE=" + file}},
		"keyfile":     {Environ: []string{"AVOUCH_SEAL_KEYFILE=" + file}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			c, err := Load(source)
			if err != nil || string(c.Seal.Key) != key {
				t.Fatalf("got %d bytes, %v", len(c.Seal.Key), err)
			}
			for _, shown := range []string{fmt.Sprintf("%v %+v %#v", c, c, c), c.YAML(), fmt.Sprint(c.Tree())} {
				if strings.Contains(shown, key) {
					t.Errorf("the secret is shown: %s", shown)
				}
			}
		})
	}
	t.Run("signin.secretfile", func(t *testing.T) {
		t.Chdir(t.TempDir())
		c, err := Load(Source{Environ: []string{"AVOUCH_SIGNIN_SECRETFILE=" + file}})
		if err != nil || string(c.SignIn.Secret) != key || strings.Contains(c.YAML(), key) {
			t.Fatalf("got %d bytes, %v", len(c.SignIn.Secret), err)
		}
	})
	t.Run("systemd credential", func(t *testing.T) {
		t.Chdir(t.TempDir())
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "avouch.seal.key"), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Source{Environ: []string{"CREDENTIALS_DIRECTORY=" + dir}})
		if err != nil || string(c.Seal.Key) != key {
			t.Fatalf("got %d bytes, %v", len(c.Seal.Key), err)
		}
	})
	t.Run("twice", func(t *testing.T) {
		t.Chdir(t.TempDir())
		_, err := Load(Source{Environ: []string{"AVOUCH_SEAL_KEY=" + key, "AVOUCH_SEAL_KEYFILE=" + file}})
		if err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("want a refusal without the key, got %v", err)
		}
	})
}

func TestValidate(t *testing.T) {
	good := Default()
	good.Issuer = "https://as.example.com"
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"issuer is missing":          func(c *Config) { c.Issuer = "" },
		"must be https":              func(c *Config) { c.Issuer = "http://as.example.com" },
		"ends in a slash":            func(c *Config) { c.Issuer = "https://as.example.com/" },
		"no query, fragment or user": func(c *Config) { c.Issuer = "https://as.example.com?x" },
		"there is no TLS":            func(c *Config) { c.Listen = "0.0.0.0:443" },
		"proxies: \"proxy.example\"": func(c *Config) { c.Proxies = []string{"10.0.0.1", "proxy.example"} },
		"every address there is":     func(c *Config) { c.Proxies = []string{"0.0.0.0/0"} },
		"did you mean 10.0.0.0/8":    func(c *Config) { c.Proxies = []string{"10.1.2.3/8"} },
		"belong together":            func(c *Config) { c.TLS.Cert = "x" },
		"neither an address":         func(c *Config) { c.Management.Listen = "x" },
		"store.path is empty":        func(c *Config) { c.Store.Path = "" },
		"store.synchronous":          func(c *Config) { c.Store.Synchronous = "off" },
		"replay":                     func(c *Config) { c.Replay = "" },
		"keys.algorithm":             func(c *Config) { c.Keys.Algorithm = "none" },
		"log.level":                  func(c *Config) { c.Log.Level = "" },
		"log.format":                 func(c *Config) { c.Log.Format = "xml" },
		"not between 10s and 24h":    func(c *Config) { c.Token.Lifetime = 0 },
		"is shorter than 24h":        func(c *Config) { c.Keys.Rotate = time.Hour },
		"changes.keep: 1h0m0s is":    func(c *Config) { c.Changes.Keep = time.Hour },
		"signin.idle":                func(c *Config) { c.SignIn.Idle = 0 },
		"signin.lifetime":            func(c *Config) { c.SignIn.Lifetime = 1000 * time.Hour },
		"signin.issuer is missing":   func(c *Config) { c.SignIn.Clientid = "x" },
		"signin.clientid is missing": func(c *Config) { c.SignIn.Issuer, c.SignIn.Secret = "https://login.example", "x" },
		"one of secret and keyfile":  func(c *Config) { c.SignIn.Issuer, c.SignIn.Clientid = "https://login.example", "x" },
		"signin.name":                func(c *Config) { c.SignIn.Issuer, c.SignIn.Name = "https://login.example", "a/b" },
		"signin.scopes": func(c *Config) {
			c.SignIn.Issuer, c.SignIn.Scopes = "https://login.example", []string{"offline_access"}
		},
		"signin.descriptions":                   func(c *Config) { c.SignIn.Descriptions = []string{"orders:read"} },
		"events.to is empty":                    func(c *Config) { c.Events.To = "" },
		"for a file of that name give ./stderr": func(c *Config) { c.Events.To = "stderr" },
		"the path of a folder":                  func(c *Config) { c.Events.To = "/var/log/" },
		"is the file of store.path":             func(c *Config) { c.Events.To = "./avouch.db-wal" },
		"is the file of tls.key":                func(c *Config) { c.TLS.Cert, c.TLS.Key, c.Events.To = "a", "/b", "/x/../b" },
		"events.buffer: 63 is not":              func(c *Config) { c.Events.Buffer = 63 },
		"not an absolute URI without":           func(c *Config) { c.Token.Audience = "orders" },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	for _, to := range []string{"off", "stdout", "/dev/stdout", "events.jsonl", "./stderr", "/var/log/events.jsonl"} {
		c := good
		if c.Events.To = to; c.Validate() != nil {
			t.Errorf("events.to %s: %v", to, c.Validate())
		}
	}
	all := Config{}
	if err := all.Validate(); strings.Count(err.Error(), "\n") < 6 {
		t.Errorf("all faults at once, got %v", err)
	}
}

func TestEveryKeyHasItsManual(t *testing.T) {
	c, manual := Default(), Manual()
	for _, f := range c.Fields() {
		if manual[f.Path] == "" {
			t.Errorf("%s has no comment", f.Path)
		}
		if strings.Contains(f.Path, "_") {
			t.Errorf("%s has an underscore: its variable would be ambiguous", f.Path)
		}
	}
}

func TestPrintedConfigurationLoadsAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	c := Default()
	c.Issuer, c.Scopes, c.Plaintext = "https://as.example.com", []string{"orders:read", "a, b"}, true
	again, err := Load(Source{File: write(t, "avouch.yaml", c.YAML())})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", c) {
		t.Errorf("got\n%#v, want\n%#v", again, c)
	}
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("issuer: x\ntoken: {lifetime: 5m}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("token:\n  ? x\n  : y\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := Default()
		readYAML("fuzz.yaml", text, c.Fields())
	})
}
