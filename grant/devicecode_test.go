package grant_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
)

// TestDeviceCode is the whole way, once: codes, waiting, typing in, deciding, the token, and what follows.
func TestDeviceCode(t *testing.T) {
	s := newDeviceSite().start(t)

	meta := s.browse(t, "GET", "/.well-known/oauth-authorization-server", nil)
	var metadata struct {
		Endpoint string   `json:"device_authorization_endpoint"`
		Grants   []string `json:"grant_types_supported"`
	}
	if err := json.Unmarshal([]byte(meta.Body), &metadata); err != nil {
		t.Fatal(err)
	}
	if metadata.Endpoint != s.issuer+"/oauth/device_authorization" || !slices.Contains(metadata.Grants, grant.DeviceCodeType) || strings.Contains(meta.Body, "/device\"") {
		t.Errorf("%s", meta.Body)
	}

	c := s.started(t, "scope", "write read", "resource", "https://other.example")
	if len(c.DeviceCode) != 43 || len(c.UserCode) != 9 || c.UserCode[4] != '-' || c.URI != s.issuer+"/device" ||
		c.Complete != c.URI+"?user_code="+c.UserCode || c.Expires != 600 || c.Interval != 5 || len(c.Members) != 6 {
		t.Errorf("%+v", c)
	}
	if a := s.poll(t, c.DeviceCode); a.Status != 400 || a.Error != "authorization_pending" || a.AccessToken != "" {
		t.Errorf("%+v", a)
	}

	entry := s.browse(t, "GET", "/device", nil)
	if entry.Status != 200 || !strings.Contains(entry.Body, `name="user_code"`) || strings.Contains(entry.Body, c.UserCode) {
		t.Errorf("%d %s", entry.Status, entry.Body)
	}
	asking := s.typeIn(t, " "+strings.ToLower(strings.ReplaceAll(c.UserCode, "-", " ")))
	if asking.Status != 200 || !strings.Contains(asking.Body, `action="/device?user_code=`+c.UserCode+`"`) || !strings.Contains(asking.Body, "wants write read") {
		t.Fatalf("%d %s", asking.Status, asking.Body)
	}
	q := s.asked[0]
	if q.Client.ID != "tv" || q.UserCode != c.UserCode || q.RedirectURI != "" || q.Param("client_id") != "" ||
		!slices.Equal(q.Scopes, []string{"write", "read"}) || !slices.Equal(q.Resources, []string{"https://other.example"}) {
		t.Errorf("%+v", q)
	}
	s.approve(t, c.UserCode)
	if e := s.last(); e.Endpoint != "device_verification" || e.ClientID != "tv" || e.Subject != "alice" || !slices.Equal(e.Scopes, q.Scopes) || e.Err != nil {
		t.Errorf("%+v", e)
	}

	a := s.poll(t, c.DeviceCode)
	claims := a.claims(t)
	if a.Status != 200 || a.Scope != "write read" || claims["sub"] != "alice" || claims["client_id"] != "tv" ||
		claims["aud"] != "https://other.example" || claims["tenant"] != 7.0 {
		t.Errorf("%+v %v", a, claims)
	}
	refresh, _ := a.Members["refresh_token"].(string)
	renewed, _ := s.post(t, "/oauth/token", "grant_type", "refresh_token", "client_id", "tv", "refresh_token", refresh)
	if renewed.Status != 200 || renewed.Scope != "write read" || renewed.claims(t)["sub"] != "alice" {
		t.Errorf("%+v", renewed)
	}

	// A second exchange: somebody else has the code, so that nothing that came of it is good any more.
	if a := s.poll(t, c.DeviceCode); a.Error != "invalid_grant" || a.AccessToken != "" {
		t.Errorf("%+v", a)
	}
	refresh, _ = renewed.Members["refresh_token"].(string)
	if a, _ := s.post(t, "/oauth/token", "grant_type", "refresh_token", "client_id", "tv", "refresh_token", refresh); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
	for _, secret := range []string{c.DeviceCode, c.UserCode, strings.ReplaceAll(c.UserCode, "-", ""), refresh, a.AccessToken} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	if !strings.Contains(s.log.String(), "authorization_pending") {
		t.Error("at the level debug the log has no line of the question that came too early")
	}
}

