package trust

import (
	"strings"

	"github.com/avouch-oauth/avouch/internal/near"
)

// miss says in what two values differ that were probably meant to be the same; "" where they are equal or not near.
func miss(seen, want string) string {
	const long = 512
	if seen == want || len(seen) > long || len(want) > long {
		return ""
	}
	if withoutIDs(seen) == withoutIDs(want) {
		return "it differs only in GitHub's numeric ids: newer repositories write repo:OWNER@ID/REPO@ID in the subject"
	}
	_, how := near.Nearest(seen, []string{want})
	return how
}

// withoutIDs removes every "@" that digits follow, and the digits.
func withoutIDs(s string) string {
	var b strings.Builder
	for k := 0; k < len(s); k++ {
		if s[k] == '@' {
			end := k + 1
			for end < len(s) && '0' <= s[end] && s[end] <= '9' {
				end++
			}
			if end > k+1 {
				k = end - 1
				continue
			}
		}
		b.WriteByte(s[k])
	}
	return b.String()
}
