package admin

import (
	"context"
	"errors"
	"strconv"

	"github.com/avouch-oauth/avouch/storage"
)

// portion is how many records are changed in one transaction: first uses wait with it.
const portion = 50

// PlanOptions says how to compare. The zero value is ready to use.
type PlanOptions struct {
	// Prune deletes what the document does not name, but for clients that registered themselves.
	Prune bool
	// ReadFile reads a file that the document names. Nil refuses documents that name files.
	ReadFile func(name string) ([]byte, error)
}

// Plan is what would have to change for the store to be as a document says. Make one with [Admin.Plan].
type Plan struct {
	Steps     []Step `json:"steps"` // in the order in which they will be done
	Unchanged int    `json:"unchanged"`
}

// Step is one record to change.
type Step struct {
	Action string        `json:"action"` // create, update, delete
	Kind   string        `json:"kind"`   // client, issuer, rule
	ID     string        `json:"id"`
	Fields []FieldChange `json:"fields,omitempty"`

	revision int64 // of the record when the plan was made, 0 where there was none
	work     work
}

// work makes one record as a document says. It is run on an overlay to make a plan and on the store to apply it. It
// tells its faults to f; the error is for what is not the document's fault.
type work func(ctx context.Context, t *tx, f field) (outcome, error)

// outcome is what a work has done.
type outcome struct {
	action   string // "" where nothing was to be done
	fields   []FieldChange
	revision int64 // of the record before
}

// job is a work not done yet.
type job struct {
	kind, id, path string
	work           work
}

// Plan compares a document with the store and changes nothing. Where the document is at fault, all its faults are told
// at once.
func (a *Admin) Plan(ctx context.Context, d *Document, o PlanOptions) (*Plan, error) {
	if err := a.may("document.plan"); err != nil {
		return nil, err
	}
	resolved, err := resolve(d, o.ReadFile)
	if err != nil {
		return nil, err
	}
	var plan *Plan
	err = a.store.View(ctx, func(ctx context.Context, r storage.Reader) error {
		jobs := resolved.jobs()
		if o.Prune {
			pruning, err := resolved.pruning(ctx, r)
			if err != nil {
				return err
			}
			jobs = append(jobs, pruning...)
		}
		plan, err = order(ctx, a.newTx(newOverlay(r)), jobs)
		return err
	})
	return plan, err
}

// order does all jobs on the overlay, and so finds an order in which they can be done: one that is refused because
// another has not been done yet — a rule before its client, a client before the rule that leaves it — comes again in
// the next round. What is refused when nothing moves any more is refused for good.
func order(ctx context.Context, t *tx, jobs []job) (*Plan, error) {
	plan := &Plan{Steps: []Step{}}
	for len(jobs) > 0 {
		var refused []job
		var found faults
		for _, j := range jobs {
			var own faults
			done, err := j.work(ctx, t, field{&own, j.path})
			if e, ok := errors.AsType[*Error](err); ok && (e.Code == Conflict || e.Code == Exists || e.Code == NotFound) {
				own.add(j.path, "%s", e.Error())
				err = nil
			}
			switch {
			case err != nil:
				return nil, err
			case len(own) > 0:
				refused = append(refused, j)
				found = append(found, own...)
			case done.action == "":
				plan.Unchanged++
			default:
				plan.Steps = append(plan.Steps, Step{done.action, j.kind, j.id, done.fields, done.revision, j.work})
			}
		}
		if len(refused) == len(jobs) {
			return nil, found.err("document", "")
		}
		jobs = refused
	}
	return plan, nil
}

