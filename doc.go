// Package avouch is an OAuth 2.0 authorization server whose grants and client authentication methods are values that
// you register: JWT bearer (RFC 7523) among them, and your own beside it.
package avouch