// TestDevicePoll: what a device is told that asks for what it does not get, and that nothing is used up by it.
func TestDevicePoll(t *testing.T) {
	for _, test := range []struct {
		name     string
		before   func(t *testing.T, s *deviceSite, c deviceCodes) // after approval
		client   string
		code     func(c deviceCodes) string
		pairs    []string
		want     string
		status   int
		undo     func(s *deviceSite)
		thenGood bool
	}{
		{name: "no code", code: func(deviceCodes) string { return "" }, want: "invalid_request", thenGood: true},
		{name: "unknown code", code: func(deviceCodes) string { return strings.Repeat("a", 43) }, want: "invalid_grant", thenGood: true},
		{name: "user code", code: func(c deviceCodes) string { return c.UserCode }, want: "invalid_grant", thenGood: true},
		{name: "junk", code: func(c deviceCodes) string { return strings.Repeat("\u00e9\n%00", 3000) }, want: "invalid_grant", thenGood: true},
		{name: "code twice", pairs: []string{"device_code", "x"}, want: "invalid_request", thenGood: true},
		{name: "another client", client: "other", want: "invalid_grant", thenGood: true},
		{name: "unknown client", client: "nobody", want: "invalid_client", status: 401, thenGood: true},
		{name: "no client", client: "", want: "invalid_client", status: 401, thenGood: true},
		{name: "client without the grant", client: "no-grant", want: "unauthorized_client", thenGood: true},
		{name: "scope beyond consent", pairs: []string{"scope", "read write"}, want: "invalid_scope", thenGood: true},
		{name: "resource of nobody", pairs: []string{"resource", "https://elsewhere.example"}, want: "invalid_target", thenGood: true},
		{
			name: "client disabled after approval", want: "invalid_client", status: 401, thenGood: true,
			before: func(t *testing.T, s *deviceSite, c deviceCodes) {
				s.change("tv", func(c *avouch.Client) { c.Disabled = true })
			},
			undo: func(s *deviceSite) { s.change("tv", func(c *avouch.Client) { c.Disabled = false }) },
		},
		{
			name: "client lost the grant after approval", want: "unauthorized_client", thenGood: true,
			before: func(t *testing.T, s *deviceSite, c deviceCodes) {
				s.change("tv", func(c *avouch.Client) { c.Grants = nil })
			},
			undo: func(s *deviceSite) {
				s.change("tv", func(c *avouch.Client) { c.Grants = []string{grant.DeviceCodeType} })
			},
		},
		{
			name: "subject disabled after approval", want: "invalid_grant", thenGood: true,
			before: func(t *testing.T, s *deviceSite, c deviceCodes) { s.disabled["alice"] = true },
			undo:   func(s *deviceSite) { s.disabled["alice"] = false },
		},
		{
			name: "subject that has become a client", want: "invalid_grant", thenGood: true,
			before: func(t *testing.T, s *deviceSite, c deviceCodes) {
				s.clients["alice"] = &avouch.Client{ID: "alice"}
			},
			undo: func(s *deviceSite) { delete(s.clients, "alice") },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newDeviceSite().start(t)
			c := s.started(t)
			s.approve(t, c.UserCode)
			if test.before != nil {
				test.before(t, s, c)
			}
			client, code := "tv", c.DeviceCode
			if test.client != "" || strings.HasPrefix(test.name, "no client") {
				client = test.client
			}
			if test.code != nil {
				code = test.code(c)
			}
			a := s.pollAs(t, client, code, test.pairs...)
			if test.status == 0 {
				test.status = 400
			}
			if a.Error != test.want || a.Status != test.status || a.AccessToken != "" {
				t.Errorf("%d %s: %s", a.Status, a.Error, a.Description)
			}
			if test.undo != nil {
				test.undo(s)
			}
			if a := s.poll(t, c.DeviceCode); a.Status != 200 {
				t.Errorf("afterwards %d %s: %s", a.Status, a.Error, a.Description)
			}
		})
	}
}

