package avouch_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
)

// TestWants: what is asked of a user is what the token endpoint would give.
func TestWants(t *testing.T) {
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(grant.ClientCredentials{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	client := &avouch.Client{ID: "app", Scopes: []string{"read", "write"}, DefaultScopes: []string{"read", "beyond"}}
	limited := &avouch.Client{ID: "app", Scopes: []string{"read"}, Audiences: []string{orders, "https://other.example"}}
	for _, test := range []struct {
		name, query       string
		client            *avouch.Client
		scopes, resources []string
		code              avouch.Code
	}{
		{"nothing is asked", "", client, []string{"read"}, nil, ""},
		{"no default", "", limited, nil, nil, ""},
		{"both", "scope=write+read", client, []string{"write", "read"}, nil, ""},
		{"beyond the client", "scope=read+admin", client, nil, nil, avouch.InvalidScope},
		{"malformed", "scope=read++write", client, nil, nil, avouch.InvalidScope},
		{"the server's own audience", "resource=" + url.QueryEscape(issuer), client, []string{"read"}, []string{issuer}, ""},
		{"one of the client's", "scope=read&resource=" + url.QueryEscape(orders), limited, []string{"read"}, []string{orders}, ""},
		{"two, one of them twice", "resource=https://other.example&resource=" + orders + "&resource=" + orders, limited, nil, []string{"https://other.example", orders}, ""},
		{"not of the client", "resource=" + url.QueryEscape(orders), client, nil, nil, avouch.InvalidTarget},
		{"a fragment", "resource=" + url.QueryEscape(orders+"#"), limited, nil, nil, avouch.InvalidTarget},
	} {
		t.Run(test.name, func(t *testing.T) {
			form, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			req, err := server.Request(form, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			scopes, resources, err := req.Wants(test.client)
			if test.code != "" {
				if e, ok := errors.AsType[*avouch.Error](err); !ok || e.Code != test.code {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || !slices.Equal(scopes, test.scopes) || !slices.Equal(resources, test.resources) {
				t.Errorf("%q %q %v", scopes, resources, err)
			}
			if got := req.Form().Encode(); got != form.Encode() {
				t.Errorf("the form is %s", got)
			}
		})
	}
}
