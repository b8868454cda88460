package signin

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
)

// wish is what a client says of how its user is to be asked (OpenID Connect Core §3.1.2.1; we are no OpenID provider, but
// clients send these to every server).
type wish struct {
	none   bool          // no page must be shown
	anew   bool          // whoever is signed in must sign in anew
	maxAge time.Duration // how long ago he may have signed in; -1 for any time
	hint   string        // who he may be
}

// readWish reads prompt, max_age and login_hint. An error is an *avouch.Error for the client.
func readWish(q *grant.Question) (wish, error) {
	w := wish{maxAge: -1}
	if q.Param == nil {
		return w, nil
	}
	w.hint = q.Param("login_hint")
	prompt := strings.Fields(q.Param("prompt"))
	w.none = slices.Contains(prompt, "none")
	w.anew = slices.Contains(prompt, "login") || slices.Contains(prompt, "select_account")
	if w.none && len(prompt) > 1 {
		return w, &avouch.Error{Code: avouch.InvalidRequest, Description: "prompt=none stands alone"}
	}
	if text := q.Param("max_age"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds < 0 {
			return w, &avouch.Error{Code: avouch.InvalidRequest, Description: "max_age is no number of seconds"}
		}
		w.maxAge = time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second
	}
	return w, nil
}

// satisfied reports whether the sign-in of a session will do. One that was made because this page asked for it does.
func (w wish) satisfied(ses *session, now time.Time, place string) bool {
	if ses.fresh(now, place) {
		return true
	}
	return !w.anew && (w.maxAge < 0 || now.Sub(ses.At) <= w.maxAge)
}

// required is the answer to prompt=none where a page would have to be shown.
func required(code avouch.Code, description, reason string) error {
	return &avouch.Error{Code: code, Description: description, Err: errors.New(reason)}
}
