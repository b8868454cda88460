package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// Change is one recorded change. It was committed in the transaction that made it, and never holds a secret, a hash, a
// token or a key: those are recorded by name only.
type Change struct {
	Number int64         `json:"number"` // 1 for the first, in the order of commits, without gaps
	Time   time.Time     `json:"time"`
	Caller Caller        `json:"caller"`           // who made it
	Action string        `json:"action"`           // "client.add", "client_key.revoke", "signing_key.rotate", ...
	Noun   string        `json:"noun"`             // kind of record: "client", "rule", ...; see [ChangeNouns]
	ID     string        `json:"id,omitempty"`     // of the record: client id, name of an issuer or rule, sub, kid, jti, ...
	Key    string        `json:"key,omitempty"`    // kid, or id of the secret, if it is about one of a client
	Fields []FieldChange `json:"fields,omitempty"` // what is different; none if everything was as asked for already
}

// FieldChange is one member of a record before and after, as JSON text or, for a value that is not recorded,
// "(hidden)". Old is "" if the member was not set before, New if it is not set any more.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

// changeLog is the kind of log entries that are changes. Their labels are the noun, the id and the name of the caller.
const changeLog = "change"

// changeNouns are the values of Change.Noun, and those of actions that belong to another noun.
var (
	changeNouns = []string{"client", "issuer", "rule", "subject", "initial_token", "signing_key", "token", "consent", "change"}
	partNouns   = map[string]string{"client_key": "client", "client_secret": "client"}
)

// ChangeNouns returns what [ChangeQuery.Noun] may be.
func ChangeNouns() []string { return append(slices.Clone(changeNouns), "client_key", "client_secret") }

// nounOf returns the kind of record that an action is about: keys and secrets of a client are part of the client.
func nounOf(action string) string {
	noun, _, _ := strings.Cut(action, ".")
	if whole := partNouns[noun]; whole != "" {
		return whole
	}
	return noun
}

// recordedChange is a Change as it is kept: number and time are those of its log entry.
type recordedChange struct {
	Change
	Number omitted `json:"number,omitempty"`
	Time   omitted `json:"time,omitempty"`
}

// omitted hides a member of an embedded struct from JSON.
type omitted []struct{}

func changeEntry(c Change, at time.Time) (*storage.Entry, error) {
	data, err := json.Marshal(recordedChange{Change: c})
	if err != nil {
		return nil, err
	}
	return &storage.Entry{Kind: changeLog, Time: at, Labels: [3]string{c.Noun, c.ID, c.Caller.Name}, Data: data}, nil
}

func changeOf(e *storage.Entry) (*Change, error) {
	var r recordedChange
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return nil, fmt.Errorf("change %d: %w", e.Number, err)
	}
	r.Change.Number, r.Change.Time = e.Number, e.Time
	return &r.Change, nil
}

// ChangeQuery selects changes. The zero value of a field selects by nothing.
type ChangeQuery struct {
	Noun   string // as in Change.Noun, keys and secrets of clients included; client_key or client_secret for those alone
	ID     string // id of the record, exactly
	Caller string // name of the caller, exactly

	Since time.Time // changes of this time or later
	Until time.Time // changes before this time

	After  int64 // changes with a greater number
	Before int64 // changes with a smaller number; zero: no bound

	OldestFirst bool // false lists the newest first
	Limit       int  // at most so many; zero: 100; never more than 1000
}

// ChangePage is one page of changes.
type ChangePage struct {
	Changes []Change `json:"changes"`
	Next    int64    `json:"next,omitempty"` // pass as Before for the next page, or as After with OldestFirst; 0 on the last
}

