package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
)

// Verify checks the signature of signingInput by key, which must be *rsa.PublicKey, *ecdsa.PublicKey,
// ed25519.PublicKey, or []byte for HS*. alg and key that do not belong together, RSA keys outside 2048..4096 bits and
// HMAC keys shorter than the hash are refused. PSS salt length is pinned to the hash length; ECDSA signatures have
// exactly their fixed length. A signature that is simply wrong is [ErrSignature].
func Verify(alg string, key any, signingInput string, signature []byte) error {
	a, err := lookUp(alg)
	if err != nil {
		return err
	}
	if secret, ok := key.([]byte); ok {
		if err := a.checkSecret(secret); err != nil {
			return err
		}
		if !hmac.Equal(mac(a.hash, secret, []byte(signingInput)), signature) {
			return ErrSignature
		}
		return nil
	}
	if err := a.checkPublic(key); err != nil {
		return err
	}
	if !a.verifies(key, signingInput, signature) {
		return ErrSignature
	}
	return nil
}

// verifies does so for a key that checkPublic has passed.
func (a *algorithm) verifies(key any, signingInput string, signature []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if len(signature) != key.Size() { // RFC 8017 §8.1.2 and §8.2.2, step 1
			return false
		}
		digest := appendDigest(make([]byte, 0, 64), a.hash, signingInput)
		if a.family == pss {
			return rsa.VerifyPSS(key, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: a.hash.Size()}) == nil
		}
		return rsa.VerifyPKCS1v15(key, a.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		room := make([]byte, 0, 64+maxDER) // for both: one piece of garbage
		digest := appendDigest(room, a.hash, signingInput)
		der, ok := appendDER(room[64:64], signature, (a.bits+7)/8)
		return ok && ecdsa.VerifyASN1(key, digest, der)
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(signingInput), signature)
	}
	return false
}

// appendDigest appends the hash of text. Most texts fit on the stack.
func appendDigest[T string | []byte](dst []byte, h crypto.Hash, text T) []byte {
	var room [1536]byte
	message := append(room[:0], text...)
	switch h {
	case crypto.SHA256:
		sum := sha256.Sum256(message)
		return append(dst, sum[:]...)
	case crypto.SHA384:
		sum := sha512.Sum384(message)
		return append(dst, sum[:]...)
	case crypto.SHA512:
		sum := sha512.Sum512(message)
		return append(dst, sum[:]...)
	}
	return dst
}

func mac(h crypto.Hash, secret, message []byte) []byte {
	newHash := sha256.New
	switch h {
	case crypto.SHA384:
		newHash = sha512.New384
	case crypto.SHA512:
		newHash = sha512.New
	}
	m := hmac.New(newHash, secret)
	m.Write(message)
	return m.Sum(nil)
}
