package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// site is a database and an issuer, for several processes of this program.
type site struct {
	t    *testing.T
	town *hostile // everybody, registered beside the processes
	env  []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	address, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conf := config.Default()
	conf.Issuer, conf.Store.Path = "http://"+address, filepath.Join(t.TempDir(), "avouch.db")
	s, seal := &site{t: t}, admin.GenerateSealKey()
	conf.Seal.Key = config.Secret(seal)
	s.env = append(foreignEnvironment(), "AVOUCH_ISSUER="+conf.Issuer, "AVOUCH_STORE_PATH="+conf.Store.Path, "AVOUCH_SEAL_KEY="+seal,
		"AVOUCH_MANAGEMENT_LISTEN=off", "AVOUCH_LOG_FORMAT=json", "AVOUCH_LOG_LEVEL=debug", "GORACE="+quickExit)
	w, err := new(app).open(t.Context(), conf, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.town = &hostile{
		testServer: &testServer{running: &running{wired: w, address: address}, t: t, url: conf.Issuer}, base: conf.Issuer, log: new(logRecord), sent: newSecrets(),
		keys: map[string]*keys.Private{}, secret: map[string]string{}, clients: map[string]*http.Client{},
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	s.town.keep(seal)
	s.town.settle()
	return s
}

// command is this program with arguments.
func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	binary, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Args[0] = "avouch" // see TestMain
	cmd.Env = s.env
	return cmd
}

// run runs the command line beside the servers.
func (s *site) run(args ...string) {
	s.t.Helper()
	cmd := s.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("avouch %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
}

// serverProcess is one process, and the town as it is seen through it.
type serverProcess struct {
	*hostile
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
	err     error // of Wait, when ended is closed
}

// end sends a signal, unless the process has ended, and waits until it has.
func (p *serverProcess) end(signal os.Signal) error {
	select {
	case <-p.ended:
		return p.err
	default:
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	<-p.ended
	return p.err
}

// serve starts a server on an address and waits until it answers.
func (s *site) serve(address string) *serverProcess {
	s.t.Helper()
	return s.serveBy(address, s.command("serve", "--listen", address))
}

// serveBy is serve by a command of the caller's, whose output is in the log unless it goes elsewhere.
func (s *site) serveBy(address string, cmd *exec.Cmd) *serverProcess {
	s.t.Helper()
	p := &serverProcess{cmd: cmd, address: address, ended: make(chan struct{})}
	p.hostile = &hostile{
		testServer: s.town.testServer, base: "http://" + address, log: new(logRecord), sent: s.town.sent,
		keys: s.town.keys, secret: s.town.secret, clients: map[string]*http.Client{},
	}
	p.cmd.Stderr = p.log
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = p.log
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		p.hangUp()
		p.end(syscall.SIGKILL)
		p.checkLog(s.t, "json")
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return p
		}
		select {
		case <-p.ended:
			s.t.Fatalf("the server ended: %v\n%s", p.err, p.log)
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not listen\n%s", p.log)
		}
	}
}

// TestHostileTwoProcesses: two servers on one database are one: what one has accepted the other refuses, and what is
// switched off beside them is off in both within a second.
func TestHostileTwoProcesses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.serve(s.town.address).hostile
	second, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := s.serve(second).hostile
	both := []*hostile{a, b}

	t.Run("race", func(t *testing.T) {
		a.race(t, both, a.vouching(t, "both"), invalidClient)
		a.race(t, both, asGrant(a.assertion(t, "idp", "ann", nil)), invalidGrant)
		a.race(t, both, asGrant(a.forger("both").say("jti", gone)), invalidGrant)
		for range 20 {
			form := a.vouching(t, "both")
			granted := make([]bool, 2)
			var ended sync.WaitGroup
			for i, h := range both {
				ended.Go(func() { granted[i] = h.attackAny(t, attack{form: form}).status == 200 })
			}
			ended.Wait()
			if granted[0] == granted[1] {
				t.Errorf("granted by one and the other: %v", granted)
			}
		}
	})

	t.Run("one after the other", func(t *testing.T) {
		form := a.vouching(t, "both")
		a.attack(t, attack{form: form, want: granted})
		b.attack(t, attack{form: form, want: invalidClient})
		got := a.attack(t, attack{form: a.vouching(t, "both"), want: granted})
		if caller := b.whoAmI(t, got); caller["sub"] != "both" {
			t.Errorf("the other process takes the token for one of %v", caller)
		}
	})

	for _, test := range []struct {
		off, on []string
		form    func() url.Values
		want    verdict
	}{
		{[]string{"client", "disable", "other"}, []string{"client", "enable", "other"}, func() url.Values { return a.vouching(t, "other") }, invalidClient},
		{[]string{"client", "disable", "post"}, nil, func() url.Values {
			return clientCredentials("client_id", "post", "client_secret", a.secret["post"])
		}, invalidClient},
		{[]string{"issuer", "disable", "twin"}, nil, func() url.Values { return asGrant(a.assertion(t, "twin", "ann", nil)) }, invalidGrant},
		{[]string{"rule", "disable", "both-alice"}, nil, func() url.Values { return asGrant(a.assertion(t, "both", "alice", nil)) }, invalidGrant},
		{[]string{"client", "key", "revoke", "ed", a.keys["ed"].ID}, nil, func() url.Values { return a.vouching(t, "ed") }, invalidClient},
	} {
		t.Run(strings.Join(test.off[:2], " "), func(t *testing.T) {
			for _, h := range both {
				h.attack(t, attack{form: test.form(), want: granted})
			}
			s.run(test.off...)
			soon(t, both, test.form, test.want)
			if test.on != nil {
				s.run(test.on...)
				soon(t, both, test.form, granted)
			}
		})
	}
	for _, h := range both {
		h.alive(t)
	}
}

