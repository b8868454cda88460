package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// TestLogByIndex asks SQLite how it would read and drop entries: by an index, never by a look at every row. Only what is
// found by time is sorted, and only its numbers.
func TestLogByIndex(t *testing.T) {
	s := open(t, place(t), sqlite.Options{})
	for statement, index := range sqlite.LogStatements() {
		plan, err := s.Plan(statement)
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		found := false
		for _, using := range []string{"USING INDEX ", "USING COVERING INDEX "} {
			found = found || strings.Contains(plan, using+index+"\n")
		}
		if !found || strings.Contains(plan, "SCAN log") {
			t.Errorf("%s\nuses this plan, want the index %s:\n%s", statement, index, plan)
		}
		if strings.Contains(plan, "TEMP B-TREE") && !strings.Contains(statement, "log_time") {
			t.Errorf("%s\nsorts:\n%s", statement, plan)
		}
	}
}

// BenchmarkLog reads a page of a log with 100,000 entries of one year.
func BenchmarkLog(b *testing.B) {
	s := open(b, place(b), sqlite.Options{Synchronous: sqlite.Normal})
	const entries, year = 100_000, 365 * 24 * time.Hour
	data := json.RawMessage(`{"fields":"` + strings.Repeat("x", 600) + `"}`)
	for from := 0; from < entries; from += 5000 {
		err := s.Write(b.Context(), func(ctx context.Context, w storage.Writer) error {
			for i := range 5000 {
				err := w.Append(ctx, &storage.Entry{Kind: "change", Time: noon.Add(year / entries * time.Duration(from+i)),
					Labels: [3]string{"client", fmt.Sprint("client-", (from+i)%1000), "alice"}, Data: data})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for name, q := range map[string]storage.LogQuery{
		"newest":               {},
		"id":                   {Labels: [3]string{"client", "client-7"}},
		"noun, an hour":        {Labels: [3]string{"client"}, Since: noon.Add(year / 2), Until: noon.Add(year/2 + time.Hour)},
		"an hour":              {Since: noon.Add(year / 2), Until: noon.Add(year/2 + time.Hour)},
		"a year, oldest first": {Since: noon, OldestFirst: true},
	} {
		b.Run(name, func(b *testing.B) {
			q.Kind, q.Limit = "change", 100
			for b.Loop() {
				if found, err := s.Log(b.Context(), q); err != nil || len(found) == 0 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}
