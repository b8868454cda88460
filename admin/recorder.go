package admin

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/storage"
)

// write runs f in one transaction. When it returns nil, the records and their changes are committed, every Live of this
// process has them, and the observer was called.
func (a *Admin) write(ctx context.Context, f func(ctx context.Context, t *tx) error) error {
	var done []Change
	err := a.store.Write(ctx, func(ctx context.Context, w storage.Writer) error {
		t := a.newTx(w)
		if err := f(ctx, t); err != nil {
			return err
		}
		done = t.record.changes
		return nil
	})
	if errors.Is(err, storage.ErrConflict) {
		return &Error{Code: Conflict, Kind: "store", Reason: "somebody else changed the same record meanwhile; look at it again and repeat", Err: err}
	}
	if err != nil {
		return err
	}
	a.mu.Lock()
	lives := append([]*Live(nil), a.lives...)
	a.mu.Unlock()
	for _, l := range lives {
		l.changed(ctx)
	}
	if a.options.Observe != nil {
		for _, c := range done {
			a.options.Observe(ctx, c)
		}
	}
	return nil
}

// recorder holds the Writer of a transaction and is the only code of this package that writes with it. Each method
// makes one write: it checks that the caller is permitted to make it, and appends one change with what is different,
// comparing with what is stored rather than with what an operation has read. So no operation can write without a change
// or without permission; TestOnlyTheRecorderWrites holds the rest of the package to it.
type recorder struct {
	writer  storage.Writer
	caller  Caller
	now     time.Time
	changes []Change
}

// about says what a write is about.
type about struct {
	action string
	id     string
	key    string // kid or id of a secret; "" for the record as a whole
}

func (r *recorder) putClient(ctx context.Context, action, key string, c *storage.Client) error {
	return replaceRecord(ctx, r, about{action, c.ID, key}, r.writer.Client, clientSnapshot, c, r.writer.PutClient)
}

func (r *recorder) deleteClient(ctx context.Context, action, id string) error {
	return removeRecord(ctx, r, about{action, id, ""}, r.writer.Client, clientSnapshot, r.writer.DeleteClient)
}

func (r *recorder) putIssuer(ctx context.Context, action string, i *storage.Issuer) error {
	return replaceRecord(ctx, r, about{action, i.Name, ""}, r.writer.Issuer, issuerSnapshot, i, r.writer.PutIssuer)
}

func (r *recorder) deleteIssuer(ctx context.Context, action, name string) error {
	return removeRecord(ctx, r, about{action, name, ""}, r.writer.Issuer, issuerSnapshot, r.writer.DeleteIssuer)
}

func (r *recorder) putRule(ctx context.Context, action string, rule *storage.Rule) error {
	return replaceRecord(ctx, r, about{action, rule.Name, ""}, r.writer.Rule, ruleSnapshot, rule, r.writer.PutRule)
}

func (r *recorder) deleteRule(ctx context.Context, action, name string) error {
	return removeRecord(ctx, r, about{action, name, ""}, r.writer.Rule, ruleSnapshot, r.writer.DeleteRule)
}

func (r *recorder) putSubject(ctx context.Context, action string, s *storage.Subject) error {
	return replaceRecord(ctx, r, about{action, s.ID, ""}, r.writer.Subject, subjectSnapshot, s, r.writer.PutSubject)
}

func (r *recorder) deleteSubject(ctx context.Context, action, id string) error {
	return removeRecord(ctx, r, about{action, id, ""}, r.writer.Subject, subjectSnapshot, r.writer.DeleteSubject)
}

func (r *recorder) putInitialToken(ctx context.Context, action string, t *storage.InitialToken) error {
	return replaceRecord(ctx, r, about{action, t.ID, ""}, r.writer.InitialToken, initialTokenSnapshot, t, r.writer.PutInitialToken)
}

func (r *recorder) deleteInitialToken(ctx context.Context, action, id string) error {
	return removeRecord(ctx, r, about{action, id, ""}, r.writer.InitialToken, initialTokenSnapshot, r.writer.DeleteInitialToken)
}

