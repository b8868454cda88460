package pages

import (
	"strings"
	"unicode"
)

// maxMarks is how many marks may stand on one letter: scripts need two or three, piles of them cover the lines around.
const maxMarks = 4

// line makes one line of at most max characters out of any text, and says where it was cut.
func line(s string, max int) string {
	if len(s) > 16*max { // whatever is in it, this is enough of it
		s = strings.ToValidUTF8(s[:16*max], "")
	}
	r := []rune(clean(s))
	if len(r) <= max {
		return string(r)
	}
	return strings.TrimRight(string(r[:max-1]), " ") + "…"
}

// clean takes out what nobody can see or what changes how other characters are read: controls, marks of direction, zero
// widths, tags, letters that look like nothing. White space becomes one space.
func clean(s string) string {
	var b strings.Builder
	marks, space := 0, false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r) || r == '\u2800': // the empty Braille pattern
			space = b.Len() > 0
			continue
		case hidden(r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks || b.Len() == 0 {
				continue
			}
		default:
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool {
	switch r {
	case '\u115F', '\u1160', '\u3164', '\uFFA0', '\u034F', '\u17B4', '\u17B5': // fillers and joiners that are drawn as nothing
		return true
	}
	return !unicode.IsPrint(r)
}