// TestDevicePollOfAnother: whose code it is not learns nothing of it, and does not slow down whose it is.
func TestDevicePollOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDeviceSite().startInBubble(t)
		c, denied, expired := s.started(t), s.started(t), s.started(t)
		s.decide(t, denied.UserCode, "deny")
		s.poll(t, c.DeviceCode)
		time.Sleep(2 * time.Second)
		unknown := s.pollAs(t, "other", "x")
		for _, code := range []string{c.DeviceCode, denied.DeviceCode} {
			if a := s.pollAs(t, "other", code); a.Error != "invalid_grant" || a.Description != unknown.Description {
				t.Errorf("%+v", a)
			}
		}
		time.Sleep(3 * time.Second)
		if a := s.poll(t, c.DeviceCode); a.Error != "authorization_pending" {
			t.Errorf("%+v", a)
		}
		time.Sleep(10 * time.Minute)
		if a := s.pollAs(t, "other", expired.DeviceCode); a.Error != "invalid_grant" {
			t.Errorf("%+v", a)
		}
	})
}

// TestDeviceScopeLost: a client that may have less than when it asked gets less.
func TestDeviceScopeLost(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t, "scope", "read write admin")
	s.change("tv", func(c *avouch.Client) { c.Scopes = []string{"read", "write"} })
	s.approve(t, c.UserCode)
	if got := s.asked[0].Scopes; !slices.Equal(got, []string{"read", "write"}) {
		t.Errorf("the user was asked for %q", got)
	}
	s.change("tv", func(c *avouch.Client) { c.Scopes = []string{"read"} })
	if a := s.poll(t, c.DeviceCode); a.Scope != "read" {
		t.Errorf("%+v", a)
	}
}

// TestDeviceDenied: a no is told, and stays a no.
func TestDeviceDenied(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t)
	p := s.decide(t, c.UserCode, "deny")
	if p.Status != 200 || !strings.Contains(p.Body, "not connected") || !strings.Contains(p.Body, "go back to your device") {
		t.Errorf("%d %s", p.Status, p.Body)
	}
	for range 2 {
		if a := s.poll(t, c.DeviceCode); a.Error != "access_denied" || a.Status != 400 {
			t.Errorf("%+v", a)
		}
	}
	if p := s.decide(t, c.UserCode, "allow"); p.Status != 400 {
		t.Errorf("%d %s", p.Status, p.Body)
	}
	if a := s.poll(t, c.DeviceCode); a.Error != "access_denied" {
		t.Errorf("%+v", a)
	}
}

// TestDeviceConfidential: a client that authenticates is held to it, at both endpoints, and the device code is its own.
func TestDeviceConfidential(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.begin(t, "client_id", "server", "client_secret", secretOf)
	if c.Status != 200 {
		t.Fatalf("%+v", c.answer)
	}
	s.approve(t, c.UserCode)
	for _, pairs := range [][]string{{}, {"client_secret", "wrong"}} {
		if a := s.pollAs(t, "server", c.DeviceCode, pairs...); a.Error != "invalid_client" {
			t.Errorf("%q: %+v", pairs, a)
		}
	}
	if a := s.pollAs(t, "server", c.DeviceCode, "client_secret", secretOf); a.Status != 200 || a.claims(t)["client_id"] != "server" {
		t.Errorf("%+v", a)
	}
}

// TestDeviceFamilyEnded: what a consent gave may have been revoked before the device fetched it.
func TestDeviceFamilyEnded(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t)
	s.approve(t, c.UserCode)
	record, err := s.store.Handle(t.Context(), time.Now(), "device_code", handle.Digest(c.DeviceCode))
	if err != nil || record == nil {
		t.Fatal(err)
	}
	var kept struct {
		Consent struct{ Family string }
	}
	if err := json.Unmarshal(record.Data, &kept); err != nil || kept.Consent.Family == "" {
		t.Fatalf("%s %v", record.Data, err)
	}
	if err := s.store.Revoke(t.Context(), time.Now(), time.Now().Add(time.Hour), handle.FamilyID(kept.Consent.Family)); err != nil {
		t.Fatal(err)
	}
	if a := s.poll(t, c.DeviceCode); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
}

// TestDeviceOfAnEarlierClient: a consent that was given to a client that was deleted is not that of one that gets its id.
func TestDeviceOfAnEarlierClient(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t)
	s.approve(t, c.UserCode)
	s.change("tv", func(c *avouch.Client) { c.Created = time.Now() })
	if a := s.poll(t, c.DeviceCode); a.Error != "invalid_grant" {
		t.Errorf("%+v", a)
	}
	c = s.started(t)
	s.approve(t, c.UserCode)
	if a := s.poll(t, c.DeviceCode); a.Status != 200 {
		t.Errorf("its own: %+v", a)
	}
}

