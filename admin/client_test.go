package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAddClientRefuses(t *testing.T) {
	a := newTest(t)
	ctx := t.Context()
	add(t, a, AddClientInput{ID: "taken"})
	for _, i := range []IssuerMetadata{{Name: "ci", URL: "https://ci.example.com", Discovery: true}} {
		if _, err := a.AddIssuer(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.AddRule(ctx, RuleMetadata{Name: "r", Issuer: "ci", Subject: "job", AsSubject: "robot"}); err != nil {
		t.Fatal(err)
	}
	secret := &SecretInput{[]byte(generateSecret())}
	private, public := pair(t)
	privateJWK, err := private.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	privatePEM, err := private.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		in   AddClientInput
		want string // the field at fault
	}{
		"id with a space":                  {AddClientInput{ID: "a b"}, "client_id"},
		"id with a line end":               {AddClientInput{ID: "a\n"}, "client_id"},
		"id not ASCII":                     {AddClientInput{ID: "café"}, "client_id"},
		"id too long":                      {AddClientInput{ID: strings.Repeat("x", 256)}, "client_id"},
		"id of this server":                {AddClientInput{ID: "https://as.example.com"}, "client_id"},
		"id of an issuer":                  {AddClientInput{ID: "https://ci.example.com"}, "client_id"},
		"id among an issuer's subjects":    {AddClientInput{ID: "ci/job:2"}, "client_id"},
		"id of a subject":                  {AddClientInput{ID: "robot"}, "client_id"},
		"neither jwks nor jwks_uri":        {AddClientInput{Keys: []byte{}}, "jwks"},
		"jwks and jwks_uri":                {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{JWKSURL: "https://c.example.com/jwks"}}, "jwks_uri"},
		"private JWK":                      {AddClientInput{Keys: privateJWK}, "jwks"},
		"private PEM":                      {AddClientInput{Keys: privatePEM}, "jwks"},
		"symmetric JWK":                    {AddClientInput{Keys: []byte(`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`)}, "jwks"},
		"junk as key":                      {AddClientInput{Keys: []byte("junk")}, "jwks"},
		"http jwks_uri":                    {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "http://c.example.com/jwks"}}, "jwks_uri"},
		"jwks_uri on a loopback address":   {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://127.0.0.1/jwks"}}, "jwks_uri"},
		"jwks_uri on the metadata address": {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://169.254.169.254/latest"}}, "jwks_uri"},
		"jwks_uri on a mapped address":     {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://[::ffff:10.0.0.1]/jwks"}}, "jwks_uri"},
		"jwks_uri on a decimal address":    {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://2130706433/jwks"}}, "jwks_uri"},
		"jwks_uri with a user":             {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://u:p@c.example.com/jwks"}}, "jwks_uri"},
		"jwks_uri of a file":               {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "file:///etc/passwd"}}, "jwks_uri"},
		"jwks_uri on localhost":            {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://localhost/jwks"}}, "jwks_uri"},
		"jwks_uri on an inside name":       {AddClientInput{ClientMetadata: ClientMetadata{JWKSURL: "https://vault.internal/jwks"}}, "jwks_uri"},
		"unknown method":                   {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{AuthMethod: "tls_client_auth"}}, "token_endpoint_auth_method"},
		"unknown grant":                    {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{GrantTypes: []string{"password"}}}, "grant_types[0]"},
		"grant twice":                      {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{GrantTypes: []string{grantJWTBearer, grantJWTBearer}}}, "grant_types[1]"},
		"client_credentials without any":   {AddClientInput{ClientMetadata: ClientMetadata{AuthMethod: "none", GrantTypes: []string{grantClientCredentials}}}, "grant_types"},
		"scope with a quotation mark":      {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Scope: `a "b`}}, "scope"},
		"scope with two spaces":            {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Scope: "a  b"}}, "scope"},
		"default beyond the ceiling":       {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Scope: "a", DefaultScope: "b"}}, "default_scope"},
		"audience with a fragment":         {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Audiences: []string{"https://api.example.com/#x"}}}, "audiences[0]"},
		"audiences and any":                {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Audiences: []string{"https://api.example.com"}, AnyAudience: true}}, "any_audience"},
		"token lifetime of a week":         {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{TokenLifetime: Duration(7 * 24 * time.Hour)}}, "token_lifetime"},
		"name with a direction mark":       {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Name: "bill\u202eing"}}, "client_name"},
		"name with an escape":              {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Name: "\x1b[31mred"}}, "client_name"},
		"javascript as client_uri":         {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{ClientURL: "javascript:alert(1)"}}, "client_uri"},
		"algorithm none":                   {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{AuthAlgorithm: "none"}}, "token_endpoint_auth_signing_alg"},
		"MAC with private_key_jwt":         {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{AuthAlgorithm: "HS256"}}, "token_endpoint_auth_signing_alg"},
		"signature with client_secret_jwt": {AddClientInput{GenerateSecret: true, ClientMetadata: ClientMetadata{AuthMethod: methodSecretJWT, AuthAlgorithm: "RS256"}}, "token_endpoint_auth_signing_alg"},
		"algorithm outside its own list":   {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{AuthAlgorithm: "ES256", Assertions: AssertionPolicy{Algorithms: []string{"PS256"}}}}, "assertions.algorithms"},
		"audience mode unknown":            {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{AudienceMode: "lax"}}}, "assertions.audience_mode"},
		"audiences are for issuers":        {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{Audiences: []string{"x"}}}}, "assertions.audiences"},
		"skew of ten minutes":              {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{Skew: Duration(10 * time.Minute)}}}, "assertions.skew"},
		"access token as assertion":        {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{Types: []string{"application/at+JWT"}}}}, "assertions.types[0]"},
		"replay unknown":                   {AddClientInput{Keys: public, ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{Replay: "never"}}}, "assertions.replay"},
		"secret for a key client":          {AddClientInput{Keys: public, Secret: secret}, "secret"},
		"no secret":                        {AddClientInput{ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}}, "secret"},
		"secret and made secret":           {AddClientInput{Secret: secret, GenerateSecret: true, ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}}, "secret"},
		"short secret":                     {AddClientInput{Secret: &SecretInput{[]byte("hunter2")}, ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}}, "secret"},
		"silly secret":                     {AddClientInput{Secret: &SecretInput{[]byte(strings.Repeat("ab", 20))}, ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}}, "secret"},
		"secret with a line end":           {AddClientInput{Secret: &SecretInput{[]byte(generateSecret() + "\n")}, ClientMetadata: ClientMetadata{AuthMethod: methodSecretBasic}}, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.in.Keys == nil && test.want == "client_id" {
				test.in.Keys = public
			}
			_, err := a.AddClient(ctx, test.in)
			if got := faultsAt(t, err); !slices.Equal(got, []string{test.want}) {
				t.Errorf("faults at %q, want %q: %v", got, test.want, err)
			}
			if test.in.Secret != nil && strings.Contains(err.Error(), string(test.in.Secret.Value)) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	if _, err := a.AddClient(ctx, AddClientInput{ID: "taken", Keys: public}); code(err) != Exists {
		t.Errorf("an id twice: %v", err)
	}
	page, err := a.Clients(ctx, "", 0)
	if err != nil || len(page.Clients) != 1 {
		t.Errorf("there are %d clients, %v", len(page.Clients), err)
	}
}

