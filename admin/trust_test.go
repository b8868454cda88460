package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestAddIssuerRefuses(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	private, public := pair(t)
	secret, err := private.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	add(t, a, AddClientInput{ID: "https://app.example.com"})
	add(t, a, AddClientInput{ID: "ci/robot"})
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "taken", URL: "https://taken.example.com", Discovery: true}); err != nil {
		t.Fatal(err)
	}
	good := func(change func(m *IssuerMetadata)) IssuerMetadata {
		m := IssuerMetadata{Name: "idp", URL: "https://idp.example.com", Discovery: true}
		change(&m)
		return m
	}
	url := func(s string) IssuerMetadata { return good(func(m *IssuerMetadata) { m.URL = s }) }
	for name, test := range map[string]struct {
		in   IssuerMetadata
		want string
	}{
		"no name":                        {good(func(m *IssuerMetadata) { m.Name = "" }), "name"},
		"name with a slash":              {good(func(m *IssuerMetadata) { m.Name = "a/b" }), "name"},
		"name that begins with a hyphen": {good(func(m *IssuerMetadata) { m.Name = "-a" }), "name"},
		"name with a client among it":    {good(func(m *IssuerMetadata) { m.Name = "ci" }), "name"},
		"http":                           {url("http://idp.example.com"), "issuer"},
		"no scheme":                      {url("idp.example.com"), "issuer"},
		"upper-case scheme":              {url("HTTPS://idp.example.com"), "issuer"},
		"upper-case host":                {url("https://IDP.example.com"), "issuer"},
		"default port":                   {url("https://idp.example.com:443"), "issuer"},
		"user":                           {url("https://good.org@evil.example.com"), "issuer"},
		"query":                          {url("https://idp.example.com?x=1"), "issuer"},
		"fragment":                       {url("https://idp.example.com#x"), "issuer"},
		"empty query":                    {url("https://idp.example.com?"), "issuer"},
		"dot segment":                    {url("https://idp.example.com/a/../b"), "issuer"},
		"backslash":                      {url(`https://idp.example.com\@evil.example.com`), "issuer"},
		"escape in the host":             {url("https://idp%2eexample.com"), "issuer"},
		"IDN":                            {url("https://ıdp.example.com"), "issuer"},
		"trailing dot":                   {url("https://idp.example.com."), "issuer"},
		"space":                          {url("https://idp.example.com/ x"), "issuer"},
		"this server":                    {url("https://as.example.com"), "issuer"},
		"URL of another issuer":          {url("https://taken.example.com"), "issuer"},
		"URL that is a client":           {url("https://app.example.com"), "issuer"},
		"private address":                {url("https://10.0.0.7"), "issuer"},
		"no keys":                        {good(func(m *IssuerMetadata) { m.Discovery = false }), "jwks"},
		"two sources of keys":            {good(func(m *IssuerMetadata) { m.JWKS = public }), "jwks"},
		"private key":                    {good(func(m *IssuerMetadata) { m.Discovery, m.JWKS = false, []byte(`{"keys":[`+string(secret)+`]}`) }), "jwks"},
		"key set that is none":           {good(func(m *IssuerMetadata) { m.Discovery, m.JWKS = false, []byte(`{"keys":{}}`) }), "jwks"},
		"key set without keys":           {good(func(m *IssuerMetadata) { m.Discovery, m.JWKS = false, []byte(`{"keys":[]}`) }), "jwks"},
		"key set that says all twice":    {good(func(m *IssuerMetadata) { m.Discovery, m.JWKS = false, []byte(`{"keys":[],"keys":[]}`) }), "jwks"},
		"http jwks_uri":                  {good(func(m *IssuerMetadata) { m.Discovery, m.JWKSURL = false, "http://idp.example.com/jwks" }), "jwks_uri"},
		"jwks_uri into the network":      {good(func(m *IssuerMetadata) { m.Discovery, m.JWKSURL = false, "https://192.168.1.1/jwks" }), "jwks_uri"},
		"HMAC":                           {good(func(m *IssuerMetadata) { m.Assertions.Algorithms = []string{"HS256"} }), "assertions.algorithms[0]"},
		"audience mode":                  {good(func(m *IssuerMetadata) { m.Assertions.AudienceMode = "legacy" }), "assertions.audience_mode"},
		"empty audience":                 {good(func(m *IssuerMetadata) { m.Assertions.Audiences = []string{""} }), "assertions.audiences[0]"},
		"two years":                      {good(func(m *IssuerMetadata) { m.Assertions.MaxLifetime = Duration(2 * 365 * 24 * time.Hour) }), "assertions.max_lifetime"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.AddIssuer(ctx, test.in)
			if got := faultsAt(t, err); !slices.Equal(got, []string{test.want}) {
				t.Errorf("faults at %q, want %q: %v", got, test.want, err)
			}
		})
	}
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "taken", URL: "https://other.example.com", Discovery: true}); code(err) != Exists {
		t.Errorf("a name twice: %v", err)
	}
	for _, fine := range []IssuerMetadata{
		{Name: "slash", URL: "https://tenant.example.com/", Discovery: true},
		{Name: "port", URL: "https://idp.example.com:8443/realms/a", JWKSURL: "https://idp.example.com:8443/jwks?v=1"},
		{Name: "inside", URL: "https://10.0.0.7", Discovery: true, AllowPrivateAddresses: true},
		{Name: "dev", URL: "http://localhost:8081", JWKSURL: "http://127.0.0.1:8081/jwks", AllowPrivateAddresses: true},
		{Name: "inline", URL: "https://cluster.example.com", JWKS: public},
	} {
		if _, err := a.AddIssuer(ctx, fine); err != nil {
			t.Error(err)
		}
	}
	shown, err := a.Issuer(ctx, "inline")
	if err != nil || shown.JWKSUpdated.IsZero() || len(shown.JWKS) == 0 {
		t.Errorf("%+v, %v", shown, err)
	}
}

