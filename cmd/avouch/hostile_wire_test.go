package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// dial is a bare connection, which ends when patience does.
func (h *hostile) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	d := net.Dialer{Timeout: patience}
	conn, err := d.DialContext(t.Context(), "tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// raw sends bytes as they are, and returns all that the server says to them before it hangs up.
func (h *hostile) raw(t testing.TB, text string) string {
	t.Helper()
	conn := h.dial(t)
	defer conn.Close()
	go func() {
		io.WriteString(conn, text) // the server may hang up in the middle
		// Where the text asks for more than it has, nothing more comes. Not at once: to net/http a client who closes
		// his side has gone away.
		time.Sleep(time.Second)
		conn.CloseWrite()
	}()
	said, err := io.ReadAll(conn)
	if err, ok := err.(net.Error); ok && err.Timeout() {
		t.Errorf("the server neither answers nor hangs up; it said %.200q", said)
	}
	return string(said)
}

// statuses are those of all the answers in what a server said.
func statuses(t testing.TB, said string) []int {
	t.Helper()
	var all []int
	for r := bufio.NewReader(strings.NewReader(said)); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return all
		}
		if resp.StatusCode != http.StatusContinue {
			all = append(all, resp.StatusCode)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return all
		}
	}
}

// TestHostileWire: what is no HTTP, or hardly, is refused by the server below us: it must not fail, wait, or see a
// request where there is none.
func TestHostileWire(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	form := func() string { return h.vouching(t, "both").Encode() }
	// post is a request with more header lines in front, and a good form.
	post := func(more string) string {
		f := form()
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", tokenPath, h.address, more, len(f), f)
	}
	chunked := func(more, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n%s", tokenPath, h.address, more, body)
	}
	const chunks = "Transfer-Encoding: chunked\r\n"
	inChunks := func(f string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(f), f) }
	cutShort := form()

	for name, test := range map[string]struct {
		text string
		want []int // any of these; nil: no answer at all is as good as 400
	}{
		"good":                            {post(""), []int{200}},
		"good, chunked":                   {chunked(chunks, inChunks(form())), []int{200}},
		"good, byte by byte":              {chunked(chunks, singly(form())), []int{200}},
		"good, of HTTP/1.0":               {strings.Replace(strings.Replace(post(""), "HTTP/1.1", "HTTP/1.0", 1), "Host: "+h.address+"\r\n", "", 1), []int{200}},
		"good, as a proxy is asked":       {strings.Replace(post(""), tokenPath, "http://evil.example.com"+tokenPath, 1), []int{200}},
		"good, wants to be told to go on": {post("Expect: 100-continue\r\n"), []int{200}},
		"good, wants to speak otherwise":  {post("Upgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), []int{200}},

		"random bytes": {"\x00\x01\xff\xfe\x80\r\n\r\n", nil}, "a TLS hello": {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 600), nil}, "a word": {"GET\r\n\r\n", nil}, "empty lines": {strings.Repeat("\r\n", 5000), nil},
		"the preface of HTTP/2": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", nil}, "no version": {"POST " + tokenPath + "\r\n\r\n", nil}, "HTTP/9.9": {strings.Replace(post(""), "HTTP/1.1", "HTTP/9.9", 1), []int{505}}, "HTTP/1.1 in small letters": {strings.Replace(post(""), "HTTP/1.1", "http/1.1", 1), []int{400}},
		"a method with a line end": {strings.Replace(post(""), "POST", "PO\rST", 1), []int{400}}, "a method of ten kilobytes": {strings.Replace(post(""), "POST", strings.Repeat("P", 10<<10), 1), []int{405}}, "a path with NUL": {strings.Replace(post(""), tokenPath, tokenPath+"\x00", 1), []int{400}},
		"a path of a megabyte": {strings.Replace(post(""), tokenPath, "/"+strings.Repeat("a", 1<<20), 1), []int{431}}, "CONNECT": {"CONNECT evil.example.com:443 HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", []int{404, 400}}, "OPTIONS *": {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{200}},

		"no host": {strings.Replace(post(""), "Host: "+h.address+"\r\n", "", 1), []int{400}}, "two hosts": {post("Host: evil.example.com\r\n"), []int{400}}, "a host that is none": {strings.Replace(post(""), "Host: "+h.address, "Host: a b\x01c", 1), []int{400}},
		"a line without a colon": {post("rubbish\r\n"), []int{400}}, "a blank before the colon": {post("Transfer-Encoding : chunked\r\n"), []int{400}}, "a folded line": {post("X-A: b\r\n c\r\n"), []int{200, 400}}, "NUL in a value": {post("X-A: a\x00b\r\n"), []int{400}}, "NUL in a name": {post("X\x00A: b\r\n"), []int{400}}, "a bare CR": {post("X-A: a\rb\r\n"), []int{400}}, "a name with letters of others": {post("X-\u00e4: b\r\n"), []int{400}},
		"a hundred kilobytes of header": {post("X-A: " + strings.Repeat("a", 100<<10) + "\r\n"), []int{431}}, "five thousand headers": {post(strings.Repeat("X-A: b\r\n", 5000)), []int{431}}, "a cookie of a megabyte": {post("Cookie: " + strings.Repeat("a=b; ", 200<<10) + "\r\n"), []int{431}},

		"two lengths": {post("Content-Length: 5\r\n"), []int{400}}, "two equal lengths": {strings.Replace(post(""), "Connection", "X-Connection", 1), nil}, "a negative length": {chunked("Content-Length: -1\r\n", "x"), []int{400}}, "a length with a plus": {chunked("Content-Length: +5\r\n", "a=b&c"), []int{400}}, "a length in hexadecimal": {chunked("Content-Length: 0x5\r\n", "a=b&c"), []int{400}}, "a length beyond all": {chunked("Content-Length: 99999999999999999999\r\n", "x"), []int{400}},
		"a length of terabytes": {chunked("Content-Length: 9999999999999\r\n", "x"), []int{413}}, "shorter than said": {chunked("Content-Length: 5000\r\n", cutShort), []int{400}}, "no body": {chunked("Content-Length: 10\r\n", ""), []int{400}}, "no length": {chunked("", form()), []int{400}},
		"chunks of an unknown coding": {chunked("Transfer-Encoding: xchunked\r\n", inChunks(form())), []int{501}}, "zipped chunks": {chunked("Transfer-Encoding: gzip, chunked\r\n", inChunks(form())), []int{501}}, "chunked twice": {chunked(chunks+chunks, inChunks(form())), []int{400, 501}}, "identity": {chunked("Transfer-Encoding: identity\r\n", form()), []int{501}},
		"a chunk of no size": {chunked(chunks, "zz\r\nabc\r\n0\r\n\r\n"), []int{400}}, "a chunk beyond all": {chunked(chunks, "fffffffffffffffff\r\nabc"), []int{400}}, "a negative chunk": {chunked(chunks, "-5\r\nabcde\r\n0\r\n\r\n"), []int{400}}, "a chunk that breaks off": {chunked(chunks, "ff\r\nabc"), []int{400}},
		"a chunk longer than said": {chunked(chunks, "3\r\nabcdef\r\n0\r\n\r\n"), []int{400}}, "a chunk with a long remark": {chunked(chunks, "3;"+strings.Repeat("x", 100<<10)+"\r\nabc\r\n0\r\n\r\n"), []int{400, 413}}, "many small chunks with remarks": {chunked(chunks, strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\n&\r\n", 3000)+"0\r\n\r\n"), []int{400, 413}},
		"a trailer": {chunked(chunks+"Trailer: Authorization\r\n", strings.TrimSuffix(inChunks(cutShort), "\r\n")+"Authorization: Basic YTpi\r\n\r\n"), nil}, "an expectation that is none": {post("Expect: a miracle\r\n"), []int{417}},
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			said := h.raw(t, test.text)
			got := statuses(t, said)
			if len(test.want) > 0 {
				if len(got) != 1 || !slices.Contains(test.want, got[0]) {
					t.Errorf("got %v, want one of %v: %.300q", got, test.want, said)
				}
			}
			for _, status := range got {
				if status >= 500 && status != 501 && status != 505 || status == 200 && test.want == nil && !strings.Contains(name, "equal") && name != "a trailer" {
					t.Errorf("got %v: %.300q", got, said)
				}
			}
			if strings.Count(said, "access_token") > 1 {
				t.Errorf("two tokens for one request: %.300q", said)
			}
			if took := time.Since(started); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
			h.alive(t)
		})
	}

	// What follows a request with two ways to tell its length must not be taken for a request of its own by us and for
	// a body by a proxy before us (RFC 9112 §6.3): the token it would get is what an attacker wants.
	t.Run("smuggling", func(t *testing.T) {
		inner := strings.Replace(post(""), "Connection: close\r\n", "", 1)
		said := h.raw(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s", tokenPath, h.address, 5+len(inner), inner))
		if strings.Contains(said, "access_token") {
			t.Errorf("a smuggled request was answered: %v %.300q", statuses(t, said), said)
		}
	})

	// Requests one after the other on one connection, good ones and bad ones: each has its own answer.
	t.Run("one connection", func(t *testing.T) {
		var all strings.Builder
		for i := range 20 {
			text := strings.Replace(post(""), "Connection: close\r\n", "", 1)
			if i%2 == 1 {
				text = strings.Replace(text, "client_credentials", "client_credentialz", 1)
			}
			all.WriteString(text)
		}
		got := statuses(t, h.raw(t, all.String()))
		if len(got) != 20 {
			t.Fatalf("%d answers: %v", len(got), got)
		}
		for i, status := range got {
			if want := []int{200, 400}[i%2]; status != want {
				t.Errorf("answer %d is %d, want %d", i, status, want)
			}
		}
	})
}

// singly cuts a body into chunks of one byte.
func singly(body string) string {
	var b strings.Builder
	for i := range len(body) {
		fmt.Fprintf(&b, "1\r\n%c\r\n", body[i])
	}
	return b.String() + "0\r\n\r\n"
}
