package client

// Audience is how an assertion that we sign names the authorization server it is meant for (aud). Leave it unset
// unless the server refuses the issuer identifier: any other value was once a way to have an honest client sign what
// another server could use (CVE-2025-27370, CVE-2025-27371; RFC 10070 §1). A value other than the constants here is
// sent as it stands, for servers that want a fixed one.
type Audience string

const (
	// AudienceIssuer is the issuer identifier, which metadata must have confirmed (RFC 10070 §4). It is the zero value.
	AudienceIssuer Audience = ""

	// AudienceTokenEndpoint is the URL of the token endpoint: for servers not yet updated to RFC 10070, and for grants
	// where the server says so (RFC 7523 §3 item 3).
	AudienceTokenEndpoint Audience = "the token endpoint"
)

// value is the aud for a request to this endpoint. It is "" where Audience wants an issuer and none is known.
func (a Audience) value(to endpoint) string {
	switch a {
	case AudienceIssuer:
		return to.issuer
	case AudienceTokenEndpoint:
		return to.tokenURL
	}
	return string(a)
}
