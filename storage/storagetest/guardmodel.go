package storagetest

import (
	"fmt"
	"math/rand/v2" //nolint:depguard // the order of a test, to be repeated from its seed
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// model is a guard as simple as can be: it says what must, must not and may pass.
type model struct {
	ever   map[string]memory
	latest time.Time // the latest now so far: what had ended by then may be forgotten
}

type memory struct {
	until  time.Time
	holder string
}

type verdict int

const (
	mustPass verdict = iota
	mustBeReplayed
	mustRefuse // replayed, or an error
	mayPass    // whatever the guard says is right
	mayFail    // not replayed, but the guard may be unable to tell
)

func (m *model) judge(now time.Time, u replay.Use) verdict {
	seen, ok := m.ever[u.ID]
	// Whether the guard may have forgotten the time in which u, or what was seen, would have to be kept.
	gone := !u.Until.After(m.latest)
	kept := seen.until.After(m.latest)
	held := seen.holder != "" && seen.holder == u.Holder
	switch {
	case !ok && gone:
		return mayFail
	case !ok:
		return mustPass
	case !seen.until.After(now): // over: nobody has to remember it
		return mayPass
	case held && kept && !gone:
		return mustPass
	case held:
		return mayPass
	case kept && !gone:
		return mustBeReplayed
	case kept || !u.Until.After(seen.until):
		return mustRefuse
	}
	return mayPass
}

// guardModel runs a long random history and compares with the model at every step.
func guardModel(t *testing.T, g replay.Guard) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	m := &model{ever: map[string]memory{}, latest: noon}
	now := noon
	steps := 2000
	if testing.Short() {
		steps = 500
	}
	for step := range steps {
		switch r.IntN(40) {
		case 0:
			now = now.Add(time.Duration(r.Int64N(int64(2 * time.Hour))))
		case 1:
			now = now.Add(-time.Duration(r.Int64N(int64(10 * time.Minute))))
		case 2:
			sweep(t, g, now)
		default:
			now = now.Add(time.Duration(r.Int64N(int64(20 * time.Second))))
		}
		if now.After(m.latest) {
			m.latest = now
		}
		uses := make([]replay.Use, 1+r.IntN(3))
		for i := range uses {
			uses[i] = replay.Use{
				Purpose: "grant",
				Party:   "model",
				ID:      fmt.Sprint(step/200, ",", r.IntN(40)*3+i), // distinct within a call
				Until:   now.Add(time.Millisecond + time.Duration(r.Int64N(int64(time.Hour)))),
				Issued:  now,
				Holder:  []string{"", "", "alice", "bob"}[r.IntN(4)],
			}
		}
		verdicts := map[verdict]int{}
		for _, u := range uses {
			verdicts[m.judge(now, u)]++
		}
		err := g.FirstUse(t.Context(), now, uses...)
		bad := ""
		switch {
		case err == nil && verdicts[mustBeReplayed]+verdicts[mustRefuse] > 0:
			bad = "one of them was used before"
		case err != nil && verdicts[mustPass] == len(uses):
			bad = "all of them are fresh"
		case isReplayed(err) && verdicts[mustPass]+verdicts[mayFail] == len(uses):
			bad = "none of them was used before"
		case err != nil && !isReplayed(err) && verdicts[mustPass]+verdicts[mustBeReplayed] == len(uses):
			bad = "it has forgotten nothing and must be able to tell"
		}
		if bad != "" {
			t.Fatalf("seed %d, step %d, now %s: FirstUse = %v, but %s: %s", seed, step, now.Format(time.RFC3339Nano), err, bad, describe(uses))
		}
		if err != nil {
			continue
		}
		for _, u := range uses {
			until := u.Until
			if seen, ok := m.ever[u.ID]; ok && seen.holder == u.Holder && seen.until.After(until) {
				until = seen.until
			}
			m.ever[u.ID] = memory{until: until, holder: u.Holder}
		}
	}
}
