package grant

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/internal/pages"
	"github.com/avouch-oauth/avouch/internal/panics"
	"github.com/avouch-oauth/avouch/internal/remote"
)

// maxAskForm is how long a form that is posted to a page of Ask, or to the verification page, may be, in bytes.
const maxAskForm = 64 << 10

// Verification is the page at which a user types in the code of a device (RFC 8628 §3.3): its name is
// device_verification, its path /device.
//
// The address with a code in it, verification_uri_complete, shows the code and does nothing else: only a user who says
// that it is the one on his device is asked anything (RFC 8628 §3.3.1, §5.4). Whatever is decided is decided by a POST
// that comes from this page, or from that of Ask at the same address. Wrong codes are counted by address and in total,
// and too many refused with status 429 (RFC 8628 §5.1); behind a proxy, set Request.RemoteAddr to that of the browser
// before the request comes here, or all browsers share one count.
func (g *DeviceCode) Verification() avouch.Endpoint {
	const name = "device_verification"
	return avouch.Endpoint{Name: name, Path: verificationPath, Handler: func(s *avouch.Server) http.Handler {
		v := &verification{DeviceCode: g, server: s, sites: ownPages(s)}
		return s.Serve(name, v.serve)
	}}
}

// verification is the page, at one server.
type verification struct {
	*DeviceCode
	server *avouch.Server
	sites  *http.CrossOriginProtection
}

// serve writes one page, unless Ask has written one.
func (v *verification) serve(to http.ResponseWriter, r *http.Request, ev *avouch.Event) (*avouch.Answer, error) {
	w := &watched{ResponseWriter: to}
	page, err := v.answer(w, r, ev)
	refusal := v.server.Settle(r.Context(), ev, err)
	switch {
	case w.begun && err == nil:
		return nil, nil // Ask has answered
	case w.begun:
		panic(http.ErrAbortHandler) // it has, and nothing can be taken back
	case refusal != nil:
		if page == nil || err == nil { // err is nil where the observer has failed
			page = refusedPage(refusal)
		}
		page.RefusalID = ev.RefusalID
		setRetryAfter(w, refusal.RetryAfter)
	}
	page.Site = siteOf(v.server)
	pages.Write(w, page)
	return nil, nil
}

// answer returns the page that answers a request, beside the error where it is a refusal, or nil, nil where Ask has
// answered. Panics, those of Ask included, become errors.
func (v *verification) answer(w *watched, r *http.Request, ev *avouch.Event) (page *pages.Page, err error) {
	defer panics.Catch(&err)
	if err := v.Validate(); err != nil {
		return nil, err
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return nil, methodNotAllowed(w, "GET, HEAD, POST", "this page is opened by GET or POST")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the address is malformed", Err: err}
	}
	typed := query["user_code"]
	if r.Method == http.MethodPost {
		if err := v.sites.Check(r); err != nil {
			return nil, &avouch.Error{Code: avouch.InvalidRequest, Status: http.StatusForbidden, Description: "the form came from another site", Err: err}
		}
		r = r.WithContext(r.Context()) // a copy
		r.Body = http.MaxBytesReader(w, r.Body, maxAskForm)
		if len(typed) > 0 {
			return v.ask(w, r, ev, typed) // the form is that of Ask
		}
		if err := r.ParseForm(); err != nil {
			return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "the form is malformed or too long", Err: err}
		}
		return v.ask(w, withCode(r, r.PostForm["user_code"]), ev, r.PostForm["user_code"])
	}
	if len(typed) == 0 || len(typed) == 1 && typed[0] == "" {
		return v.entryPage(""), nil
	}
	code := oneUserCode(typed)
	if code == "" {
		return v.wrongCode("it cannot be one")
	}
	return v.comparePage(code), nil
}

