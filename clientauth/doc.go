// Package clientauth has the client authentication methods that Avouch comes with. They are values that stand in
// avouch.Config.ClientAuth, beside methods of your own:
//
//	ClientAuth: []avouch.ClientAuth{
//		&clientauth.PrivateKeyJWT{}, // the client signs, the server knows its public keys
//		&clientauth.SecretBasic{},   // a shared secret in the Authorization header
//	},
//
// A client is held to the one method it is registered for (avouch.Client.AuthMethod). To the caller every failure is
// invalid_client, in the same words whether the client is unknown, disabled, registered for something else or simply
// wrong; the operator finds the difference in the error's cause.
package clientauth
