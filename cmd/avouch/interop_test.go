package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/keys"
)

// The clients of other people, run as they come against the real server. ./check installs them and names them by
// AVOUCH_TEST_PYTHON (an interpreter) and AVOUCH_TEST_NODE (a folder with node_modules).

// python runs a script with the interpreter that has the libraries; the lines it prints are access tokens.
func python(t *testing.T, script string, env map[string]string) ([]string, error) {
	t.Helper()
	interpreter := os.Getenv("AVOUCH_TEST_PYTHON")
	if interpreter == "" {
		t.Skip("the Python clients are not here: ./check installs them")
	}
	return runScript(t, interpreter, filepath.Join("testdata", "interop", script), env)
}

// node runs a module from a folder where its imports are found.
func node(t *testing.T, script string, env map[string]string) ([]string, error) {
	t.Helper()
	return runScript(t, "node", nodeScript(t, script), env)
}

func runScript(t *testing.T, interpreter, script string, env map[string]string) ([]string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), interpreter, script)
	cmd.Env = append(os.Environ(), "AUTHLIB_INSECURE_TRANSPORT=1", "NODE_NO_WARNINGS=1")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		t.Logf("%s: %v\n%s", filepath.Base(script), err, stderr.String())
	}
	return strings.Fields(stdout.String()), err
}

// good checks that a client got tokens, and for whom.
func (s *testServer) good(tokens []string, err error, count int, subject string, scopes ...string) {
	s.t.Helper()
	if err != nil || len(tokens) != count {
		s.t.Fatalf("want %d tokens, got %d: %v", count, len(tokens), err)
	}
	for _, token := range tokens {
		caller := s.verify(token)
		if caller.Subject != subject || !slices.Equal(caller.Scopes, scopes) {
			s.t.Errorf("token for %q with %v, want %q with %v", caller.Subject, caller.Scopes, subject, scopes)
		}
	}
}

// googleClient is a client as "avouch client add --google" makes it.
func (s *testServer) googleClient() (keyFile string, raw []byte) {
	s.t.Helper()
	in := admin.AddClientInput{ID: "reports"}
	in.GrantTypes = []string{grantJWTBearer}
	in.Assertions.SubjectOptional, in.Assertions.ScopeClaim = true, true
	in.Assertions.Audiences = []string{s.url, s.url + tokenPath, googleTokenURL}
	private, public, err := keys.GeneratePairs(1, keys.RS256)
	if err != nil {
		s.t.Fatal(err)
	}
	in.Keys = mustJSON(s.t, public)
	added := s.add(in)
	s.rule(serviceRule(added))
	raw, err = keys.MarshalKeyFile(private[0], "reports", s.url+tokenPath)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.file("reports.json", raw), raw
}

func TestGoogleAuthPython(t *testing.T) {
	s := startServer(t, nil)
	file, _ := s.googleClient()
	tokens, err := python(t, "google_auth_grant.py", map[string]string{"KEY_FILE": file, "SCOPE": "orders:read", "TIMES": "2"})
	s.good(tokens, err, 2, "reports", "orders:read")
}

func TestGoogleAuthLibraryNode(t *testing.T) {
	s := startServer(t, nil)
	file, _ := s.googleClient()
	tokens, err := node(t, "google_auth_library_grant.mjs", map[string]string{"KEY_FILE": file, "SCOPE": "orders:read"})
	s.good(tokens, err, 1, "reports", "orders:read")
}

func TestOAuth2JWTGo(t *testing.T) {
	s := startServer(t, nil)
	in := admin.AddClientInput{ID: "mailer"}
	in.Assertions.ScopeClaim = true
	key, _ := s.client(in, keys.RS256)
	s.rule(admin.RuleMetadata{Name: "mailer-for-alice", Client: "mailer", Subject: "alice", AsSubject: "=", Scope: "orders:read"})
	text, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	conf := jwt.Config{
		Email: "mailer", Subject: "alice", PrivateKey: text, PrivateKeyID: key.ID,
		Scopes: []string{"orders:read"}, TokenURL: s.url + tokenPath,
	}
	for range 2 {
		token, err := conf.TokenSource(t.Context()).Token()
		if err != nil {
			t.Fatal(err)
		}
		s.good([]string{token.AccessToken}, nil, 1, "alice", "orders:read")
		time.Sleep(1100 * time.Millisecond) // its assertions of one second are equal: iat is all that differs
	}
}

func TestOAuth2ClientCredentialsGo(t *testing.T) {
	s := startServer(t, nil)
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		in := admin.AddClientInput{ID: "legacy-" + method, GenerateSecret: true}
		in.AuthMethod = method
		added := s.add(in)
		for style, name := range map[oauth2.AuthStyle]string{oauth2.AuthStyleAutoDetect: "auto", oauth2.AuthStyleInHeader: "header", oauth2.AuthStyleInParams: "params"} {
			conf := clientcredentials.Config{
				ClientID: added.ID, ClientSecret: added.Secret, TokenURL: s.url + tokenPath,
				Scopes: []string{"orders:write"}, AuthStyle: style,
			}
			token, err := conf.Token(t.Context())
			wrong := style == oauth2.AuthStyleInHeader && method == "client_secret_post" || style == oauth2.AuthStyleInParams && method == "client_secret_basic"
			if wrong {
				if err == nil {
					t.Errorf("%s by %s: a client is held to the method it is registered for", method, name)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s by %s: %v", method, name, err)
				continue
			}
			s.good([]string{token.AccessToken}, nil, 1, added.ID, "orders:write")
		}
	}
}

