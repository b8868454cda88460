package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/explain"
	"github.com/avouch-oauth/avouch/internal/jsonwrite"
)

// verdict is what a request must get.
type verdict struct {
	status int
	code   string
}

var (
	granted              = verdict{200, ""}
	invalidRequest       = verdict{400, "invalid_request"}
	invalidClient        = verdict{401, "invalid_client"}
	invalidGrant         = verdict{400, "invalid_grant"}
	invalidScope         = verdict{400, "invalid_scope"}
	invalidTarget        = verdict{400, "invalid_target"}
	unauthorizedClient   = verdict{400, "unauthorized_client"}
	unsupportedGrantType = verdict{400, "unsupported_grant_type"}
	tooLarge             = verdict{413, "invalid_request"}
	tooMany              = verdict{429, "invalid_client"}
	wrongMethod          = verdict{405, "invalid_request"}
	unavailable          = verdict{503, "temporarily_unavailable"}
)

// attack is one request and what it must get.
type attack struct {
	name string
	form url.Values
	with func(*http.Request) // changes the request; nil leaves it
	from string              // source address; "" means the usual one
	want verdict

	// spared is a request with what the attack carried, put right: it must be granted afterwards, because nothing of it
	// was spent.
	spared url.Values
}

// repel sends attacks, and a good request after each.
func (h *hostile) repel(t *testing.T, attacks []attack) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			h.attack(t, a)
			if a.spared != nil {
				h.want(t, h.send(t, h.request(t, a.spared), ""), granted)
			}
			h.alive(t)
		})
	}
}

func (h *hostile) attack(t testing.TB, a attack) answer {
	t.Helper()
	req := h.request(t, a.form)
	if a.with != nil {
		a.with(req)
	}
	explained := h.explained(t, a)
	got := h.send(t, req, a.from)
	h.want(t, got, a.want)
	if explained != nil {
		h.agree(t, explained, got)
	}
	return got
}

