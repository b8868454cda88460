package avouch

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/internal/jsonwrite"
	"github.com/avouch-oauth/avouch/internal/panics"
)

// refuse makes a refusal. cause is for the operator and may be nil.
func refuse(code Code, description string, cause error) *Error {
	return &Error{Code: code, Description: description, Err: cause}
}

// notAuthenticated is the refusal of a client: one text for the caller, the reason for the operator.
func notAuthenticated(reason string) *Error {
	return refuse(InvalidClient, "client authentication failed", errors.New(reason))
}

// unavailable is the refusal of a request that cannot be decided now.
func unavailable(description string, cause error) *Error {
	return &Error{Code: TemporarilyUnavailable, Description: description, Err: cause, RetryAfter: time.Second}
}

// asUnavailable is err if it is a refusal already, else the refusal of a request that cannot be decided now.
func asUnavailable(description string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	return unavailable(description, err)
}

// counted has a refusal counted, if it wants to be, and returns what the request is refused with.
func counted(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e == nil || e.Count == nil {
		return err
	}
	if other := e.Count(); other != nil {
		return other
	}
	once := *e
	once.Count = nil
	return &once
}

// solid replaces a nil *Error that is returned as an error, which is not nil, by one that can be looked at.
func solid(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e == nil {
		return errors.New("a nil *avouch.Error was returned as an error, which is not nil")
	}
	return err
}

// asRefusal turns any error into what the caller is told.
func asRefusal(err error) *Error {
	err = solid(err)
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return refuse(ServerError, "the server failed; its operator finds the reason under the refusal_id", err)
}

// newRefusalID returns a short random name, by which an operator finds what a caller complains of.
func newRefusalID() string { return strings.ToLower(rand.Text()[:12]) }

// writeRefusal is the one place where a refusal is written.
func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, ev *Event) {
	e := asRefusal(ev.Err)
	h := w.Header()
	if e.Code == InvalidClient && len(r.Header["Authorization"]) > 0 {
		for _, scheme := range s.challenges(r) {
			h.Add("WWW-Authenticate", scheme+` realm="`+describe(s.issuer)+`"`)
		}
	}
	if e.Code == InvalidToken {
		challenge := `Bearer realm="` + describe(s.issuer) + `"`
		if len(r.Header["Authorization"]) > 0 { // who showed no token learns only that one is wanted (RFC 6750 §3.1)
			challenge += `, error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	body := make([]byte, 0, 256)
	body = append(body, `{"error":`...)
	body = jsonwrite.String(body, describe(string(e.Code)))
	if e.Description != "" {
		body = append(body, `,"error_description":`...)
		body = jsonwrite.String(body, describe(e.Description))
	}
	body = append(body, `,"refusal_id":`...)
	body = jsonwrite.String(body, ev.RefusalID)
	body = append(body, '}', '\n')
	writeJSON(w, e.status(), body)
}

// challenges are the schemes to answer a failed Authorization header with: the one that was used where it is offered,
// else all that are (RFC 6749 §5.2, RFC 9110 §15.5.2).
func (s *Server) challenges(r *http.Request) []string {
	used, _, _ := strings.Cut(r.Header["Authorization"][0], " ")
	for _, scheme := range s.schemes {
		if strings.EqualFold(scheme, used) {
			return []string{scheme}
		}
	}
	if len(s.schemes) == 0 {
		return []string{"Basic"} // a 401 must have a challenge, even where no header would help
	}
	return s.schemes
}

// writeJSON writes an answer that nobody may keep (RFC 6749 §5.1).
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	values := [...]string{"application/json", "no-store", "no-cache", "nosniff", strconv.Itoa(len(body))}
	h["Content-Type"] = values[0:1:1]
	h["Cache-Control"] = values[1:2:2]
	h["Pragma"] = values[2:3:3]
	h["X-Content-Type-Options"] = values[3:4:4]
	h["Content-Length"] = values[4:5:5]
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller is gone: there is nobody left to tell
}

// toldError is an error that tells the operator its parts by name, cut and escaped, as that of a refused assertion does.
type toldError interface {
	error
	slog.LogValuer
}

// logRefusal writes the operator's line. Strangers' text is cut; escaping it is the handler's work.
func (s *Server) logRefusal(ctx context.Context, ev *Event) {
	var failure error
	defer func() {
		if failure != nil { // the Error method of somebody's error, or a log handler
			s.log.ErrorContext(ctx, "request refused; the reason could not be logged", "refusal_id", ev.RefusalID)
		}
	}()
	defer panics.Catch(&failure)
	e := asRefusal(ev.Err)
	level, message := slog.LevelInfo, "request refused"
	if ev.Reused { // a thief or its client has used a stolen one
		level, message = slog.LevelWarn, "a grant was used twice, so its consent has been ended"
	}
	if e.status() >= 500 && ctx.Err() == nil { // a caller who went away is no failure of ours
		level = slog.LevelError
	}
	if e.Code == AuthorizationPending || e.Code == SlowDown { // "not yet" every few seconds is no news
		level = slog.LevelDebug
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("refusal_id", ev.RefusalID),
		slog.String("endpoint", ev.Endpoint),
		slog.String("error", clip(string(e.Code), 64)),
		slog.String("description", clip(e.Description, 256)))
	if told, ok := errors.AsType[toldError](e.Err); ok {
		attrs = append(attrs, slog.Any("cause", told.LogValue()))
	} else if e.Err != nil {
		attrs = append(attrs, slog.String("reason", clip(e.Err.Error(), 4096)))
	}
	for _, a := range [...]struct{ key, value string }{
		{"grant_type", ev.GrantType}, {"client", ev.ClientID}, {"claimed_client", ev.Claimed}, {"sub", ev.Subject},
		{"consent", ev.Consent}, {"remote", ev.RemoteAddr},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, clip(a.value, 256)))
		}
	}
	s.log.LogAttrs(ctx, level, message, attrs...)
}
