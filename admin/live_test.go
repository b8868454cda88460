package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage/sqlite"
	"github.com/avouch-oauth/avouch/trust"
)

var _ interface {
	avouch.Clients
	trust.Source
} = (*Live)(nil)

// TestDisableHoldsElsewhereWithinASecond has two processes' worth of everything on one file.
func TestDisableHoldsElsewhereWithinASecond(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := t.TempDir() + "/avouch.db"
	sealer := newTestSealer(t)
	here := newAdmin(openStoreAt(t, path), sealer, Options{})
	there := newAdmin(openStoreAt(t, path), sealer, Options{})
	live, err := there.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- live.Run(ctx) }()

	made := add(t, here, AddClientInput{ID: "app"})
	if _, err := here.AddIssuer(ctx, IssuerMetadata{Name: "ci", URL: "https://ci.example.com", JWKS: publicJWK(t)}); err != nil {
		t.Fatal(err)
	}
	if _, err := here.AddRule(ctx, RuleMetadata{Name: "r", Issuer: "ci", Subject: "s", AsClient: "app"}); err != nil {
		t.Fatal(err)
	}
	client := func() *avouch.Client {
		c, err := live.Client(ctx, "app")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	issuer := func() *trust.Issuer {
		i, err := live.Issuer(ctx, "https://ci.example.com")
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	within(t, "added", func() bool { return client() != nil && issuer() != nil && len(issuer().Rules) == 1 })
	for _, step := range []struct {
		name   string
		change func() error
		holds  func() bool
	}{
		{"client off", func() error { _, err := here.DisableClient(ctx, "app"); return err }, func() bool { return client().Disabled }},
		{"client on", func() error { _, err := here.EnableClient(ctx, "app"); return err }, func() bool { return !client().Disabled }},
		{"issuer off", func() error { _, err := here.DisableIssuer(ctx, "ci"); return err }, func() bool { return issuer().Disabled }},
		{"rule off", func() error { _, err := here.DisableRule(ctx, "r"); return err }, func() bool { return issuer().Rules[0].Disabled }},
		{"key revoked", func() error { _, err := here.RevokeClientKey(ctx, "app", made.Keys[0].ID); return err }, func() bool {
			_, err := client().Keys.Find(ctx, keys.Hint{ID: made.Keys[0].ID, Algorithm: keys.ES256}, time.Now())
			return errors.Is(err, keys.ErrNoKey)
		}},
		{"signing key", func() error { _, err := here.RotateSigningKey(ctx, RotateInput{}); return err }, func() bool { return len(live.PublicKeys(time.Now()).Keys()) == 2 }},
		{"rule gone", func() error { return here.RemoveRule(ctx, "r") }, func() bool { return len(issuer().Rules) == 0 }},
		{"client gone", func() error { return here.RemoveClient(ctx, "app") }, func() bool { return client() == nil }},
		{"issuer gone", func() error { return here.RemoveIssuer(ctx, "ci") }, func() bool { return issuer() == nil }},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		within(t, step.name, step.holds)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// within waits for a second of the time that this process is given: where the machine has no time for it, neither this
// loop nor what it waits for goes on.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const pause, late = 5 * time.Millisecond, 10 * time.Millisecond
	for waited := time.Duration(0); ; {
		began := time.Now()
		if holds() {
			return
		}
		if waited > time.Second {
			t.Fatalf("%s: does not hold after a second", what)
		}
		time.Sleep(pause)
		waited += min(time.Since(began), pause+late)
	}
}

// TestOwnChangesHoldAtOnce does not run the loop: whoever changes something brings the view up to date himself.
func TestOwnChangesHoldAtOnce(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	other := a.As(Caller{Name: "another", May: All()}) // a copy has the same views
	for range 20 {
		made := add(t, a, AddClientInput{ID: "app"})
		if c, err := live.Client(ctx, "app"); err != nil || c == nil || c.Disabled {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := other.DisableClient(ctx, "app"); err != nil {
			t.Fatal(err)
		}
		if c, err := live.Client(ctx, "app"); err != nil || !c.Disabled {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := a.RevokeClientKey(ctx, "app", made.Keys[0].ID); err != nil {
			t.Fatal(err)
		}
		c, err := live.Client(ctx, "app")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Keys.Find(ctx, keys.Hint{ID: made.Keys[0].ID}, time.Now()); !errors.Is(err, keys.ErrNoKey) || !strings.Contains(err.Error(), "was revoked at") {
			t.Fatal(err)
		}
		if err := other.RemoveClient(ctx, "app"); err != nil {
			t.Fatal(err)
		}
		if c, err := live.Client(ctx, "app"); err != nil || c != nil {
			t.Fatalf("%+v, %v", c, err)
		}
	}
}

func TestStoreDownIsTemporarilyUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := &memStore{}
		a := newAdmin(store, newTestSealer(t), Options{})
		add(t, a, AddClientInput{ID: "app"})
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		all := func() []error {
			_, one := live.Client(ctx, "app")
			_, two := live.Issuer(ctx, "https://idp.example.com")
			_, three := live.SigningKey(time.Now())
			return []error{one, two, three, live.Ready(ctx)}
		}
		for i, err := range all() {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if store.sweep == 0 {
			t.Error("nothing was swept in a minute")
		}

		store.break_(errors.New("disk on fire"))
		time.Sleep(staleAfter - pollEvery)
		synctest.Wait()
		if _, err := live.Client(ctx, "app"); err != nil {
			t.Errorf("what is known is good for 5 s: %v", err)
		}
		time.Sleep(2 * pollEvery)
		synctest.Wait()
		for i, err := range all() {
			var refused *avouch.Error
			if !errors.As(err, &refused) || refused.Code != avouch.TemporarilyUnavailable {
				t.Errorf("%d: after 5 s: %v", i, err)
			}
		}
		if n := len(live.PublicKeys(time.Now()).Keys()); n != 1 {
			t.Errorf("%d keys are published", n)
		}

		store.break_(nil)
		time.Sleep(pollEvery + time.Millisecond)
		synctest.Wait()
		for i, err := range all() {
			if err != nil {
				t.Errorf("%d: when the store is back: %v", i, err)
			}
		}
		cancel()
		<-done
	})
}

// TestUnreadableChangeIsNotOverlooked commits a change and loses the store before it is read back.
func TestUnreadableChangeIsNotOverlooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &memStore{}
		a := newAdmin(store, newTestSealer(t), Options{})
		add(t, a, AddClientInput{ID: "app"})
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := live.Client(ctx, "app"); err != nil {
			t.Fatal(err)
		}
		c, err := store.reader()
		if err != nil {
			t.Fatal(err)
		}
		c.memState.Clients["app"].Disabled = true
		c.Number++
		store.state = *c.memState
		store.break_(errors.New("gone"))
		live.changed(ctx)
		if _, err := live.Client(ctx, "app"); err == nil {
			t.Error("a client is let in by what was known before it was switched off")
		}
	})
}

func TestClientsAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &memStore{}
		a := newAdmin(store, newTestSealer(t), Options{})
		add(t, a, AddClientInput{ID: "app"})
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		before := store.reads
		first, err := live.Client(ctx, "app")
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if c, err := live.Client(ctx, "app"); err != nil || c != first {
				t.Fatal(c, err)
			}
		}
		if n := store.reads - before; n != 1 {
			t.Errorf("%d reads", n)
		}
	})
}

// TestOldClientIsNotPutIntoANewCache is the race of a read that began before a change and ends after it.
func TestOldClientIsNotPutIntoANewCache(t *testing.T) {
	var cache clientCache
	_, _, age := cache.get("app")
	cache.forget()
	cache.put("app", &known{}, age)
	if k, _, _ := cache.get("app"); k != nil {
		t.Error("what was read before the change is still there")
	}
	for i := range maxCached + 10 {
		_, _, age := cache.get("")
		cache.put(fmt.Sprint(i), &known{}, age)
		cache.put(fmt.Sprint("no ", i), nil, age)
	}
	if len(cache.byID) > maxCached || len(cache.absent) > maxCached {
		t.Errorf("%d clients are kept, and %d names of nobody", len(cache.byID), len(cache.absent))
	}
	if _, absent, _ := cache.get(fmt.Sprint("no ", maxCached+9)); !absent {
		t.Error("that there is no such client is forgotten at once")
	}
	cache.forget()
	if _, absent, _ := cache.get(fmt.Sprint("no ", maxCached+9)); absent {
		t.Error("a client that was made meanwhile is not found")
	}
}

