package avouch_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/replay"
)

// echo is an endpoint of somebody's own. It does what the request says.
func echo(recorded *[]string) avouch.Endpoint {
	return avouch.Endpoint{
		Name: "echo", Path: "/oauth/echo", Member: "echo_endpoint", Metadata: map[string]any{"echo_modes_supported": []string{"plain"}},
		ClientOptional: true,
		Answer: func(_ context.Context, req *avouch.Request) (*avouch.Answer, error) {
			switch req.Param("fault") {
			case "refuse":
				return nil, &avouch.Error{Code: avouch.InvalidRequest, Description: "no", Err: errors.New("because")}
			case "fail":
				return nil, errors.New("select secret from users")
			case "panic":
				panic("with a secret")
			case "nothing":
				return nil, nil
			case "token":
				return nil, &avouch.Error{Code: avouch.InvalidToken, Description: "no such token"}
			case "body":
				return &avouch.Answer{Body: func() {}}, nil
			}
			a := &avouch.Answer{Status: 201, Header: http.Header{"X-Echo": {"yes"}}}
			if !strings.Contains(req.Param("say"), "nothing") {
				a.Body = map[string]string{"said": req.Param("say"), "endpoint": req.Endpoint}
			}
			if id := req.Param("once"); id != "" {
				a.Uses = []replay.Use{{Purpose: "echo", Party: "anybody", ID: id, Until: req.Now.Add(time.Hour), Issued: req.Now}}
			}
			a.Record = func(context.Context) error {
				*recorded = append(*recorded, req.Param("say"))
				if req.Param("fault") == "record" {
					return errors.New("the disk is full")
				}
				return nil
			}
			return a, nil
		},
	}
}

// endpointSite is a server with endpoints, behind its own Handler.
func endpointSite(t *testing.T, endpoints ...avouch.Endpoint) (*httptest.Server, *avouch.Server, *[]avouch.Event) {
	t.Helper()
	var events []avouch.Event
	var mu sync.Mutex
	server, err := avouch.New(avouch.Config{
		Issuer: issuer + "/tenant", Minter: &minter{}, Grants: []avouch.Grant{grant.ClientCredentials{}},
		ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}, clientauth.None{}, stamp{}}, Clients: clients(), Endpoints: endpoints,
		Observe: func(_ context.Context, e avouch.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.Handler())
	t.Cleanup(web.Close)
	return web, server, &events
}

func postEcho(t *testing.T, web *httptest.Server, pairs []string, with ...func(*http.Request)) (*http.Response, map[string]string) {
	t.Helper()
	r, err := http.NewRequest("POST", web.URL+"/tenant/oauth/echo", strings.NewReader(form(pairs...).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, w := range with {
		w(r)
	}
	resp, err := web.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%d %q: %v", resp.StatusCode, raw, err)
		}
	}
	if cache := resp.Header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control %q", cache)
	}
	return resp, got
}

