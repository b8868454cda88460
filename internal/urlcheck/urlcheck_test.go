package urlcheck

import "testing"

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true, "::ffff:127.0.0.1": true,
		"localhost.": false, "localhost.example": false, "a.localhost": false, "::1%lo": false, "0.0.0.0": false, "::": false, "127.1": false,
		"2130706433": false, "10.0.0.1": false, "": false, "[::1]": false, "127.0.0.1.": false, "0177.0.0.1": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

// TestSendableIsMore: a table of a program's own may have schemes that nobody may register for himself, and none that a
// browser runs or reads.
func TestSendableIsMore(t *testing.T) {
	for _, uri := range []string{"myapp:/cb", "cursor://cb", "http://LOCALHOST:1/", "com.example.app:cb"} {
		if !Sendable(uri) {
			t.Errorf("nobody can be sent to %s", uri)
		}
	}
	for _, uri := range []string{"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "http://app.example/", "https://a@b/", "https:///x", "/x", "https://a/#", "a b:/", "http://127.0.0.1@b/"} {
		if Sendable(uri) || Redirect(uri) == nil {
			t.Errorf("a browser may be sent to %s", uri)
		}
	}
}

func FuzzRegisteredIsSendable(f *testing.F) {
	for _, uri := range []string{"https://app.example/cb?a=b", "http://127.0.0.1:1/", "http://localhost/", "com.example.app:/cb", "http://[::1]/", "x.y://z"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if Redirect(uri) == nil && !Sendable(uri) {
			t.Errorf("%q may be registered, and nobody is sent there", uri)
		}
	})
}
