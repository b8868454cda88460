package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// skew is how far the clock of the upstream may be off.
const skew = time.Minute

// person is somebody whom the upstream has told us of.
type person struct{ subject, name string }

// judge believes an ID token (OpenID Connect Core §3.1.3.7), or says why not. go-oidc looks at the signature, iss, aud and
// exp; the rest is looked at here. authAfter, where not zero, is when the sign-in must have been at the earliest, as far
// as the token says.
func (u *upstream) judge(ctx context.Context, p *provider, raw, nonce string, authAfter time.Time) (*person, error) {
	if len(raw) > 64<<10 {
		return nil, errors.New("the ID token is longer than 64 KiB")
	}
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	var claims struct {
		AuthorizedParty string  `json:"azp"`
		AuthTime        float64 `json:"auth_time"`
		Name            string  `json:"name"`
		Username        string  `json:"preferred_username"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, fmt.Errorf("the claims of the ID token: %w", err)
	}
	now := time.Now()
	switch {
	case !equal(token.Nonce, nonce):
		return nil, errors.New("the nonce of the ID token is not the one of this sign-in")
	case token.Issuer != u.Issuer: // go-oidc lets Google leave out its scheme
		return nil, fmt.Errorf("the ID token has the iss %.200q", token.Issuer)
	case len(token.Audience) > 1 && claims.AuthorizedParty == "":
		return nil, errors.New("the ID token is for several parties, and azp does not say for whom it was made")
	case claims.AuthorizedParty != "" && claims.AuthorizedParty != u.ClientID:
		return nil, fmt.Errorf("the ID token was made for another client: azp is %.200q", claims.AuthorizedParty)
	case slices.Contains(token.Audience, ""):
		return nil, errors.New("the ID token has an empty aud")
	case token.IssuedAt.After(now.Add(skew)):
		return nil, fmt.Errorf("the ID token was made at %s, which is yet to come: is a clock wrong?", token.IssuedAt.UTC().Format(time.RFC3339))
	case !authAfter.IsZero() && claims.AuthTime != 0 && time.Unix(int64(claims.AuthTime), 0).Before(authAfter.Add(-skew)):
		return nil, errors.New("the user was to sign in anew, and auth_time says that he did not")
	}
	if err := checkSub(token.Subject); err != nil {
		return nil, err
	}
	who := &person{subject: u.Name + "/" + token.Subject, name: claims.Name}
	if who.name == "" {
		who.name = claims.Username
	}
	return who, nil
}

// checkSub holds a sub to what OpenID Connect Core §2 says of it, and to what may stand in a log and on a page. Some
// providers use other characters than ASCII.
func checkSub(sub string) error {
	if sub == "" || len(sub) > 255 || !utf8.ValidString(sub) {
		return errors.New("the sub of the ID token is empty, longer than 255 bytes, or no text")
	}
	for _, r := range sub {
		if !unicode.IsPrint(r) {
			return errors.New("the sub of the ID token has characters that cannot be seen")
		}
	}
	return nil
}
