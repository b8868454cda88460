package keys

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/oauth2/google"

	"github.com/avouch-oauth/avouch/internal/jose"
)

func TestKeyFile(t *testing.T) {
	doc, err := MarshalKeyFile(pair(RS256), "billing-batch", "https://as.example.com/oauth/token")
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal(doc, &members); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"type": "service_account", "client_email": "billing-batch", "client_id": "billing-batch", "private_key_id": pair(RS256).ID,
		"token_uri": "https://as.example.com/oauth/token",
	} {
		if members[name] != want {
			t.Errorf("%s is %q, want %q", name, members[name], want)
		}
	}
	if !strings.HasPrefix(members["private_key"], "-----BEGIN PRIVATE KEY-----\n") {
		t.Error("private_key is not PKCS#8")
	}

	f, err := ParseKeyFile(doc)
	if err != nil || f.ClientID != "billing-batch" || f.TokenURL != "https://as.example.com/oauth/token" || f.Project != "" ||
		f.Key.ID != pair(RS256).ID || f.Key.Algorithm != RS256 || !equalSigners(f.Key.Signer, pair(RS256).Signer) {
		t.Errorf("%+v, %v", f, err)
	}
	if k, err := ParsePrivate(doc); err != nil || k.ID != pair(RS256).ID || k.Algorithm != RS256 {
		t.Errorf("%v, %v", k, err)
	}
}

// A file as Google hands it out has more members, and its id is no thumbprint.
func TestKeyFileOfGoogle(t *testing.T) {
	pem, err := pair(RS256).MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	doc := text(t, map[string]any{
		"type": "service_account", "project_id": "acme", "private_key_id": "0123456789abcdef0123456789abcdef01234567", "private_key": string(pem),
		"client_email": "robot@acme.iam.gserviceaccount.com", "client_id": "104711", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
		"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	})
	f, err := ParseKeyFile(doc)
	if err != nil || f.ClientID != "robot@acme.iam.gserviceaccount.com" || f.Project != "acme" || f.Key.ID != "0123456789abcdef0123456789abcdef01234567" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestParseKeyFileRefuses(t *testing.T) {
	pem, err := pair(RS256).MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	ec, err := pair(ES256).MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"of a person":      {map[string]any{"type": "authorized_user"}, `type "authorized_user"`},
		"no type":          {map[string]any{"type": nil}, `type ""`},
		"no key":           {map[string]any{"private_key": nil}, "no private_key"},
		"key is a number":  {map[string]any{"private_key": 1}, "private_key is not a string"},
		"junk":             {map[string]any{"private_key": "junk"}, "no private key"},
		"EC":               {map[string]any{"private_key": string(ec)}, "no RSA key"},
		"no client":        {map[string]any{"client_email": ""}, "no client_email"},
		"no endpoint":      {map[string]any{"token_uri": nil}, "no token_uri"},
		"id is a number":   {map[string]any{"private_key_id": 1}, "private_key_id is not a string"},
		"two keys":         {map[string]any{"private_key": string(pem) + string(pem)}, "several"},
		"project is a map": {map[string]any{"project_id": map[string]any{}}, "project_id is not a string"},
	} {
		members := map[string]any{"type": "service_account", "private_key": string(pem), "client_email": "a", "token_uri": "https://as.example.com/token"}
		for member, value := range test.changes {
			if value == nil {
				delete(members, member)
			} else {
				members[member] = value
			}
		}
		f, err := ParseKeyFile(text(t, members))
		if f != nil {
			t.Errorf("%s: accepted", name)
		}
		contains(t, err, test.want)
	}
	for _, doc := range []string{"", "[]", `{"type":"service_account","type":"service_account"}`, strings.Repeat(" ", 64<<10+1)} {
		if f, err := ParseKeyFile([]byte(doc)); err == nil {
			t.Errorf("%.20q: %+v", doc, f)
		}
	}
}

func TestMarshalKeyFileRefuses(t *testing.T) {
	for _, alg := range everyAlgorithm {
		if _, err := MarshalKeyFile(pair(alg), "a", "https://as.example.com/token"); (err == nil) != (alg == RS256) {
			t.Errorf("%s: %v", alg, err)
		}
	}
	if _, err := MarshalKeyFile(pair(RS256), "", "https://as.example.com/token"); err == nil {
		t.Error("without a client id")
	}
	if _, err := MarshalKeyFile(pair(RS256), "a", ""); err == nil {
		t.Error("without a token endpoint")
	}
}

// golang.org/x/oauth2/google works from the file alone.
func TestKeyFileWithGooglesLibrary(t *testing.T) {
	var assertion string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assertion = r.PostFormValue("assertion")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"t","token_type":"Bearer","expires_in":900}`))
	}))
	defer server.Close()

	doc, err := MarshalKeyFile(pair(RS256), "billing-batch", server.URL+"/oauth/token")
	if err != nil {
		t.Fatal(err)
	}
	conf, err := google.JWTConfigFromJSON(doc, "invoices:read")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conf.TokenSource(t.Context()).Token(); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.Parse(assertion, 16<<10)
	if err != nil {
		t.Fatal(err)
	}
	found, err := mustSet(t, pair(RS256).Public()).Find(t.Context(), Hint{ID: jws.Header.KeyID}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := jose.Verify(jws.Header.Algorithm, found[0].Key, jws.SigningInput, jws.Signature); err != nil {
		t.Error(err)
	}
	for claim, want := range map[string]string{"iss": "billing-batch", "aud": server.URL + "/oauth/token", "scope": "invoices:read"} {
		if !jws.Claims.Get(claim).TextIs(want) {
			t.Errorf("%s is %s", claim, jws.Claims.Get(claim).Raw())
		}
	}
}
