package admin

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// browserApp is a client that people sign in to.
func browserApp() ClientMetadata {
	return ClientMetadata{
		AuthMethod: methodNone, GrantTypes: []string{grantAuthorizationCode, grantRefreshToken},
		RedirectURIs: []string{"https://app.example.com/callback"},
	}
}

func TestRedirectURIs(t *testing.T) {
	a := newTest(t)
	add(t, a, AddClientInput{ID: "app", ClientMetadata: browserApp()})
	try := func(uris ...string) error {
		m := browserApp()
		m.RedirectURIs = uris
		_, err := a.UpdateClient(t.Context(), "app", 0, m)
		return err
	}
	for _, good := range []string{
		"https://app.example.com/callback", "https://app.example.com", "https://app.example.com/cb?a=b&c=%20", "https://app.example.com:8443/cb",
		"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]:80/cb", "http://localhost:3000/cb",
		"com.example.app:/callback", "com.example.app://callback", "https://xn--bcher-kva.example/cb",
		"https://a.example/" + strings.Repeat("x", 2000),
	} {
		if err := try(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "/callback", "callback", "//app.example.com/cb", "https:", "https://", "https:///cb", "https:app.example.com",
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,a", "file:///etc/passwd", "vbscript:a", "blob:https://a.example", "about:blank", "myapp:/cb", "mailto:a@b.example",
		"http://app.example.com/cb", "http://127.0.0.1.example.com/cb", "http://localhost.example.com/cb", "http://10.0.0.1/cb", "http://2130706433/cb", "ftp://app.example.com/cb",
		"https://app.example.com/cb#", "https://app.example.com/cb#fragment", "https://user@app.example.com/cb", "https://user:pass@app.example.com/cb", "https://@app.example.com/cb",
		"https://app.example.com/cb\n", " https://app.example.com/cb", "https://app.example.com/c b", "https://app.example.com\\@evil.example/cb", "https://app.example.com/\u00e9", "https://bücher.example/cb",
		"https://*.example.com/cb", "https://app.example.com:99999/cb", "https://a.example/" + strings.Repeat("x", 2048),
	} {
		if got := faultsAt(t, try(bad)); !slices.Equal(got, []string{"redirect_uris[0]"}) {
			t.Errorf("%q: faults at %v", bad, got)
		}
	}
	var many []string
	for i := range 20 {
		many = append(many, "https://app.example.com/"+strconv.Itoa(i))
	}
	if err := try(many...); err != nil {
		t.Error(err)
	}
	if got := faultsAt(t, try(append(many, "https://app.example.com/one-more")...)); !slices.Equal(got, []string{"redirect_uris"}) {
		t.Errorf("21: faults at %v", got)
	}
	if got := faultsAt(t, try(many[0], many[0])); !slices.Equal(got, []string{"redirect_uris[1]"}) {
		t.Errorf("twice: faults at %v", got)
	}
}

// TestFlowsAreConsistent changes one member of a client at a time (RFC 7591 §2, §2.1).
func TestFlowsAreConsistent(t *testing.T) {
	a := newTest(t)
	for name, test := range map[string]struct {
		change func(m *ClientMetadata)
		faults []string
	}{
		"as it is":                        {func(*ClientMetadata) {}, nil},
		"response type of its grant":      {func(m *ClientMetadata) { m.ResponseTypes = []string{"code"} }, nil},
		"implicit":                        {func(m *ClientMetadata) { m.ResponseTypes = []string{"code", "token"} }, []string{"response_types[1]"}},
		"implicit alone":                  {func(m *ClientMetadata) { m.ResponseTypes = []string{"token"} }, []string{"response_types", "response_types[0]"}},
		"code without authorization_code": {func(m *ClientMetadata) { m.GrantTypes, m.ResponseTypes = []string{grantDeviceCode}, []string{"code"} }, []string{"response_types"}},
		"device": {func(m *ClientMetadata) {
			m.GrantTypes, m.RedirectURIs = []string{grantDeviceCode, grantRefreshToken}, nil
		}, nil},
		"authorization_code without a way back": {func(m *ClientMetadata) { m.RedirectURIs = nil }, []string{"redirect_uris"}},
		"pushed":                                {func(m *ClientMetadata) { m.RequirePushed = true }, nil},
		"pushed, and nothing to push":           {func(m *ClientMetadata) { m.GrantTypes, m.RequirePushed = []string{grantDeviceCode}, true }, []string{"require_pushed_authorization_requests"}},
		"public client_credentials":             {func(m *ClientMetadata) { m.GrantTypes = append(m.GrantTypes, grantClientCredentials) }, []string{"grant_types"}},
		"password":                              {func(m *ClientMetadata) { m.GrantTypes = append(m.GrantTypes, "password") }, []string{"grant_types[2]"}},
		"public introspection":                  {func(m *ClientMetadata) { m.Introspects = []string{"https://api.example.com"} }, []string{"introspects"}},
		"introspection of what is no resource":  {func(m *ClientMetadata) { m.AuthMethod, m.Introspects = "", []string{"https://a.example/#f"} }, []string{"introspects[0]"}},
		"introspection by one who authenticates": {func(m *ClientMetadata) {
			m.AuthMethod, m.Introspects = "", []string{"https://api.example.com", "orders"}
		}, nil},
	} {
		m := browserApp()
		test.change(&m)
		in := AddClientInput{ClientMetadata: m}
		if m.AuthMethod == "" {
			in.Keys = publicJWK(t)
		}
		_, err := a.AddClient(t.Context(), in)
		if test.faults == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := faultsAt(t, err); !slices.Equal(got, test.faults) {
			t.Errorf("%s: faults at %v, want %v", name, got, test.faults)
		}
	}
}

// TestFlowMembersGoAllTheWay adds, shows, exports, applies, tells and uses them.
func TestFlowMembersGoAllTheWay(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := browserApp()
	m.AuthMethod, m.Name, m.RequirePushed, m.Introspects = "", "The App", true, []string{"https://api.example.com"}
	add(t, a, AddClientInput{ID: "app", ClientMetadata: m, Keys: publicJWK(t)})
	shown, err := a.Client(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if asJSON(t, shown.RedirectURIs) != asJSON(t, m.RedirectURIs) || !shown.RequirePushed || asJSON(t, shown.Introspects) != asJSON(t, m.Introspects) {
		t.Errorf("shown as %+v", shown)
	}
	c, err := live.Client(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "The App" || !slices.Equal(c.RedirectURIs, m.RedirectURIs) || !c.RequirePushed || !slices.Equal(c.Introspects, m.Introspects) {
		t.Errorf("the server sees %+v", c)
	}
	d, err := a.Export(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text := asJSON(t, d)
	for _, member := range []string{`"redirect_uris":["https://app.example.com/callback"]`, `"require_pushed_authorization_requests":true`, `"introspects":["https://api.example.com"]`} {
		if !strings.Contains(text, member) {
			t.Errorf("exported without %s: %s", member, text)
		}
	}
	changed := strings.Replace(text, "/callback", "/other", 1)
	for document, want := range map[string][]string{text: nil, changed: {"redirect_uris"}} {
		parsed, err := ParseDocument([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := a.Plan(ctx, parsed, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, s := range plan.Steps {
			for _, f := range s.Fields {
				fields = append(fields, f.Field)
			}
		}
		if !slices.Equal(fields, want) {
			t.Errorf("the plan changes %v, want %v", fields, want)
		}
	}
}
