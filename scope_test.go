package avouch

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGrantScopes(t *testing.T) {
	client := &Client{ID: "c", Scopes: []string{"read", "write", "list"}, DefaultScopes: []string{"read", "beyond"}}
	tests := []struct {
		name      string
		parameter string
		authz     Authorization
		client    *Client
		want      []string
		refused   bool
	}{
		{name: "none asked, client's default within its ceiling", client: client, want: []string{"read"}},
		{name: "none asked, grant's default", client: client, authz: Authorization{DefaultScopes: []string{"list"}}, want: []string{"list"}},
		{name: "none asked, grant's default is nothing", client: client, authz: Authorization{DefaultScopes: []string{}}},
		{name: "none asked and none by default", client: &Client{Scopes: []string{"read"}}},
		{name: "asked", parameter: "write read", client: client, want: []string{"write", "read"}},
		{name: "asked in another order", parameter: "read write", client: client, want: []string{"read", "write"}},
		{name: "asked twice", parameter: "read read", client: client, want: []string{"read"}},
		{name: "beyond the client", parameter: "read admin", client: client, refused: true},
		{name: "other case", parameter: "READ", client: client, refused: true},
		{name: "a client without scopes", parameter: "read", client: &Client{}, refused: true},
		{name: "beyond the grant", parameter: "write", client: client, authz: Authorization{Scopes: []string{"read"}}, refused: true},
		{name: "grant's ceiling does not widen the client's", parameter: "admin", client: client, authz: Authorization{Scopes: []string{"admin"}}, refused: true},
		{name: "grant's ceiling is empty", parameter: "read", client: client, authz: Authorization{Scopes: []string{}}, refused: true},
		{name: "no registered client, grant's ceiling", parameter: "read", authz: Authorization{Scopes: []string{"read"}}, want: []string{"read"}},
		{name: "no registered client, no ceiling", parameter: "read", refused: true},
		{name: "no registered client, asserted without a ceiling", authz: Authorization{Asserted: []string{"read"}}},

		{name: "asserted is narrowed to the ceiling", client: client, authz: Authorization{Asserted: []string{"admin", "write"}}, want: []string{"write"}},
		{name: "asserted and beyond", client: client, authz: Authorization{Asserted: []string{"admin"}}},
		{name: "asserted nothing gives nothing, not the default", client: client, authz: Authorization{Asserted: []string{}}},
		{name: "asserted what is no scope", client: client, authz: Authorization{Asserted: []string{"", "a b", "read"}}, want: []string{"read"}},
		{name: "asserted what is no scope, although registered", client: &Client{Scopes: []string{"a b"}}, authz: Authorization{Asserted: []string{"a b"}}},
		{name: "asked within asserted", parameter: "read", client: client, authz: Authorization{Asserted: []string{"read", "write"}}, want: []string{"read"}},
		{name: "asked beyond asserted", parameter: "read list", client: client, authz: Authorization{Asserted: []string{"read", "write"}}, want: []string{"read"}},
		{name: "asked nothing of what is asserted", parameter: "list", client: client, authz: Authorization{Asserted: []string{"read"}}, refused: true},
		{name: "asked beyond the ceiling although asserted", parameter: "admin", client: client, authz: Authorization{Asserted: []string{"admin"}}, refused: true},

		{name: "tab", parameter: "read\twrite", client: client, refused: true},
		{name: "two spaces", parameter: "read  write", client: client, refused: true},
		{name: "space in front", parameter: " read", client: client, refused: true},
		{name: "space behind", parameter: "read ", client: client, refused: true},
		{name: "quote", parameter: `re"ad`, client: client, refused: true},
		{name: "backslash", parameter: `re\ad`, client: client, refused: true},
		{name: "not ASCII", parameter: "réad", client: client, refused: true},
		{name: "too many", parameter: strings.Repeat("read ", 200) + "read", client: client, refused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := grantScopes(test.parameter, &test.authz, test.client)
			var refusal *Error
			if errors.As(err, &refusal) != test.refused || test.refused && refusal.Code != InvalidScope {
				t.Fatalf("error %v, want refused %v", err, test.refused)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGrantAudience(t *testing.T) {
	s := &Server{audience: []string{"https://as.example"}}
	a, b := "https://a.example", "https://b.example/x?y"
	client := &Client{ID: "c", Audiences: []string{a, b}}
	tests := []struct {
		name      string
		resources []string
		authz     Authorization
		client    *Client
		want      []string
		refused   bool
	}{
		{name: "server's", client: &Client{}, want: s.audience},
		{name: "server's, asked for", resources: s.audience, client: &Client{}, want: s.audience},
		{name: "client's first", client: client, want: []string{a}},
		{name: "client's second", client: client, resources: []string{b}, want: []string{b}},
		{name: "both", client: client, resources: []string{b, a, b}, want: []string{b, a}},
		{name: "server's, the grant allows more", client: &Client{}, authz: Authorization{Audiences: []string{b, s.audience[0]}}, want: s.audience},
		{name: "grant's, of a client limited to the server's", client: &Client{}, authz: Authorization{Audiences: []string{b, a}}, refused: true},
		{name: "grant's, of a client limited to the server's, asked for", resources: []string{b}, client: &Client{}, authz: Authorization{Audiences: []string{b, a}}, refused: true},
		{name: "an empty list is no list", client: &Client{Audiences: []string{}}, authz: Authorization{Audiences: []string{b}}, refused: true},
		{name: "any, grant's first", client: &Client{AnyAudience: true}, authz: Authorization{Audiences: []string{b, a}}, want: []string{b}},
		{name: "any, grant's second", resources: []string{a}, client: &Client{AnyAudience: true}, authz: Authorization{Audiences: []string{b, a}}, want: []string{a}},
		{name: "any, beyond the grant", resources: s.audience, client: &Client{AnyAudience: true}, authz: Authorization{Audiences: []string{b, a}}, refused: true},
		{name: "any, the grant has no list", client: &Client{AnyAudience: true}, want: s.audience},
		{name: "any, the grant has no list, others asked for", resources: []string{a}, client: &Client{AnyAudience: true}, refused: true},
		{name: "any, grant allows nothing", client: &Client{AnyAudience: true}, authz: Authorization{Audiences: []string{}}, refused: true},
		{name: "any, without effect beside a list", client: &Client{Audiences: []string{a}, AnyAudience: true}, authz: Authorization{Audiences: []string{b}}, refused: true},
		{name: "grant's within the client's", client: client, authz: Authorization{Audiences: []string{"https://c.example", b}}, want: []string{b}},
		{name: "no registered client", authz: Authorization{Audiences: []string{a}}, want: []string{a}},
		{name: "grant and client have nothing in common", client: client, authz: Authorization{Audiences: []string{"https://c.example"}}, refused: true},
		{name: "grant allows nothing", client: client, authz: Authorization{Audiences: []string{}}, refused: true},
		{name: "grant allows nothing, client has no list", client: &Client{}, authz: Authorization{Audiences: []string{}}, refused: true},
		{name: "relative, although registered", client: &Client{Audiences: []string{"orders"}}, resources: []string{"orders"}, refused: true},
		{name: "server's, of a client with its own", client: client, resources: s.audience, refused: true},
		{name: "unknown", client: client, resources: []string{"https://c.example"}, refused: true},
		{name: "one of two unknown", client: client, resources: []string{a, "https://c.example"}, refused: true},
		{name: "slash more", client: client, resources: []string{a + "/"}, refused: true},
		{name: "other case", client: client, resources: []string{"HTTPS://a.example"}, refused: true},
		{name: "fragment", client: client, resources: []string{a + "#x"}, refused: true},
		{name: "empty fragment", client: client, resources: []string{a + "#"}, refused: true},
		{name: "relative", client: client, resources: []string{"/orders"}, refused: true},
		{name: "no scheme", client: client, resources: []string{"a.example"}, refused: true},
		{name: "broken", client: client, resources: []string{"https://%zz"}, refused: true},
		{name: "too many", client: client, resources: slices.Repeat([]string{a}, 17), refused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := s.grantAudience(test.resources, &test.authz, test.client)
			var refusal *Error
			if errors.As(err, &refusal) != test.refused || test.refused && refusal.Code != InvalidTarget {
				t.Fatalf("error %v, want refused %v", err, test.refused)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGrantLifetime(t *testing.T) {
	s := &Server{lifetime: 15 * time.Minute}
	for _, test := range []struct{ grant, client, want time.Duration }{
		{0, 0, 15 * time.Minute},
		{time.Hour, 0, time.Hour},
		{0, time.Hour, time.Hour},
		{time.Minute, time.Hour, time.Minute},
		{time.Hour, time.Minute, time.Minute},
		{90*time.Second + 999*time.Millisecond, 0, 90 * time.Second},
		{-time.Minute, 0, 0},
		{-time.Minute, time.Minute, 0},
		{time.Minute, -time.Minute, 0},
		{999 * time.Millisecond, 0, 0},
	} {
		got, err := s.grantLifetime(&Authorization{Lifetime: test.grant}, &Client{TokenLifetime: test.client})
		if got != test.want || (err != nil) != (test.want == 0) {
			t.Errorf("grant %v, client %v: %v, %v", test.grant, test.client, got, err)
		}
	}
	if got, err := s.grantLifetime(&Authorization{}, nil); got != s.lifetime || err != nil {
		t.Errorf("no client: %v, %v", got, err)
	}
}

func TestAbsoluteURI(t *testing.T) {
	for uri, want := range map[string]bool{
		"https://a.example": true, "urn:example:api": true, "https://a.example/x?y=z": true, "spiffe://td/x": true,
		"": false, "a": false, "//a.example": false, "https:": false, "https://a.example#": false, "https://a b": false, "https://ü.example": false,
	} {
		if got := absoluteURI(uri); got != want {
			t.Errorf("absoluteURI(%q) = %v", uri, got)
		}
	}
}

func TestDescribe(t *testing.T) {
	for in, want := range map[string]string{
		"plain (text); 'fine'":    "plain (text); 'fine'",
		"a\"b\\c":                 "a'b?c",
		"line\r\nX-Evil: 1\t\x00": "line??X-Evil: 1??",
		"emoji 😀 ü":               "emoji ? ?",
		"\xff\xfe":                "??",
	} {
		if got := describe(in); got != want {
			t.Errorf("describe(%q) = %q, want %q", in, got, want)
		}
	}
	if got := describe(strings.Repeat("x", 10_000)); len(got) > 510 {
		t.Errorf("%d bytes", len(got))
	}
	if got := clip("aü", 2); got != "a..." {
		t.Errorf("clip cut a character: %q", got)
	}
}
