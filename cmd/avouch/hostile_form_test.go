package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestHostileForm: a request is a form, sent by POST, understood in one way (RFC 6749 §3.2, Appendix B).
func TestHostileForm(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	good := func() url.Values { return h.vouching(t, "both") }
	contentType := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Content-Type"] = values }
	}
	body := func(text string) func(*http.Request) { return func(r *http.Request) { setBody(r, text) } }
	query := func(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }

	t.Run("method", func(t *testing.T) {
		var attacks []attack
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "post", "Post", "PROPFIND", "X"} {
			form := good()
			attacks = append(attacks,
				attack{name: method, form: form, with: func(r *http.Request) { r.Method = method }, want: wrongMethod, spared: form},
				attack{name: method + " with a query", form: nil, with: func(r *http.Request) { r.Method, r.URL.RawQuery = method, good().Encode() }, want: wrongMethod})
		}
		for i := range attacks {
			a := attacks[i]
			t.Run(a.name, func(t *testing.T) {
				req := h.request(t, a.form)
				a.with(req)
				got := h.send(t, req, "")
				if got.status != 405 || got.header.Get("Allow") != "POST" {
					t.Errorf("%d, Allow %q", got.status, got.header.Get("Allow"))
				}
				if a.spared != nil {
					h.want(t, h.send(t, h.request(t, a.spared), ""), granted)
				}
			})
		}
	})

	t.Run("content", func(t *testing.T) {
		var multi bytes.Buffer
		w := multipart.NewWriter(&multi)
		for name, values := range good() {
			if err := w.WriteField(name, values[0]); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		io.WriteString(z, good().Encode())
		z.Close()
		asJSON := mustJSON(t, map[string]string{"grant_type": grantClientCredentials, "client_assertion_type": assertionType, "client_assertion": good().Get("client_assertion")})
		h.repel(t, []attack{
			{name: "JSON", with: both(contentType("application/json"), body(string(asJSON))), want: invalidRequest},
			{name: "JSON called a form", with: body(string(asJSON)), want: invalidRequest},
			{name: "multipart", with: both(contentType(w.FormDataContentType()), body(multi.String())), want: invalidRequest},
			{name: "multipart called a form", with: body(multi.String()), want: invalidRequest},
			{name: "no type", form: good(), with: contentType(), want: invalidRequest},
			{name: "an empty type", form: good(), with: contentType(""), want: invalidRequest},
			{name: "text", form: good(), with: contentType("text/plain"), want: invalidRequest},
			{name: "two types", form: good(), with: contentType("application/x-www-form-urlencoded", "application/json"), want: invalidRequest},
			{name: "two types in one", form: good(), with: contentType("application/x-www-form-urlencoded, application/json"), want: invalidRequest},
			{name: "nearly the type", form: good(), with: contentType("application/x-www-form-urlencoded+json"), want: invalidRequest},
			{name: "zipped", with: both(body(zipped.String()), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), want: invalidRequest},
			{name: "zipped and not said", with: body(zipped.String()), want: invalidRequest},
			{name: "a charset", form: good(), with: contentType(`application/x-www-form-urlencoded; charset="UTF-8"`), want: granted},
			{name: "nothing", want: invalidRequest},
			{name: "ampersands", with: body(strings.Repeat("&", 60000)), want: invalidRequest},
			{name: "equals signs", with: body(strings.Repeat("=", 60000)), want: invalidRequest},
			{name: "random bytes", with: body("\x00\xff\xfe\x80%\x1b[0m&\r\n\r\n;=;="), want: invalidRequest},
		})
	})

	t.Run("parameters", func(t *testing.T) {
		add := func(text string) func(*http.Request) {
			return func(r *http.Request) {
				form := good().Encode()
				setBody(r, form+"&"+text)
			}
		}
		var attacks []attack
		for _, text := range []string{
			"a;b=c", "scope=orders:read;x", "x=%zz", "x=%", "x=%4", "x=%00", "%00=x", "x=%ff", "x=%c0%af", "x=%ed%a0%80", "x=\xff", "x=\x00", "x=1&x=1", "x=1&X=2", "x=1&%78=2",
			"Client_assertion=x", "CLIENT_ASSERTION_TYPE=x", "Grant_Type=password", "gr%61nt_type=password", strings.Repeat("x=1&", 20000), strings.Repeat("resource=https://a.example.com&", 2000),
			manyParameters(5000),
		} {
			want := invalidRequest
			if len(text) > 64<<10 {
				want = tooLarge
			}
			attacks = append(attacks, attack{name: text[:min(len(text), 30)], with: add(text), want: want})
		}
		for name, value := range good() {
			for second, text := range map[string]string{"the same": value[0], "another": "x"} {
				form := good()
				attacks = append(attacks, attack{name: name + " twice, " + second, form: with(form, name, text), want: invalidRequest, spared: form})
			}
		}
		grant := asGrant(h.assertion(t, "idp", "ann", nil))
		attacks = append(attacks,
			attack{name: "assertion twice", form: with(grant, "assertion", h.assertion(t, "idp", "ann", nil)), want: invalidRequest, spared: grant},
			attack{name: "assertion in other case twice", form: with(grant, "Assertion", "x"), want: invalidRequest},
			attack{name: "client_id twice", form: with(good(), "client_id", "both", "client_id", "both"), want: invalidRequest},
			attack{name: "no grant type", form: with(good(), "grant_type", ""), want: invalidRequest},
			attack{name: "grant type without a value", with: add("x=y"), form: nil, want: granted},
			attack{name: "no assertion", form: asGrant(""), want: invalidRequest},
			attack{name: "unknown parameters", with: add("foo=bar&client_idd=x&__proto__=1&%3Cscript%3E=1"), want: granted},
			attack{name: "parameters without a value", with: add("scope=&client_secret=&assertion&code=&client_id="), want: granted},
		)
		h.repel(t, attacks)
		for _, unknown := range []string{"password", "authorization_code", "refresh_token", "implicit", "Client_Credentials", "client_credentials ", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:JWT-bearer", "\u0441lient_credentials", strings.Repeat("g", 5000), "a\r\nb"} {
			h.attack(t, attack{form: with(good(), "grant_type", "", "grant_type", unknown), want: unsupportedGrantType})
		}
	})

	// What belongs into the body is not looked for in the URL, and does not get into the log from there.
	t.Run("query", func(t *testing.T) {
		assertion, secret := h.vouching(t, "both").Get("client_assertion"), h.secret["post"]
		h.keepToken(assertion)
		var attacks []attack
		for _, q := range []string{
			"client_id=post&client_secret=" + secret, "client_assertion=" + assertion, "assertion=" + assertion, "Client_Secret=" + secret, "client%5Fsecret=" + secret, "x;client_secret=" + secret,
			"access_token=" + assertion, "code=abc", "refresh_token=abc", "username=a&password=" + secret, "token=" + assertion,
		} {
			attacks = append(attacks, attack{name: q[:min(len(q), 20)], form: good(), with: query(q), want: invalidRequest})
		}
		attacks = append(attacks,
			attack{name: "everything", form: nil, with: query("grant_type=client_credentials&client_assertion_type=" + url.QueryEscape(assertionType) + "&client_assertion=" + assertion), want: invalidRequest, spared: asClient(assertion)},
			attack{name: "the grant type", form: with(good(), "grant_type", ""), with: query("grant_type=" + grantClientCredentials), want: invalidRequest},
			attack{name: "no credentials", form: good(), with: query("scope=admin&client_id=other&grant_type=password"), want: granted},
			attack{name: "broken", form: good(), with: query("%zz;=&&=;"), want: granted},
			attack{name: "long", form: good(), with: query(strings.Repeat("a=b&", 2000)), want: granted},
		)
		h.repel(t, attacks)
		got := h.attack(t, attack{form: good(), with: query("scope=orders:write"), want: granted})
		if got.body["scope"] != nil {
			t.Errorf("the scope of the URL counted: %s", got.text)
		}
	})

	t.Run("scope and resource", func(t *testing.T) {
		var attacks []attack
		for _, scope := range []string{
			"admin", "orders:read admin", "Orders:read", "orders:*", "*", "orders:read  orders:write", " orders:read", "orders:read ", "orders:read\torders:write", "orders:read\norders:write", `orders:read"`, `orders\read`,
			"\u00f6rders:read", "orders:read,orders:write", "\x1b[2J", strings.Repeat("orders:read ", 4000), strings.Repeat("a ", 200) + "a", strings.Repeat("s", 30000), " ",
		} {
			attacks = append(attacks, attack{name: "scope " + scope[:min(len(scope), 20)], form: with(good(), "scope", scope), want: invalidScope})
		}
		for _, resource := range []string{
			"https://evil.example.com", h.url + "/", h.url + "#", h.url + "#x", "/orders", "orders", "//evil.example.com", "javascript:alert(1)", h.url + "\r\n", "https://[::1", " " + h.url, strings.Repeat("https://a/", 3000), "mailto:", "urn:x:y",
		} {
			attacks = append(attacks, attack{name: "resource " + resource[:min(len(resource), 20)], form: with(good(), "resource", resource), want: invalidTarget})
		}
		seventeen := good()
		for range 17 {
			seventeen = with(seventeen, "resource", h.url)
		}
		attacks = append(attacks,
			attack{name: "seventeen resources", form: seventeen, want: invalidTarget},
			attack{name: "one of two resources", form: with(good(), "resource", h.url, "resource", "https://evil.example.com"), want: invalidTarget},
			attack{name: "ours", form: with(good(), "resource", h.url, "scope", "orders:write orders:read"), want: granted},
		)
		h.repel(t, attacks)
	})

	// No other path leads to the endpoint but its own, however it is written.
	t.Run("path", func(t *testing.T) {
		for _, path := range []string{
			"/oauth/token/", "/oauth/Token", "/OAUTH/TOKEN", "/oauth//token", "//oauth/token", "/oauth/./token", "/oauth/x/../token", "/oauth/token;x=1", "/oauth/token%00", "/oauth%2ftoken", "/oauth\\token", "/", "//evil.example.com/oauth/token",
			"/oauth/token.json", "/oauth/tokens", "/.git/config", "/debug/pprof/", "/metrics", "/readyz", "/" + strings.Repeat("a/", 3000), "/..%2f..%2fetc/passwd",
		} {
			req := h.request(t, good())
			req.URL.Opaque = "//" + req.URL.Host + path
			resp, err := h.from("").Do(req)
			if err != nil {
				t.Fatalf("%.40s: %v", path, err)
			}
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			h.checkHeader(t, resp.Header)
			if resp.StatusCode < 300 || resp.StatusCode >= 500 || bytes.Contains(text, []byte("access_token")) || strings.HasPrefix(resp.Header.Get("Location"), "//") || strings.Contains(resp.Header.Get("Location"), ":") {
				t.Errorf("%.40s: %d %.100q to %q", path, resp.StatusCode, text, resp.Header.Get("Location"))
			}
		}
		h.alive(t)
	})
}

func both(a, b func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		a(r)
		b(r)
	}
}

func manyParameters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "p%d=1&", i)
	}
	return b.String()
}
