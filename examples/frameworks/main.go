// Command frameworks puts an authorization server, and an API that takes its tokens, into chi, gin or echo.
package main

import (
	"crypto/sha256"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v5"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/resource"
	"github.com/avouch-oauth/avouch/token"
)

func withChi(server *avouch.Server, guard *resource.Guard) http.Handler {
	r := chi.NewRouter()
	r.Handle("/oauth/*", server.Handler())
	r.Handle("/.well-known/*", server.Handler())
	r.With(guard.Require("orders:read")).Get("/orders", func(w http.ResponseWriter, r *http.Request) {
		caller, _ := resource.FromContext(r.Context())
		w.Write([]byte("orders of " + caller.Subject))
	})
	return r
}

func withGin(server *avouch.Server, guard *resource.Guard) http.Handler {
	r := gin.New()
	r.Any("/oauth/*path", gin.WrapH(server.Handler()))
	r.Any("/.well-known/*path", gin.WrapH(server.Handler()))
	r.GET("/orders", ginMiddleware(guard.Require("orders:read")), func(c *gin.Context) {
		caller, _ := resource.FromContext(c.Request.Context())
		c.String(http.StatusOK, "orders of %s", caller.Subject)
	})
	return r
}

// ginMiddleware is net/http middleware for gin: the handlers after it run only where it lets the request through.
func ginMiddleware(m func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		m(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed, c.Request = true, r
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

func withEcho(server *avouch.Server, guard *resource.Guard) http.Handler {
	e := echo.New()
	e.Any("/oauth/*", echo.WrapHandler(server.Handler()))
	e.Any("/.well-known/*", echo.WrapHandler(server.Handler()))
	e.GET("/orders", func(c *echo.Context) error {
		caller, _ := resource.FromContext(c.Request().Context())
		return c.String(http.StatusOK, "orders of "+caller.Subject)
	}, echo.WrapMiddleware(guard.Require("orders:read")))
	return e
}

var frameworks = map[string]func(*avouch.Server, *resource.Guard) http.Handler{"chi": withChi, "gin": withGin, "echo": withEcho}

func main() {
	framework := flag.String("framework", "chi", "chi, gin or echo")
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	with, ok := frameworks[*framework]
	if !ok {
		log.Fatalf("-framework is %q, and must be chi, gin or echo", *framework)
	}
	server, guard, err := newServer("http://" + *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("curl -u shop:a-secret-for-trying-things-out -d grant_type=client_credentials http://%s/oauth/token", *listen)
	s := &http.Server{Addr: *listen, Handler: with(server, guard), ReadTimeout: 10 * time.Second}
	log.Fatal(s.ListenAndServe())
}

func newServer(issuer string) (*avouch.Server, *resource.Guard, error) {
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		return nil, nil, err
	}
	server, err := avouch.New(avouch.Config{
		Issuer:     issuer,
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}},
		Clients: avouch.ClientList{{
			ID: "shop", AuthMethod: "client_secret_basic", Grants: []string{"client_credentials"}, Scopes: []string{"orders:read"},
			DefaultScopes: []string{"orders:read"},
			Secrets:       []avouch.Secret{{SHA256: sha256.Sum256([]byte("a-secret-for-trying-things-out"))}},
		}},
	})
	if err != nil {
		return nil, nil, err
	}
	// The API is in the same process as the server here, so it need not fetch the server's key.
	guard, err := resource.New(resource.Config{Issuer: issuer, Audience: issuer, Keys: key.PublicKeys(time.Now())})
	return server, guard, err
}
