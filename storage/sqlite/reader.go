package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/avouch-oauth/avouch/storage"
)

// reader reads records, each call by itself, or all of them in one transaction.
type reader struct{ querier }

var _ storage.Reader = reader{}

// View implements [storage.Store].
func (s *Store) View(ctx context.Context, f func(ctx context.Context, r storage.Reader) error) error {
	return s.reads.use(ctx, func(session *session) error {
		if _, err := session.exec("BEGIN DEFERRED"); err != nil {
			session.discard()
			return wrap(err)
		}
		defer func() {
			if _, err := session.exec("ROLLBACK"); err != nil {
				session.discard()
			}
		}()
		return f(ctx, reader{session})
	})
}

// Change implements [storage.Reader].
func (r reader) Change(ctx context.Context) (int64, error) {
	var n int64
	err := oneRow(ctx, r, "SELECT number FROM change", nil, []any{&n})
	return n, err
}

// Change implements [storage.Reader]. A process that asks a database which is no longer the one the others use would
// never learn of their changes, so that is an error.
func (s *Store) Change(ctx context.Context) (int64, error) {
	if err := s.file.unchanged(); err != nil {
		return 0, err
	}
	return s.reader.Change(ctx)
}

// The kinds of records are tables of one shape: id, revision, document.
const (
	clients     = "clients"
	issuers     = "issuers"
	rules       = "rules"
	signingKeys = "signing_keys"
	subjects    = "subjects"
	tokens      = "initial_tokens"
)

// Client implements [storage.Reader].
func (r reader) Client(ctx context.Context, id string) (*storage.Client, error) {
	return one(r.clients(ctx, "WHERE c.id = ?", id))
}

// Clients implements [storage.Reader].
func (r reader) Clients(ctx context.Context, after string, limit int) ([]*storage.Client, error) {
	return r.clients(ctx, "WHERE c.id > ? ORDER BY c.id LIMIT ?", after, max(limit, 0))
}

func (r reader) clients(ctx context.Context, where string, args ...any) ([]*storage.Client, error) {
	// A client and the uses of its keys come in one query.
	query := `SELECT c.id, c.revision, c.document, (SELECT json_group_object(u.key, u.used) FROM key_uses u WHERE u.client = c.id)
		FROM clients c ` + where
	var found []*storage.Client
	err := r.read(ctx, query, args, func(rows *sql.Rows) error {
		var id, document, uses string
		var revision int64
		if err := rows.Scan(&id, &revision, &document, &uses); err != nil {
			return err
		}
		c, err := decodeClient(document, uses)
		if err != nil {
			return fmt.Errorf("storage/sqlite: client %q: %w", id, err)
		}
		c.Revision = revision
		found = append(found, c)
		return nil
	})
	return found, err
}

// Issuer implements [storage.Reader].
func (r reader) Issuer(ctx context.Context, name string) (*storage.Issuer, error) {
	return one(records(ctx, r, issuers, "WHERE id = ?", []any{name}, decodeIssuer))
}

// Issuers implements [storage.Reader].
func (r reader) Issuers(ctx context.Context) ([]*storage.Issuer, error) {
	return records(ctx, r, issuers, "ORDER BY id", nil, decodeIssuer)
}

// Rule implements [storage.Reader].
func (r reader) Rule(ctx context.Context, name string) (*storage.Rule, error) {
	return one(records(ctx, r, rules, "WHERE id = ?", []any{name}, decodeRule))
}

// Rules implements [storage.Reader].
func (r reader) Rules(ctx context.Context) ([]*storage.Rule, error) {
	return records(ctx, r, rules, "ORDER BY id", nil, decodeRule)
}

// SigningKeys implements [storage.Reader].
func (r reader) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	return records(ctx, r, signingKeys, "ORDER BY id", nil, decodeSigningKey)
}

// Subject implements [storage.Reader].
func (r reader) Subject(ctx context.Context, id string) (*storage.Subject, error) {
	return one(records(ctx, r, subjects, "WHERE id = ?", []any{id}, decodeSubject))
}

// Subjects implements [storage.Reader].
func (r reader) Subjects(ctx context.Context, after string, limit int) ([]*storage.Subject, error) {
	return records(ctx, r, subjects, "WHERE id > ? ORDER BY id LIMIT ?", []any{after, max(limit, 0)}, decodeSubject)
}

// InitialToken implements [storage.Reader].
func (r reader) InitialToken(ctx context.Context, id string) (*storage.InitialToken, error) {
	return one(records(ctx, r, tokens, "WHERE id = ?", []any{id}, decodeInitialToken))
}

// InitialTokens implements [storage.Reader].
func (r reader) InitialTokens(ctx context.Context) ([]*storage.InitialToken, error) {
	return records(ctx, r, tokens, "ORDER BY id", nil, decodeInitialToken)
}

func records[R any](ctx context.Context, r reader, table, rest string, args []any, decode func(document string, revision int64) (R, error)) ([]R, error) {
	var found []R
	err := r.read(ctx, "SELECT id, revision, document FROM "+table+" "+rest, args, func(rows *sql.Rows) error {
		var id, document string
		var revision int64
		if err := rows.Scan(&id, &revision, &document); err != nil {
			return err
		}
		record, err := decode(document, revision)
		if err != nil {
			return fmt.Errorf("storage/sqlite: %q in %s: %w", id, table, err)
		}
		found = append(found, record)
		return nil
	})
	return found, err
}

// one returns the one record that was looked for.
func one[R any](found []R, err error) (R, error) {
	var none R
	switch {
	case err != nil:
		return none, err
	case len(found) == 0:
		return none, storage.ErrNotFound
	}
	return found[0], nil
}
