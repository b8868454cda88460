package assertion

import "strconv"

func showSubject(j *judgement) (seen, want string) {
	if j.policy.SubjectOptional {
		return showValue(j.claims.sub), "a name, or absent"
	}
	return showValue(j.claims.sub), "a name"
}

func showAudience(j *judgement) (seen, want string) {
	a := &j.policy.Audience
	all := make([]string, 0, len(a.Accept)+len(a.Legacy))
	want = oneOf(append(append(all, a.Accept...), a.Legacy...))
	if a.StringOnly {
		want += " as a string"
	}
	return showValue(j.claims.aud), want
}

func showExpiry(j *judgement) (seen, want string) {
	return showDate(j.claims.exp, j.now), "later than " + j.showNow() + ", less " + j.policy.Skew.String()
}

func showNotBefore(j *judgement) (seen, want string) {
	return showDate(j.claims.nbf, j.now), "absent, or not later than " + j.showNow() + " and " + j.policy.Skew.String()
}

func showIssuedAt(j *judgement) (seen, want string) {
	return showDate(j.claims.iat, j.now), "absent, or not later than " + j.showNow() + " and " + j.policy.Skew.String()
}

func showLifetime(j *judgement) (seen, want string) {
	c := &j.claims
	seen = short(c.expires.Sub(j.now)) + " from now"
	if !c.issuedAt.IsZero() {
		seen += ", " + short(c.expires.Sub(c.issuedAt)) + " from iat"
	}
	return seen, "at most " + j.policy.MaxLifetime.String() + ", and " + j.policy.Skew.String() + " for the clocks"
}

func showID(j *judgement) (seen, want string) {
	want = "a string of 1 to " + strconv.Itoa(maxID) + " bytes"
	if !j.policy.RequireID {
		want += ", or absent"
	}
	id, ok := j.claims.jti.Text()
	switch {
	case !ok:
		return showValue(j.claims.jti), want
	case len(id) > maxID:
		return strconv.Itoa(len(id)) + " bytes", want
	}
	return cleanTo(id, maxShownID), want
}

func (j *judgement) showNow() string { return j.now.UTC().Format("2006-01-02T15:04:05Z") }
