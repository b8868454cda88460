// Package config is the configuration of the avouch binary: one struct, filled from defaults, a YAML file, the
// environment and flags, in that order, the later over the earlier.
//
// The comments of the struct's fields are the manual: `avouch config schema` prints them. The environment variable
// of a key is AVOUCH_ and its path in upper case, parts joined by underscores; no key has an underscore of its own, so
// the mapping is one to one. Unknown keys and unknown AVOUCH_ variables are refused, and all faults are told at once.
package config

import "time"

// Config is everything that can be configured. Start from [Default].
type Config struct {
	// Issuer is the issuer identifier, the URL by which clients know this server (RFC 8414 §2). It must be https,
	// without query and fragment; http is accepted for loopback hosts. Required.
	Issuer string `config:"issuer"`

	// Listen is the address the public endpoints listen on. Without TLS files it must be a loopback address, unless
	// plaintext says that a proxy in front ends TLS.
	Listen string `config:"listen"`

	// Plaintext allows plain HTTP on an address that is not loopback, for a TLS-terminating proxy in front.
	Plaintext bool `config:"plaintext"`

	// Proxies is the list of the proxies in front: addresses, and networks such as 10.1.2.0/24. Where a connection comes
	// from one of them, X-Forwarded-For tells the address of the caller, by which he is slowed down and logged. Name only
	// proxies that add the address they see to that header, and no network in which callers are too. Empty means that
	// nobody is believed: the caller is whoever has made the connection.
	Proxies []string `config:"proxies"`

	TLS TLS `config:"tls"`

	Management Management `config:"management"`

	Store Store `config:"store"`

	Seal Seal `config:"seal"`

	Token Token `config:"token"`

	Keys Keys `config:"keys"`

	SignIn SignIn `config:"signin"`

	Registration Registration `config:"registration"`

	Changes Changes `config:"changes"`

	// Replay is where used assertions are remembered: "store" (durable, shared by all processes on the store) or
	// "memory" (this process only; after a restart it refuses what was issued before; never for one of several).
	Replay string `config:"replay"`

	// Scopes are published as scopes_supported in the metadata. They bind nothing.
	Scopes []string `config:"scopes"`

	Log Log `config:"log"`

	Events Events `config:"events"`
}

// TLS names the files of the server's certificate.
type TLS struct {
	// Cert is a PEM file with the certificate chain. It is read again when it changes.
	Cert string `config:"cert"`
	// Key is a PEM file with the private key of the certificate.
	Key string `config:"key"`
}

// Management is the listener for health and metrics.
type Management struct {
	// Listen is the address of /livez, /readyz, /healthz and /metrics. It is not authenticated: keep it off public
	// networks. "off" serves none of them.
	Listen string `config:"listen"`
}

// Store is where the server keeps its state.
type Store struct {
	// Path is the SQLite database file. It is made where it is missing, readable by its owner only.
	Path string `config:"path"`
	// Synchronous is "full" (a used assertion is remembered across a power loss) or "normal" (across a crash of the
	// process only; a power loss can reopen the replay of the last moments).
	Synchronous string `config:"synchronous"`
}

// Seal is the key under which private signing keys and recoverable client secrets are encrypted at rest.
type Seal struct {
	// Key is 32 bytes, as hex or base64. Give it by AVOUCH_SEAL_KEY, by the file AVOUCH_SEAL_KEY_FILE names, by
	// the systemd credential avouch.seal.key, or as keyfile below; never in the configuration file itself.
	Key Secret `config:"key"`
	// Keyfile is a file that holds the key.
	Keyfile string `config:"keyfile"`
	// Previous is the key before this one, while records are being encrypted anew: given like key.
	Previous Secret `config:"previous"`
	// Previousfile is a file that holds the previous key.
	Previousfile string `config:"previousfile"`
}

// Token is what access tokens are like.
type Token struct {
	// Lifetime of an access token where neither client nor rule say another, such as "15m".
	Lifetime time.Duration `config:"lifetime"`
	// Audience is the aud of a token where neither request, client nor rule say another. Empty means the issuer.
	Audience string `config:"audience"`
}

// Keys is how the server's own signing keys live.
type Keys struct {
	// Algorithm new signing keys are made for: ES256, EdDSA, RS256 or PS256. An RSA signature costs about thirty
	// times an ES256 one.
	Algorithm string `config:"algorithm"`
	// Rotate is how long a key signs before the next one takes over, such as "2160h". "0s" rotates by command only.
	Rotate time.Duration `config:"rotate"`
}

