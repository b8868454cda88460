package assertion

import (
	"time"

	"github.com/avouch-oauth/avouch/keys"
)

// Claims are what a signer says. Sign fills in what is needed and left unset.
type Claims struct {
	Issuer   string // iss
	Subject  string // sub; left out where ""
	Audience string // aud, the one server it is for
	ID       string // jti; "" means a fresh random one
	IssuedAt time.Time
	Lifetime time.Duration  // exp − iat; zero means 60 s
	Type     string         // typ of the header; "" means "JWT"
	More     map[string]any // further claims; a registered name among them is an error
}

// Sign makes a signed assertion in one call (RFC 7523 §3). IssuedAt zero means time.Now.
func Sign(c Claims, key *keys.Private) (string, error) { panic("not built") }

// SignMAC is Sign with a shared secret, for client_secret_jwt.
func SignMAC(c Claims, alg keys.Algorithm, secret []byte) (string, error) { panic("not built") }
