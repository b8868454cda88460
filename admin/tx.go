package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/trust"
)

// tx is one transaction with the rules about records, on a store or, for a plan, on an overlay of one. It reads as it
// likes; what it writes goes through record. Lists of issuers and rules are read once and kept up to date, so that
// applying a large document does not read them for every record.
type tx struct {
	storage.Reader
	*shared
	now    time.Time
	record *recorder

	sealerChecked bool // the seal key opens what is there

	loaded   bool
	issuers  map[string]*storage.Issuer // by name
	rules    map[string]*storage.Rule   // by name
	subjects map[string]map[string]bool // subject that a rule gives → names of such rules
	clients  map[string]map[string]bool // client id → names of rules that name it
	byIssuer map[string]map[string]bool // issuer name → names of its rules
}

func (a *Admin) newTx(w storage.Writer) *tx {
	at := now()
	return &tx{Reader: w, shared: a.shared, now: at, record: &recorder{writer: w, caller: a.caller, now: at}}
}

func (t *tx) load(ctx context.Context) error {
	if t.loaded {
		return nil
	}
	issuers, err := t.Issuers(ctx)
	if err != nil {
		return err
	}
	rules, err := t.Rules(ctx)
	if err != nil {
		return err
	}
	t.issuers = make(map[string]*storage.Issuer, len(issuers))
	t.rules = make(map[string]*storage.Rule, len(rules))
	t.subjects, t.clients, t.byIssuer = map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, i := range issuers {
		t.issuers[i.Name] = i
	}
	for _, r := range rules {
		t.index(r)
	}
	t.loaded = true
	return nil
}

func (t *tx) index(r *storage.Rule) {
	t.rules[r.Name] = r
	put(t.subjects, ruleSubject(r), r.Name)
	put(t.clients, r.Client, r.Name)
	put(t.clients, r.AsClient, r.Name)
	put(t.byIssuer, r.Issuer, r.Name)
}

func (t *tx) unindex(r *storage.Rule) {
	delete(t.rules, r.Name)
	drop(t.subjects, ruleSubject(r), r.Name)
	drop(t.clients, r.Client, r.Name)
	drop(t.clients, r.AsClient, r.Name)
	drop(t.byIssuer, r.Issuer, r.Name)
}

func put(m map[string]map[string]bool, key, name string) {
	if key == "" {
		return
	}
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][name] = true
}

func drop(m map[string]map[string]bool, key, name string) { delete(m[key], name) }

// ruleSubject is the sub of tokens that a rule gives, "" where it gives none but the client's own id.
func ruleSubject(r *storage.Rule) string {
	switch {
	case r.Nobody:
		return ""
	case r.AsSubject == "=":
		return r.Subject
	case r.AsSubject != "":
		return r.AsSubject
	}
	return ruleParty(r).Qualified(r.Subject)
}

// ruleParty is whose assertions a rule is about, as far as that names its subjects.
func ruleParty(r *storage.Rule) *trust.Issuer {
	if r.Client != "" {
		return &trust.Issuer{Issuer: r.Client, SelfIssued: true}
	}
	return &trust.Issuer{Name: r.Issuer}
}

// client reads a client, with the error that people read.
func (t *tx) client(ctx context.Context, id string) (*storage.Client, error) {
	c, err := t.Client(ctx, id)
	return c, said(err, "client", id)
}

// putClient puts a client; key names the key or secret that the action is about, "" for the client as a whole.
func (t *tx) putClient(ctx context.Context, action, key string, c *storage.Client) error {
	c.Updated = t.now
	return said(t.record.putClient(ctx, action, key, c), "client", c.ID)
}

func (t *tx) putIssuer(ctx context.Context, action string, i *storage.Issuer) error {
	i.Updated = t.now
	if err := said(t.record.putIssuer(ctx, action, i), "issuer", i.Name); err != nil {
		return err
	}
	if t.loaded {
		t.issuers[i.Name] = i
	}
	return nil
}

func (t *tx) putRule(ctx context.Context, action string, r *storage.Rule) error {
	r.Updated = t.now
	if err := said(t.record.putRule(ctx, action, r), "rule", r.Name); err != nil {
		return err
	}
	if t.loaded {
		if old := t.rules[r.Name]; old != nil {
			t.unindex(old)
		}
		t.index(r)
	}
	return nil
}

// said turns an error of the store about one record into one for people.
func said(err error, kind, id string) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return &Error{Code: NotFound, Kind: kind, ID: id, Reason: "there is none of this name", Err: err}
	case errors.Is(err, storage.ErrExists):
		return &Error{Code: Exists, Kind: kind, ID: id, Reason: "there is one of this name already; choose another name, or update that one", Err: err}
	case errors.Is(err, storage.ErrConflict):
		return errChanged(kind, id, err)
	}
	return err
}

func errChanged(kind, id string, cause error) error {
	return &Error{Code: Conflict, Kind: kind, ID: id, Reason: "somebody else changed it meanwhile; look at it again and repeat", Err: cause}
}

// names lists at most ten names for a message.
func names(of map[string]bool) string {
	all := sorted(of)
	if len(all) > 10 {
		all = append(all[:10:10], "...")
	}
	return strings.Join(all, ", ")
}
