package storage

import (
	"encoding/json"
	"errors"
	"time"
)

// Entry is one entry of a log. A log is append-only: an entry never changes, and leaves the store only when everything
// older than a time is dropped ([Store.DropLog]). A store knows nothing of what a log is about.
type Entry struct {
	Kind string // which log, such as "change"; never empty

	// Number is set by [Writer.Append]. The first entry of a kind is 1, the next 2, in the order of commits and without
	// gaps, across all processes. A number is never given twice, not even after its entry was dropped.
	Number int64

	Time   time.Time
	Labels [3]string // the texts by which entries are found; what each one means is up to the kind
	Data   json.RawMessage
}

// LogQuery selects entries of one log. The zero value of a field selects by nothing, except Kind and Limit.
type LogQuery struct {
	Kind   string
	Labels [3]string // entries that have these labels, byte by byte; "" matches every label

	Since time.Time // entries of this time or later
	Until time.Time // entries before this time

	After  int64 // entries with a greater number
	Before int64 // entries with a smaller number; zero: no bound

	OldestFirst bool // by number; false lists the newest first
	Limit       int  // at most so many; zero or less: none
}

// Check returns an error if the entry may not be appended: it has no kind, no time or no data, or text that not every
// database keeps as it is ([CheckText]). Every Append calls it first.
func (e *Entry) Check() error {
	switch {
	case e.Kind == "":
		return errors.New("storage: Entry.Kind is empty")
	case e.Time.IsZero():
		return errors.New("storage: Entry.Time is zero")
	case len(e.Data) == 0:
		return errors.New("storage: Entry.Data is empty")
	}
	return CheckText(e)
}
