// Package assertion decides whether a JWT assertion may be believed (RFC 7521 §5, RFC 7523 §3, RFC 8725), and signs
// assertions.
package assertion
