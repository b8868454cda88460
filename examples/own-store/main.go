// Command own-store is a server on a store of its own: one SQLite file for clients, refresh tokens, revocations, and for
// what was used.
package main

import (
	"context"
	"database/sql"
	"flag"
	"log"
	"net/http"
	"time"

	_ "modernc.org/sqlite"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/token"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	file := flag.String("file", "own-store.db", "the database")
	flag.Parse()
	store, err := open(context.Background(), *file)
	if err != nil {
		log.Fatal(err)
	}
	server, err := newServer("http://"+*listen, store)
	if err != nil {
		log.Fatal(err)
	}
	go sweep(store)
	log.Printf("token endpoint: http://%s/oauth/token; clients are the rows of the table clients", *listen)
	log.Fatal(http.ListenAndServe(*listen, server.Handler()))
}

func open(ctx context.Context, path string) (*Store, error) {
	// A transaction that writes takes its lock at once, waits its turn, and is on the disk when it is done.
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer at a time anyway: let them queue here
	return NewStore(ctx, db)
}

func sweep(store *Store) {
	for now := range time.Tick(5 * time.Minute) {
		if err := store.Sweep(context.Background(), now); err != nil {
			log.Print("sweep: ", err)
		}
	}
}

func newServer(issuer string, store *Store) (*avouch.Server, error) {
	key, err := keys.Generate(keys.ES256) // keep it in a file, or tokens end when the program does
	if err != nil {
		return nil, err
	}
	return avouch.New(avouch.Config{
		Issuer:     issuer,
		Minter:     &token.Minter{Key: key},
		Grants:     []avouch.Grant{grant.ClientCredentials{}},
		Refresh:    &grant.RefreshToken{},
		Handles:    store,
		ClientAuth: []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}},
		Clients:    store,
		Replay:     store,
	})
}
