package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
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
func (h *hostile) raw(t testing.TB, text string) string { return h.rawThen(t, text, nil) }

// cutOff is raw for a sender who says that nothing more comes, as one does who has promised more than he has.
func (h *hostile) cutOff(t testing.TB, text string) string {
	return h.rawThen(t, text, (*net.TCPConn).CloseWrite)
}

func (h *hostile) rawThen(t testing.TB, text string, then func(*net.TCPConn) error) string {
	t.Helper()
	conn := h.dial(t)
	defer conn.Close()
	go func() {
		io.WriteString(conn, text) // the server may hang up in the middle
		if then != nil {
			then(conn)
		}
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
	lengths := regexp.MustCompile(`(Content-Length: \d+\r\n)`)

	for _, test := range []struct {
		name string
		text string
		want []int // any of these; nil: no answer at all is as good as 400
		cut  bool  // it promises more than it has
	}{
		{name: "good", text: post(""), want: []int{200}},
		{name: "good, chunked", text: chunked(chunks, inChunks(form())), want: []int{200}},
		{name: "good, byte by byte", text: chunked(chunks, singly(form())), want: []int{200}},
		{name: "good, of HTTP/1.0", text: strings.Replace(strings.Replace(post(""), "HTTP/1.1", "HTTP/1.0", 1), "Host: "+h.address+"\r\n", "", 1), want: []int{200}},
		{name: "good, as a proxy is asked", text: strings.Replace(post(""), tokenPath, "http://evil.example.com"+tokenPath, 1), want: []int{200}},
		{name: "good, wants to be told to go on", text: post("Expect: 100-continue\r\n"), want: []int{200}},
		{name: "good, wants to speak otherwise", text: post("Upgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), want: []int{200}},

		{name: "random bytes", text: "\x00\x01\xff\xfe\x80\r\n\r\n"},
		{name: "a TLS hello", text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 600), cut: true},
		{name: "a word", text: "GET\r\n\r\n"},
		{name: "empty lines", text: strings.Repeat("\r\n", 5000)},
		{name: "the preface of HTTP/2", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"},
		{name: "no version", text: "POST " + tokenPath + "\r\n\r\n"},
		{name: "HTTP/9.9", text: strings.Replace(post(""), "HTTP/1.1", "HTTP/9.9", 1), want: []int{505}},
		{name: "HTTP/1.1 in small letters", text: strings.Replace(post(""), "HTTP/1.1", "http/1.1", 1), want: []int{400}},
		{name: "a method with a line end", text: strings.Replace(post(""), "POST", "PO\rST", 1), want: []int{400}},
		{name: "a method of ten kilobytes", text: strings.Replace(post(""), "POST", strings.Repeat("P", 10<<10), 1), want: []int{405}},
		{name: "a path with NUL", text: strings.Replace(post(""), tokenPath, tokenPath+"\x00", 1), want: []int{400}},
		{name: "a path of a megabyte", text: strings.Replace(post(""), tokenPath, "/"+strings.Repeat("a", 1<<20), 1), want: []int{431}},
		{name: "CONNECT", text: "CONNECT evil.example.com:443 HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", want: []int{404, 400}, cut: true},
		{name: "OPTIONS *", text: "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", want: []int{200}},

		{name: "no host", text: strings.Replace(post(""), "Host: "+h.address+"\r\n", "", 1), want: []int{400}},
		{name: "two hosts", text: post("Host: evil.example.com\r\n"), want: []int{400}},
		{name: "a host that is none", text: strings.Replace(post(""), "Host: "+h.address, "Host: a b\x01c", 1), want: []int{400}},
		{name: "a line without a colon", text: post("rubbish\r\n"), want: []int{400}},
		{name: "a blank before the colon", text: post("Transfer-Encoding : chunked\r\n"), want: []int{400}},
		{name: "a folded line", text: post("X-A: b\r\n c\r\n"), want: []int{200, 400}},
		{name: "NUL in a value", text: post("X-A: a\x00b\r\n"), want: []int{400}},
		{name: "NUL in a name", text: post("X\x00A: b\r\n"), want: []int{400}},
		{name: "a bare CR", text: post("X-A: a\rb\r\n"), want: []int{400}},
		{name: "a name with letters of others", text: post("X-\u00e4: b\r\n"), want: []int{400}},
		{name: "a hundred kilobytes of header", text: post("X-A: " + strings.Repeat("a", 100<<10) + "\r\n"), want: []int{431}},
		{name: "five thousand headers", text: post(strings.Repeat("X-A: b\r\n", 5000)), want: []int{431}},
		{name: "a cookie of a megabyte", text: post("Cookie: " + strings.Repeat("a=b; ", 200<<10) + "\r\n"), want: []int{431}},

		{name: "two lengths", text: post("Content-Length: 5\r\n"), want: []int{400}},
		{name: "two equal lengths", text: lengths.ReplaceAllString(post(""), "$1$1"), want: []int{200}},
		{name: "a negative length", text: chunked("Content-Length: -1\r\n", "x"), want: []int{400}},
		{name: "a length with a plus", text: chunked("Content-Length: +5\r\n", "a=b&c"), want: []int{400}},
		{name: "a length in hexadecimal", text: chunked("Content-Length: 0x5\r\n", "a=b&c"), want: []int{400}},
		{name: "a length beyond all", text: chunked("Content-Length: 99999999999999999999\r\n", "x"), want: []int{400}},
		{name: "a length of terabytes", text: chunked("Content-Length: 9999999999999\r\n", "x"), want: []int{413}},
		{name: "shorter than said", text: chunked("Content-Length: 5000\r\n", cutShort), want: []int{400}, cut: true},
		{name: "no body", text: chunked("Content-Length: 10\r\n", ""), want: []int{400}, cut: true},
		{name: "no length", text: chunked("", form()), want: []int{400}},
		{name: "chunks of an unknown coding", text: chunked("Transfer-Encoding: xchunked\r\n", inChunks(form())), want: []int{501}},
		{name: "zipped chunks", text: chunked("Transfer-Encoding: gzip, chunked\r\n", inChunks(form())), want: []int{501}},
		{name: "chunked twice", text: chunked(chunks+chunks, inChunks(form())), want: []int{400, 501}},
		{name: "identity", text: chunked("Transfer-Encoding: identity\r\n", form()), want: []int{501}},
		{name: "a chunk of no size", text: chunked(chunks, "zz\r\nabc\r\n0\r\n\r\n"), want: []int{400}},
		{name: "a chunk beyond all", text: chunked(chunks, "fffffffffffffffff\r\nabc"), want: []int{400}},
		{name: "a negative chunk", text: chunked(chunks, "-5\r\nabcde\r\n0\r\n\r\n"), want: []int{400}},
		{name: "a chunk that breaks off", text: chunked(chunks, "ff\r\nabc"), want: []int{400}, cut: true},
		{name: "a chunk longer than said", text: chunked(chunks, "3\r\nabcdef\r\n0\r\n\r\n"), want: []int{400}},
		{name: "a chunk with a long remark", text: chunked(chunks, "3;"+strings.Repeat("x", 100<<10)+"\r\nabc\r\n0\r\n\r\n"), want: []int{400, 413}},
		{name: "many small chunks with remarks", text: chunked(chunks, strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\n&\r\n", 3000)+"0\r\n\r\n"), want: []int{400, 413}},
		{name: "a trailer", text: chunked(chunks+"Trailer: Authorization\r\n", strings.TrimSuffix(inChunks(cutShort), "\r\n")+"Authorization: Basic YTpi\r\n\r\n")},
		{name: "an expectation that is none", text: post("Expect: a miracle\r\n"), want: []int{417}},
	} {
		t.Run(test.name, func(t *testing.T) {
			started := givenTime()
			send := h.raw
			if test.cut {
				send = h.cutOff
			}
			said := send(t, test.text)
			got := statuses(t, said)
			if len(test.want) > 0 {
				if len(got) != 1 || !slices.Contains(test.want, got[0]) {
					t.Errorf("got %v, want one of %v: %.300q", got, test.want, said)
				}
			}
			for _, status := range got {
				if status >= 500 && status != 501 && status != 505 || status == 200 && test.want == nil && test.name != "a trailer" {
					t.Errorf("got %v: %.300q", got, said)
				}
			}
			if strings.Count(said, "access_token") > 1 {
				t.Errorf("two tokens for one request: %.300q", said)
			}
			if took := givenTime() - started; took > 3*time.Second {
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

	// Who has said all that he has to say, and says that, waits for an answer all the same (RFC 9293 §3.6).
	t.Run("half closed", func(t *testing.T) {
		for range 20 {
			if said := h.cutOff(t, post("")); !slices.Equal(statuses(t, said), []int{200}) {
				t.Fatalf("got %.300q", said)
			}
		}
		used := post("")
		h.cutOff(t, used)
		if got := statuses(t, h.cutOff(t, used)); !slices.Equal(got, []int{401}) {
			t.Errorf("an assertion that was used: %v", got)
		}
	})

	// Requests one after the other on one connection, good ones and bad ones: each has its own answer.
	t.Run("one connection", func(t *testing.T) {
		var all strings.Builder
		for i := range 20 {
			text := post("")
			if i < 19 {
				text = strings.Replace(text, "Connection: close\r\n", "", 1)
			}
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
