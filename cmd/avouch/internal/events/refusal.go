package events

import (
	"errors"
	"strings"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/replay"
)

// refusal is what a line says about a refusal besides its event.
type refusal struct {
	event, level      string
	code, description string // as the caller got them
	reason            string // a machine name; "" if there is none
	detail            string // what the operator's log says, too

	assertion   bool // an assertion was refused; the rest is about it
	verified    bool // its signature is valid
	party, iss  string
	subject, id string
}

// isRefusal reports whether an event is a refusal that gets a line. "Not yet", the answer that a device gets every few
// seconds until its user has decided, is none.
func isRefusal(e *avouch.Event) (is bool) {
	if e.Err == nil {
		return false
	}
	is = true
	defer ignorePanic()
	if refusal, ok := errors.AsType[*avouch.Error](e.Err); ok && refusal != nil {
		is = refusal.Code != avouch.AuthorizationPending && refusal.Code != avouch.SlowDown
	}
	return is
}

// ignorePanic recovers from a panic. It is deferred by functions that call the methods of an error, which may be anyone's.
func ignorePanic() { _ = recover() }

// proven reports whether the caller has proved anything: it has authenticated, its grant was accepted, or the signature
// of its assertion is valid. Anyone can cause any number of refusals for which nothing was proved.
func proven(e *avouch.Event) (is bool) {
	switch {
	case e.Reserved, e.AuthMethod != "" && e.AuthMethod != "none":
		return true
	case e.Subject != "", e.Issuer != "", e.Consent != "", e.KeyID != "":
		return true
	}
	defer ignorePanic()
	refused, ok := errors.AsType[*assertion.Error](e.Err)
	if !ok || refused == nil || refused.Reason.BeforeSignature() {
		return false
	}
	report := refused.Report()
	return report != nil && report.Verified
}

// readRefusal finds out what a line says. The methods of an error may panic: then the line says less.
func readRefusal(e *avouch.Event) (r refusal) {
	r = refusal{event: refused, level: info, code: string(avouch.ServerError)}
	defer func() {
		if recover() != nil {
			r.detail = "the reason could not be read"
		}
	}()
	err := e.Err
	if public, ok := errors.AsType[*avouch.Error](err); ok && public != nil {
		r.code, r.description, err = string(public.Code), public.Description, public.Err
	}
	switch {
	case e.Reused:
		r.event, r.level = grantReused, warn
	case r.code == string(avouch.ServerError), r.code == string(avouch.TemporarilyUnavailable):
		r.level = warn
	}
	if err == nil {
		return r
	}
	if refused, ok := errors.AsType[*assertion.Error](err); ok && refused != nil {
		r.assertion, r.reason = true, string(refused.Reason)
		if report := refused.Report(); report != nil {
			r.verified, r.party = report.Verified, report.Party
			r.iss, r.subject, r.id = report.Says.Issuer, report.Says.Subject, report.Says.ID
		}
	} else if _, ok := errors.AsType[*replay.ReplayedError](err); ok {
		r.reason = string(assertion.Replayed)
	}
	if e.Reused {
		r.reason = reused
	}
	r.detail, _, _ = strings.Cut(err.Error(), "\ngoroutine ") // without the stack of a panic, which the log has
	return r
}

// reused is the value of the member "reason" for a code or refresh token that was used a second time.
const reused = "reused"
