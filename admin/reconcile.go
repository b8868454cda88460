package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/avouch-oauth/avouch/storage"
)

// reconcile makes an issuer as the document says. It is a [work].
func (d *IssuerDocument) reconcile(ctx context.Context, t *tx, f field) (outcome, error) {
	i, err := t.Issuer(ctx, d.Name)
	if errors.Is(err, storage.ErrNotFound) {
		i = &storage.Issuer{Name: d.Name, Created: t.now}
		d.record(f, i, t.now)
		set(&i.Disabled, d.Disabled)
		return created(f, issuerSnapshot(i), func() error { return t.createIssuer(ctx, f, i) })
	}
	if err != nil {
		return outcome{}, err
	}
	before, revision := issuerSnapshot(i), i.Revision
	d.record(f, i, t.now)
	set(&i.Disabled, d.Disabled)
	return updated(f, revision, differences(before, issuerSnapshot(i)), func() error { return t.saveIssuer(ctx, f, "issuer.update", i) })
}

// reconcile makes a rule as the document says. It is a [work].
func (d *RuleDocument) reconcile(ctx context.Context, t *tx, f field) (outcome, error) {
	r, err := t.Rule(ctx, d.Name)
	if errors.Is(err, storage.ErrNotFound) {
		r = &storage.Rule{Name: d.Name, Created: t.now}
		d.record(f, r)
		set(&r.Disabled, d.Disabled)
		return created(f, ruleSnapshot(r), func() error { return t.createRule(ctx, f, r) })
	}
	if err != nil {
		return outcome{}, err
	}
	before, revision := ruleSnapshot(r), r.Revision
	d.record(f, r)
	set(&r.Disabled, d.Disabled)
	return updated(f, revision, differences(before, ruleSnapshot(r)), func() error { return t.saveRule(ctx, f, "rule.update", r) })
}

// reconcile makes a client as the document says, with its keys and secrets. It is a [work].
func (d *resolvedClient) reconcile(ctx context.Context, t *tx, f field) (outcome, error) {
	c, err := t.Client(ctx, d.ID)
	fresh := errors.Is(err, storage.ErrNotFound)
	if fresh {
		c, err = &storage.Client{ID: d.ID, Created: t.now}, t.clientID(ctx, f.in("client_id"), d.ID)
	}
	if err != nil {
		return outcome{}, err
	}
	before, revision := clientState(c), c.Revision
	d.record(f, c)
	set(&c.Disabled, d.Disabled)
	credentials := d.reconcileKeys(t, f, c)
	credentials = append(credentials, d.reconcileRegistration(f.in("registration_sha256"), c)...)
	secrets, err := d.reconcileSecrets(ctx, t, f, c)
	if err != nil {
		return outcome{}, err
	}
	credentials = append(credentials, secrets...)
	if fresh {
		state := snapshot{}
		state.add("", clientState(c))
		o, err := created(f, state, func() error { return t.createClient(ctx, f, "client.add", c) })
		o.fields = append(o.fields, credentials...)
		return o, err
	}
	fields := append(diff(before, clientState(c)), credentials...)
	return updated(f, revision, fields, func() error { return t.saveClient(ctx, f, "client.update", c) })
}

// reconcileRegistration gives a client the token by which it manages its registration.
func (d *resolvedClient) reconcileRegistration(f field, c *storage.Client) []FieldChange {
	if d.RegistrationSHA256 == "" {
		return nil
	}
	digest, err := hex.DecodeString(d.RegistrationSHA256)
	switch {
	case err != nil || len(digest) != sha256.Size:
		f.fault("it is not 64 hex digits")
		return nil
	case bytes.Equal(digest, c.RegistrationSHA256):
		return nil
	}
	c.RegistrationSHA256 = digest
	return []FieldChange{{Field: "registration_sha256", New: hidden}}
}

func set(to *bool, want *bool) {
	if want != nil {
		*to = *want
	}
}

func created(f field, state snapshot, create func() error) (outcome, error) {
	if state["disabled"].text == "false" {
		delete(state, "disabled") // what is created is enabled: that goes without saying
	}
	return outcome{"create", differences(nil, state), 0}, told(f, create())
}

func updated(f field, revision int64, fields []FieldChange, save func() error) (outcome, error) {
	if len(fields) == 0 {
		return outcome{}, nil
	}
	return outcome{"update", fields, revision}, told(f, save())
}

// told leaves out an error that says no more than the faults which f has already.
func told(f field, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == Invalid {
		return nil
	}
	return err
}