func TestAddRuleRefuses(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "app"})
	add(t, a, AddClientInput{ID: "web", ClientMetadata: ClientMetadata{AuthMethod: methodNone, GrantTypes: []string{grantJWTBearer}}})
	add(t, a, AddClientInput{ID: "batch", ClientMetadata: ClientMetadata{GrantTypes: []string{grantClientCredentials}}})
	add(t, a, AddClientInput{ID: "google", ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{SubjectOptional: true}}})
	add(t, a, AddClientInput{ID: "msal", ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{Replay: replaySameClient}}})
	for name, policy := range map[string]AssertionPolicy{"ci": {}, "other": {}, "jag": {Replay: replaySameClient}} {
		if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: name, URL: "https://" + name + ".example.com", Discovery: true, Assertions: policy}); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		in   RuleMetadata
		want string
	}{
		"nobody's assertions":            {RuleMetadata{Subject: "s"}, "issuer"},
		"two parties":                    {RuleMetadata{Issuer: "ci", Client: "app", Subject: "s"}, "issuer"},
		"no such issuer":                 {RuleMetadata{Issuer: "nobody", Subject: "s"}, "issuer"},
		"issuer by its URL":              {RuleMetadata{Issuer: "https://ci.example.com", Subject: "s"}, "issuer"},
		"no such signing client":         {RuleMetadata{Client: "nobody", Subject: "s"}, "client"},
		"signing client without grant":   {RuleMetadata{Client: "batch", Subject: "s"}, "client"},
		"no subject":                     {RuleMetadata{Issuer: "ci"}, "subject"},
		"no subject, nobody":             {RuleMetadata{Issuer: "ci", Nobody: true}, "subject"},
		"star":                           {RuleMetadata{Issuer: "ci", Subject: "repo:org/*"}, "subject"},
		"subject with a newline":         {RuleMetadata{Issuer: "ci", Subject: "a\n"}, "subject"},
		"subject is the issuer":          {RuleMetadata{Issuer: "ci", Subject: "https://ci.example.com"}, "subject"},
		"unknown mode":                   {RuleMetadata{Issuer: "ci", Subject: "s", Mode: "warn"}, "mode"},
		"no such client":                 {RuleMetadata{Issuer: "ci", Subject: "s", AsClient: "nobody"}, "as_client"},
		"client without the grant":       {RuleMetadata{Issuer: "ci", Subject: "s", AsClient: "batch"}, "as_client"},
		"must authenticate, and cannot":  {RuleMetadata{Issuer: "ci", Subject: "s", AsClient: "web", RequireClient: true}, "as_client"},
		"signs for itself as another":    {RuleMetadata{Client: "app", Subject: "s", AsClient: "web"}, "as_client"},
		"subject is a client":            {RuleMetadata{Issuer: "ci", Subject: "s", AsSubject: "app"}, "as_subject"},
		"subject as it is is a client":   {RuleMetadata{Issuer: "ci", Subject: "app", AsSubject: "="}, "as_subject"},
		"subject of another issuer":      {RuleMetadata{Issuer: "ci", Subject: "s", AsSubject: "other/s"}, "as_subject"},
		"subject is this server":         {RuleMetadata{Issuer: "ci", Subject: "s", AsSubject: "https://as.example.com"}, "as_subject"},
		"nobody and somebody":            {RuleMetadata{Issuer: "ci", Subject: "s", Nobody: true, AsSubject: "x"}, "as_subject"},
		"audience as a claim":            {RuleMetadata{Issuer: "ci", Subject: "s", Claims: map[string]string{"aud": "x"}}, "claims.aud"},
		"empty claim":                    {RuleMetadata{Issuer: "ci", Subject: "s", Claims: map[string]string{"env": ""}}, "claims.env"},
		"re-use without a client":        {RuleMetadata{Issuer: "jag", Subject: "s", AsClient: "app"}, "require_client"},
		"client's re-use without itself": {RuleMetadata{Client: "msal", Subject: "s"}, "require_client"},
		"default scope beyond":           {RuleMetadata{Issuer: "ci", Subject: "s", Scope: "a", DefaultScope: "b"}, "default_scope"},
		"a second":                       {RuleMetadata{Issuer: "ci", Subject: "s", TokenLifetime: Duration(time.Second)}, "token_lifetime"},
		"resource with a fragment":       {RuleMetadata{Issuer: "ci", Subject: "s", Audiences: []string{"https://a.example.com#b"}}, "audiences[0]"},
		"name with a space":              {RuleMetadata{Name: "a b", Issuer: "ci", Subject: "s"}, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.in.Name == "" {
				test.in.Name = "r"
			}
			_, err := a.AddRule(ctx, test.in)
			if got := faultsAt(t, err); !slices.Contains(got, test.want) || len(got) != 1 {
				t.Errorf("faults at %q, want %q: %v", got, test.want, err)
			}
		})
	}
	for i, fine := range []RuleMetadata{
		{Issuer: "ci", Subject: "repo:org/app:ref:refs/heads/main", AsClient: "app", Scope: "deploy"},
		{Issuer: "ci", Subject: "s", AsSubject: "ci/other"},
		{Issuer: "ci", Subject: "https://ci.example.com", Nobody: true},
		{Issuer: "jag", Subject: "s", AsClient: "app", RequireClient: true},
		{Client: "app", Subject: "app", Nobody: true},
		{Client: "app", Subject: "alice"},
		{Client: "google", Nobody: true},
		{Client: "msal", Subject: "alice", RequireClient: true},
	} {
		fine.Name = fmt.Sprint("fine-", i)
		if _, err := a.AddRule(ctx, fine); err != nil {
			t.Error(err)
		}
	}
	// What is there may not be pulled from under the rules either.
	if _, err := a.UpdateIssuer(ctx, 0, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", Discovery: true, Assertions: AssertionPolicy{Replay: replaySameClient}}); !slices.Equal(faultsAt(t, err), []string{"assertions.replay"}) {
		t.Error(err)
	}
	c, err := a.Client(ctx, "google")
	if err != nil {
		t.Fatal(err)
	}
	c.Assertions.SubjectOptional = false
	if _, err := a.UpdateClient(ctx, "google", 0, c.ClientMetadata); code(err) != Invalid {
		t.Errorf("a client whose rule is for no subject: %v", err)
	}
	if _, err := a.AddClient(ctx, AddClientInput{ID: "alice", Keys: publicJWK(t)}); err != nil {
		t.Errorf("subjects of a client are CLIENT/SUB: %v", err)
	}
	if _, err := a.AddClient(ctx, AddClientInput{ID: "ci/other", Keys: publicJWK(t)}); code(err) != Invalid {
		t.Errorf("a client by the name of a subject: %v", err)
	}
}

