package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/avouch-oauth/avouch/storage"
)

// Write implements [storage.Store].
func (s *Store) Write(ctx context.Context, f func(ctx context.Context, w storage.Writer) error) error {
	return s.transaction(ctx, func(tx *transaction) error {
		var change int64
		if err := tx.row(ctx, "UPDATE change SET number = number + 1 RETURNING number", nil, &change); err != nil {
			return err
		}
		return f(ctx, &writer{reader: reader{tx}, tx: tx, change: change})
	})
}

// writer writes records in a transaction. The revision of what it writes is the number of the change.
type writer struct {
	reader
	tx     *transaction
	change int64
}

var _ storage.Writer = (*writer)(nil)

// PutClient implements [storage.Writer].
func (w *writer) PutClient(ctx context.Context, c *storage.Client) error {
	if err := w.put(ctx, clients, c.ID, c, &c.Revision, encodeClient(c)); err != nil {
		return err
	}
	ids := make([]string, 0, len(c.Keys))
	for _, k := range c.Keys {
		ids = append(ids, k.ID)
		if !k.LastUsed.IsZero() {
			if err := w.tx.touch(c.ID, k.ID, k.LastUsed.UnixMilli()); err != nil {
				return err
			}
		}
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = w.tx.exec("DELETE FROM key_uses WHERE client = ? AND key NOT IN (SELECT value FROM json_each(?))", c.ID, string(list))
	return wrap(err)
}

// DeleteClient implements [storage.Writer].
func (w *writer) DeleteClient(ctx context.Context, id string) error {
	if err := w.delete(ctx, clients, id); err != nil {
		return err
	}
	_, err := w.tx.exec("DELETE FROM key_uses WHERE client = ?", id)
	return wrap(err)
}

// PutIssuer implements [storage.Writer].
func (w *writer) PutIssuer(ctx context.Context, i *storage.Issuer) error {
	return w.put(ctx, issuers, i.Name, i, &i.Revision, encodeIssuer(i))
}

// DeleteIssuer implements [storage.Writer].
func (w *writer) DeleteIssuer(ctx context.Context, name string) error {
	return w.delete(ctx, issuers, name)
}

// PutRule implements [storage.Writer].
func (w *writer) PutRule(ctx context.Context, r *storage.Rule) error {
	return w.put(ctx, rules, r.Name, r, &r.Revision, encodeRule(r))
}

// DeleteRule implements [storage.Writer].
func (w *writer) DeleteRule(ctx context.Context, name string) error {
	return w.delete(ctx, rules, name)
}

// PutSigningKey implements [storage.Writer].
func (w *writer) PutSigningKey(ctx context.Context, k *storage.SigningKey) error {
	return w.put(ctx, signingKeys, k.ID, k, &k.Revision, encodeSigningKey(k))
}

// DeleteSigningKey implements [storage.Writer].
func (w *writer) DeleteSigningKey(ctx context.Context, id string) error {
	return w.delete(ctx, signingKeys, id)
}

// PutSubject implements [storage.Writer].
func (w *writer) PutSubject(ctx context.Context, s *storage.Subject) error {
	return w.put(ctx, subjects, s.ID, s, &s.Revision, encodeSubject(s))
}

// DeleteSubject implements [storage.Writer].
func (w *writer) DeleteSubject(ctx context.Context, id string) error {
	return w.delete(ctx, subjects, id)
}

// PutInitialToken implements [storage.Writer].
func (w *writer) PutInitialToken(ctx context.Context, t *storage.InitialToken) error {
	return w.put(ctx, tokens, t.ID, t, &t.Revision, encodeInitialToken(t))
}

// DeleteInitialToken implements [storage.Writer].
func (w *writer) DeleteInitialToken(ctx context.Context, id string) error {
	return w.delete(ctx, tokens, id)
}

func (w *writer) put(ctx context.Context, table, id string, record any, revision *int64, document any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if id == "" {
		return errors.New("storage/sqlite: a record needs an id")
	}
	if err := storage.CheckText(record); err != nil {
		return err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("storage/sqlite: %q in %s: %w", id, table, err)
	}
	var written int64
	if *revision == 0 {
		written, err = w.tx.exec("INSERT INTO "+table+" (id, revision, document) VALUES (?, ?, ?)", id, w.change, string(text))
	} else {
		written, err = w.tx.exec("UPDATE "+table+" SET revision = ?, document = ? WHERE id = ? AND revision = ?", w.change, string(text), id, *revision)
	}
	switch {
	case isUnique(err):
		return fmt.Errorf("%w: %q in %s", storage.ErrExists, id, table)
	case err != nil:
		return wrap(err)
	case written == 0:
		return fmt.Errorf("%w: %q in %s", storage.ErrConflict, id, table)
	}
	*revision = w.change
	return nil
}

func (w *writer) delete(ctx context.Context, table, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	deleted, err := w.tx.exec("DELETE FROM "+table+" WHERE id = ?", id)
	if err == nil && deleted == 0 {
		return storage.ErrNotFound
	}
	return wrap(err)
}
