// Command key-client calls an API as a client that signs with a key file instead of sending a secret.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/avouch-oauth/avouch/client"
	"github.com/avouch-oauth/avouch/keys"
)

func main() {
	issuer := flag.String("issuer", "https://as.example.com", "issuer of the tokens")
	clientID := flag.String("client", "billing-batch", "our client id")
	keyFile := flag.String("key", "billing-batch.pem", "our private key: PEM, JWK or a Google-style key file")
	url := flag.String("url", "https://invoices.example.com/run", "what to call")
	flag.Parse()
	if err := run(context.Background(), *issuer, *clientID, *keyFile, *url); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, issuer, clientID, keyFile, url string) error {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := keys.ParsePrivate(text)
	if err != nil {
		return err
	}
	me := client.PrivateKeyJWT{Issuer: issuer, ClientID: clientID, Key: key}
	resp, err := me.Client(ctx).Post(url, "application/json", http.NoBody)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	fmt.Printf("%s %s\n", resp.Status, body)
	return nil
}
