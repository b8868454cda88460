// Package admin is the one layer of operations on what the avouch server keeps: clients with their keys and secrets,
// issuers, rules, and the server's own signing keys. The command line works on it beside a running server; an HTTP API
// and a console come on the same layer. It is the only writer of the store, so every rule about records is here.
package admin
