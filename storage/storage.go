// Package storage says what the avouch server keeps and what it asks of a store.
//
// A store holds records — clients with their keys and secrets, issuers, rules, disabled subjects, initial access
// tokens, and the server's own signing keys (sealed before they come here) — and one number, the change row. It knows
// nothing of OAuth: the rules are in package admin, which is the only writer, and the records are data. Beside the
// records it keeps logs, whose entries are written in the same transactions ([Entry]). And it remembers what the server
// decides by request: uses of assertions (package replay), handles and revocations (package handle). Those are no
// changes, and no process is told of them.
//
// Strings are compared byte by byte, and kept as they are or refused ([CheckText]). Times are UTC with a resolution of
// a millisecond; the zero time is kept as zero. A method that compares times takes them as arguments: a store never
// asks its own clock.
//
// Every implementation is judged by package storagetest.
package storage

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// Store is all that the server and its command line ask of a store. Methods are safe for concurrent use, also by
// several processes on the same database.
type Store interface {
	Reader
	replay.Guard // durable when it returns nil; concurrent calls share a commit
	handle.Store // likewise

	// View runs f on one consistent state: what it reads through r is as of one commit, whatever is written meanwhile.
	// It waits for no writer and none waits for it. f may run more than once.
	View(ctx context.Context, f func(ctx context.Context, r Reader) error) error

	// Write runs f in one transaction. If f returns nil, its records, log entries and revocations and one step of the
	// change row are committed together; otherwise nothing is changed, and Write returns the error of f. f may run more
	// than once, must have no effect but through w, and must not use the store: it would wait for itself. Reads through w
	// see the writes of the same transaction. Writers come one after the other, and first uses wait with them: keep f
	// short.
	Write(ctx context.Context, f func(ctx context.Context, w Writer) error) error

	// TouchKeys records when keys of clients were last used. It is not a change: it may be lost in a crash, and no
	// process is told. Keys that are not there are passed over.
	TouchKeys(ctx context.Context, uses []KeyUse) error

	// Sweep removes uses and handles that have expired at now, and revocations that ended [handle.KeepRevoked] ago, by
	// range, in portions. It may keep them longer. It is for a background task.
	Sweep(ctx context.Context, now time.Time) error

	// DropLog removes the entries of a kind whose Time is before a time, in portions, and returns how many it removed,
	// also with an error. Their numbers are not given again. It is for a background task, and no change.
	DropLog(ctx context.Context, kind string, before time.Time) (dropped int64, err error)

	// Close waits for what is in progress. Whatever is called afterwards returns an error, except Close.
	Close() error
}

// Reader reads records. A method for one record returns [ErrNotFound] where there is none; lists are sorted by id.
type Reader interface {
	// Change returns the number of the last committed change. Every process reads it four times a second and
	// forgets what it has cached when it differs.
	Change(ctx context.Context) (int64, error)

	Client(ctx context.Context, id string) (*Client, error)
	// Clients returns at most limit clients with an id greater than after.
	Clients(ctx context.Context, after string, limit int) ([]*Client, error)

	Issuer(ctx context.Context, name string) (*Issuer, error)
	Issuers(ctx context.Context) ([]*Issuer, error)

	Rule(ctx context.Context, name string) (*Rule, error)
	Rules(ctx context.Context) ([]*Rule, error)

	SigningKeys(ctx context.Context) ([]*SigningKey, error)

	Subject(ctx context.Context, id string) (*Subject, error)
	// Subjects returns at most limit subjects with an id greater than after.
	Subjects(ctx context.Context, after string, limit int) ([]*Subject, error)

	InitialToken(ctx context.Context, id string) (*InitialToken, error)
	InitialTokens(ctx context.Context) ([]*InitialToken, error)

	// Log returns the entries that q selects, sorted by number. No entry is no error.
	Log(ctx context.Context, q LogQuery) ([]*Entry, error)
}

// Writer writes records inside a transaction.
//
// A Put with Revision 0 creates and returns [ErrExists] where the id is taken; any other Revision replaces the whole
// record and returns [ErrConflict] where the stored one differs or is gone. Put sets the new Revision in the record it
// was given; it is one that this record never had in an earlier transaction, also not before it was deleted and made
// again. Deleting what is not there returns [ErrNotFound]. An id is never empty.
//
// The URL of an issuer is unique as its name is. LastUsed of a key never goes back: Put keeps the later one of what it
// is given and what [Store.TouchKeys] has recorded, as long as the client has the key.
type Writer interface {
	Reader

	PutClient(ctx context.Context, c *Client) error
	DeleteClient(ctx context.Context, id string) error
	PutIssuer(ctx context.Context, i *Issuer) error
	DeleteIssuer(ctx context.Context, name string) error
	PutRule(ctx context.Context, r *Rule) error
	DeleteRule(ctx context.Context, name string) error
	PutSigningKey(ctx context.Context, k *SigningKey) error
	DeleteSigningKey(ctx context.Context, id string) error
	PutSubject(ctx context.Context, s *Subject) error
	DeleteSubject(ctx context.Context, id string) error
	PutInitialToken(ctx context.Context, t *InitialToken) error
	DeleteInitialToken(ctx context.Context, id string) error

	// Append adds an entry to the log of its kind and sets its Number; what Number was before does not matter. The entry
	// is committed with the records of the transaction, or not at all, and no reader sees its number before those of
	// earlier commits.
	Append(ctx context.Context, e *Entry) error

	// Revoke is [handle.Store]'s, inside the transaction: once that is committed, Revoked reports the ids as any others.
	Revoke(ctx context.Context, now, until time.Time, ids ...string) error
}

var (
	ErrNotFound = errors.New("storage: not found")
	ErrExists   = errors.New("storage: exists already")
	ErrConflict = errors.New("storage: changed by somebody else meanwhile")
	// ErrNotOwner means that the database file belongs to another user of the machine: files that this process would
	// make beside it would lock the owner out.
	ErrNotOwner = errors.New("storage: the database belongs to another user")
)