// Changes lists recorded changes.
func (a *Admin) Changes(ctx context.Context, q ChangeQuery) (*ChangePage, error) {
	if err := a.may("change.list"); err != nil {
		return nil, err
	}
	if q.Noun != "" && !slices.Contains(ChangeNouns(), q.Noun) {
		return nil, faults{{"noun", fmt.Sprintf("%q is not one of %s", clip(q.Noun), strings.Join(ChangeNouns(), ", "))}}.err("change", "")
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	log := storage.LogQuery{
		Kind: changeLog, Labels: [3]string{nounOf(q.Noun), q.ID, q.Caller}, Since: q.Since, Until: q.Until,
		After: q.After, Before: q.Before, OldestFirst: q.OldestFirst, Limit: limit + 1,
	}
	page := &ChangePage{Changes: []Change{}}
	for {
		entries, err := a.store.Log(ctx, log)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			c, err := changeOf(e)
			if err != nil {
				return nil, err
			}
			if q.Noun != c.Noun && q.Noun != "" && !strings.HasPrefix(c.Action, q.Noun+".") {
				continue
			}
			if len(page.Changes) == limit {
				page.Next = page.Changes[limit-1].Number
				return page, nil
			}
			page.Changes = append(page.Changes, *c)
		}
		if len(entries) < log.Limit {
			return page, nil
		}
		if last := entries[len(entries)-1].Number; q.OldestFirst {
			log.After = last
		} else {
			log.Before = last
		}
	}
}

// Change shows one change by its number.
func (a *Admin) Change(ctx context.Context, number int64) (*Change, error) {
	if err := a.may("change.show"); err != nil {
		return nil, err
	}
	if number > 0 {
		entries, err := a.store.Log(ctx, storage.LogQuery{Kind: changeLog, After: number - 1, Before: number + 1, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(entries) == 1 {
			return changeOf(entries[0])
		}
	}
	return nil, &Error{Code: NotFound, Kind: "change", ID: strconv.FormatInt(number, 10), Reason: "not found: no change has this number, or it was dropped because of its age"}
}

// DropChangesResult says what [Admin.DropChanges] did.
type DropChangesResult struct {
	Dropped int64 `json:"dropped"`
}

// DropChanges drops the changes before a time, in portions. It refuses to drop what Options.KeepChanges still keeps. It
// records that it drops them before the first one goes. [Live.Run] calls it.
func (a *Admin) DropChanges(ctx context.Context, before time.Time) (*DropChangesResult, error) {
	if err := a.may("change.drop"); err != nil {
		return nil, err
	}
	keep := a.options.KeepChanges
	switch {
	case keep <= 0:
		return nil, faults{{"before", "changes are kept for ever: set how long they are kept (changes.keep) first"}}.err("change", "")
	case before.After(now().Add(-keep)):
		return nil, faults{{"before", fmt.Sprintf("changes are kept for %s (changes.keep); give a time before %s", Duration(keep), now().Add(-keep).Format(time.RFC3339))}}.err("change", "")
	}
	found := false
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		first, err := t.Log(ctx, storage.LogQuery{Kind: changeLog, Until: before, OldestFirst: true, Limit: 1})
		if err != nil || len(first) == 0 {
			return err
		}
		last, err := t.Log(ctx, storage.LogQuery{Kind: changeLog, Until: before, Limit: 1})
		if err != nil {
			return err
		}
		found = true
		return t.record.dropChanges(ctx, before, first[0].Number, last[0].Number)
	})
	if err != nil || !found {
		return &DropChangesResult{}, err
	}
	dropped, err := a.store.DropLog(ctx, changeLog, before)
	return &DropChangesResult{dropped}, err
}

// dropAfter is how long the oldest change stays after its time is over. So changes are dropped, and that is recorded,
// once a day and not every minute.
const dropAfter = 24 * time.Hour

// dropOldChanges drops what is older than Options.KeepChanges, if the oldest change has been so for a day.
func (a *Admin) dropOldChanges(ctx context.Context) error {
	keep := a.options.KeepChanges
	if keep <= 0 {
		return nil
	}
	before := now().Add(-keep)
	overdue, err := a.store.Log(ctx, storage.LogQuery{Kind: changeLog, Until: before.Add(-dropAfter), OldestFirst: true, Limit: 1})
	if err != nil || len(overdue) == 0 {
		return err
	}
	_, err = a.DropChanges(ctx, before)
	return err
}
