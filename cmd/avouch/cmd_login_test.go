package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// login runs "avouch login" and gives what it shows on standard error to somebody. It returns the exit code, and what is
// on standard output and standard error in the end.
func login(t *testing.T, somebody func(shown string), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	shown, w := io.Pipe()
	var out, all bytes.Buffer
	done := make(chan int, 1)
	go func() {
		c := run(t.Context(), process{args: append([]string{"login"}, args...), stdin: strings.NewReader(""), stdout: &out, stderr: io.MultiWriter(&all, w)})
		_ = w.Close() // a pipe in memory
		done <- c
	}()
	buf := make([]byte, 64<<10)
	n, err := shown.Read(buf) // one message is one write
	if err == nil {
		go func() { _, _ = io.Copy(io.Discard, shown) }() // whatever comes behind it
		somebody(string(buf[:n]))
	}
	code = <-done
	return code, out.String(), all.String()
}

// address is the address that a message tells to open.
func address(t *testing.T, shown string) *url.URL {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ {2}(http\S+)$`).FindStringSubmatch(shown)
	if m == nil {
		t.Errorf("no address in %q", shown)
		return &url.URL{}
	}
	u, err := url.Parse(m[1])
	if err != nil {
		t.Error(err)
		return &url.URL{}
	}
	return u
}

func loginServer(t *testing.T) *testServer {
	t.Helper()
	s := startDevServer(t, nil)
	if err := makeDevApp(t.Context(), s.running); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLogin gets tokens for a person at the browser, and by the code of a device.
func TestLogin(t *testing.T) {
	s := loginServer(t)
	me := []string{"--issuer", s.url, "--client", devApp, "-o", "json"}
	check := func(code int, stdout, stderr, scope string) {
		t.Helper()
		var got struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal([]byte(stdout), &got); code != exitOK || err != nil || got.Refresh == "" {
			t.Fatalf("%d %v %s %s", code, err, stdout, stderr)
		}
		if caller := s.verify(got.Access); caller.Subject != "dev/alice" || caller.ClientID != devApp || strings.Join(caller.Scopes, " ") != scope {
			t.Errorf("%+v", caller.Claims)
		}
	}
	code, stdout, stderr := login(t, func(shown string) {
		b := newBrowser(t, s.url)
		b.visit(address(t, shown).String(), "alice")
		if b.code != http.StatusOK || !strings.Contains(b.text(), "Go back to the terminal") {
			t.Errorf("back at the program: %s", b)
		}
	}, append(me, "--scope", "demo:write")...)
	check(code, stdout, stderr, "demo:write")

	code, stdout, stderr = login(t, func(shown string) {
		b := newBrowser(t, s.url)
		typed := regexp.MustCompile(`code (\S+)`).FindStringSubmatch(shown)
		b.open(address(t, shown).String())
		b.press("Continue", map[string]string{"user_code": typed[1]})
		b.signIn("alice")
		b.press("Yes, my device shows this code", nil)
		b.press("Allow", nil)
	}, append(me, "--device")...)
	check(code, stdout, stderr, "demo:read")
}

// TestRegisteredWithoutScope: an app that says of itself no more than it must, as many do, can be allowed what apps may
// have at all.
func TestRegisteredWithoutScope(t *testing.T) {
	s := startDevServer(t, nil)
	resp, err := http.Post(s.url+"/oauth/register", "application/json", //nolint:noctx // at the end of this test
		strings.NewReader(`{"redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct {
		ID    string `json:"client_id"`
		Scope string `json:"scope"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || resp.StatusCode != http.StatusCreated || made.Scope != "demo:read demo:write" {
		t.Fatalf("%d %+v %v", resp.StatusCode, made, err)
	}
	code, stdout, stderr := login(t, func(shown string) {
		newBrowser(t, s.url).visit(address(t, shown).String(), "alice")
	}, "--issuer", s.url, "--client", made.ID, "--scope", "demo:read")
	if code != exitOK {
		t.Fatalf("%d %s", code, stderr)
	}
	if caller := s.verify(strings.TrimSpace(stdout)); caller.Subject != "dev/alice" || strings.Join(caller.Scopes, " ") != "demo:read" {
		t.Errorf("%+v", caller.Claims)
	}
}

// visit allows what is asked at an address, and goes where the answer leads.
func (b *browser) visit(address, user string) { b.open(b.allow(address, user)) }

// TestLoginRefused: what comes back without the state is not taken for an answer, and what is an answer is one only from
// the server that was asked.
func TestLoginRefused(t *testing.T) {
	s := loginServer(t)
	back := func(shown string, values url.Values) int {
		u := address(t, shown)
		if values.Get("state") == "STATE" {
			values.Set("state", u.Query().Get("state"))
		}
		resp, err := http.Get(u.Query().Get("redirect_uri") + "?" + values.Encode()) //nolint:noctx // at the end of this test
		if err != nil {
			t.Error(err)
			return 0
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for name, answer := range map[string]struct {
		values url.Values
		code   int
		says   string
	}{
		"denied":          {url.Values{"error": {"access_denied"}, "iss": {s.url}}, exitDenied, "access_denied"},
		"another server":  {url.Values{"code": {"c"}, "iss": {"https://evil.example"}}, exitError, "and " + s.url + " was asked"},
		"nobody's":        {url.Values{"code": {"c"}}, exitError, "the answer is from"},
		"an unknown code": {url.Values{"code": {"c"}, "iss": {s.url}}, exitDenied, "invalid_grant"},
	} {
		code, stdout, stderr := login(t, func(shown string) {
			for _, state := range []string{"", "guessed"} {
				if status := back(shown, url.Values{"state": {state}, "code": {"stolen"}, "iss": {s.url}}); status != http.StatusBadRequest {
					t.Errorf("%s: state %q is answered with %d", name, state, status)
				}
			}
			answer.values.Set("state", "STATE")
			back(shown, answer.values)
		}, "--issuer", s.url, "--client", devApp)
		if code != answer.code || stdout != "" || !strings.Contains(stderr, answer.says) {
			t.Errorf("%s: %d %q %s", name, code, stdout, stderr)
		}
	}

	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":"http://%s","token_endpoint":"http://%[1]s/token","authorization_endpoint":"javascript:alert(1)"}`, r.Host)
	}))
	defer silent.Close()
	for _, try := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--issuer", silent.URL, "--client", "x"}, exitError, "does not offer it"},
		{[]string{"--issuer", silent.URL, "--client", "x", "--device"}, exitError, "does not offer it"},
		{[]string{"--issuer", "http://as.example.com", "--client", "x"}, exitUsage, "plain HTTP"},
		{[]string{"--issuer", s.url}, exitUsage, "for which app?"},
		{[]string{"--issuer", s.url, "--client", "nobody", "--device"}, exitDenied, "invalid_client"},
	} {
		code, _, stderr := login(t, func(string) {}, try.args...)
		if code != try.code || !strings.Contains(stderr, try.says) {
			t.Errorf("%q: %d %s", try.args, code, stderr)
		}
	}
}