// TestSwitchingOffNeverFails is for records that today's rules would refuse.
func TestSwitchingOffNeverFails(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "app"})
	if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", Discovery: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddRule(ctx, RuleMetadata{Name: "r", Issuer: "ci", Subject: "s", AsClient: "app"}); err != nil {
		t.Fatal(err)
	}
	strict := newAdmin(a.store, a.sealer, Options{Issuer: "https://ci.example.com", Grants: []string{"other"}, AuthMethods: []string{"other"}})
	for name, off := range map[string]func() error{
		"client": func() error { _, err := strict.DisableClient(ctx, "app"); return err },
		"issuer": func() error { _, err := strict.DisableIssuer(ctx, "ci"); return err },
		"rule":   func() error { _, err := strict.DisableRule(ctx, "r"); return err },
	} {
		if err := off(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := strict.EnableIssuer(ctx, "ci"); code(err) != Invalid {
		t.Errorf("switched on: %v", err)
	}
}

func TestIssuerKeysAsGiven(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	public := publicJWK(t)
	made, err := a.AddIssuer(ctx, IssuerMetadata{Name: "k8s", URL: "https://cluster.example.com", JWKS: public})
	if err != nil {
		t.Fatal(err)
	}
	var spread map[string]any
	if err := json.Unmarshal(public, &spread); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(spread, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond)
	same, err := a.UpdateIssuer(ctx, 0, IssuerMetadata{Name: "k8s", URL: "https://cluster.example.com", JWKS: again})
	if err != nil || !same.JWKSUpdated.Equal(made.JWKSUpdated) {
		t.Errorf("the same keys count as new: %+v, %v", same, err)
	}
	other, err := a.UpdateIssuer(ctx, 0, IssuerMetadata{Name: "k8s", URL: "https://cluster.example.com", JWKS: publicJWK(t)})
	if err != nil || !other.JWKSUpdated.After(made.JWKSUpdated) {
		t.Errorf("other keys do not: %+v, %v", other, err)
	}
}