func TestAddClientTellsAllFaults(t *testing.T) {
	_, err := newTest(t).AddClient(t.Context(), AddClientInput{ID: "a b", ClientMetadata: ClientMetadata{
		GrantTypes: []string{"password"}, Scope: "é", TokenLifetime: Duration(time.Second), Assertions: AssertionPolicy{Skew: Duration(time.Hour)},
	}})
	want := []string{"assertions.skew", "client_id", "grant_types[0]", "jwks", "scope", "token_lifetime"}
	if got := faultsAt(t, err); !slices.Equal(got, want) {
		t.Errorf("faults at %q, want %q", got, want)
	}
}

func TestClientIsKeptAsGiven(t *testing.T) {
	a := newTest(t)
	m := ClientMetadata{
		Name: "Billing <batch>", AuthAlgorithm: "ES256", GrantTypes: []string{grantClientCredentials}, Scope: "a b c",
		ClientURL: "https://example.com/", Contacts: []string{"ops@example.com"}, SoftwareVersion: "1.2",
		DefaultScope: "b", Audiences: []string{"https://api.example.com", "orders"}, TokenLifetime: Duration(5 * time.Minute),
		Assertions: AssertionPolicy{AudienceMode: audienceLegacy, Algorithms: []string{"ES256"}, Skew: Duration(time.Minute), Replay: replayOff},
	}
	made, err := a.AddClient(t.Context(), AddClientInput{ClientMetadata: m, Keys: publicJWK(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.ID) != 26 {
		t.Errorf("made id %q", made.ID)
	}
	shown, err := a.Client(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	m.AuthMethod = methodPrivateKeyJWT
	if got, want := asJSON(t, shown.ClientMetadata), asJSON(t, m); got != want {
		t.Errorf("shown %s\nwant  %s", got, want)
	}
}

func TestClientPages(t *testing.T) {
	a := newTest(t)
	for i := range 7 {
		add(t, a, AddClientInput{ID: fmt.Sprint("c", i)})
	}
	var seen []string
	for after := ""; ; {
		page, err := a.Clients(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Clients {
			seen = append(seen, c.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "c0 c1 c2 c3 c4 c5 c6" {
		t.Error(got)
	}
}

func TestUpdateClient(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	made := add(t, a, AddClientInput{ID: "c", ClientMetadata: ClientMetadata{Name: "one"}})
	m := made.ClientMetadata
	m.Name = "two"
	if _, err := a.DisableClient(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.UpdateClient(ctx, "c", made.Revision, m); code(err) != Conflict {
		t.Errorf("an old revision: %v", err)
	}
	updated, err := a.UpdateClient(ctx, "c", 0, m)
	if err != nil {
		t.Fatal(err)
	}
	if updated.Name != "two" || !updated.Disabled || len(updated.Keys) != 1 || updated.Revision == made.Revision {
		t.Errorf("%+v", updated)
	}
	m.JWKSURL = "https://c.example.com/jwks"
	if _, err := a.UpdateClient(ctx, "c", updated.Revision, m); !slices.Equal(faultsAt(t, err), []string{"jwks_uri"}) {
		t.Error(err)
	}
	if _, err := a.UpdateClient(ctx, "nobody", 0, m); code(err) != NotFound {
		t.Errorf("nobody: %v", err)
	}
}

func TestRemoveClientThatRulesName(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "c"})
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", Discovery: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddRule(ctx, RuleMetadata{Name: "deploy", Issuer: "ci", Subject: "job", AsClient: "c"}); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveClient(ctx, "c"); code(err) != Conflict || !strings.Contains(err.Error(), "deploy") {
		t.Error(err)
	}
	if err := a.RemoveIssuer(ctx, "ci"); code(err) != Conflict || !strings.Contains(err.Error(), "deploy") {
		t.Error(err)
	}
	if err := a.RemoveRule(ctx, "deploy"); err != nil {
		t.Error(err)
	}
	if err := a.RemoveClient(ctx, "c"); err != nil {
		t.Error(err)
	}
}

func TestSecrets(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	for _, method := range []string{methodSecretBasic, methodSecretPost, methodSecretJWT} {
		made := add(t, a, AddClientInput{ID: method, ClientMetadata: ClientMetadata{AuthMethod: method}, GenerateSecret: true})
		if len(made.Secret) < 43 || made.Secrets[0].Sealed != (method == methodSecretJWT) {
			t.Errorf("%s: %+v", method, made)
		}
		record, err := a.store.Client(ctx, method)
		if err != nil {
			t.Fatal(err)
		}
		if kept := asJSON(t, record); strings.Contains(kept, made.Secret) {
			t.Errorf("%s: the secret is in the store: %s", method, kept)
		}
		second, err := a.AddClientSecret(ctx, method, AddSecretInput{Label: "next", Overlap: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.Client(ctx, method)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Secrets) != 2 || c.Secrets[0].Expires.IsZero() || !c.Secrets[1].Expires.IsZero() {
			t.Errorf("%s: after a rotation: %+v", method, c.Secrets)
		}
		if _, err := a.AddClientSecret(ctx, method, AddSecretInput{Overlap: -1}); err != nil {
			t.Error(err)
		}
		if c, err = a.Client(ctx, method); err != nil || len(c.Secrets) != 1 || c.Secrets[0].ID == second.ID {
			t.Errorf("%s: after ending the others: %+v, %v", method, c.Secrets, err)
		}
		if err := a.RemoveClientSecret(ctx, method, c.Secrets[0].ID); err != nil {
			t.Error(err)
		}
		if err := a.RemoveClientSecret(ctx, method, c.Secrets[0].ID); code(err) != NotFound {
			t.Errorf("removed twice: %v", err)
		}
		other := map[string]string{methodSecretBasic: methodSecretJWT, methodSecretPost: methodNone, methodSecretJWT: methodSecretPost}[method]
		if _, err := a.AddClientSecret(ctx, method, AddSecretInput{}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.UpdateClient(ctx, method, 0, ClientMetadata{AuthMethod: other}); !slices.Contains(faultsAt(t, err), "token_endpoint_auth_method") {
			t.Errorf("%s to %s: %v", method, other, err)
		}
	}
	value := &SecretInput{[]byte(generateSecret())}
	if _, err := a.AddClientSecret(ctx, methodSecretBasic, AddSecretInput{Secret: value}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddClientSecret(ctx, methodSecretBasic, AddSecretInput{Secret: value}); !slices.Equal(faultsAt(t, err), []string{"secret"}) {
		t.Errorf("the same secret twice: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %s", value, *value, value); strings.Contains(text, string(value.Value)) {
		t.Errorf("a secret prints as %s", text)
	}
}