// jobs makes the works of a document, in the order that usually holds.
func (d *resolved) jobs() []job {
	var jobs []job
	for i := range d.Issuers {
		jobs = append(jobs, job{"issuer", d.Issuers[i].Name, "issuers[" + strconv.Itoa(i) + "]", d.Issuers[i].reconcile})
	}
	for i := range d.clients {
		jobs = append(jobs, job{"client", d.clients[i].ID, "clients[" + strconv.Itoa(i) + "]", d.clients[i].reconcile})
	}
	for i := range d.Rules {
		jobs = append(jobs, job{"rule", d.Rules[i].Name, "rules[" + strconv.Itoa(i) + "]", d.Rules[i].reconcile})
	}
	return jobs
}

// pruning makes the works that delete what a document does not name.
func (d *resolved) pruning(ctx context.Context, r storage.Reader) ([]job, error) {
	named := map[string]bool{}
	for _, j := range d.jobs() {
		named[j.kind+" "+j.id] = true
	}
	var jobs []job
	remove := func(kind, id string, revision int64, f func(t *tx, ctx context.Context, id string) error) {
		if named[kind+" "+id] {
			return
		}
		jobs = append(jobs, job{kind, id, kind + " " + id, func(ctx context.Context, t *tx, _ field) (outcome, error) {
			return outcome{"delete", nil, revision}, f(t, ctx, id)
		}})
	}
	rules, err := r.Rules(ctx)
	if err != nil {
		return nil, err
	}
	for _, rule := range rules {
		remove("rule", rule.Name, rule.Revision, (*tx).removeRule)
	}
	if err := eachClient(ctx, r, func(c *storage.Client) {
		if c.RegistrationSHA256 == nil {
			remove("client", c.ID, c.Revision, (*tx).removeClient)
		}
	}); err != nil {
		return nil, err
	}
	issuers, err := r.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range issuers {
		remove("issuer", i.Name, i.Revision, (*tx).removeIssuer)
	}
	return jobs, nil
}

// ApplyResult says how far [Admin.Apply] came.
type ApplyResult struct {
	Applied int `json:"applied"`
	Total   int `json:"total"`
}

// Apply does what a plan says, in several transactions. Where it fails in the middle the result tells how much is
// done; a new plan of the same document does the rest. A record that somebody changed since the plan was made stops it
// with [Conflict].
func (a *Admin) Apply(ctx context.Context, p *Plan, progress func(Progress)) (*ApplyResult, error) {
	if err := a.may("document.apply"); err != nil {
		return nil, err
	}
	result := &ApplyResult{Total: len(p.Steps)}
	for result.Applied < len(p.Steps) {
		steps := p.Steps[result.Applied:min(result.Applied+portion, len(p.Steps))]
		err := a.write(ctx, func(ctx context.Context, t *tx) error {
			for i := range steps {
				if err := steps[i].apply(ctx, t); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return result, err
		}
		result.Applied += len(steps)
		if progress != nil {
			last := steps[len(steps)-1]
			progress(Progress{Done: result.Applied, Total: result.Total, What: last.Kind + " " + last.ID})
		}
	}
	return result, nil
}

func (s *Step) apply(ctx context.Context, t *tx) error {
	revision, err := t.revision(ctx, s.Kind, s.ID)
	if err != nil {
		return err
	}
	if revision != s.revision {
		return &Error{Code: Conflict, Kind: s.Kind, ID: s.ID, Reason: "somebody changed it since the plan was made; make a new one"}
	}
	var found faults
	if _, err := s.work(ctx, t, field{&found, ""}); err != nil {
		return err
	}
	return found.err(s.Kind, s.ID)
}

// revision is the revision of a record, 0 where there is none.
func (t *tx) revision(ctx context.Context, kind, id string) (revision int64, err error) {
	switch kind {
	case "client":
		var c *storage.Client
		if c, err = t.Client(ctx, id); err == nil {
			revision = c.Revision
		}
	case "issuer":
		var i *storage.Issuer
		if i, err = t.Issuer(ctx, id); err == nil {
			revision = i.Revision
		}
	case "rule":
		var r *storage.Rule
		if r, err = t.Rule(ctx, id); err == nil {
			revision = r.Revision
		}
	}
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	return revision, err
}
