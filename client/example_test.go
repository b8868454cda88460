package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

// A batch job signs its requests for tokens with a key of its own, and calls an API with them.
func ExamplePrivateKeyJWT() {
	as, api := exampleServers()
	defer as.Close()
	defer api.Close()
	key, err := keys.Generate(keys.ES256) // or keys.LoadPrivate("billing-batch.pem")
	if err != nil {
		log.Fatal(err)
	}

	me := client.PrivateKeyJWT{
		Issuer:   as.URL, // https://as.example.com
		ClientID: "billing-batch",
		Key:      key,
		Scopes:   []string{"invoices:run"},
	}
	resp, err := me.Client(context.Background()).Post(api.URL+"/run", "application/json", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(answer))
	// Output: 200 OK POST /run with a token from client_credentials
}

// An integration was given a Google-style key file, and needs nothing else.
func ExampleJWTBearerFromKeyFile() {
	as, api := exampleServers()
	defer as.Close()
	defer api.Close()
	dir, path := exampleKeyFile(as.URL + "/token")
	defer os.RemoveAll(dir)

	me, err := client.JWTBearerFromKeyFile(path, "orders:read")
	if err != nil {
		log.Fatal(err)
	}
	resp, err := me.Client(context.Background()).Get(api.URL + "/orders")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(answer))
	// Output: 200 OK GET /orders with a token from urn:ietf:params:oauth:grant-type:jwt-bearer
}

// A pod exchanges the service account token that Kubernetes keeps fresh in a file.
func ExampleAssertionFile() {
	as, api := exampleServers()
	defer as.Close()
	defer api.Close()
	dir, path := exampleWorkloadToken() // /var/run/secrets/tokens/as, a projected volume with the issuer as audience
	defer os.RemoveAll(dir)

	me := client.JWTBearer{
		Issuer:    as.URL, // https://as.example.com
		Assertion: client.AssertionFile(path),
	}
	resp, err := me.Client(context.Background()).Get(api.URL + "/orders")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(answer))
	// Output: 200 OK GET /orders with a token from urn:ietf:params:oauth:grant-type:jwt-bearer
}

// A service asks for a token that speaks for one of its users: the user is the subject of an assertion that it signs.
func ExampleJWTBearer() {
	as, api := exampleServers()
	defer as.Close()
	defer api.Close()
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		log.Fatal(err)
	}

	alice := client.JWTBearer{
		Issuer:          as.URL, // https://as.example.com
		Key:             key,
		AssertionIssuer: "https://hr.example.com", // who the server knows us as
		Subject:         "alice",
		Scopes:          []string{"calendar:read"},
	}
	token, err := alice.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Type(), token.AccessToken)
	// Output: Bearer from-urn:ietf:params:oauth:grant-type:jwt-bearer
}

// A workload is registered as a client that authenticates by its platform's token: it has no credential of its own.
func ExampleWorkloadIdentity() {
	as, api := exampleServers()
	defer as.Close()
	defer api.Close()
	dir, path := exampleWorkloadToken()
	defer os.RemoveAll(dir)

	me := client.WorkloadIdentity{
		Issuer:    as.URL, // https://as.example.com
		ClientID:  "orders-worker",
		Assertion: client.AssertionFile(path),
	}
	token, err := me.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.AccessToken)
	// Output: from-client_credentials
}

// What to do with a refusal: the code is for the program, the refusal id for those who run the server.
func ExampleRefusalID() {
	as := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"client authentication failed","refusal_id":"k3v9q2"}`)
	}))
	defer as.Close()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		log.Fatal(err)
	}

	me := client.PrivateKeyJWT{Issuer: as.URL, TokenURL: as.URL + "/token", ClientID: "billing-batch", Key: key}
	_, err = me.Token(context.Background())
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		fmt.Println(refused.ErrorCode)
		fmt.Println("ask the operator of the server about refusal", client.RefusalID(err))
	}
	// Output:
	// invalid_client
	// ask the operator of the server about refusal k3v9q2
}

// exampleServers are an authorization server that says by which grant a token was got, and an API that says what it
// was sent.
func exampleServers() (as, api *httptest.Server) {
	as = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := "http://" + r.Host
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q}`, at, at+"/token")
			return
		}
		fmt.Fprintf(w, `{"access_token":"from-%s","token_type":"Bearer","expires_in":900}`, r.PostFormValue("grant_type"))
	}))
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s with a token %s", r.Method, r.URL.Path, "from "+r.Header.Get("Authorization")[len("Bearer from-"):])
	}))
	return as, api
}

func exampleKeyFile(tokenURL string) (dir, path string) {
	key, err := keys.Generate(keys.RS256)
	if err != nil {
		log.Fatal(err)
	}
	text, err := keys.MarshalKeyFile(key, "shop@example.com", tokenURL)
	if err != nil {
		log.Fatal(err)
	}
	return exampleFile(string(text))
}

func exampleWorkloadToken() (dir, path string) { return exampleFile("eyJhbGciOiJFUzI1NiJ9.e30.c2ln\n") }

func exampleFile(text string) (dir, path string) {
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	return dir, path
}
