package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// beforeAnyAudience is the version of the database in which a client without audiences was limited by a rule alone.
const beforeAnyAudience = 4

// TestMigrateAnyAudience migrates databases in which clients without audiences got what a rule gave: exactly those have the
// word AnyAudience afterwards.
func TestMigrateAnyAudience(t *testing.T) {
	const bearer, code = `"urn:ietf:params:oauth:grant-type:jwt-bearer"`, `"authorization_code"`
	clients := map[string]string{
		"named":      `{"ID":"named","Grants":[` + code + `,` + bearer + `],"Audiences":null}`,
		"itself":     `{"ID":"itself","Grants":[` + bearer + `]}`,
		"any":        `{"ID":"any","Grants":[` + bearer + `],"Audiences":[]}`,
		"limited":    `{"ID":"limited","Grants":[` + bearer + `],"Audiences":["https://a.example"]}`,
		"code":       `{"ID":"code","Grants":[` + code + `]}`,
		"none":       `{"ID":"none","Grants":null}`,
		"with-texts": `{"ID":"with-texts","Name":"\u003cé\u2028 / 😀","Grants":[` + bearer + `],"TokenLifetime":9007199254740993,"Extra":{"logo_uri":"\"https:\\/\\/a.example\""}}`,
	}
	for name, test := range map[string]struct {
		rules []string
		want  string // the clients that have the word, in order
	}{
		"no rules": {},
		"rules without audiences": {rules: []string{
			`{"Name":"a","Issuer":"idp","AsClient":"named"}`, `{"Name":"b","Client":"itself","Audiences":null}`, `{"Name":"c","Issuer":"idp","AsClient":"","Audiences":[]}`,
		}},
		"rules that name clients": {rules: []string{
			`{"Name":"a","Issuer":"idp","AsClient":"named","Audiences":["https://a.example"]}`,
			`{"Name":"b","Issuer":"","Client":"itself","AsClient":"","Disabled":true,"Audiences":["https://a.example"]}`,
			`{"Name":"c","Issuer":"idp","AsClient":"limited","Audiences":["https://a.example"]}`,
			`{"Name":"d","Issuer":"idp","AsClient":"code","Audiences":["https://a.example"]}`,
			`{"Name":"e","Issuer":"idp","AsClient":"gone","Audiences":["https://a.example"]}`,
		}, want: "itself named"},
		"a rule for any client that authenticates": {rules: []string{
			`{"Name":"a","Issuer":"idp","Client":"","AsClient":"","Audiences":["https://a.example"]}`,
		}, want: "any itself named with-texts"},
	} {
		t.Run(name, func(t *testing.T) {
			path := place(t)
			statements := []string{}
			for id, document := range clients {
				statements = append(statements, fmt.Sprintf("INSERT INTO clients VALUES ('%s', 7, '%s')", id, document))
			}
			for i, document := range test.rules {
				statements = append(statements, fmt.Sprintf("INSERT INTO rules VALUES ('%d', 1, '%s')", i, document))
			}
			if err := sqlite.MigrateTo(t.Context(), path, beforeAnyAudience); err != nil {
				t.Fatal(err)
			}
			if err := sqlite.OnFile(t.Context(), path, statements...); err != nil {
				t.Fatal(err)
			}
			s := open(t, path, sqlite.Options{})
			list, err := s.Clients(t.Context(), "", 100)
			if err != nil || len(list) != len(clients) {
				t.Fatalf("%d clients, %v", len(list), err)
			}
			var got []string
			for _, c := range list {
				if c.AnyAudience {
					got = append(got, c.ID)
				}
				if c.Revision != 7 {
					t.Errorf("the revision of %s is %d", c.ID, c.Revision)
				}
				if c.ID == "with-texts" && (c.Name != "<é\u2028 / 😀" || c.TokenLifetime != 9007199254740993 || string(c.Extra["logo_uri"]) != `"https:\/\/a.example"`) {
					t.Errorf("the client reads %+v", c)
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("AnyAudience: %q, want %q", got, test.want)
			}
		})
	}
}