// TestDeviceConcurrentPolls: of many that fetch the token at the same moment one gets it.
func TestDeviceConcurrentPolls(t *testing.T) {
	s := newDeviceSite().start(t)
	c := s.started(t)
	s.approve(t, c.UserCode)
	const polls = 64
	answers := make([]answer, polls)
	var all sync.WaitGroup
	for k := range polls {
		all.Go(func() { answers[k] = s.poll(t, c.DeviceCode) })
	}
	all.Wait()
	won := 0
	for _, a := range answers {
		switch {
		case a.Status == 200:
			won++
		case a.Error != "invalid_grant":
			t.Errorf("%+v", a)
		}
	}
	if won != 1 {
		t.Errorf("%d have won", won)
	}
}

// TestDeviceExpiry: a code that has expired is called so for a while, and cannot be decided about.
func TestDeviceExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDeviceSite().startInBubble(t)
		c, approved, denied := s.started(t), s.started(t), s.started(t)
		s.approve(t, approved.UserCode)
		s.decide(t, denied.UserCode, "deny")
		time.Sleep(10*time.Minute - time.Second)
		if a := s.poll(t, c.DeviceCode); a.Error != "authorization_pending" {
			t.Errorf("%+v", a)
		}
		if p := s.typeIn(t, c.UserCode); p.Status != 200 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
		time.Sleep(time.Second)
		for range 2 {
			for _, code := range []string{c.DeviceCode, approved.DeviceCode} {
				if a := s.poll(t, code); a.Error != "expired_token" || a.Status != 400 {
					t.Errorf("%+v", a)
				}
			}
			if a := s.poll(t, denied.DeviceCode); a.Error != "access_denied" {
				t.Errorf("%+v", a)
			}
			if p := s.decide(t, c.UserCode, "allow"); p.Status != 400 {
				t.Errorf("%d %s", p.Status, p.Body)
			}
			time.Sleep(9 * time.Minute)
		}
		for _, code := range []string{c.DeviceCode, approved.DeviceCode, denied.DeviceCode} {
			if a := s.poll(t, code); a.Error != "invalid_grant" {
				t.Errorf("%+v", a)
			}
		}
	})
}

// TestDeviceExpiresWhileAsked: a user who decides too late has decided nothing.
func TestDeviceExpiresWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDeviceSite()
		s.grant.Ask = func(http.ResponseWriter, *http.Request, *grant.Question) (*grant.Consent, error) {
			time.Sleep(11 * time.Minute)
			return &grant.Consent{Subject: "alice"}, nil
		}
		s.startInBubble(t)
		c := s.started(t)
		if p := s.typeIn(t, c.UserCode); p.Status != 400 {
			t.Errorf("%d %s", p.Status, p.Body)
		}
		if a := s.poll(t, c.DeviceCode); a.Error != "expired_token" {
			t.Errorf("%+v", a)
		}
	})
}

