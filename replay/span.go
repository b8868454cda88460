package replay

import (
	"fmt"
	"time"
)

// A guard keeps its digests in one table for each span of expiry, and drops a table whole when its span has ended. So an
// entry needs no bytes for its expiry, and nothing ever has to look for what is old.
const (
	nearSpan  = 30 * time.Minute    // for what ends within nearAhead
	farSpan   = 30 * 24 * time.Hour // for the rest: a handful of tables, however far ahead somebody may set an exp
	nearAhead = 24 * time.Hour
	maxAhead  = 3 * 366 * 24 * time.Hour
)

// SpanEnd returns the end of the span of expiry in which a guard keeps u: a time not before Until, on which many uses
// agree. At any now there are at most 90 ends, all different from each other by half an hour or more.
//
// It returns an error where Until is not after now, for then there would be nothing to remember and the next use would
// pass as well, or where Until is more than three years ahead.
func (u *Use) SpanEnd(now time.Time) (time.Time, error) {
	ahead := u.Until.Sub(now)
	switch {
	case ahead <= 0:
		return time.Time{}, fmt.Errorf("replay: a use would have to be remembered until %s, which is over at %s",
			u.Until.UTC().Format(time.RFC3339Nano), now.UTC().Format(time.RFC3339Nano))
	case ahead > maxAhead:
		return time.Time{}, fmt.Errorf("replay: a use would have to be remembered until %s: three years is the longest",
			u.Until.UTC().Format(time.RFC3339Nano))
	}
	span := int64(nearSpan / time.Second)
	if ahead > nearAhead {
		span = int64(farSpan / time.Second)
	}
	s := u.Until.Unix()
	if u.Until.Nanosecond() > 0 {
		s++
	}
	if r := s % span; r > 0 {
		s += span - r
	} else {
		s -= r // before 1970 the remainder is negative
	}
	return time.Unix(s, 0).UTC(), nil
}