func (r *recorder) putSigningKey(ctx context.Context, action string, k *storage.SigningKey) error {
	return replaceRecord(ctx, r, about{action, k.ID, ""}, r.signingKey, signingKeySnapshot, k, r.writer.PutSigningKey)
}

func (r *recorder) deleteSigningKey(ctx context.Context, action, id string) error {
	return removeRecord(ctx, r, about{action, id, ""}, r.signingKey, signingKeySnapshot, r.writer.DeleteSigningKey)
}

func (r *recorder) signingKey(ctx context.Context, id string) (*storage.SigningKey, error) {
	ring, err := r.writer.SigningKeys(ctx)
	for _, k := range ring {
		if k.ID == id {
			return k, nil
		}
	}
	if err == nil {
		err = storage.ErrNotFound
	}
	return nil, err
}

// revokeToken revokes an access token until a time. was is what the change records of it.
func (r *recorder) revokeToken(ctx context.Context, action, jti string, until time.Time, was snapshot) error {
	return r.revoke(ctx, about{action, jti, ""}, was, func() error { return r.writer.Revoke(ctx, r.now, until, handle.TokenID(jti)) })
}

// endConsent revokes everything that was issued on a consent. was is what the change records of it.
func (r *recorder) endConsent(ctx context.Context, action, name string, was snapshot) error {
	return r.revoke(ctx, about{action, name, ""}, was, func() error { return handle.EndFamily(ctx, r.writer, r.now, name) })
}

// revoke records a revocation as it records a removal: what was there is gone.
func (r *recorder) revoke(ctx context.Context, a about, was snapshot, write func() error) error {
	is := snapshot{}
	is.add("revoked", true)
	return r.change(ctx, a, func() (before, after snapshot, err error) { return was, is, write() })
}

// dropChanges records that changes are about to be dropped.
func (r *recorder) dropChanges(ctx context.Context, before time.Time, first, last int64) error {
	was, is := snapshot{}, snapshot{}
	was.add("numbers", [2]int64{first, last})
	is.add("before", before)
	return r.change(ctx, about{"change.drop", "", ""}, func() (snapshot, snapshot, error) { return was, is, nil })
}

// replaceRecord puts a record, in the place of the stored one if there is one.
func replaceRecord[R any](ctx context.Context, r *recorder, a about, stored func(context.Context, string) (*R, error), of func(*R) snapshot,
	record *R, put func(context.Context, *R) error) error {
	return r.change(ctx, a, func() (before, after snapshot, err error) {
		old, err := stored(ctx, a.id)
		switch {
		case err == nil:
			before = of(old)
		case !errors.Is(err, storage.ErrNotFound):
			return nil, nil, err
		}
		return before, of(record), put(ctx, record)
	})
}

// removeRecord deletes a record.
func removeRecord[R any](ctx context.Context, r *recorder, a about, stored func(context.Context, string) (*R, error), of func(*R) snapshot,
	remove func(context.Context, string) error) error {
	return r.change(ctx, a, func() (before, after snapshot, err error) {
		old, err := stored(ctx, a.id)
		if err != nil {
			return nil, nil, err
		}
		return of(old), nil, remove(ctx, a.id)
	})
}

// change makes one write and appends what has changed.
func (r *recorder) change(ctx context.Context, a about, write func() (before, after snapshot, err error)) error {
	if err := r.caller.check(a.action); err != nil {
		return err
	}
	before, after, err := write()
	if err != nil {
		return err
	}
	by := r.caller
	by.May = nil // what else the caller may do is not part of a change
	c := Change{Caller: by, Action: a.action, Noun: nounOf(a.action), ID: a.id, Key: a.key, Fields: differences(before, after)}
	e, err := changeEntry(c, r.now)
	if err != nil {
		return err
	}
	if err := r.writer.Append(ctx, e); err != nil {
		return err
	}
	c.Number, c.Time = e.Number, e.Time
	r.changes = append(r.changes, c)
	return nil
}
