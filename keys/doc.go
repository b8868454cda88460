// Package keys finds the public keys that others sign with, and loads and makes our own.
//
// # Keys of others
//
// Whoever verifies a signature holds a [Source], and asks it with what the token says of its key, a [Hint]. There are
// two kinds of Source. A [Set] is a list of keys that never changes:
//
//	set, err := keys.ParseSet(jwks)         // as somebody publishes it: bad members are left out, and told
//	registered, err := keys.ParsePublic(in) // as somebody registers it, JWK or PEM: one bad member refuses all
//
// A [Remote] fetches its set and keeps it fresh:
//
//	FromURL("https://idp.example.com/jwks.json", …)  a JWK set at a URL (jwks_uri)
//	Discover("https://idp.example.com", …)           the set that the issuer's metadata names (RFC 8414)
//	FromSPIFFE("https://spire.example.com", …)       the JWT authorities of a SPIFFE bundle
//
// A Source gives candidates: the keys of that kid; else of that certificate (x5t#S256, then x5t); else, where the token
// names none, those that fit its algorithm, five at the most. Whether one may be used is what [Public.Fits] says: its
// type and curve, its "alg", its "use" and "key_ops", its times. Nothing in a token's header is ever a key, or a place
// to get one from.
//
// # What is no key
//
// RSA keys outside 2048 to 4096 bits, with an exponent that is even or 1, or made by the faulty chips of
// CVE-2017-15361; curves other than P-256, P-384, P-521 and Ed25519; points that are not on their curve or of small
// order. In a set, symmetric and private keys are nobody's public key. In a registration they are refused with
// [ErrPrivate], because whoever sends one should hear of it.
//
// # Our own keys
//
// A [Private] is a key that signs: its id (kid), its one algorithm, and a [crypto.Signer], which may keep the key to
// itself as an HSM does.
//
//	key, err := keys.LoadPrivate("signing.pem")                // PEM, JWK, or a Google-style key file
//	key, err := keys.Generate(keys.ES256)                      // a fresh one
//	key, err := keys.NewPrivate(hsmSigner, keys.ES256)         // any crypto.Signer
//	private, public, err := keys.GeneratePairs(2, keys.ES256)  // for a client: hand over one half, register the other
//
// The id is the thumbprint of RFC 7638 unless another is given. A Private does not show its key in logs, in fmt or in
// JSON; [Private.MarshalPEM], [Private.MarshalJWK] and [MarshalKeyFile] write it on purpose.
//
// # Which algorithm
//
// ES256, unless something speaks against it: every client library knows it, and its signatures are fast and short.
// EdDSA is faster still and known to fewer. RS256 is for Google-style key files and for clients that know nothing else:
// a signature costs 30 times that of ES256, while verifying it is the cheapest of all. The 384 and 512 forms add no
// security that anybody can use; verifying ES384 costs 10 times, ES512 36 times what ES256 costs.
package keys