func TestKeyUsesAreWritten(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := newTest(t)
	private, public := pair(t)
	made := add(t, a, AddClientInput{ID: "c", Keys: public})
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	live.KeyUsed("c", private.ID, at.Add(-time.Minute))
	live.KeyUsed("c", private.ID, at)
	live.KeyUsed("nobody", private.ID, at) // a client that was removed meanwhile is no failure
	change, err := a.store.Change(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- live.Run(ctx) }()
	cancel() // what is left is written at the end
	<-done
	ctx = t.Context()
	c, err := a.Client(ctx, "c")
	if err != nil || c.Keys[0].ID != made.Keys[0].ID || !c.Keys[0].LastUsed.Equal(kept(at)) {
		t.Errorf("%+v, %v; used at %s", c, err, at)
	}
	if after, err := a.store.Change(ctx); err != nil || after != change {
		t.Errorf("that was a change: %d, %d, %v", change, after, err)
	}
}

// TestOneBadIssuerIsNotTheOthersFault writes an issuer that this version would refuse.
func TestOneBadIssuerIsNotTheOthersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &memStore{}
		a := newAdmin(store, newTestSealer(t), Options{})
		for _, name := range []string{"good", "bad"} {
			if _, err := a.AddIssuer(ctx, IssuerMetadata{Name: name, URL: "https://" + name + ".example.com", JWKS: publicJWK(t)}); err != nil {
				t.Fatal(err)
			}
		}
		store.state.IssuerM["bad"].JWKS = []byte(`{"keys":`)
		live, err := a.Live(ctx, LiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if i, err := live.Issuer(ctx, "https://good.example.com"); err != nil || i == nil {
			t.Errorf("good: %v, %v", i, err)
		}
		if i, err := live.Issuer(ctx, "https://bad.example.com"); err != nil || i != nil {
			t.Errorf("bad: %v, %v", i, err)
		}
	})
}

func TestReadOnlyNeedsNoSealKey(t *testing.T) {
	ctx := t.Context()
	path := t.TempDir() + "/avouch.db"
	a := newAdmin(openStoreAt(t, path), newTestSealer(t), Options{})
	if _, err := a.Live(ctx, LiveOptions{}); err != nil {
		t.Fatal(err)
	}
	add(t, a, AddClientInput{ID: "app"})
	reader := newAdmin(openStoreAt(t, path), nil, Options{})
	live, err := reader.Live(ctx, LiveOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := live.Client(ctx, "app"); err != nil || c == nil {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := live.SigningKey(time.Now()); err == nil {
		t.Error("it signs without a seal key")
	}
	if err := live.Ready(ctx); err != nil {
		t.Error(err)
	}
}

// TestSelfSigned has clients whose own assertions are grants.
func TestSelfSigned(t *testing.T) {
	a, ctx := newTest(t), t.Context()
	add(t, a, AddClientInput{ID: "robot", ClientMetadata: ClientMetadata{Assertions: AssertionPolicy{SubjectOptional: true, ScopeClaim: true}}})
	add(t, a, AddClientInput{ID: "batch", ClientMetadata: ClientMetadata{GrantTypes: []string{grantClientCredentials}}})
	add(t, a, AddClientInput{ID: "mac", ClientMetadata: ClientMetadata{AuthMethod: methodSecretJWT}, GenerateSecret: true})
	if _, err := a.AddRule(ctx, RuleMetadata{Name: "itself", Client: "robot", Nobody: true}); err != nil {
		t.Fatal(err)
	}
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	i, err := live.Issuer(ctx, "robot")
	if err != nil || i == nil || !i.SelfIssued || !i.ScopeClaim || len(i.Rules) != 1 || !i.Rules[0].Nobody {
		t.Errorf("%+v, %v", i, err)
	}
	for _, id := range []string{"batch", "mac", "nobody"} {
		if i, err := live.Issuer(ctx, id); err != nil || i != nil {
			t.Errorf("%s: %+v, %v", id, i, err)
		}
	}
	if _, err := a.DisableClient(ctx, "robot"); err != nil {
		t.Fatal(err)
	}
	if i, err := live.Issuer(ctx, "robot"); err != nil || !i.Disabled {
		t.Errorf("%+v, %v", i, err)
	}
}

func TestClosedStoreFailsClosed(t *testing.T) {
	ctx := t.Context()
	s, err := sqlite.Open(ctx, t.TempDir()+"/avouch.db", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := newAdmin(s, newTestSealer(t), Options{})
	add(t, a, AddClientInput{ID: "app"})
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err = live.Client(ctx, "app")
	var refused *avouch.Error
	if !errors.As(err, &refused) || refused.Code != avouch.TemporarilyUnavailable || refused.Status != 0 && refused.Status != http.StatusServiceUnavailable {
		t.Errorf("%v", err)
	}
}
