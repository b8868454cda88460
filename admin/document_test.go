package admin

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseDocumentRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"unknown member":        {`{"clients":[{"client_id":"a","redirect_urls":[]}]}`, []string{"clients[0].redirect_urls"}},
		"unknown at the top":    {`{"client":[]}`, []string{"client"}},
		"another case":          {`{"clients":[{"CLIENT_ID":"a"}]}`, []string{"clients[0].CLIENT_ID"}},
		"Kelvin sign":           {"{\"clients\":[{\"jw\u212as\":{}}]}", []string{"clients[0].jw\u212as"}},
		"twice":                 {`{"rules":[{"subject":"a","subject":"b"}]}`, []string{"rules[0].subject"}},
		"number for a string":   {`{"clients":[{"client_id":1}]}`, []string{"clients[0].client_id"}},
		"string for a boolean":  {`{"issuers":[{"discovery":"yes"}]}`, []string{"issuers[0].discovery"}},
		"string for a list":     {`{"clients":[{"grant_types":"client_credentials"}]}`, []string{"clients[0].grant_types"}},
		"list for a string":     {`{"clients":[{"scope":["a"]}]}`, []string{"clients[0].scope"}},
		"object for a list":     {`{"clients":{"a":{}}}`, []string{"clients"}},
		"number for a duration": {`{"clients":[{"token_lifetime":900}]}`, []string{"clients[0].token_lifetime"}},
		"words for a duration":  {`{"clients":[{"token_lifetime":"a while"}]}`, []string{"clients[0].token_lifetime"}},
		"words for a time":      {`{"clients":[{"keys":[{"expires":"soon"}]}]}`, []string{"clients[0].keys[0].expires"}},
		"list at the top":       {`[]`, []string{""}},
		"two documents":         {`{}{}`, []string{""}},
		"half a document":       {`{"clients":[`, []string{""}},
		"nothing":               {``, []string{""}},
		"not UTF-8":             {"{\"rules\":[{\"name\":\"\xff\"}]}", []string{""}},
		"deep":                  {`{"clients":[` + strings.Repeat("[", 100000), []string{"", "clients[0]"}},
		"all of it": {`{"clients":[{"client_id":true,"x":{"y":[1,2]},"scope":3}],"rules":[{"nobody":1}]}`,
			[]string{"clients[0].client_id", "clients[0].scope", "clients[0].x", "rules[0].nobody"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDocument([]byte(test.text))
			if got := faultsAt(t, err); !slices.Equal(got, test.want) {
				t.Errorf("faults at %q, want %q: %v", got, test.want, err)
			}
		})
	}
	_, err := ParseDocument([]byte(`{"clients":[{"grantTypes":[]}]}`))
	if err == nil || !strings.Contains(err.Error(), "did you mean grant_types?") {
		t.Errorf("no hint: %v", err)
	}
}

func TestParseDocument(t *testing.T) {
	d, err := ParseDocument([]byte(`{
		"clients": [{"client_id": "a", "scope": null, "disabled": false, "token_lifetime": "1h30m", "assertions": {"skew": "30s"},
			"jwks": {"keys": []}, "keys": null}, {"client_id": "b", "disabled": null}],
		"rules": [{"name": "r", "claims": {"environment": "prod"}}]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	a := d.Clients[0]
	if a.ID != "a" || a.Disabled == nil || *a.Disabled || time.Duration(a.TokenLifetime) != 90*time.Minute || string(a.JWKS) != `{"keys": []}` {
		t.Errorf("%+v", a)
	}
	if d.Clients[1].Disabled != nil {
		t.Error("null was taken for false")
	}
	if d.Rules[0].Claims["environment"] != "prod" {
		t.Errorf("%+v", d.Rules[0])
	}
}

func FuzzParseDocument(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"clients":[{"client_id":"a","jwks":{"keys":[]},"keys":[{"pem":"x","expires":"2026-11-24T12:00:00Z"}]}]}`,
		`{"issuers":[{"name":"ci","issuer":"https://ci.example.com","discovery":true}],"rules":[{"claims":{"a":"b"}}]}`,
		`{"clients":[{"disabled":null,"assertions":{"skew":"1s"}}]}`, `[[[[`, `{"a":{"b":[{}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDocument(text)
		if err != nil {
			return
		}
		again, err := ParseDocument([]byte(asJSON(t, d)))
		if err != nil {
			t.Fatalf("%s is read, and written as %s, which is not: %v", text, asJSON(t, d), err)
		}
		if one, two := asJSON(t, d), asJSON(t, again); one != two {
			t.Errorf("%s becomes %s", one, two)
		}
	})
}

// A member that is written wrong is told with the one that was probably meant; where several could be, with none.
func TestNearestMember(t *testing.T) {
	for wrong, want := range map[string]string{
		`{"clients":[{"grnt_types":[]}]}`:      "did you mean grant_types?",
		`{"clients":[{"scopes":"a"}]}`:         "did you mean scope?",
		`{"clients":[{"clientId":"a"}]}`:       "did you mean client_id?",
		`{"clients":[{"grants":[]}]}`:          "did you mean grant_types?",
		`{"clients":[{"auth_method":"none"}]}`: "did you mean token_endpoint_auth_method?",
		`{"rules":[{"subjct":"a"}]}`:           "did you mean subject?",
		`{"rules":[{"as":"a"}]}`:               "there is no such member",
		`{"clients":[{"zebra":"a"}]}`:          "there is no such member",
	} {
		_, err := ParseDocument([]byte(wrong))
		if err == nil || !strings.Contains(err.Error(), want) || want == "there is no such member" && strings.Contains(err.Error(), "mean") {
			t.Errorf("%s: %v, want %q", wrong, err, want)
		}
	}
}