// ask has the user decide about a code, and records it.
func (v *verification) ask(w *watched, r *http.Request, ev *avouch.Event, typed []string) (*pages.Page, error) {
	ctx := r.Context()
	code := oneUserCode(typed)
	if code == "" {
		return v.wrongCode("it cannot be one")
	}
	record, d, err := v.tryCode(ctx, code, r.RemoteAddr)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return v.wrongCode("it is unknown, has expired, or was decided about")
	}
	client, err := v.server.FindClient(ctx, d.Client)
	if err != nil {
		return nil, err
	}
	if client == nil || client.Disabled || !slices.Contains(client.Grants, DeviceCodeType) {
		return v.wrongCode("its client is gone, disabled, or may not use the grant any more")
	}
	ev.ClientID = client.ID
	asked := slices.DeleteFunc(slices.Clone(d.Scopes), func(s string) bool { return !slices.Contains(client.Scopes, s) })
	q := &Question{
		Client: client, Scopes: slices.Clone(asked), Resources: slices.Clone(d.Resources), UserCode: shownUserCode(code),
		Param: func(string) string { return "" }, // a device has nothing to say to the browser of another
	}
	consent, err := v.Ask.call(w, r, q)
	if consent == nil || err != nil {
		return nil, err
	}
	now := time.Now() // Ask may have taken its time
	if !d.Expires.After(now) {
		return v.wrongCode("it has expired while the user was asked")
	}
	if d.Denied = consent.Denied; !d.Denied {
		if d.Consent, err = agree(ctx, v.server, now, client, asked, d.Resources, consent); err != nil {
			return nil, err
		}
	}
	if record.Data, err = json.Marshal(d); err != nil {
		return nil, err
	}
	if len(record.Data) > handle.MaxData {
		return nil, errors.New("the claims of a Consent are too long to be kept")
	}
	switch err := v.server.Handles().PutHandle(ctx, now, record); {
	case errors.Is(err, handle.ErrConflict):
		return v.wrongCode("somebody else has decided about it meanwhile")
	case err != nil:
		return nil, cannotTell(err)
	}
	if d.Denied {
		return deniedPage(client), nil
	}
	ev.Subject, ev.Scopes = d.Consent.Subject, d.Consent.Scopes
	return approvedPage(client), nil
}

// tryCode looks for a code that nobody has decided about. It returns nil where there is none; that was a guess then.
func (v *verification) tryCode(ctx context.Context, code, remoteAddr string) (*handle.Record, *deviceRecord, error) {
	now, network := time.Now(), remote.Network(remoteAddr)
	if wait := v.guesses.take(now, network); wait > 0 {
		return nil, nil, &avouch.Error{
			Code: avouch.InvalidRequest, Status: http.StatusTooManyRequests, RetryAfter: wait,
			Description: "too many wrong codes were tried; wait a little and try again",
		}
	}
	record, d, err := v.findCode(ctx, now, code)
	if d != nil || err != nil {
		v.guesses.giveBack(network)
	}
	return record, d, err
}

// findCode returns the record of the device code that a user code leads to, nil where nobody can decide about it.
func (v *verification) findCode(ctx context.Context, now time.Time, code string) (*handle.Record, *deviceRecord, error) {
	pointer, err := v.server.Handles().Handle(ctx, now, kindUserCode, handle.Digest(code))
	if err != nil {
		return nil, nil, cannotTell(err)
	}
	if pointer == nil {
		return nil, nil, nil
	}
	if len(pointer.Data) != len(pointer.Digest) {
		return nil, nil, errors.New("the record of a user code holds no digest")
	}
	record, err := v.server.Handles().Handle(ctx, now, kindDeviceCode, [32]byte(pointer.Data))
	if err != nil {
		return nil, nil, cannotTell(err)
	}
	if record == nil {
		return nil, nil, nil
	}
	d, err := readDevice(record)
	if err != nil {
		return nil, nil, err
	}
	if d.Denied || d.Consent != nil || !d.Expires.After(now) {
		return nil, nil, nil
	}
	return record, d, nil
}

// oneUserCode is the code that was typed, "" where there are several or none.
func oneUserCode(typed []string) string {
	if len(typed) != 1 {
		return ""
	}
	return readUserCode(typed[0])
}
