package admin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// overlay is a storage.Writer whose writes stay in memory, over a reader: a plan is made by doing everything on it.
type overlay struct {
	storage.Reader
	clients map[string]*storage.Client // nil for one that was deleted
	issuers map[string]*storage.Issuer
	rules   map[string]*storage.Rule
}

func newOverlay(r storage.Reader) *overlay {
	return &overlay{r, map[string]*storage.Client{}, map[string]*storage.Issuer{}, map[string]*storage.Rule{}}
}

func (o *overlay) Client(ctx context.Context, id string) (*storage.Client, error) {
	if c, ok := o.clients[id]; ok {
		if c == nil {
			return nil, storage.ErrNotFound
		}
		return cloneClient(c), nil
	}
	return o.Reader.Client(ctx, id)
}

// Clients implements storage.Reader. The result may be shorter than limit where clients were deleted, but is empty
// only at the end.
func (o *overlay) Clients(ctx context.Context, after string, limit int) ([]*storage.Client, error) {
	for {
		below, err := o.Reader.Clients(ctx, after, limit)
		if err != nil {
			return nil, err
		}
		end := "" // beyond it the reader has not been asked yet
		if len(below) == limit && limit > 0 {
			end = below[limit-1].ID
		}
		found := slices.DeleteFunc(below, func(c *storage.Client) bool { _, mine := o.clients[c.ID]; return mine })
		for id, c := range o.clients {
			if c != nil && id > after && (end == "" || id <= end) {
				found = append(found, c)
			}
		}
		if len(found) == 0 && end != "" {
			after = end
			continue
		}
		slices.SortFunc(found, func(a, b *storage.Client) int { return strings.Compare(a.ID, b.ID) })
		found = found[:min(len(found), limit)]
		for i := range found {
			found[i] = cloneClient(found[i])
		}
		return found, nil
	}
}

func (o *overlay) Issuer(ctx context.Context, name string) (*storage.Issuer, error) {
	return overlaid(ctx, o.issuers, name, o.Reader.Issuer)
}

func (o *overlay) Issuers(ctx context.Context) ([]*storage.Issuer, error) {
	below, err := o.Reader.Issuers(ctx)
	return merged(below, err, o.issuers, func(i *storage.Issuer) string { return i.Name })
}

func (o *overlay) Rule(ctx context.Context, name string) (*storage.Rule, error) {
	return overlaid(ctx, o.rules, name, o.Reader.Rule)
}

func (o *overlay) Rules(ctx context.Context) ([]*storage.Rule, error) {
	below, err := o.Reader.Rules(ctx)
	return merged(below, err, o.rules, func(r *storage.Rule) string { return r.Name })
}

func overlaid[R any](ctx context.Context, mine map[string]*R, name string, below func(context.Context, string) (*R, error)) (*R, error) {
	r, ok := mine[name]
	switch {
	case !ok:
		return below(ctx, name)
	case r == nil:
		return nil, storage.ErrNotFound
	}
	own := *r
	return &own, nil
}

func merged[R any](below []*R, err error, mine map[string]*R, name func(*R) string) ([]*R, error) {
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(below, func(r *R) bool { _, ok := mine[name(r)]; return ok })
	for _, r := range mine {
		if r != nil {
			own := *r
			all = append(all, &own)
		}
	}
	slices.SortFunc(all, func(a, b *R) int { return strings.Compare(name(a), name(b)) })
	return all, nil
}

func (o *overlay) PutClient(_ context.Context, c *storage.Client) error {
	o.clients[c.ID] = cloneClient(c)
	return nil
}

func (o *overlay) DeleteClient(ctx context.Context, id string) error {
	if _, err := o.Client(ctx, id); err != nil {
		return err
	}
	o.clients[id] = nil
	return nil
}

func (o *overlay) PutIssuer(_ context.Context, i *storage.Issuer) error {
	own := *i
	o.issuers[i.Name] = &own
	return nil
}

func (o *overlay) DeleteIssuer(ctx context.Context, name string) error {
	if _, err := o.Issuer(ctx, name); err != nil {
		return err
	}
	o.issuers[name] = nil
	return nil
}

func (o *overlay) PutRule(_ context.Context, r *storage.Rule) error {
	own := *r
	o.rules[r.Name] = &own
	return nil
}

func (o *overlay) DeleteRule(ctx context.Context, name string) error {
	if _, err := o.Rule(ctx, name); err != nil {
		return err
	}
	o.rules[name] = nil
	return nil
}

func (o *overlay) PutSigningKey(context.Context, *storage.SigningKey) error { return errNotInPlans }
func (o *overlay) DeleteSigningKey(context.Context, string) error           { return errNotInPlans }

func (o *overlay) PutSubject(context.Context, *storage.Subject) error           { return errNotInPlans }
func (o *overlay) DeleteSubject(context.Context, string) error                  { return errNotInPlans }
func (o *overlay) PutInitialToken(context.Context, *storage.InitialToken) error { return errNotInPlans }
func (o *overlay) DeleteInitialToken(context.Context, string) error             { return errNotInPlans }

var errNotInPlans = errors.New("admin: signing keys, subjects and initial access tokens are in no document")

// Append does nothing: a plan leaves no trace.
func (o *overlay) Append(context.Context, *storage.Entry) error { return nil }

func (o *overlay) Revoke(context.Context, time.Time, time.Time, ...string) error {
	return errNotInPlans
}

func cloneClient(c *storage.Client) *storage.Client {
	own := *c
	own.Keys = slices.Clone(c.Keys)
	own.Secrets = slices.Clone(c.Secrets)
	return &own
}
