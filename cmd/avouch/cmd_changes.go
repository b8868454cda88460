package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch/admin"
)

func (a *app) changesCommand() *cobra.Command {
	c := asGroup(&cobra.Command{
		Use: "changes", Short: "Who changed what, and when",
		Long: `Every change of clients, keys, secrets, issuers, rules, subjects, initial access tokens and signing keys is recorded in
the transaction that makes it, and so are revocations: by whom, when, and what each member was before and is now. Secrets
and keys are recorded by name only. A record is never changed; it is dropped when it is older than changes.keep.`,
	})
	c.AddCommand(a.changesListCommand(), a.changesShowCommand(), a.changesTailCommand())
	return c
}

// changeFlags select changes.
type changeFlags struct {
	query        admin.ChangeQuery
	since, until string
}

func (f *changeFlags) register(a *app, c *cobra.Command) {
	c.Flags().StringVar(&f.query.Noun, "noun", "", "changes of one `KIND`: "+strings.Join(admin.ChangeNouns(), ", "))
	c.Flags().StringVar(&f.query.ID, "id", "", "changes of the record with this `ID`, such as the id of a client")
	c.Flags().StringVar(&f.query.Caller, "by", "", "changes made by `NAME`: a user of the system, a client, an initial access token")
	completeWords(c, "noun", admin.ChangeNouns()...)
	a.completeFlag(c, "id", changesBy(func(c *admin.Change) string { return c.ID }))
	a.completeFlag(c, "by", changesBy(func(c *admin.Change) string { return c.Caller.Name }))
}

// parse returns the query that the flags say.
func (f *changeFlags) parse() (q admin.ChangeQuery, err error) {
	q = f.query
	q.Noun = strings.NewReplacer("-", "_", " ", "_").Replace(q.Noun)
	if q.Since, err = parseMoment("since", f.since); err == nil {
		q.Until, err = parseMoment("until", f.until)
	}
	return q, err
}

// parseMoment reads a time in the past: how long ago, a time, or a day. "" is the zero time.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Now().Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--%s %q is neither how long ago, such as 24h or 7d, nor a time such as 2026-11-24T03:12:00Z or 2026-11-24 (UTC)", flag, text)
}

func (a *app) changesListCommand() *cobra.Command {
	var f changeFlags
	c := &cobra.Command{
		Use: "list", Short: "List changes, the newest first", Args: noArgs,
		Example: `  avouch changes list --since 24h
  avouch changes list --noun client --id billing
  avouch changes list --by alice --since 2026-11-01 --until 2026-12-01 -o json`,
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			q, err := f.parse()
			if err != nil {
				return err
			}
			page, err := w.admin.Changes(c.Context(), q)
			if err != nil {
				return err
			}
			t := changeTable(page)
			if a.format == "yaml" {
				for i := range page.Changes {
					page.Changes[i] = visibleChange(page.Changes[i])
				}
			}
			return a.inASCII().print(page, t)
		}),
	}
	f.register(a, c)
	c.Flags().StringVar(&f.since, "since", "", "changes from this `TIME` on, or since so long ago, such as 24h or 7d")
	c.Flags().StringVar(&f.until, "until", "", "changes before this `TIME`, or until so long ago")
	c.Flags().IntVar(&f.query.Limit, "limit", 100, "how many changes to list, at most 1000")
	c.Flags().Int64Var(&f.query.Before, "before", 0, "changes with a smaller `NUMBER`: the next page")
	return c
}

func (a *app) changesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show one change with every member before and after", Args: exactly(1, "the number of a change"),
		ValidArgsFunction: a.complete(changesBy(func(c *admin.Change) string {
			return strconv.FormatInt(c.Number, 10) + "\t" + visible(c.Action+" "+c.ID)
		})),
		RunE: a.onStore(func(c *cobra.Command, w *wired, args []string) error {
			number, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("%q is not the number of a change; avouch changes list shows numbers", args[0])
			}
			change, err := w.admin.Change(c.Context(), number)
			if err != nil {
				return err
			}
			t := changeDetails(change)
			if a.format == "yaml" {
				*change = visibleChange(*change)
			}
			return a.inASCII().print(change, t)
		}),
	}
}

// tailEvery is how often tail looks for new changes.
const tailEvery = 500 * time.Millisecond

func (a *app) changesTailCommand() *cobra.Command {
	var f changeFlags
	last := 10
	c := &cobra.Command{
		Use: "tail", Short: "Print changes as they are made, until interrupted", Args: noArgs,
		Long: `Prints the last changes and then new ones as they are committed, by whichever process, until interrupted. With -o json
each change is one line.`,
		Example: `  avouch changes tail
  avouch changes tail --last 0 --noun client -o json`,
		RunE: a.onStore(func(c *cobra.Command, w *wired, _ []string) error {
			q, err := f.parse()
			if err != nil {
				return err
			}
			if last < 0 || last > 1000 {
				return usagef("--last must be between 0 and 1000")
			}
			return a.tail(c.Context(), w.admin, q, last)
		}),
	}
	f.register(a, c)
	c.Flags().IntVar(&last, "last", 10, "how many earlier changes to print first")
	return c
}

// tail prints the last changes that q selects, and then new ones until ctx ends.
func (a *app) tail(ctx context.Context, operations *admin.Admin, q admin.ChangeQuery, last int) error {
	q.Limit = max(last, 1)
	page, err := operations.Changes(ctx, q)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	slices.Reverse(page.Changes)
	q.OldestFirst, q.Limit = true, 1000
	if n := len(page.Changes); n > 0 {
		q.After = page.Changes[n-1].Number
		page.Changes = page.Changes[n-min(n, last):]
	}
	ticker := time.NewTicker(tailEvery)
	defer ticker.Stop()
	for {
		for i := range page.Changes {
			if err := a.printNew(&page.Changes[i]); err != nil {
				return err
			}
			q.After = page.Changes[i].Number
		}
		if page.Next == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
		if page, err = operations.Changes(ctx, q); err != nil {
			return unlessEnded(ctx, err)
		}
	}
}