func TestEndpoint(t *testing.T) {
	var recorded []string
	web, server, events := endpointSite(t, echo(&recorded))
	if got, want := server.URL("echo"), issuer+"/tenant/oauth/echo"; got != want {
		t.Errorf("URL is %q, wanted %q", got, want)
	}
	if server.URL("ghost") != "" || server.Endpoint("ghost") != nil || server.Endpoint("echo") == nil {
		t.Error("URL and Endpoint know the wrong endpoints")
	}

	resp, got := postEcho(t, web, []string{"say", "hello"}, basic("basic", secret))
	if resp.StatusCode != 201 || resp.Header.Get("X-Echo") != "yes" || got["said"] != "hello" || got["endpoint"] != server.URL("echo") {
		t.Errorf("%d %v %v", resp.StatusCode, resp.Header, got)
	}
	if e := (*events)[0]; e.Endpoint != "echo" || e.ClientID != "basic" || e.AuthMethod != "client_secret_basic" || e.Err != nil || e.Duration <= 0 {
		t.Errorf("event %+v", e)
	}
	if resp, got = postEcho(t, web, []string{"say", "nothing"}); resp.StatusCode != 201 || got != nil {
		t.Errorf("no body: %d %v", resp.StatusCode, got)
	}
	if !slices.Equal(recorded, []string{"hello", "nothing"}) {
		t.Errorf("recorded %q", recorded)
	}

	const bearerChallenge = `Bearer realm="` + issuer + `/tenant"`
	for _, c := range []struct {
		pairs  []string
		with   func(*http.Request)
		status int
		code   string

		challenge string // what stands in it behind the realm
	}{
		{[]string{"fault", "refuse"}, nil, 400, "invalid_request", ""},
		{[]string{"fault", "fail"}, nil, 500, "server_error", ""},
		{[]string{"fault", "panic"}, nil, 500, "server_error", ""},
		{[]string{"fault", "nothing"}, nil, 500, "server_error", ""},
		{[]string{"fault", "body"}, nil, 500, "server_error", ""},
		{[]string{"fault", "record"}, nil, 500, "server_error", ""},
		{[]string{"fault", "token"}, nil, 401, "invalid_token", ""},
		{[]string{"fault", "token"}, basic("basic", secret), 401, "invalid_token", `, error="invalid_token"`},
		{[]string{"say", "a", "say", "b"}, nil, 400, "invalid_request", ""},
		{nil, basic("basic", "wrong"), 401, "invalid_client", ""},
		{nil, basic("off", secret), 401, "invalid_client", ""},
		{[]string{"client_id", "other"}, basic("basic", secret), 401, "invalid_client", ""},
		{nil, func(r *http.Request) { r.Method = "GET" }, 405, "invalid_request", ""},
		{nil, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request", ""},
	} {
		resp, got := postEcho(t, web, c.pairs, func(r *http.Request) {
			if c.with != nil {
				c.with(r)
			}
		})
		if resp.StatusCode != c.status || got["error"] != c.code || got["refusal_id"] == "" || strings.Contains(got["error_description"], "secret") {
			t.Errorf("%v: %d %v, wanted %d %s", c.pairs, resp.StatusCode, got, c.status, c.code)
		}
		if last := (*events)[len(*events)-1]; last.RefusalID != got["refusal_id"] || last.Err == nil {
			t.Errorf("%v: event %+v", c.pairs, last)
		}
		if challenge := resp.Header.Get("WWW-Authenticate"); c.code == "invalid_token" && challenge != bearerChallenge+c.challenge {
			t.Errorf("the challenge is %q", challenge)
		}
	}
}

// TestEndpointSpends: an endpoint's uses are spent together with those of the credentials, and before it records.
func TestEndpointSpends(t *testing.T) {
	var recorded []string
	web, _, _ := endpointSite(t, echo(&recorded))
	stamped := func(stamp, once string) []string {
		return []string{"say", "x", "stamp", stamp, "stamped_by", "stamped", "once", once}
	}
	for _, c := range []struct {
		stamp, once string
		status      int
		code        string
	}{
		{"s1", "o1", 201, ""},
		{"s1", "o2", 401, "invalid_client"},
		{"s2", "o1", 400, "invalid_grant"},
		{"s2", "o2", 201, ""}, // what was refused has spent neither
	} {
		resp, got := postEcho(t, web, stamped(c.stamp, c.once))
		if resp.StatusCode != c.status || got["error"] != c.code {
			t.Errorf("stamp %s, use %s: %d %v, wanted %d %s", c.stamp, c.once, resp.StatusCode, got, c.status, c.code)
		}
	}
	if len(recorded) != 2 {
		t.Errorf("recorded %d times, wanted 2", len(recorded))
	}
}

func TestEndpointNeedsClient(t *testing.T) {
	var recorded []string
	e := echo(&recorded)
	e.ClientOptional = false
	web, _, _ := endpointSite(t, e)
	if resp, got := postEcho(t, web, nil); resp.StatusCode != 401 || got["error"] != "invalid_client" {
		t.Errorf("%d %v", resp.StatusCode, got)
	}
	if resp, _ := postEcho(t, web, []string{"client_id", "public"}); resp.StatusCode != 201 {
		t.Errorf("a public client: %d", resp.StatusCode)
	}
}

// TestEndpointHandler: one that speaks for itself has the server's way of refusing, and may ask where the others are.
func TestEndpointHandler(t *testing.T) {
	own := avouch.Endpoint{Name: "own", Path: "/own", Handler: func(s *avouch.Server) http.Handler {
		return s.Serve("own", func(w http.ResponseWriter, r *http.Request, ev *avouch.Event) (*avouch.Answer, error) {
			switch r.URL.RawQuery {
			case "refuse":
				return nil, &avouch.Error{Code: avouch.AccessDenied}
			case "panic":
				panic("oh")
			case "self":
				if err := s.Settle(r.Context(), ev, errors.New("oh")); err == nil || err.Code != avouch.ServerError || ev.RefusalID == "" {
					return nil, errors.New("Settle does not say what to tell")
				}
				w.WriteHeader(http.StatusTeapot)
				return nil, nil
			}
			c, err := s.FindClient(r.Context(), "public")
			if err != nil || c == nil {
				return nil, errors.New("the client is not found")
			}
			return &avouch.Answer{Body: s.Issuer() + " " + s.URL("echo")}, nil
		})
	}}
	var recorded []string
	web, _, events := endpointSite(t, own, echo(&recorded))
	for query, want := range map[string]struct {
		status int
		body   string
	}{
		"":       {200, `"https://as.example.com/tenant https://as.example.com/tenant/oauth/echo"`},
		"refuse": {400, "access_denied"},
		"panic":  {500, "server_error"},
		"self":   {http.StatusTeapot, ""},
	} {
		before := len(*events)
		resp, err := web.Client().Get(web.URL + "/tenant/own?" + query)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want.status || !strings.Contains(string(body), want.body) {
			t.Errorf("%q: %d %s", query, resp.StatusCode, body)
		}
		if len(*events) != before+1 || (*events)[before].Endpoint != "own" {
			t.Errorf("%q: %d events", query, len(*events)-before)
		}
	}
}

// TestHandler: everything is at its path, which goes behind the issuer's, and nothing else is.
func TestHandler(t *testing.T) {
	var recorded []string
	web, _, _ := endpointSite(t, echo(&recorded))
	for path, want := range map[string]int{
		"/tenant/oauth/token":                            405,
		"/tenant/oauth/echo":                             405,
		"/.well-known/oauth-authorization-server/tenant": 200,
		"/tenant/.well-known/openid-configuration":       200,
		"/tenant/oauth/jwks":                             500, // its minter has no keys
		"/oauth/token":                                   404,
		"/tenant/oauth/echo/":                            404,
		"/":                                              404,
	} {
		resp, err := web.Client().Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, wanted %d", path, resp.StatusCode, want)
		}
	}
	resp, err := web.Client().Get(web.URL + "/.well-known/oauth-authorization-server/tenant")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var document map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	if document["echo_endpoint"] != issuer+"/tenant/oauth/echo" || document["echo_modes_supported"] == nil {
		t.Errorf("metadata %v", document)
	}
}

