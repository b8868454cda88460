// Package grant has the grants that Avouch comes with. They are values that stand in avouch.Config.Grants, beside grants
// of your own:
//
//	Grants: []avouch.Grant{
//		grant.ClientCredentials{}, // a client gets a token for itself
//		avouch.ClientOptional(&grant.JWTBearer{Trust: issuers}), // an assertion is exchanged for a token
//	}
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
//	device := &grant.DeviceCode{Store: store, Ask: ask, Refresh: refresh}
//	Grants:    []avouch.Grant{device, refresh},
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
// endpoints beside the token endpoint. [RefreshToken] is a grant, and what issues refresh tokens for other grants, yours
// too: hand the same value to all of them. What they must remember is kept in a handle.Store.
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
package grant
