// Package trust says whose assertions are believed, and what they are worth.
//
// An [Issuer] is somebody who signs assertions: an identity provider, a CI service, a cluster, or a client that signs
// for itself. That its signature holds says only who speaks. What that is worth say its rules: a [Rule] names one
// subject of the issuer, and what a token gets that is issued for it.
//
//	issuers := trust.List{{
//		Issuer: "https://token.actions.example",  // exactly as it stands in iss
//		Name:   "ci",
//		Keys:   ciKeys,
//		Rules: []trust.Rule{{
//			Name:     "deploy",
//			Subject:  "repo:acme/app:environment:production",  // exactly as it stands in sub
//			ClientID: "deployer",
//			Scopes:   []string{"deploy"},
//		}},
//	}}
//
// A [List] goes as it is into grant.JWTBearer. A program with many issuers makes a [Set] of it with [Compile], one whose
// issuers change while it runs keeps the Set in a [Live].
//
// # Which rule
//
// A rule matches where all of its conditions hold: the subject, the audience, the claims, and the client that brings the
// assertion. Everything is compared byte by byte; a star is a star. There is no order among rules and no "first wins":
// where none matches, or two do, the assertion is refused. Two rules for one subject are told apart by the client
// (client_id, or the one that authenticates) or by the name of the rule, which a caller gives in the parameter
// avouch_rule.
//
// [Issuer.Match] and [Issuer.Explain] go through the same list of conditions, so an explanation is never about another
// decision than the one that was made.
//
// # Who is meant
//
// Subjects of two issuers never meet: alice of the issuer named partner is partner/alice in tokens. As gives her another
// name, Nobody says that the assertion speaks for no user, and AsIs leaves the subject as it is, which makes the issuer
// master over the names of your users. A rule with AnySubject leaves the question to a hook in your program.
//
// # What is refused at the start
//
// [List.Validate] tells all faults of a list at once: two entries for one issuer, an issuer that is no https URL, a rule
// without a condition on the subject, rules that nobody could ever tell apart, issuers whose subjects could meet. The
// grant calls it when the server is made.
package trust
