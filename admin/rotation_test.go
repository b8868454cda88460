package admin

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/avouch-oauth/avouch/keys"
)

// TestRotationIsSeenBeforeItHappens rotates by schedule and by command, with pauses in which the server is off, and
// looks at every step: the key that signs has been public for twice the JWKS's max-age, and the key of every token
// that is still alive is public.
func TestRotationIsSeenBeforeItHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		maxAge := time.Duration(rapid.Int64Range(int64(time.Minute), int64(24*time.Hour)).Draw(rt, "max age"))
		every := time.Duration(rapid.Int64Range(int64(24*time.Hour), int64(90*24*time.Hour)).Draw(rt, "every"))
		pauses := rapid.SliceOfN(rapid.OneOf(
			rapid.Int64Range(int64(time.Second), int64(10*time.Minute)),
			rapid.Int64Range(int64(time.Hour), int64(100*24*time.Hour)),
		), 1, 25).Draw(rt, "pauses")
		commands := rapid.SliceOfN(rapid.IntRange(0, 9), len(pauses), len(pauses)).Draw(rt, "commands")
		m := rotationModel{maxAge: maxAge, public: map[string]time.Time{}, alive: map[string]time.Time{}}
		synctest.Test(t, func(t *testing.T) {
			m.admin = newAdmin(&memStore{}, newTestSealer(t), Options{Signing: SigningPolicy{Every: every, MaxAge: maxAge}})
			m.maintain()
			for i, pause := range pauses {
				// tokens are signed all the time
				for end := time.Now().Add(time.Duration(pause)); m.fault == "" && time.Now().Before(end); {
					time.Sleep(min(time.Until(end), time.Duration(pause)/7+time.Millisecond))
					m.look()
				}
				if commands[i] == 0 {
					_, err := m.admin.RotateSigningKey(context.Background(), RotateInput{})
					m.check(err)
				}
				m.maintain()
			}
		})
		if m.fault != "" {
			rt.Fatal(m.fault)
		}
	})
}

type rotationModel struct {
	fault  string // the first
	admin  *Admin
	maxAge time.Duration
	first  string
	public map[string]time.Time // since when a key is published
	alive  map[string]time.Time // until when tokens of a key live
}

func (m *rotationModel) failf(format string, args ...any) {
	if m.fault == "" {
		m.fault = fmt.Sprintf(format, args...)
	}
}

func (m *rotationModel) check(err error) {
	if err != nil {
		m.failf("%v", err)
	}
}

func (m *rotationModel) maintain() {
	m.check(m.admin.MaintainSigningKeys(context.Background()))
	m.look()
}

// look signs a token that lives as long as one may, and checks what is published.
func (m *rotationModel) look() {
	at := now()
	ring, err := m.admin.store.SigningKeys(context.Background())
	m.check(err)
	seen := map[string]bool{}
	for _, k := range published(ring, at) {
		seen[k.ID] = true
		if _, before := m.public[k.ID]; !before {
			m.public[k.ID] = at
		}
	}
	current := signer(ring, at)
	if current == nil {
		m.failf("nobody signs at %s", at)
		return
	}
	if len(current.Sealed) == 0 {
		m.failf("the private half of the key that signs is gone")
	}
	if m.first == "" {
		m.first = current.ID
	}
	if since := at.Sub(m.public[current.ID]); current.ID != m.first && since < 2*m.maxAge {
		m.failf("key signs after having been public for %s; max-age is %s", since, m.maxAge)
	}
	m.alive[current.ID] = at.Add(MaxTokenLifetime)
	for kid, until := range m.alive {
		if at.Before(until) && !seen[kid] {
			m.failf("tokens of %s live until %s, and it is not public at %s", kid, until, at)
		}
	}
}

func TestRotateNowWithdrawsEverythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a := newAdmin(&memStore{}, newTestSealer(t), Options{Signing: SigningPolicy{Every: 30 * 24 * time.Hour}})
		if err := a.MaintainSigningKeys(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := a.RotateSigningKey(ctx, RotateInput{}); err != nil { // one waits
			t.Fatal(err)
		}
		result, err := a.RotateSigningKey(ctx, RotateInput{Now: true, Algorithm: "EdDSA"})
		if err != nil {
			t.Fatal(err)
		}
		if result.Already || result.Key.State != "active" || result.Key.Algorithm != "EdDSA" || len(result.Others) != 2 {
			t.Errorf("result %+v", result)
		}
		ring, err := a.store.SigningKeys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, skew := range []time.Duration{-unsure + time.Millisecond, 0, unsure} { // clocks of other processes
			at := now().Add(skew)
			if k := signer(ring, at); k == nil || k.ID != result.Key.ID {
				t.Errorf("at %s another key signs: %+v", skew, k)
			}
			if public := published(ring, at); len(public) != 1 {
				t.Errorf("at %s %d keys are public", skew, len(public))
			}
		}
	})
}