// unlessEnded returns nil if ctx has ended, which is how tail ends, and err otherwise.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// printNew prints one change of tail.
func (a *app) printNew(c *admin.Change) error {
	switch a.format {
	case "json":
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		_, err = asciiOnly{a.stdout}.Write(append(text, '\n'))
		return err
	case "yaml":
		text, err := json.Marshal(visibleChange(*c))
		if err != nil {
			return err
		}
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "---\n%s", text)
		return err
	case "name":
		_, err := fmt.Fprintln(a.stdout, c.Number)
		return err
	}
	row := changeRow(c)
	_, err := fmt.Fprintf(a.stdout, "%-6s  %s  %-20s  %-20s  %-16s  %s\n", row[0], row[1], row[2], row[3], row[4], row[5])
	return err
}

// inASCII returns an app that prints JSON with everything but ASCII escaped, so that no text in it plays with a
// terminal.
func (a *app) inASCII() *app {
	if a.format != "json" {
		return a
	}
	own := *a
	own.stdout = io.Writer(asciiOnly{a.stdout})
	return &own
}

// changesBy completes by what name returns of the newest changes.
func changesBy(name func(c *admin.Change) string) record {
	return record{"change", "NUMBER", "the number of a change", func(ctx context.Context, a *admin.Admin) ([]string, error) {
		page, err := a.Changes(ctx, admin.ChangeQuery{Limit: 1000})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range page.Changes {
			if n := name(&page.Changes[i]); n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		return names, nil
	}}
}

// changeTable is a page of changes as a person reads it.
func changeTable(page *admin.ChangePage) table {
	t := table{head: []string{"NUMBER", "TIME", "BY", "ACTION", "ID", "CHANGED"}}
	for i := range page.Changes {
		t.rows = append(t.rows, changeRow(&page.Changes[i]))
	}
	switch {
	case page.Next != 0:
		t.note = fmt.Sprintf("more: repeat the command with --before %d", page.Next)
	case len(t.rows) == 0:
		t.note = "no changes match"
	}
	return t
}

func changeRow(c *admin.Change) []string {
	return []string{strconv.FormatInt(c.Number, 10), moment(c.Time, "-"), visible(callerText(&c.Caller)), visible(c.Action), orDash(visible(c.ID)), summary(c)}
}

// changeDetails is a change as a person reads it.
func changeDetails(c *admin.Change) table {
	t := table{name: strconv.FormatInt(c.Number, 10), rows: [][]string{
		{"number", strconv.FormatInt(c.Number, 10)},
		{"time", moment(c.Time, "-")},
		{"by", visible(callerText(&c.Caller))},
		{"action", visible(c.Action)},
	}}
	t.rowIf("id", visible(c.ID))
	t.rowIf("key", visible(c.Key))
	for _, f := range c.Fields {
		t.rows = append(t.rows, []string{visible(f.Field), beforeAfter(f)})
	}
	if len(c.Fields) == 0 {
		t.note = "nothing is different: it was so before"
	}
	return t
}

// callerText names a caller in a few words.
func callerText(c *admin.Caller) string {
	switch {
	case c.Via == "registration" && c.Name == "":
		return "open registration"
	case c.Via == "registration":
		return "initial token " + c.Name
	case c.Via == "management":
		return "client " + c.Name
	}
	text := orDash(c.Name)
	if c.Host != "" {
		text += "@" + c.Host
	}
	if c.Via != "cli" && c.Via != "" {
		text += " (" + c.Via + ")"
	}
	return text
}

func beforeAfter(f admin.FieldChange) string {
	return visible(orDash(f.Old)) + " -> " + visible(orDash(f.New))
}

// longestSummary is how many characters of what is different a list shows.
const longestSummary = 80

// summary is what is different, in one short line.
func summary(c *admin.Change) string {
	var b strings.Builder
	for i, f := range c.Fields {
		part := visible(f.Field) + ": " + beforeAfter(f)
		if f.Old == "" {
			part = visible(f.Field) + ": " + visible(f.New)
		}
		if i > 0 {
			part = "; " + part
		}
		if used := utf8.RuneCountInString(b.String()); used+utf8.RuneCountInString(part) > longestSummary {
			if i == 0 {
				part = string([]rune(part)[:longestSummary])
				b.WriteString(part + "...")
				i++
			}
			if left := len(c.Fields) - i; left > 0 {
				fmt.Fprintf(&b, "; %d more", left)
			}
			break
		}
		b.WriteString(part)
	}
	return orDash(b.String())
}

// visible returns text with everything escaped that a terminal would obey, hide, or write in another direction.
func visible(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r) && r != utf8.RuneError:
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// visibleChange returns a change with its texts made visible, for YAML, which writes them as they are.
func visibleChange(c admin.Change) admin.Change {
	for _, text := range []*string{&c.Caller.Name, &c.Caller.Host, &c.Caller.Via, &c.Action, &c.Noun, &c.ID, &c.Key} {
		*text = visible(*text)
	}
	c.Fields = slices.Clone(c.Fields)
	for i := range c.Fields {
		f := &c.Fields[i]
		f.Field, f.Old, f.New = visible(f.Field), visible(f.Old), visible(f.New)
	}
	return c
}