// explained is what explain says of an attack; nil if the form is not all of it, or the server is not asked.
func (h *hostile) explained(t testing.TB, a attack) *explain.Explanation {
	t.Helper()
	if a.with != nil || a.form == nil || h.outage || h.testServer == nil || h.running == nil || h.running.server == nil || h.base != h.url {
		return nil
	}
	x, err := h.server.explain(t.Context(), explainInput{form: a.form, now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// agree holds an explanation to what the server has answered: they may differ in what the explanation leaves open.
func (h *hostile) agree(t testing.TB, x *explain.Explanation, got answer) {
	t.Helper()
	code, _ := got.body["error"].(string)
	untried := slices.ContainsFunc(x.Steps, func(s avouch.Step) bool { return s.Outcome == avouch.StepNotTried })
	switch {
	case string(x.Error) == code:
	case got.status == http.StatusTooManyRequests: // a guess, which is counted where it is answered
	case untried && code == "invalid_client":
	case x.Accepted && len(x.Open) > 0 && strings.Contains(got.text, "used before"):
	default:
		t.Errorf("explained as %q (%s), open %q; the answer is %s", x.Error, x.Reason, x.Open, got.text)
	}
}

// alive sends a good request, as a client that was not there before.
func (h *hostile) alive(t testing.TB) {
	t.Helper()
	h.want(t, h.send(t, h.request(t, asClient(h.assertion(t, "both", "both", nil))), ""), granted)
}

// request is a token request, whose secrets are remembered.
func (h *hostile) request(t testing.TB, form url.Values) *http.Request {
	t.Helper()
	h.keepToken(form.Get("assertion"))
	h.keepToken(form.Get("client_assertion"))
	h.keep(form["client_secret"]...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.base+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// send sends a request to the token endpoint and checks what holds for every answer of it.
func (h *hostile) send(t testing.TB, req *http.Request, from string) answer {
	t.Helper()
	resp, err := h.from(from).Do(req)
	if err != nil {
		t.Fatalf("no answer: %.500s", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("half an answer: %v", err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if req.Method != http.MethodHead {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Fatalf("%d and no JSON: %.300q", a.status, text)
		}
	}
	h.checkAnswer(t, req, a)
	return a
}

var (
	refusalID   = regexp.MustCompile(`^[a-z2-7]{12}$`)
	description = regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]*$`) // RFC 6749 §5.2
)

// checkAnswer is about what every answer of the token endpoint has in common.
func (h *hostile) checkAnswer(t testing.TB, req *http.Request, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
	} {
		if got := a.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	h.checkHeader(t, a.header)
	if a.status >= 500 && !h.outage {
		t.Errorf("status %d: %s", a.status, a.text)
	}
	if a.status == http.StatusOK {
		token, _ := a.body["access_token"].(string)
		h.keepToken(token)
		h.noteIssued(t, token)
		if seconds, ok := a.body["expires_in"].(float64); token == "" || !ok || seconds <= 0 || a.body["token_type"] != "Bearer" || a.body["refresh_token"] != nil || a.body["error"] != nil {
			t.Errorf("a grant of %s", a.text)
		}
		return
	}
	h.checkRefusal(t, req, a)
}

// checkRefusal is about what every refusal in JSON has in common, whatever the endpoint.
func (h *hostile) checkRefusal(t testing.TB, req *http.Request, a answer) {
	t.Helper()
	challenged := len(req.Header.Values("Authorization")) > 0 || a.body["error"] == "invalid_token" // a bearer token has one way only
	if a.status == http.StatusUnauthorized && (len(a.header.Values("WWW-Authenticate")) > 0) != challenged {
		t.Errorf("401 with the challenges %q", a.header.Values("WWW-Authenticate"))
	}
	if req.Method == http.MethodHead {
		return
	}
	for name := range a.body {
		if name != "error" && name != "error_description" && name != "refusal_id" {
			t.Errorf("a refusal has the member %q", name)
		}
	}
	id, _ := a.body["refusal_id"].(string)
	if !refusalID.MatchString(id) {
		t.Errorf("refusal_id %q", id)
	}
	h.mu.Lock()
	h.refusals = append(h.refusals, id) // see checkLog
	h.mu.Unlock()
	if text, _ := a.body["error_description"].(string); !description.MatchString(text) || text == "" || len(text) > 500 {
		t.Errorf("error_description %q", text)
	}
}

// checkHeader is about what no answer may have.
func (h *hostile) checkHeader(t testing.TB, header http.Header) {
	t.Helper()
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" || name == "Server" || name == "X-Powered-By" {
			t.Errorf("the answer has %s: %q", name, header[name])
		}
	}
}

func (h *hostile) want(t testing.TB, a answer, want verdict) {
	t.Helper()
	code, _ := a.body["error"].(string)
	if a.status != want.status || code != want.code {
		t.Errorf("got %d %.300s; want %d %s\n%s", a.status, a.text, want.status, want.code, h.logged(a))
	}
}

// logged is the line of the log that a refusal leads to.
func (h *hostile) logged(a answer) string {
	if id, _ := a.body["refusal_id"].(string); id != "" {
		for line := range strings.Lines(h.log.String()) {
			if strings.Contains(line, id) {
				return line
			}
		}
	}
	return ""
}

// told is what the caller was told.
func (a answer) told() string {
	text, _ := a.body["error_description"].(string)
	return text
}

// quoted is a string as JSON.
func quoted(s string) string { return string(jsonwrite.String(nil, s)) }

// whoAmI asks the guarded API whom a token speaks for.
func (h *hostile) whoAmI(t testing.TB, got answer) map[string]any {
	t.Helper()
	token, _ := got.body["access_token"].(string)
	status, body, _ := h.call(t, whoAmIPath, "Bearer "+token)
	if status != http.StatusOK {
		t.Errorf("the guarded API answers %d %v", status, body)
	}
	return body
}

// call calls an API with an Authorization header, none where it is "".
func (h *hostile) call(t testing.TB, path, authorization string) (status int, body map[string]any, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := h.from("").Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	h.checkHeader(t, resp.Header)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &body); err != nil {
			t.Fatalf("%d and no JSON: %.300q", resp.StatusCode, text)
		}
	}
	return resp.StatusCode, body, resp.Header
}

// setBody replaces the body of a request.
func setBody(req *http.Request, body string) {
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(strings.NewReader(body)), int64(len(body)), nil
}