// TestDevicePace: a device that asks too often is told, and has to wait longer from then on (RFC 8628 §3.5).
func TestDevicePace(t *testing.T) {
	type step struct {
		wait time.Duration
		want string
	}
	const pending, slow = "authorization_pending", "slow_down"
	for name, steps := range map[string][]step{
		"as told":    {{0, pending}, {5 * time.Second, pending}, {5 * time.Second, pending}, {5 * time.Second, pending}},
		"a bit fast": {{0, pending}, {4 * time.Second, pending}, {4500 * time.Millisecond, pending}},
		"too fast": {
			{0, pending}, {3 * time.Second, slow}, // 10 s from now on
			{5 * time.Second, slow},                                                            // 15 s
			{15 * time.Second, pending}, {15 * time.Second, pending}, {10 * time.Second, slow}, // 20 s
			{20 * time.Second, pending},
		},
		"one question twice": {
			{0, pending}, {0, pending}, {0, slow}, {0, slow}, // the repeated one gets the same answer; 10 s
			{10 * time.Second, pending}, {100 * time.Millisecond, pending}, {2 * time.Second, slow}, // 15 s
			{15 * time.Second, pending},
		},
		"hammering": append(slices.Repeat([]step{{2 * time.Second, slow}}, 40), step{time.Minute, pending}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newDeviceSite().startInBubble(t)
				c, other := s.started(t), s.started(t)
				if name == "hammering" {
					s.poll(t, c.DeviceCode)
				}
				for k, step := range steps {
					time.Sleep(step.wait)
					if a := s.poll(t, c.DeviceCode); a.Error != step.want || a.Status != 400 {
						t.Errorf("step %d: %+v", k, a)
					}
				}
				if a := s.poll(t, other.DeviceCode); a.Error != pending {
					t.Errorf("another code: %+v", a)
				}
				// A decision is told whenever it is asked for.
				s.approve(t, c.UserCode)
				if a := s.poll(t, c.DeviceCode); a.Status != 200 {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}

// TestDevicePaceIsBounded: however many codes there are, the memory of their pace is not.
func TestDevicePaceIsBounded(t *testing.T) {
	var p grant.Pace
	now := time.Now()
	for k := range 40_000 {
		var code [32]byte
		code[0], code[1], code[2] = byte(k), byte(k>>8), byte(k>>16)
		if grant.TooFast(&p, now, code, 5*time.Second, now.Add(time.Minute)) {
			t.Fatal("a first question is too fast")
		}
	}
	if n := p.Known(); n > 1<<14 {
		t.Errorf("%d are known", n)
	}
	grant.TooFast(&p, now.Add(time.Minute), [32]byte{31: 1}, 5*time.Second, now.Add(time.Hour))
	if n := p.Known(); n != 1 {
		t.Errorf("%d are known when all but one have expired", n)
	}
}

// TestDeviceRestart: a code that was given before the server started, and decided about after it, is good.
func TestDeviceRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDeviceSite().startInBubble(t)
		before, after := s.started(t), s.started(t)
		s.approve(t, before.UserCode)
		time.Sleep(2 * time.Minute)
		s.replay = replay.NewMemory(replay.MemoryConfig{}) // which knows nothing of what was used before
		s.startInBubble(t)
		time.Sleep(2 * time.Minute)
		s.approve(t, after.UserCode)
		if a := s.poll(t, after.DeviceCode); a.Status != 200 {
			t.Errorf("%+v", a)
		}
		if a := s.poll(t, before.DeviceCode); a.Error != "invalid_grant" { // nobody can tell whether it was used
			t.Errorf("%+v", a)
		}
	})
}

// TestDeviceStoreDown: a store that is down is never a no, and nothing is lost by it.
func TestDeviceStoreDown(t *testing.T) {
	s := newDeviceSite().start(t)
	unavailable := func(what string, status int, header http.Header, body string) {
		t.Helper()
		if status != 503 || header.Get("Retry-After") != "1" || strings.Contains(body, "secret-of-the-operator") {
			t.Errorf("%s: %d %v %s", what, status, header, body)
		}
	}
	for _, down := range []string{"PutHandle device_code", "PutHandle user_code"} {
		s.store.set(down)
		a, body := s.post(t, "/oauth/device_authorization", "client_id", "tv")
		unavailable(down, a.Status, a.Header, string(body))
		if a.Error != "temporarily_unavailable" || a.Members["device_code"] != nil {
			t.Errorf("%s", body)
		}
	}
	s.store.set()
	c := s.started(t)
	for _, down := range []string{"Handle user_code", "Handle device_code"} {
		s.store.set(down)
		for range 30 { // which are no guesses
			p := s.typeIn(t, c.UserCode)
			unavailable(down, p.Status, p.Header, p.Body)
		}
	}
	s.store.set("PutHandle")
	p := s.decide(t, c.UserCode, "allow")
	unavailable("PutHandle", p.Status, p.Header, p.Body)
	s.store.set("Handle")
	a, body := s.post(t, "/oauth/token", "grant_type", grant.DeviceCodeType, "client_id", "tv", "device_code", c.DeviceCode)
	unavailable("Handle", a.Status, a.Header, string(body))
	s.store.set()
	if a := s.poll(t, c.DeviceCode); a.Error != "authorization_pending" {
		t.Errorf("%+v", a)
	}
	s.approve(t, c.UserCode)
	s.store.set("Revoked")
	a, body = s.post(t, "/oauth/token", "grant_type", grant.DeviceCodeType, "client_id", "tv", "device_code", c.DeviceCode)
	unavailable("Revoked", a.Status, a.Header, string(body))
	s.store.set()
	if a := s.poll(t, c.DeviceCode); a.Status != 200 {
		t.Errorf("%+v", a)
	}
	s.store.set("Revoke")
	a, body = s.post(t, "/oauth/token", "grant_type", grant.DeviceCodeType, "client_id", "tv", "device_code", c.DeviceCode)
	unavailable("Revoke", a.Status, a.Header, string(body))
}

