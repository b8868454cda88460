package assertion

import (
	"context"
	"errors"

	"github.com/avouch-oauth/avouch/internal/near"
	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// checkKind refuses tokens that say of themselves that they are something else. What the party's own list says comes
// later; this needs nobody.
func checkKind(_ context.Context, j *judgement) error {
	if otherKind(j.header.Type, j.checker.Purpose) {
		return &Error{Reason: WrongType, Hint: "a token of that kind is never an assertion for this purpose"}
	}
	return nil
}

func showKind(j *judgement) (seen, want string) {
	return typeOf(j), "no type of another kind of token"
}

// checkIssuer asks the case which party the token claims to come from.
func checkIssuer(ctx context.Context, j *judgement) error {
	u := readUnverified(j)
	if u.Issuer == "" && j.claims.iss.Kind() != strictjson.Absent {
		return &Error{Reason: IssuerMissing, Hint: "iss must be a JSON string that is not empty"}
	}
	party, err := j.caller.Party(ctx, u)
	switch {
	case err != nil:
		return err
	case party == nil && u.Issuer == "":
		return &Error{Reason: IssuerMissing}
	case party == nil:
		return &Error{Reason: UnknownIssuer, Hint: j.hintIssuer(ctx, u.Issuer)}
	case party.Name == "":
		return errors.New("assertion: Party returned a party without a name")
	case party.Keys != nil && len(party.Secret) > 0:
		return errors.New("assertion: party " + clean(party.Name) + " has Keys and a Secret: it must have one of them")
	}
	j.party = party
	j.policy = party.Policy.effective(j.checker.Purpose)
	if u.Issuer == "" && !party.Policy.IssuerOptional {
		return &Error{Reason: IssuerMissing, Hint: "SPIFFE JWT-SVIDs often have none: IssuerOptional accepts that"}
	}
	return nil
}

func (j *judgement) hintIssuer(ctx context.Context, iss string) string {
	if !j.explaining || j.checker.Known == nil {
		return ""
	}
	name, how := near.Nearest(iss, j.checker.Known(ctx))
	if how == "" {
		return ""
	}
	return "near " + clean(name) + ": " + how
}

func showIssuer(j *judgement) (seen, want string) {
	return showValue(j.claims.iss), "an issuer or client that is configured here"
}

// checkEnabled stands before everything that could fetch a key.
func checkEnabled(_ context.Context, j *judgement) error {
	if j.party.Disabled {
		return &Error{Reason: PartyDisabled, Hint: "it was switched off here: switch it on again if that was a mistake"}
	}
	return nil
}

func showEnabled(j *judgement) (seen, want string) {
	if j.party.Disabled {
		return clean(j.party.Name) + " is disabled", "enabled"
	}
	return clean(j.party.Name) + " is enabled", "enabled"
}

func checkType(_ context.Context, j *judgement) error {
	if j.policy.acceptsType(j.header.Type, j.checker.Purpose) {
		return nil
	}
	hint := "where this party's assertions really carry that typ, name it in types"
	if sameType(j.header.Type, typeClient) || sameType(j.header.Type, typeJWT) || j.header.Type == "" {
		hint = "the signer has to set the typ of its kind of assertion"
	}
	return &Error{Reason: WrongType, Hint: hint}
}

func showType(j *judgement) (seen, want string) {
	return typeOf(j), j.policy.wantedTypes(j.checker.Purpose)
}

func typeOf(j *judgement) string {
	if j.header.Type == "" {
		return "absent"
	}
	return clean(j.header.Type)
}
