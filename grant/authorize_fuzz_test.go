package grant_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/grant"
)

// sendable are the redirect URIs that are registered at a codeSite and that a browser may be sent to, and what may come
// after them. It says it in other words than the grant.
var sendable = regexp.MustCompile(`^(https://app\.example/cb|https://app\.example/cb\?tenant=1&x|https://other\.example/cb|com\.example\.app:/cb|` +
	`http://localhost:9000/cb|http://127\.0\.0\.1(:[1-9][0-9]{0,4})?/cb|http://\[::1\](:[1-9][0-9]{0,4})?/cb\?x=1)[?&](code|error)=[!-~]*&iss=[!-~]*$`)

// FuzzAuthorizationRequest brings whatever a browser can bring: nobody is sent to where nobody has registered, and there
// is no code without a consent.
func FuzzAuthorizationRequest(f *testing.F) {
	for _, query := range []string{
		"", with().Encode(), with("client_id", "native", "redirect_uri", "http://127.0.0.1:51004/cb").Encode(),
		with("client_id", "native", "redirect_uri", "http://[::1]:1/cb?x=1", "scope", "read write", "resource", api).Encode(),
		with("client_id", "evil", "redirect_uri", "javascript:alert(1)//").Encode(),
		with("redirect_uri", "https://app.example\\@evil.example/cb").Encode(), with("redirect_uri", "").Encode(),
		with("client_id", "two", "redirect_uri", "https://app.example/cb?tenant=1&x", "response_mode", "fragment").Encode(),
		with("request_uri", "urn:ietf:params:oauth:request_uri:x").Encode(), "client_id=app&request_uri=PUSHED",
		with().Encode() + "&state=%ff", with().Encode() + ";", "client_id=%zz", with().Encode() + "&redirect_uri=https://evil.example",
	} {
		f.Add("GET", query, "", true)
		f.Add("GET", query, "", false)
		f.Add("POST", "", query, true)
		f.Add("POST", query, "decision=yes", true)
	}
	f.Add("HEAD", with().Encode(), "", true)
	consents := false
	s := newCodeSite(f, true, asking(func(w http.ResponseWriter, _ *http.Request, _ *grant.Question) (*grant.Consent, error) {
		if !consents {
			w.WriteHeader(http.StatusNoContent)
			return nil, nil
		}
		return &grant.Consent{Subject: "alice"}, nil
	}))
	f.Fuzz(func(t *testing.T, method, query, body string, consent bool) {
		if strings.Contains(query, "PUSHED") {
			query = strings.ReplaceAll(query, "PUSHED", url.QueryEscape(s.push(t).RequestURI))
		}
		r, err := http.NewRequest(method, s.issuer+"/oauth/authorize", strings.NewReader(body))
		if err != nil {
			return // no method
		}
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		consents = consent
		s.events = nil
		resp, err := s.browser.Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		asked := s.questions()
		location := resp.Header.Get("Location")
		switch {
		case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusMethodNotAllowed:
			if location != "" || len(asked) > 0 {
				t.Errorf("%d, to %q, asked %d times", resp.StatusCode, location, len(asked))
			}
		case resp.StatusCode == http.StatusNoContent && !consent && len(asked) == 1 && location == "":
		case resp.StatusCode != http.StatusSeeOther:
			t.Errorf("status %d", resp.StatusCode)
		case method == http.MethodPost && query == "":
			if !strings.HasPrefix(location, "?") || len(asked) > 0 {
				t.Errorf("a form is sent on to %q", location)
			}
		default:
			found := sendable.FindStringSubmatch(location)
			if found == nil {
				t.Fatalf("to %q", location)
			}
			if withCode := found[4] == "code"; withCode != (len(asked) == 1 && consent) {
				t.Errorf("consent %t, asked %d times, and sent to %q", consent, len(asked), location)
			}
			if u, err := url.Parse(location); err != nil || u.Query().Get("iss") != s.issuer {
				t.Errorf("iss in %q", location)
			}
		}
	})
}
