package trust

import "strings"

// miss says in what two values differ that were probably meant to be the same; "" where they are equal or not near.
func miss(seen, want string) string {
	const long = 512
	if seen == want || seen == "" || want == "" || len(seen) > long || len(want) > long {
		return ""
	}
	for _, m := range misses {
		if m.same(seen) == m.same(want) {
			return m.what
		}
	}
	if len(want) >= 8 && fewEdits(seen, want, 2) {
		return "they differ in one or two characters"
	}
	return ""
}

// misses are the usual slips, each as what makes the values equal. A later one forgives what the earlier ones do.
var misses = [...]struct {
	what string
	same func(string) string
}{
	{"they differ in white space at an end", strings.TrimSpace},
	{"they differ in upper and lower case", strings.ToLower},
	{"they differ in a slash at the end", withoutSlash},
	{"they differ in the scheme", withoutScheme},
	{"they differ in the port: the default one is not written", withoutPort},
	{"they differ in GitHub's numeric ids: new repositories write repo:OWNER@ID/REPO@ID in the subject", withoutIDs},
	{"they differ in case, scheme, port or slash", func(s string) string {
		return withoutSlash(withoutPort(withoutScheme(strings.ToLower(strings.TrimSpace(s)))))
	}},
}

func withoutSlash(s string) string { return strings.TrimRight(s, "/") }

// withoutScheme removes the scheme of a URL; what has none stays as it is, because some issuers leave it out.
func withoutScheme(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		return rest
	}
	return s
}

func withoutPort(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	}
	host, path, slash := strings.Cut(rest, "/")
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
	if slash {
		path = "/" + path
	}
	if ok {
		return scheme + "://" + host + path
	}
	return host + path
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

// fewEdits reports whether at most limit inserted, removed or changed bytes make b of a.
func fewEdits(a, b string, limit int) bool {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return false
	}
	row := make([]int, len(b)+1)
	for k := range row {
		row[k] = k
	}
	for x := 1; x <= len(a); x++ {
		diagonal, least := row[0], x
		row[0] = x
		for y := 1; y <= len(b); y++ {
			cost := diagonal
			if a[x-1] != b[y-1] {
				cost = 1 + min(diagonal, row[y], row[y-1])
			}
			diagonal, row[y] = row[y], cost
			least = min(least, cost)
		}
		if least > limit {
			return false
		}
	}
	return row[len(b)] <= limit
}
