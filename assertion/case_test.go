package assertion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// memo is a Case with a state: its first check finds a name, and its second one uses it. It notes how it is used.
type memo struct {
	PartyFunc
	users map[string]string

	name  string // what "user" has found
	calls []string
}

func (m *memo) Checks() []string {
	m.calls = append(m.calls, "Checks")
	return []string{"user", "greeting"}
}

func (m *memo) Run(_ context.Context, i int, a *Assertion) error {
	m.calls = append(m.calls, fmt.Sprint("Run ", i))
	switch i {
	case 0:
		if m.name = m.users[a.Subject]; m.name == "" {
			return &Error{Reason: UnknownSubject, Seen: a.Subject}
		}
		return nil
	case 1:
		switch m.name {
		case "":
			return ErrSkipped
		case "Alice":
			return nil
		}
		return &Error{Reason: Refused, Seen: m.name, Want: "Alice"}
	}
	panic("there is no such check")
}

// What one check of a case has found is there for the next, in Check and in Explain, and Explain runs them also on an
// assertion that is refused for another reason. Run is asked for the checks that there are, in their order, and for no
// other; Checks is asked once.
func TestCaseHasState(t *testing.T) {
	for _, test := range []struct {
		name      string
		token     func(t testing.TB, w *world) string
		reason    Reason
		checked   string // the calls that Check makes
		explained string // the calls that Explain makes
		outcome   string
	}{
		{name: "passes", token: good, checked: "Checks, Run 0, Run 1", explained: "Checks, Run 0, Run 1"},
		{name: "the second refuses", token: claim("sub", "bob"), reason: Refused,
			checked: "Checks, Run 0, Run 1", explained: "Checks, Run 0, Run 1", outcome: "greeting failed"},
		{name: "the first refuses", token: claim("sub", "carol"), reason: UnknownSubject,
			checked: "Checks, Run 0", explained: "Checks, Run 0, Run 1", outcome: "user failed, greeting skipped"},
		{name: "expired", token: claim("exp", 1), reason: Expired,
			checked: "Checks", explained: "Checks, Run 0, Run 1", outcome: "expiry failed"},
		{name: "forged", token: func(t testing.TB, w *world) string { s := good(t, w); return s[:len(s)-4] + "AAAA" }, reason: BadSignature,
			checked: "Checks", explained: "Checks", outcome: "signature failed, user skipped, greeting skipped"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			token := test.token(t, w)
			users := map[string]string{"alice": "Alice", "bob": "Bob"}
			m := &memo{PartyFunc: w.find, users: users}
			_, _, err := w.Check(background, now, token, "", m)
			if reasonOf(err) != test.reason {
				t.Errorf("got %v", err)
			}
			if got := strings.Join(m.calls, ", "); got != test.checked {
				t.Errorf("Check calls %s, want %s", got, test.checked)
			}
			if err == nil && m.name != "Alice" {
				t.Errorf("the caller finds the name %q in its case", m.name)
			}
			m = &memo{PartyFunc: w.find, users: users}
			report := agree(t, w.Checker, now, token, "", err, m)
			if got := strings.Join(m.calls, ", "); got != test.explained {
				t.Errorf("Explain calls %s, want %s", got, test.explained)
			}
			if got := outcome(report); got != test.outcome {
				t.Errorf("got %s, want %s", got, test.outcome)
			}
		})
	}
}

// fixed is a Case with any names, whose Run knows only one check.
type fixed struct {
	PartyFunc
	names []string
}

func (f fixed) Checks() []string { return f.names }

func (f fixed) Run(ctx context.Context, i int, a *Assertion) error {
	if i == 0 {
		return nil
	}
	return f.PartyFunc.Run(ctx, i, a)
}

// A case that is not as it must be accepts nothing, and that is no fault of the assertion.
func TestWrongCases(t *testing.T) {
	w := newWorld(t)
	token := good(t, w)
	if _, err := w.judge(t, token, ""); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]Case{
		"nil":                     nil,
		"nil PartyFunc":           PartyFunc(nil),
		"a check without a name":  fixed{w.find, []string{"known", ""}},
		"more names than checks":  fixed{w.find, []string{"known", "unknown"}},
		"a PartyFunc with checks": onlyNames{w.find},
	} {
		t.Run(name, func(t *testing.T) {
			a, uses, err := w.Check(background, now, token, "", wrong)
			if err == nil || reasonOf(err) != "" || a != nil || uses != nil {
				t.Errorf("got %v, %v, %v", a, uses, err)
			}
			if r := agree(t, w.Checker, now, token, "", err, wrong); r.Accepted {
				t.Errorf("accepted: %s", toJSON(t, r))
			}
		})
	}
	if _, err := w.judge(t, token, ""); err != nil {
		t.Fatal(err)
	}
}

// onlyNames has the names of checks and forgets to run them.
type onlyNames struct{ PartyFunc }

func (onlyNames) Checks() []string { return []string{"own"} }

// A refusal outlives its case, which may hold the request and the token in it.
func TestRefusalForgetsItsCase(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.Check(background, now, good(t, w), "", w.ask(append([]testCheck{{"first", func(*Assertion) error { return nil }}}, refuse(NoRule)...)...))
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	if e.at.caller != nil {
		t.Error("the refusal keeps the case")
	}
	var names []string
	for _, f := range e.Report().Findings {
		names = append(names, f.Check)
	}
	if !slices.Equal(names[len(names)-2:], []string{"first", "own"}) {
		t.Errorf("the report ends with the checks %v", names)
	}
}