func TestRotateTwiceIsOnce(t *testing.T) {
	ctx := t.Context()
	a := newTest(t)
	if err := a.MaintainSigningKeys(ctx); err != nil {
		t.Fatal(err)
	}
	first, err := a.RotateSigningKey(ctx, RotateInput{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.RotateSigningKey(ctx, RotateInput{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Already || !second.Already || first.Key.ID != second.Key.ID {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if first.Key.State != "next" || len(first.Others) != 1 || first.Others[0].State != "active" {
		t.Errorf("%+v", first)
	}
	if _, err := a.RotateSigningKey(ctx, RotateInput{Algorithm: "PS256"}); code(err) != Conflict {
		t.Errorf("another algorithm while one waits: %v", err)
	}
	for _, bad := range []string{"HS256", "none", "ES512", "es256"} {
		if _, err := a.RotateSigningKey(ctx, RotateInput{Algorithm: bad}); code(err) != Invalid {
			t.Errorf("algorithm %s: %v", bad, err)
		}
	}
}

// TestWrongSealKeyMakesNothing starts on a store that was sealed with another key.
func TestWrongSealKeyMakesNothing(t *testing.T) {
	ctx := t.Context()
	for _, name := range []string{"signing key", "client secret"} {
		t.Run(name, func(t *testing.T) {
			a := newTest(t)
			if name == "signing key" {
				if err := a.MaintainSigningKeys(ctx); err != nil {
					t.Fatal(err)
				}
			} else {
				add(t, a, AddClientInput{ID: "mac", ClientMetadata: ClientMetadata{AuthMethod: methodSecretJWT}, GenerateSecret: true})
			}
			before, err := a.SigningKeys(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for which, sealer := range map[string]*Sealer{"another key": newTestSealer(t), "no key": nil} {
				other := newAdmin(a.store, sealer, Options{})
				if _, err := other.Live(ctx, LiveOptions{}); code(err) != Sealed {
					t.Errorf("%s: Live: %v", which, err)
				}
				if _, err := other.RotateSigningKey(ctx, RotateInput{Now: true}); code(err) != Sealed {
					t.Errorf("%s: rotate: %v", which, err)
				}
				if _, err := other.AddClient(ctx, AddClientInput{ClientMetadata: ClientMetadata{AuthMethod: methodSecretJWT}, GenerateSecret: true}); code(err) != Sealed {
					t.Errorf("%s: add a recoverable secret: %v", which, err)
				}
			}
			after, err := a.SigningKeys(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(after) != len(before) {
				t.Errorf("%d keys became %d", len(before), len(after))
			}
		})
	}
}

func TestReencrypt(t *testing.T) {
	ctx := t.Context()
	first, _ := ParseSealKey([]byte(GenerateSealKey()))
	second, _ := ParseSealKey([]byte(GenerateSealKey()))
	store := openStore(t)
	with := func(key, previous []byte) *Admin {
		sealer, err := NewSealer(key, previous)
		if err != nil {
			t.Fatal(err)
		}
		return newAdmin(store, sealer, Options{})
	}
	a := with(first, nil)
	live, err := a.Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	was, err := live.SigningKey(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "plain"} {
		method := methodSecretJWT
		if id == "plain" {
			method = methodSecretBasic
		}
		add(t, a, AddClientInput{ID: id, ClientMetadata: ClientMetadata{AuthMethod: method}, GenerateSecret: true})
	}

	var told []Progress
	result, err := with(second, first).Reencrypt(ctx, func(p Progress) { told = append(told, p) })
	if err != nil {
		t.Fatal(err)
	}
	if *result != (ReencryptResult{SigningKeys: 1, ClientSecrets: 2}) || len(told) != 3 {
		t.Errorf("%+v, told %+v", result, told)
	}
	if result, err := with(second, first).Reencrypt(ctx, nil); err != nil || *result != (ReencryptResult{Unchanged: 3}) {
		t.Errorf("again: %+v, %v", result, err)
	}
	if _, err := with(first, nil).Live(ctx, LiveOptions{}); code(err) != Sealed {
		t.Errorf("the old key still opens: %v", err)
	}
	live, err = with(second, nil).Live(ctx, LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	is, err := live.SigningKey(time.Now())
	if err != nil || is.ID != was.ID {
		t.Errorf("signs with %v, %v", is, err)
	}
	if c, err := live.Client(ctx, "a"); err != nil || len(c.Secrets) != 1 || len(c.Secrets[0].Value) < 32 {
		t.Errorf("client a: %+v, %v", c, err)
	}
}

func TestFirstKeyIsMadeOnce(t *testing.T) {
	ctx := t.Context()
	path := t.TempDir() + "/avouch.db"
	sealer := newTestSealer(t)
	done := make(chan error)
	for range 4 {
		a := newAdmin(openStoreAt(t, path), sealer, Options{Signing: SigningPolicy{Algorithm: keys.EdDSA}})
		go func() { done <- a.MaintainSigningKeys(ctx) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	ring, err := newAdmin(openStoreAt(t, path), sealer, Options{}).SigningKeys(ctx)
	if err != nil || len(ring) != 1 || ring[0].Algorithm != "EdDSA" || ring[0].State != "active" {
		t.Errorf("%+v, %v", ring, err)
	}
}
