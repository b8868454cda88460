package endpoint

// CheckRedirectURI says why a redirect URI must not be registered, by whomever: nil for https, for http on this machine
// (RFC 8252 §7.3) and for a private-use scheme with a dot in it (RFC 8252 §7.1), absolute, without fragment, user and
// wildcard, of at most 2 KiB.
func CheckRedirectURI(uri string) error { return checkRedirectURI(uri) }