// SignIn is how people sign in at the pages of the server: to allow a client something, or to connect a device.
type SignIn struct {
	// Issuer is the OpenID provider where people sign in, such as https://login.example.com: the URL by which it knows
	// itself. At it, register this server as a client with the redirect URI ISSUER/signin/callback, where ISSUER is the
	// issuer above. Empty means that nobody can sign in, but as a test user with serve --dev.
	Issuer string `config:"issuer"`
	// Name stands before the subjects of its users, as NAME/SUB, so that they never meet those of another issuer:
	// letters, digits, dot, hyphen and underscore. Empty means its URL. Changing it makes everybody somebody else.
	Name string `config:"name"`
	// Clientid is the id of this server as a client there.
	Clientid string `config:"clientid"`
	// Secret is the secret of this server as a client there. Give it by AVOUCH_SIGNIN_SECRET, by the file
	// AVOUCH_SIGNIN_SECRET_FILE names, by the systemd credential avouch.signin.secret, or as secretfile below; never in
	// the configuration file itself.
	Secret Secret `config:"secret"`
	// Secretfile is a file that holds the secret.
	Secretfile string `config:"secretfile"`
	// Keyfile is a PEM file with a private key, by which this server signs who it is there (private_key_jwt) instead of
	// sending a secret.
	Keyfile string `config:"keyfile"`
	// Scopes are asked for there. openid is always among them; profile lets the name of the user be shown.
	Scopes []string `config:"scopes"`
	// Private allows the provider to be at a private or loopback address.
	Private bool `config:"private"`
	// Idle is how long somebody stays signed in without doing anything here.
	Idle time.Duration `config:"idle"`
	// Lifetime is how long somebody stays signed in at most.
	Lifetime time.Duration `config:"lifetime"`
	// Descriptions say in words what scopes mean to the people who are asked for them, each as "orders:read=See your
	// orders". A scope without one is shown by its name.
	Descriptions []string `config:"descriptions"`
}

// Registration is whether programs may register themselves as clients (RFC 7591).
type Registration struct {
	// Mode is who may: "off" (nobody), "token" (whoever shows an initial access token, which "avouch registration token
	// add" makes) or "open" (anybody: ten from one address, and ten an hour from then on). Empty means off, and open with
	// serve --dev.
	Mode string `config:"mode"`
	// Scopes are what clients that register themselves may ask for, and have where they register none. Whatever they get, a
	// user has to allow it.
	Scopes []string `config:"scopes"`
}

// Changes is the record of what operators, registered clients and the server itself have changed.
type Changes struct {
	// Keep is how long changes are kept, such as "8784h" for a year. A running server drops older ones within a day. "0s"
	// keeps them for ever; otherwise it is at least "24h".
	Keep time.Duration `config:"keep"`
}

// Log is how the server logs.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `config:"level"`
	// Format is text or json.
	Format string `config:"format"`
}

// Events is the record of tokens and refusals, as JSON lines. docs/events.md describes each member.
type Events struct {
	// To is where events go: "off", "stdout", or the path of a file, a named pipe or a device. A file is made if it does not
	// exist, readable by its owner only, and followed if it is rotated.
	To string `config:"to"`
	// Buffer is the number of events that wait at most while they cannot be written, in at most 2 KiB for each of them. If
	// there is no room for another one, requests for tokens are refused with 503 until events are written again.
	Buffer int `config:"buffer"`
}

// Default returns the configuration before anything is read.
func Default() Config {
	return Config{
		Listen:     "127.0.0.1:8080",
		Management: Management{Listen: "127.0.0.1:9090"},
		Store:      Store{Path: "avouch.db", Synchronous: "full"},
		Token:      Token{Lifetime: 15 * time.Minute},
		Keys:       Keys{Algorithm: "ES256", Rotate: 90 * 24 * time.Hour},
		SignIn:     SignIn{Scopes: []string{"openid", "profile"}, Idle: time.Hour, Lifetime: 12 * time.Hour},
		Changes:    Changes{Keep: 366 * 24 * time.Hour},
		Replay:     "store",
		Log:        Log{Level: "info", Format: "text"},
		Events:     Events{To: "off", Buffer: 8192},
	}
}
