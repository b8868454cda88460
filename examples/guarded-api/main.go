// Command guarded-api is an API that lets through only who brings a good access token.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"

	"github.com/avouch-oauth/avouch/resource"
)

func main() {
	issuer := flag.String("issuer", "https://as.example.com", "issuer of the tokens")
	listen := flag.String("listen", "127.0.0.1:8081", "address to listen on")
	flag.Parse()
	mux, err := newMux(*issuer, "https://orders.example.com")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(*listen, mux))
}

func newMux(issuer, audience string) (*http.ServeMux, error) {
	guard, err := resource.New(resource.Config{Issuer: issuer, Audience: audience})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /orders", guard.Require("orders:write")(http.HandlerFunc(createOrder)))
	mux.Handle("GET "+guard.MetadataPath(), guard.Metadata()) // tells clients where tokens come from (RFC 9728)
	return mux, nil
}

func createOrder(w http.ResponseWriter, r *http.Request) {
	caller, _ := resource.FromContext(r.Context()) // there is always one behind the guard
	w.WriteHeader(http.StatusCreated)
	if err := json.NewEncoder(w).Encode(map[string]string{"ordered_by": caller.Subject}); err != nil {
		log.Print(err)
	}
}