// TestDeviceStoreHoldsNoCodes: who has a copy of the store can neither type in a code nor fetch a token.
func TestDeviceStoreHoldsNoCodes(t *testing.T) {
	s := newDeviceSite()
	kept := &recordingDeviceStore{Store: handle.NewMemory(0)}
	s.kept = kept
	s.start(t)
	c := s.started(t)
	s.approve(t, c.UserCode)
	for _, data := range kept.data {
		for _, code := range []string{c.DeviceCode, c.UserCode, strings.ReplaceAll(c.UserCode, "-", "")} {
			if strings.Contains(data, code) {
				t.Errorf("%q has %q", data, code)
			}
		}
	}
	if len(kept.data) != 3 { // two codes, one decision
		t.Errorf("%q", kept.data)
	}
}

// TestUserCodesAreUnique: a user code that is taken is not given again.
func TestUserCodesAreUnique(t *testing.T) {
	s := newDeviceSite()
	taken := &takenCodesStore{Store: handle.NewMemory(0), taken: 3}
	s.kept = taken
	s.start(t)
	c := s.started(t)
	if p := s.typeIn(t, c.UserCode); p.Status != 200 {
		t.Errorf("%d %s", p.Status, p.Body)
	}
	taken.taken = 1000
	if c := s.begin(t, "client_id", "tv"); c.Status != 503 || taken.taken < 900 {
		t.Errorf("%+v, %d tries left", c.answer, taken.taken)
	}
}

// TestDeviceCodeValidate: what cannot work is told at the start, and does not work.
func TestDeviceCodeValidate(t *testing.T) {
	for want, change := range map[string]func(g *grant.DeviceCode){
		"Ask is required": func(g *grant.DeviceCode) { g.Ask = nil },
		"Lifetime -1s":    func(g *grant.DeviceCode) { g.Lifetime = -time.Second },
		"Lifetime 1ms":    func(g *grant.DeviceCode) { g.Lifetime = time.Millisecond },
		"Lifetime 2h0m0s": func(g *grant.DeviceCode) { g.Lifetime = 2 * time.Hour },
		"Interval -5s":    func(g *grant.DeviceCode) { g.Interval = -5 * time.Second },
		"Interval 1.5s":   func(g *grant.DeviceCode) { g.Interval = 1500 * time.Millisecond },
		"Interval 1m1s":   func(g *grant.DeviceCode) { g.Interval = 61 * time.Second },
		"SignInOrigin":    func(g *grant.DeviceCode) { g.SignInOrigin = "https://login.example/path" },
	} {
		t.Run(want, func(t *testing.T) {
			s := newDeviceSite().start(t)
			if err := s.grant.Validate(); err != nil {
				t.Fatal(err)
			}
			change(s.grant)
			if err := s.grant.Validate(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			// Whoever does not call New, or changes it later, gets no code by it.
			if c := s.begin(t, "client_id", "tv"); c.Status != 500 || c.DeviceCode != "" {
				t.Errorf("%+v", c)
			}
			if a := s.poll(t, "x"); a.Error != "server_error" {
				t.Errorf("%+v", a)
			}
			if p := s.browse(t, "GET", "/device", nil); p.Status != 500 {
				t.Errorf("%d %s", p.Status, p.Body)
			}
		})
	}
}

// TestDeviceTimes: lifetime and interval are those of the grant.
func TestDeviceTimes(t *testing.T) {
	s := newDeviceSite()
	s.grant.Lifetime, s.grant.Interval = time.Hour, time.Second
	s.start(t)
	if c := s.started(t); c.Expires != 3600 || c.Interval != 1 {
		t.Errorf("%+v", c)
	}
	s = newDeviceSite()
	s.refresh = nil
	s.start(t)
	c := s.started(t)
	s.approve(t, c.UserCode)
	if a := s.poll(t, c.DeviceCode); a.Status != 200 || a.Members["refresh_token"] != nil {
		t.Errorf("%+v", a)
	}
}