func TestAuthlibGrant(t *testing.T) {
	s := startServer(t, nil)
	key, file := s.client(admin.AddClientInput{ID: "crm"}, keys.ES256)
	s.rule(admin.RuleMetadata{Name: "crm-for-alice", Client: "crm", Subject: "alice", AsSubject: "=", Scope: "orders:read"})
	for _, audience := range []string{s.url, s.url + tokenPath} {
		for _, kid := range []string{key.ID, ""} {
			env := map[string]string{
				"TOKEN_URL": s.url + tokenPath, "CLIENT_ID": "crm", "SUBJECT": "alice", "AUDIENCE": audience,
				"SCOPE": "orders:read", "KEY_FILE": file, "ALG": "ES256", "TIMES": "2",
			}
			if kid != "" {
				env["KID"] = kid
			}
			tokens, err := python(t, "authlib_grant.py", env)
			s.good(tokens, err, 2, "alice", "orders:read")
		}
	}
}

func TestAuthlibClientAuthentication(t *testing.T) {
	s := startServer(t, nil)
	_, file := s.client(admin.AddClientInput{ID: "strict"}, keys.ES256)
	legacy := admin.AddClientInput{ID: "legacy"}
	legacy.Assertions.AudienceMode = "legacy"
	_, legacyFile := s.client(legacy, keys.RS256)
	secret := admin.AddClientInput{ID: "secret", GenerateSecret: true}
	secret.AuthMethod = "client_secret_jwt"
	added := s.add(secret)

	env := func(more ...string) map[string]string {
		m := map[string]string{"TOKEN_URL": s.url + tokenPath, "SCOPE": "orders:read"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	t.Run("private_key_jwt, told the issuer", func(t *testing.T) {
		tokens, err := python(t, "authlib_client_auth.py", env("METHOD", "private_key_jwt", "CLIENT_ID", "strict", "KEY_FILE", file, "ALG", "ES256", "AUDIENCE", s.url, "TIMES", "2"))
		s.good(tokens, err, 2, "strict", "orders:read")
	})
	t.Run("private_key_jwt, as it comes, strict client", func(t *testing.T) {
		tokens, err := python(t, "authlib_client_auth.py", env("METHOD", "private_key_jwt", "CLIENT_ID", "strict", "KEY_FILE", file, "ALG", "ES256"))
		if err == nil {
			t.Errorf("aud is the token endpoint, which RFC 10070 §4 forbids, and it got %d tokens", len(tokens))
		}
	})
	t.Run("private_key_jwt, as it comes, legacy client", func(t *testing.T) {
		tokens, err := python(t, "authlib_client_auth.py", env("METHOD", "private_key_jwt", "CLIENT_ID", "legacy", "KEY_FILE", legacyFile, "ALG", "RS256", "TIMES", "2"))
		s.good(tokens, err, 2, "legacy", "orders:read")
	})
	t.Run("client_secret_jwt", func(t *testing.T) {
		tokens, err := python(t, "authlib_client_auth.py", env("METHOD", "client_secret_jwt", "CLIENT_ID", "secret", "CLIENT_SECRET", added.Secret, "ALG", "HS256", "AUDIENCE", s.url, "TIMES", "2"))
		s.good(tokens, err, 2, "secret", "orders:read")
	})
}

func TestOpenIDClientNode(t *testing.T) {
	s := startServer(t, nil)
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256} {
		t.Run(string(alg), func(t *testing.T) {
			id := "node-" + strings.ToLower(string(alg))
			key, file := s.client(admin.AddClientInput{ID: id}, alg)
			for _, wellKnown := range []string{"oauth2", "oidc"} {
				tokens, err := node(t, "openid_client.mjs", map[string]string{
					"ISSUER": s.url, "CLIENT_ID": id, "KEY_FILE": file, "ALG": string(alg), "KID": key.ID,
					"SCOPE": "orders:read", "WELL_KNOWN": wellKnown, "TIMES": "2",
				})
				s.good(tokens, err, 2, id, "orders:read")
			}
		})
	}
	t.Run("secrets", func(t *testing.T) {
		for _, method := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt"} {
			in := admin.AddClientInput{ID: "node-" + method, GenerateSecret: true}
			in.AuthMethod = method
			added := s.add(in)
			tokens, err := node(t, "openid_client.mjs", map[string]string{
				"ISSUER": s.url, "CLIENT_ID": added.ID, "METHOD": method, "CLIENT_SECRET": added.Secret, "SCOPE": "orders:write",
			})
			s.good(tokens, err, 1, added.ID, "orders:write")
		}
	})
	t.Run("grant", func(t *testing.T) {
		key, _ := s.client(admin.AddClientInput{ID: "desk"}, keys.ES256)
		public := admin.AddClientInput{ID: "phone"}
		public.AuthMethod, public.GrantTypes = "none", []string{grantJWTBearer}
		s.add(public)
		s.rule(admin.RuleMetadata{Name: "desk-for-bob", Client: "desk", Subject: "bob", AsSubject: "=", Scope: "orders:read"})
		signed, err := assertion.Sign(assertion.Claims{Issuer: "desk", Subject: "bob", Audience: s.url}, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node(t, "openid_client.mjs", map[string]string{
			"ISSUER": s.url, "CLIENT_ID": "phone", "METHOD": "none", "ASSERTION": signed, "SCOPE": "orders:read",
		}); err == nil {
			t.Error("a public client got a token for the assertion of another client")
		}
	})
}

func TestOAuth4WebAPINode(t *testing.T) {
	s := startServer(t, nil)
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		id := "web-" + strings.ToLower(string(alg))
		key, file := s.client(admin.AddClientInput{ID: id}, alg)
		tokens, err := node(t, "oauth4webapi.mjs", map[string]string{
			"ISSUER": s.url, "CLIENT_ID": id, "KEY_FILE": file, "ALG": string(alg), "KID": key.ID, "SCOPE": "orders:read",
		})
		s.good(tokens, err, 1, id, "orders:read")
	}
}
