package admin

import "context"

// PlanOptions says how to compare. The zero value is ready to use.
type PlanOptions struct {
	// Prune deletes what the document does not name.
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
}

// Plan compares a document with the store and changes nothing. Where the document is at fault, all its faults are told
// at once.
func (a *Admin) Plan(ctx context.Context, d *Document, o PlanOptions) (*Plan, error) {
	panic("not built")
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
	panic("not built")
}