// soon holds servers to a verdict a second after a change, and from the first time on that they give it. A busy machine,
// on which the pauses of this loop are longer than they should be and the answers late, is given that time.
func soon(t *testing.T, servers []*hostile, form func() url.Values, want verdict) {
	t.Helper()
	const pause, late = 20 * time.Millisecond, 30 * time.Millisecond
	var ended sync.WaitGroup
	for i, h := range servers {
		ended.Go(func() {
			waited := time.Duration(0)
			for seen := 0; seen < 5; {
				began := time.Now()
				got := h.attackAny(t, attack{form: form(), from: "127.0.6.1"})
				code, _ := got.body["error"].(string)
				switch {
				case got.status == want.status && code == want.code:
					seen++
				case seen > 0 || waited > time.Second:
					t.Errorf("%s after the change server %d says %d %s", waited, i, got.status, got.text)
					return
				}
				time.Sleep(pause)
				waited += min(time.Since(began), pause+late)
			}
		})
	}
	ended.Wait()
}

// TestHostileKill: a server that is killed in the middle of its work has forgotten nothing that it has granted.
func TestHostileKill(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for round := range 2 {
		p := s.serve(s.town.address)
		h := p.hostile
		type sent struct {
			form    url.Values
			refused verdict
			granted bool
		}
		var mu sync.Mutex
		var all []sent
		var ended sync.WaitGroup
		for i := range 8 {
			ended.Go(func() {
				for {
					one := sent{form: h.vouching(t, "both"), refused: invalidClient}
					if i%2 == 1 {
						one = sent{form: asGrant(h.assertion(t, "idp", "ann", func(c *assertion.Claims) { c.Lifetime = 5 * time.Minute })), refused: invalidGrant}
					}
					resp, err := h.from("").Do(h.request(t, one.form))
					if err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						one.granted = resp.StatusCode == http.StatusOK
					}
					mu.Lock()
					all = append(all, one)
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(400+100*round) * time.Millisecond)
		enough := func() bool { // on a busy machine it takes longer
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, one := range all {
				if one.granted {
					n++
				}
			}
			return n >= 10
		}
		for begun := time.Now(); !enough() && time.Since(begun) < patience; {
			time.Sleep(20 * time.Millisecond)
		}
		p.end(syscall.SIGKILL)
		ended.Wait()

		p = s.serve(s.town.address)
		h = p.hostile
		counted := 0
		for _, one := range all {
			switch {
			case one.granted:
				counted++
				h.attack(t, attack{form: one.form, want: one.refused})
			default: // nobody knows what became of it, but it is good for one token at the most
				h.attackAny(t, attack{form: one.form})
				h.attack(t, attack{form: one.form, want: one.refused})
			}
		}
		if counted < 10 {
			t.Errorf("only %d were granted before the server was killed", counted)
		}
		h.alive(t)
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("a server that is asked to end: %v", err)
		}
	}
}

// TestHostileStop: a server that is asked to end answers what it has begun to hear, and lets nobody keep it.
func TestHostileStop(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.serve(s.town.address)
	h := p.hostile
	form := h.vouching(t, "both").Encode()
	half := len(form) / 2
	begin := func() net.Conn {
		conn := h.dial(t)
		head := "POST " + tokenPath + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: "
		if _, err := io.WriteString(conn, head+strconv.Itoa(len(form))+"\r\n\r\n"+form[:half]); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	under, held := begin(), begin()
	defer under.Close()
	defer held.Close() // who never goes on
	h.alive(t)         // so both have been heard
	asked := givenTime()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", p.address, time.Second)
		if err != nil {
			break // nobody new comes in
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server goes on listening")
		}
	}
	time.Sleep(300 * time.Millisecond)
	if _, err := io.WriteString(under, form[half:]); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(under)
	if err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 200 ") || !strings.Contains(string(said), "access_token") {
		t.Errorf("the request under way was answered %.200q (%v)", said, err)
	}
	<-p.ended
	if took := givenTime() - asked; took > shutdownAfter+5*time.Second {
		t.Errorf("it took the server %s to end", took)
	}
	if p.err != nil {
		t.Errorf("the server ended with %v", p.err)
	}
	if !strings.Contains(h.log.String(), "cut off") {
		t.Error("the log does not tell that a request was cut off")
	}
}

// foreignEnvironment is our environment without what configures avouch, or these tests: the program refuses variables
// of its own that it does not know.
func foreignEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AVOUCH_") })
}
