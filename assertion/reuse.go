package assertion

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// remember is how long after its exp a use is remembered: more than twice the greatest skew, whatever skew is
// configured here or elsewhere, so that no assertion is forgotten while somebody still accepts it.
const remember = 120 * time.Second

// checkReuse decides what has to be spent. It spends nothing.
func checkReuse(_ context.Context, j *judgement) error {
	p, c := &j.policy, &j.claims
	holder := ""
	switch p.Replay {
	case ReuseUntilExpiry:
		return nil
	case SameClientUntilExpiry:
		holder = j.holder
		if j.checker.Purpose == ClientAuthentication {
			holder = j.party.Name // it is the client, and what authenticates is this
		}
		if holder == "" {
			return &Error{Reason: HolderMissing, Hint: "same_client_until_exp binds an assertion to the client that used " +
				"it first: let the client authenticate, or set Replay to Once"}
		}
	default:
		if c.id == "" && p.SubjectOptional {
			return nil
		}
	}
	id := c.id
	if id == "" {
		id = j.inputID()
	}
	j.use[0] = replay.Use{
		Purpose: string(j.checker.Purpose),
		Party:   j.party.Name,
		ID:      id,
		Until:   c.expires.Add(remember),
		Issued:  c.issuedAt,
		Holder:  holder,
	}
	j.uses = j.use[:]
	return nil
}

// inputID stands for a jti that is not there: the hash of what was signed, and not of the token, because whoever holds
// an ECDSA signature can make a second one of it.
func (j *judgement) inputID() string {
	if j.compact == nil {
		return ""
	}
	sum := sha256.Sum256([]byte(j.compact.SigningInput))
	return "sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func showReuse(j *judgement) (seen, want string) {
	seen = "jti " + cleanTo(j.claims.id, maxShownID)
	if j.claims.id == "" {
		seen = "no jti: the hash of what was signed stands for it"
	}
	switch {
	case j.policy.Replay == ReuseUntilExpiry:
		return seen, "nothing: it may be used until it expires"
	case j.policy.Replay == SameClientUntilExpiry:
		return seen, "one client only, until it expires"
	case j.claims.id == "" && j.policy.SubjectOptional:
		return "no jti", "nothing: without a jti it may be used until it expires (subject_optional)"
	}
	return seen, "one use"
}

// RefuseReplay turns the error of a [replay.Guard] for a use that was not the first into an [*Error] which names, for
// the operator, the relaxation that would allow it. Any other error stays as it is: the guard could not tell.
func RefuseReplay(err error) error {
	used, ok := errors.AsType[*replay.ReplayedError](err)
	if !ok {
		return err
	}
	e := &Error{
		Reason: Replayed,
		Public: Replayed.Public(),
		Check:  "first use",
		Seen:   clean(used.Use.Party) + ", jti " + cleanTo(used.Use.ID, maxShownID),
		Want:   "an assertion that was not used before",
		Err:    err,
	}
	switch {
	case used.BeforeStart:
		e.Hint = "it was made before this server started, which does not know what was used then: sign a fresh one; a " +
			"store that outlives a restart would know"
	case used.Use.Holder != "":
		e.Hint = "another client used it first"
	case used.Use.Purpose == string(ClientAuthentication):
		e.Hint = "sign a fresh one for each request; for a client that re-sends by nature (MSAL) set replay to same_client_until_exp"
	default:
		e.Hint = "sign a fresh one for each request; for a platform that re-sends its tokens by nature (Kubernetes, " +
			"SPIFFE) set replay to off, for a client that authenticates to same_client_until_exp"
	}
	return e
}
