package trust

// takes is the one place where a rule's subject condition is compared with a sub, "" for an absent one.
//
// It fails closed for a rule that Validate would have refused, because entries of other people's Sources come here
// unchecked: a rule without a condition is for nobody, and one for any subject that also says who is meant would let
// everybody be that one.
func (i *Issuer) takes(r *Rule, sub string) bool {
	switch {
	case r.AnySubject:
		return r.Subject == "" && !r.maps()
	case r.Subject == "":
		return sub == "" && i.SubjectOptional && r.Nobody
	}
	return sub == r.Subject
}

// index finds the rules that can take a subject.
type index struct {
	subject map[string][]*Rule // by exact Subject; "" for an absent sub
	any     []*Rule            // for every subject

	audiences    []string // of all rules, each once
	allAudiences bool     // every rule has its own

	prefix string // of its subjects
}

func newIndex(i *Issuer) *index {
	x := &index{subject: make(map[string][]*Rule, len(i.Rules)), prefix: i.name() + "/"}
	for k := range i.Rules {
		r := &i.Rules[k]
		if r.AnySubject {
			x.any = append(x.any, r)
		} else {
			x.subject[r.Subject] = append(x.subject[r.Subject], r)
		}
	}
	x.audiences, x.allAudiences = i.ruleAudiences()
	return x
}

// candidates calls yield for every rule that can take sub. It may call it for others too.
func (i *Issuer) candidates(sub string, yield func(r *Rule)) {
	if i.index == nil {
		for k := range i.Rules {
			yield(&i.Rules[k])
		}
		return
	}
	for _, r := range i.index.subject[sub] {
		yield(r)
	}
	for _, r := range i.index.any {
		yield(r)
	}
}
