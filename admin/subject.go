package admin

import (
	"context"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// Subject is somebody whom tokens are for. The server keeps no list of users; it knows those who were disabled.
type Subject struct {
	ID       string    `json:"sub"` // the sub of tokens, exactly
	Disabled bool      `json:"disabled"`
	Note     string    `json:"note,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Revision int64     `json:"revision"`
}

// SubjectPage is one page of subjects, sorted by id.
type SubjectPage struct {
	Subjects []Subject `json:"subjects"`
	Next     string    `json:"next,omitempty"` // pass as after for the next page; "" on the last
}

// DisableSubject refuses every token for a subject, whoever asks for it, here before it returns and in other processes
// within a second; introspection then says of those that are there that they are not active. The subject is the sub of
// tokens, byte by byte: that of an assertion stands behind the name of its issuer. Nobody need know it beforehand. note
// says why, for people; "" leaves what was said before.
func (a *Admin) DisableSubject(ctx context.Context, id, note string) (*Subject, error) {
	if err := a.may("subject.disable"); err != nil {
		return nil, err
	}
	var record *storage.Subject
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		s, err := t.Subject(ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			s, err = &storage.Subject{ID: id, Created: t.now}, nil
		}
		if err != nil {
			return err
		}
		s.Disabled, s.Updated = true, t.now
		if note != "" {
			s.Note = note
		}
		var found faults
		f := field{&found, ""}
		if f.in("sub").subject(id); id == "" {
			f.in("sub").fault("it is empty: give the sub of tokens")
		}
		f.in("note").text(note, 200)
		if err := found.err("subject", id); err != nil {
			return err
		}
		record = s
		return said(t.record.putSubject(ctx, "subject.disable", s), "subject", id)
	})
	if err != nil {
		return nil, err
	}
	return subjectView(record), nil
}

// EnableSubject takes back DisableSubject. The subject is forgotten then.
func (a *Admin) EnableSubject(ctx context.Context, id string) (*Subject, error) {
	if err := a.may("subject.enable"); err != nil {
		return nil, err
	}
	var record *storage.Subject
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		s, err := t.Subject(ctx, id)
		if err != nil {
			return errSubject(err, id)
		}
		s.Disabled, s.Updated = false, t.now
		record = s
		return said(t.record.deleteSubject(ctx, "subject.enable", id), "subject", id)
	})
	if err != nil {
		return nil, err
	}
	return subjectView(record), nil
}

// Subjects lists the subjects that were disabled, those with an id greater than after, at most limit of them (zero: 100;
// never more than 1000).
func (a *Admin) Subjects(ctx context.Context, after string, limit int) (*SubjectPage, error) {
	if err := a.may("subject.list"); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 1000)
	records, err := a.store.Subjects(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	page := &SubjectPage{Subjects: []Subject{}}
	if len(records) > limit {
		records = records[:limit]
		page.Next = records[limit-1].ID
	}
	for _, s := range records {
		page.Subjects = append(page.Subjects, *subjectView(s))
	}
	return page, nil
}

func errSubject(err error, id string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return &Error{Code: NotFound, Kind: "subject", ID: id, Reason: "it was not disabled; the sub of the token is wanted, such as ISSUER/SUB", Err: err}
	}
	return err
}

func subjectView(s *storage.Subject) *Subject {
	return &Subject{ID: s.ID, Disabled: s.Disabled, Note: s.Note, Created: s.Created, Updated: s.Updated, Revision: s.Revision}
}

// subjectState is what changes record of a subject, besides its id.
func subjectState(s *storage.Subject) any {
	return struct {
		Disabled bool   `json:"disabled"`
		Note     string `json:"note,omitempty"`
	}{s.Disabled, s.Note}
}
