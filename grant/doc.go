// Package grant has the grants that Avouch comes with. They are values that stand in avouch.Config.Grants, beside grants
// of your own:
//
//	Grants: []avouch.Grant{
//		grant.ClientCredentials{}, // a client gets a token for itself
//		avouch.ClientOptional(&grant.JWTBearer{Trust: issuers}), // an assertion is exchanged for a token
//		code, // a *grant.AuthorizationCode: users decide in their browsers
//	}
//	Refresh: &grant.RefreshToken{}, // what a user has decided goes on
//
// # JWT bearer
//
// [JWTBearer] takes a signed assertion in place of a password or a code (RFC 7523 §2.1). It answers four questions. Each
// has an answer out of the trust rules, and a hook for programs that know better:
//
//   - Whose key verifies it? Those of the issuer's entry in Trust; or Party asks your own table, with nothing verified yet.
//   - Which client does it speak for? The one the rule names; else Client says so; else the one that has authenticated,
//     else the issuer itself.
//   - Which user is meant? The one the rule names; else Subject says so; else the subject under its issuer's name.
//   - May this client act for this user, and with which scopes? Yes, within those of rule and client; Permit and Scopes
//     narrow that.
//
// So there are two ways to use it. With rules (package trust) an operator says what each subject is worth, and no code is
// written. With hooks a program says it, out of tables of its own:
//
//	&grant.JWTBearer{
//		Trust: trust.List{{Issuer: "https://idp.partner.example", Keys: partnerKeys}},
//		Subject: func(ctx context.Context, a *assertion.Assertion) (string, error) {
//			return users.IDByLogin(ctx, a.Issuer, a.Subject)
//		},
//	}
//
// The two go together: what a rule says, no hook is asked.
//
// # Device codes
//
// [DeviceCode] is for devices without a browser (RFC 8628). It is one value in three places, beside an [Ask] of yours that
// knows who is signed in:
//
//	device := &grant.DeviceCode{Ask: ask}
//	Grants:    []avouch.Grant{device},
//	Endpoints: []avouch.Endpoint{device.Authorization(), device.Verification()},
//
// The device gets its codes at /oauth/device_authorization and shows one of them; the user types it in at /device, where
// Ask is called; the device, which asks at the token endpoint every few seconds, gets its token. An address that has the
// code in it already shows it first, and asks whether the device shows the same one: it may have come from somebody who
// holds a device of his own.
//
// # Users who decide
//
// [AuthorizationCode] sends a user's browser to this server, [DeviceCode] has him come by himself, with the code that a
// device shows (RFC 8628). Both ask the program who he is and what he consents to, by one function of type [Ask], and have
// endpoints beside the token endpoint. [RefreshToken] takes refresh tokens, and makes them for every grant that says
// Authorization.Refresh, yours too. What they must remember is kept in avouch.Config.Handles, and the server ends a consent
// if a code or a refresh token of it is used twice.
//
// # What is refused
//
// Before the signature holds, every refusal has one text for the caller. After it, faults of the assertion itself are
// told in words: expired, another audience. Whatever is about rules, users, clients and permissions has one text again,
// so that a stolen or curious assertion learns nothing. The operator reads the reason in the event and the log, and
// [JWTBearer.Explain] runs the same checks on the same request to the end, with every rule and its conditions.
//
// Some things are refused whatever hooks and rules say: an assertion of this server's own issuer; a client's assertion
// about itself, unless a rule names just that; a user with the name of a client; a second use, unless the issuer's entry
// allows it.
//
// # Authorization code
//
// [AuthorizationCode] lets a user decide in his browser what a client may do in his name (RFC 6749 §4.1). The grant takes
// part in the token endpoint; its other half are two endpoints, for browsers and for clients that push their requests:
//
//	code := &grant.AuthorizationCode{Ask: ask}
//	Grants:    []avouch.Grant{code},
//	Endpoints: []avouch.Endpoint{code.Authorization(), code.Pushed()},
//
// Your program knows the users, so it has the one question that there is: [Ask]. When it is called, the request is in
// order: the client may use the grant, the redirect URI is registered, the scopes and resources are such as the client may
// have, the challenge is there. Ask answers in one of four ways:
//
//   - It knows who is there and what he wants, and returns a [Consent].
//   - It does not know yet: it writes a page, or redirects to the one where users sign in, and returns nil, nil. What it
//     has written leads back to the same URL, and Ask is called again.
//   - The user says no: a Consent that is Denied.
//   - It cannot tell, or nobody is to be asked (prompt=none): an error.
//
// The page on which a user decides is a form without an action: the browser posts it to the URL of the request, whose
// query still says what is asked. So there is nothing to be kept between the page and the decision, and nothing in the
// body can change what is asked. A form that comes from another site is refused before Ask sees it.
//
// What is wrong before it is certain where an answer may go, is told to the user on a page, with status 400 and a
// reference for the operator. After that everything goes to the redirect URI: error, error_description, refusal_id, state
// and iss.
//
// Deliberately absent are the implicit grant (RFC 9700 §2.1.2), challenges by the method plain, redirect URIs by pattern,
// and response modes other than query.
package grant
