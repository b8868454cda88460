package replay

import (
	"crypto/sha256"
	"encoding/binary"
)

// Digest is what a guard keeps of a use: the first 128 bits of a SHA-256 that is keyed with a secret, so that nobody
// outside can choose what it will be.
type Digest [16]byte

// digestVersion is hashed with everything, so that two ways of hashing never meet in one store. Who changes it must
// look for, and write, both versions until the last old digest has ended: otherwise an upgrade forgets what was used.
const digestVersion = 1

// What a digest stands for; they never collide.
const (
	digestOfUse    = 'u'
	digestOfHolder = 'h'
)

// Digest returns the digest of (Purpose, Party, ID). Two uses have the same digest exactly where they are the same use,
// whatever their times and holders are. Every process that shares a store must use the same secret.
func (u *Use) Digest(secret *[32]byte) Digest {
	return digest(secret, digestOfUse, u.Purpose, u.Party, u.ID)
}

// HolderDigest returns the digest of (Purpose, Party, ID, Holder): a guard keeps it beside the other one to know the
// holder again.
func (u *Use) HolderDigest(secret *[32]byte) Digest {
	return digest(secret, digestOfHolder, u.Purpose, u.Party, u.ID, u.Holder)
}

// digest hashes fields with their lengths before them, so that no field can run into the next one. The input is
// prefix-free and begins with the secret, and the result is cut to half: nothing can be appended to it.
func digest(secret *[32]byte, kind byte, fields ...string) Digest {
	var room [512]byte // enough for a jti of 256 bytes without an allocation
	b := append(room[:0], secret[:]...)
	b = append(b, digestVersion, kind)
	for _, f := range fields {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	sum := sha256.Sum256(b)
	return Digest(sum[:16])
}
