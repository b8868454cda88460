// Package admin is the one layer of operations on what the avouch server keeps: clients with their keys and secrets,
// issuers, rules, and the server's own signing keys. The command line works on it beside a running server; an HTTP API
// and a console come on the same layer. It is the only writer of the store, so every rule about records is here.
//
//	operations := admin.New(store, sealer, admin.Options{Issuer: "https://as.example.com"})
//	operations = operations.As(admin.Caller{Name: "alice", Via: "cli", May: admin.All()})
//
//	client, err := operations.AddClient(ctx, admin.AddClientInput{
//		ID:             "billing",
//		ClientMetadata: admin.ClientMetadata{GrantTypes: []string{"client_credentials"}, Scope: "invoices:read"},
//		Keys:           jwks, // the public halves; the private ones never come here
//	})
//
// # Operations
//
// Each one takes a context and plain values, and returns what it has made as a value that is good JSON. A refusal is an
// [*Error]: its Code is for exit codes and HTTP statuses, and where input is at fault its Faults name every member that
// is wrong, all at once. Any other error is a failure of the store. An operation is one transaction, or says that it
// works in portions.
//
// Update operations replace what a record says, as an HTTP PUT does: show, change, update with the revision that was
// shown. Whether a record is switched off is not part of that, neither there nor, unless it says so, in a document:
// what somebody switched off in a hurry is not switched on by a job that knew nothing of it.
//
// # Callers and changes
//
// [Admin.As] says on whose behalf operations run, and what the caller may do; without it nothing is permitted. Each
// operation has a name of noun and verb, such as "client.disable", which is checked before anything is read. What an
// operation alters is recorded in its transaction, with the caller and each member before and after: [Admin.Changes]
// lists it. Options.Observe is told as well, after the commit.
//
// # Subjects
//
// The server keeps no list of users. [Admin.DisableSubject] refuses every token for one, by the sub that the tokens have.
//
// # Clients that register themselves
//
// [Admin.Registrar] is what endpoint.Registration keeps clients in; [Admin.CreateInitialToken] makes what they need to be
// let in. Such a client is then one as all others: an operator sees, changes and disables it.
//
// # Documents
//
// [ParseDocument], [Admin.Plan] and [Admin.Apply] make the store as a document says, and change nothing where it is so
// already. [Admin.Export] writes the state as such a document.
//
// # A server
//
// [Admin.Live] is what a server reads: clients, subjects, trust and signing keys, always current, refused rather than
// outdated.
//
// # Secrets
//
// A [Sealer] encrypts what has to be read again: private signing keys, and the secrets of client_secret_jwt. Other
// secrets are kept as SHA-256, which is enough for what has 32 random bytes. What is made is returned once.
package admin