func TestEndpointFaults(t *testing.T) {
	answer := func(context.Context, *avouch.Request) (*avouch.Answer, error) { return nil, nil }
	handler := func(*avouch.Server) http.Handler { return http.NotFoundHandler() }
	for _, c := range []struct {
		endpoints []avouch.Endpoint
		want      string
	}{
		{[]avouch.Endpoint{{Path: "/a", Answer: answer}}, `the name ""`},
		{[]avouch.Endpoint{{Name: "token", Path: "/a", Answer: answer}}, `the name "token"`},
		{[]avouch.Endpoint{{Name: "a", Path: "/a", Answer: answer}, {Name: "a", Path: "/b", Answer: answer}}, "there twice"},
		{[]avouch.Endpoint{{Name: "a", Path: "/a"}}, "exactly one of Answer and Handler"},
		{[]avouch.Endpoint{{Name: "a", Path: "/a", Answer: answer, Handler: handler}}, "exactly one of Answer and Handler"},
		{[]avouch.Endpoint{{Name: "a", Answer: answer}}, "begin with a slash"},
		{[]avouch.Endpoint{{Name: "a", Path: "/a/{b}", Answer: answer}}, "begin with a slash"},
		{[]avouch.Endpoint{{Name: "a", Path: "/oauth/token", Answer: answer}}, "is taken"},
		{[]avouch.Endpoint{{Name: "a", Path: "/.well-known/openid-configuration", Answer: answer}}, "is taken"},
		{[]avouch.Endpoint{{Name: "a", Path: "/a", Answer: answer}, {Name: "b", Path: "/a", Answer: answer}}, "is taken"},
		{[]avouch.Endpoint{{Name: "a", Path: "/a", Member: "issuer", Answer: answer}}, `member "issuer"`},
		{[]avouch.Endpoint{{Name: "a", Path: "/a", Member: "a_endpoint", Metadata: map[string]any{"a_endpoint": 1}, Answer: answer}}, `member "a_endpoint"`},
		{[]avouch.Endpoint{{Name: "a", Path: "/a", Metadata: map[string]any{"a": answer}, Answer: answer}}, `member "a"`},
	} {
		_, err := avouch.New(avouch.Config{
			Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{grant.ClientCredentials{}},
			ClientAuth: []avouch.ClientAuth{&clientauth.SecretBasic{}}, Clients: clients(), Endpoints: c.endpoints,
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, wanted one with %s", c.endpoints, err, c.want)
		}
	}
}
