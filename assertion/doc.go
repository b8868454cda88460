// Package assertion decides whether a JWT assertion may be believed (RFC 7521 §5, RFC 7523 §3, RFC 8725), and signs
// assertions.
//
// An assertion is a short signed statement: "I am the client billing-batch", or "this is the user alice, says her
// employer". Its claims name who says it (iss), about whom (sub), to which server (aud), until when (exp), and a number
// of its own (jti). It is presented as a grant, or to authenticate a client; the rules are the same, and they are here.
//
// # Signing
//
// [Sign] makes one in one call. It fills in what must not be forgotten: a fresh jti, a short lifetime, and the id of
// the key in the header.
//
//	token, err := assertion.Sign(assertion.Claims{
//		Issuer:   "billing-batch",
//		Subject:  "billing-batch",
//		Audience: "https://as.example.com",
//		Type:     "client-authentication+jwt",
//	}, key)
//
// # Checking
//
// A [Checker] knows what its assertions are presented as. It asks a [Case] for the [Party] that an assertion claims to
// come from. A Party is a name, its public keys, and a [Policy] that says what is asked of its assertions. The zero
// Policy is the strict one, and without an [Audience] it accepts nothing.
//
//	checker := &assertion.Checker{Purpose: assertion.Grant}
//	partner := assertion.PartyFunc(func(ctx context.Context, u assertion.Unverified) (*assertion.Party, error) {
//		if u.Issuer != "https://idp.partner.example" {
//			return nil, nil // not configured here
//		}
//		return &assertion.Party{
//			Name:   u.Issuer,
//			Keys:   partnerKeys,
//			Policy: assertion.Policy{Audience: assertion.Audience{Accept: []string{"https://as.example.com"}}},
//		}, nil
//	})
//	a, err := checker.Verify(ctx, time.Now(), token, "", partner, guard)
//
// Verify checks and spends: the second time, the same assertion is refused. Inside the token endpoint of package
// avouch, grants call [Checker.Check], which spends nothing and returns what is to be spent when everything else has
// been decided.
//
// The checks are one list of named steps, always in the same order: the form of the token; which party it claims to come
// from; the key and the signature; the claims; and last the checks of the Case. None is left out because something was
// not configured. Only the Case's Party method gets anything that is not verified, and it gets nothing but an
// [Unverified].
//
// # Checks of your own
//
// A Case that is more than a [PartyFunc] has checks of its own. They are methods of one value, made for one assertion,
// so that what a check finds is a field that a later check reads: first the user, then whether that user may do this.
// The grants and client authentication methods of Avouch are written like that.
//
// # Refusals
//
// A refusal is an [*Error]. It has a [Reason], which is stable and machine-readable, and two texts. Public is for the
// caller: before the signature holds it is always the same. Seen, Want and Hint are for the operator, who finds an entry
// for each reason in docs/errors.md. An error that is no [*Error] means that the server could not tell.
//
// [Checker.Explain] runs the same checks without stopping at the first that fails and returns a [Report]: for each
// check what was seen, what was wanted, and a hint where the miss is near, such as a slash too many or an exp in
// milliseconds.
//
// # Being less strict
//
// Each relaxation is a field with a name one can search for:
//
//	Audience.Legacy               another aud is accepted, and told
//	SubjectOptional               no sub: nobody is meant
//	IssuerOptional                no iss (SPIFFE)
//	Replay: ReuseUntilExpiry      used more than once, by anybody
//	Replay: SameClientUntilExpiry used more than once, by one client
//	MaxLifetime, Skew             longer lives, looser clocks; both are bounded
package assertion
