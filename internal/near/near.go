// Package near says in what two values differ that were probably meant to be the same: for hints to an operator. Nothing
// is ever accepted by it, and what it returns is never made from its input.
package near

import "strings"

// Miss says how got differs from want, where the difference is one that people make: a slash, a case, a scheme, a port,
// a path. It returns "" where the two are equal or not near.
func Miss(got, want string) string {
	if got == want || got == "" || want == "" || len(got) > 2048 {
		return ""
	}
	switch {
	case strings.TrimSpace(got) == want:
		return "it differs only by white space around it"
	case strings.TrimSuffix(got, "/") == strings.TrimSuffix(want, "/"):
		return "it differs only by a trailing slash"
	case strings.EqualFold(got, want):
		return "it differs only in upper and lower case"
	case bare(got) == bare(want):
		if scheme(got) == "" || scheme(want) == "" {
			return "it differs only by the scheme: one of them is written without https://"
		}
		return "it differs only in the scheme"
	case host(got) == host(want) && path(got) == path(want):
		return "it differs only by the port"
	case alike(got) == alike(want):
		return "it differs only in case, scheme, port and trailing slash"
	case strings.HasPrefix(got, strings.TrimSuffix(want, "/")+"/"):
		return "it is a URL below the one wanted, such as an endpoint"
	case strings.HasPrefix(want, strings.TrimSuffix(got, "/")+"/"):
		return "it lacks the path"
	}
	return ""
}

// Nearest finds the first of known that got nearly is.
func Nearest(got string, known []string) (name, how string) {
	for _, k := range known {
		if how := Miss(got, k); how != "" {
			return k, how
		}
	}
	for _, k := range known {
		if oneSlip(got, k) {
			return k, "it differs by one character"
		}
	}
	return "", ""
}

// oneSlip reports whether a and b differ by one byte that was changed, added or left out.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < 4 || len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}

// The parts of what is probably a URL. These serve for hints only; nothing is ever accepted by them.

func scheme(s string) string {
	before, _, found := strings.Cut(s, "://")
	if !found {
		return ""
	}
	return before
}

func bare(s string) string {
	if _, after, found := strings.Cut(s, "://"); found {
		return after
	}
	return s
}

func host(s string) string {
	authority, _, _ := strings.Cut(bare(s), "/")
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && strings.Trim(authority[i+1:], "0123456789") == "" {
		authority = authority[:i]
	}
	return authority
}

func path(s string) string {
	_, p, _ := strings.Cut(bare(s), "/")
	return p
}

func alike(s string) string {
	return strings.ToLower(host(s) + "/" + strings.TrimSuffix(path(s), "/"))
}
