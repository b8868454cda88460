package grant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

// A television gets a token for a user who types its code in at his telephone.
func ExampleDeviceCode() {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	device := &grant.DeviceCode{
		// Who is signed in, and does he agree? Your program knows; here everybody is alice, and a form asks her.
		Ask: func(w http.ResponseWriter, r *http.Request, q *grant.Question) (*grant.Consent, error) {
			switch {
			case r.Method == http.MethodPost && r.PostFormValue("decision") == "allow":
				return &grant.Consent{Subject: "alice"}, nil
			case r.Method == http.MethodPost:
				return &grant.Consent{Denied: true}, nil
			}
			// In truth a template: it escapes, and shows q.Client.Name and q.UserCode. The form is posted to this address.
			_, err := io.WriteString(w, `<form method="post"><button name="decision" value="allow">Allow</button></form>`)
			return nil, err
		},
	}

	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	defer site.Close()
	server, err := avouch.New(avouch.Config{
		Issuer:     site.URL, // https://as.example.com
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{device},
		Refresh:    &grant.RefreshToken{},
		ClientAuth: []avouch.ClientAuth{clientauth.None{}},
		Endpoints:  []avouch.Endpoint{device.Authorization(), device.Verification()},
		Clients: avouch.ClientList{{
			ID: "tv", Name: "Television", AuthMethod: "none", Grants: []string{grant.DeviceCodeType, grant.RefreshTokenType},
			Scopes: []string{"play", "record"},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Mount(mux)

	// The television asks for codes, and shows one of them.
	var codes struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		Page       string `json:"verification_uri"`
		Interval   int
	}
	if err := postForm(&codes, site.URL+"/oauth/device_authorization", "client_id", "tv", "scope", "play"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("go to", strings.TrimPrefix(codes.Page, site.URL), "and type in a code of", len(codes.UserCode), "characters")

	// It asks for the token every few seconds; x/oauth2 does it by oauth2.Config.DeviceAccessToken.
	poll := func() {
		var answer struct {
			AccessToken  string `json:"access_token"`
			RefreshToken string `json:"refresh_token"`
			Error        string
		}
		if err := postForm(&answer, site.URL+"/oauth/token", "grant_type", grant.DeviceCodeType, "client_id", "tv", "device_code", codes.DeviceCode); err != nil {
			fmt.Println(err)
			return
		}
		if answer.Error != "" {
			fmt.Println("the television hears:", answer.Error)
			return
		}
		api := &token.Verifier{Issuer: site.URL, Audience: site.URL, Keys: key.PublicKeys(time.Now())}
		claims, err := api.Verify(context.Background(), time.Now(), answer.AccessToken)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("the television has a token for", claims.Subject, claims.Scopes, "and a refresh token:", answer.RefreshToken != "")
	}
	poll()

	// Alice, at her telephone, types in the code, and presses "Allow" on the page that comes.
	for _, step := range []struct {
		address string
		form    url.Values
	}{
		{codes.Page, url.Values{"user_code": {strings.ToLower(codes.UserCode)}}},
		{codes.Page + "?user_code=" + codes.UserCode, url.Values{"decision": {"allow"}}},
	} {
		resp, err := http.PostForm(step.address, step.form)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	poll()
	// Output:
	// go to /device and type in a code of 9 characters
	// the television hears: authorization_pending
	// the television has a token for alice [play] and a refresh token: true
}

// postForm sends a form and reads the JSON that answers it.
func postForm(into any, address string, pairs ...string) error {
	form := url.Values{}
	for k := 0; k+1 < len(pairs); k += 2 {
		form.Set(pairs[k], pairs[k+1])
	}
	resp, err := http.PostForm(address, form)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}
