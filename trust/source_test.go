package trust_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/avouch-oauth/avouch/trust"
)

func TestIssuerIsExact(t *testing.T) {
	list := trust.List{{Issuer: idp, Keys: anyKeys, Rules: []trust.Rule{{Subject: "alice"}}}}
	set, err := trust.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	live := new(trust.Live)
	live.Replace(set)
	for name, source := range map[string]trust.Source{"list": list, "set": set, "live": live} {
		if i, err := source.Issuer(t.Context(), idp); err != nil || i == nil {
			t.Errorf("%s: %v, %v", name, i, err)
		}
		for _, iss := range []string{
			"", idp + "/", "HTTPS://idp.example", "https://IDP.example", idp + ":443", " " + idp, idp + "\n", idp + "\x00",
			idp + ".evil.example", idp + "@evil.example", idp + "%2eevil.example", idp + "/..", idp + "?x", idp + "#",
			"https://idр.example", "https://xn--id-0lc.example",
		} {
			if i, err := source.Issuer(t.Context(), iss); err != nil || i != nil {
				t.Errorf("%s: %q finds %v, %v", name, iss, i, err)
			}
		}
	}
	if known := live.Known(); !slices.Equal(known, []string{idp}) {
		t.Errorf("Known = %q", known)
	}
}

func TestLiveBeforeItIsLoaded(t *testing.T) {
	var live trust.Live
	if i, err := live.Issuer(t.Context(), idp); i != nil || err == nil {
		t.Errorf("Issuer = %v, %v; an issuer that is not loaded is not unknown", i, err)
	}
	if known := live.Known(); known != nil {
		t.Errorf("Known = %q", known)
	}
}

// TestLiveIsOneSnapshot replaces sets while others read: whoever finds an issuer finds it with the rules of one set.
func TestLiveIsOneSnapshot(t *testing.T) {
	var live trust.Live
	replace := func(version int) {
		name := strconv.Itoa(version)
		s, err := trust.Compile(trust.List{{Issuer: idp, Name: name, Keys: anyKeys, Rules: []trust.Rule{{Name: name, Subject: "alice"}}}})
		if err != nil {
			t.Error(err)
		}
		live.Replace(s)
	}
	replace(0)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 500 {
				i, err := live.Issuer(t.Context(), idp)
				if err != nil {
					t.Error(err)
					return
				}
				r, err := i.Match(&trust.Query{Assertion: sub("alice"), Audience: []string{own}})
				if err != nil || r.Name != i.Name {
					t.Errorf("issuer of version %s, rule %v, %v", i.Name, r, err)
					return
				}
			}
		})
	}
	for version := range 200 {
		replace(version)
	}
	readers.Wait()
}

func TestCompileCopies(t *testing.T) {
	list := trust.List{{Issuer: idp, Keys: anyKeys, Rules: []trust.Rule{{Subject: "alice"}}}}
	set, err := trust.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	list[0].Disabled = true
	if i, _ := set.Issuer(t.Context(), idp); i.Disabled {
		t.Error("a change of the list shows in the set")
	}
}

// many is an issuer with n rules, one of them for alice.
func many(tb testing.TB, n int) *trust.Set {
	rules := []trust.Rule{{Subject: "alice", ClientID: "x", Scopes: []string{"a"}}}
	for k := range n - 1 {
		rules = append(rules, trust.Rule{Subject: "subject-" + strconv.Itoa(k)})
	}
	s, err := trust.Compile(trust.List{{Issuer: idp, Keys: anyKeys, Rules: rules}})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestLookupDoesNotAllocate(t *testing.T) {
	var live trust.Live
	live.Replace(many(t, 1000))
	q := &trust.Query{Assertion: sub("alice"), Audience: []string{own}}
	ctx := t.Context()
	allocs := testing.AllocsPerRun(100, func() {
		i, err := live.Issuer(ctx, idp)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Match(q); err != nil {
			t.Fatal(err)
		}
		p := i.Party(q.Audience)
		if len(p.Policy.Audience.Accept) != 1 {
			t.Fatal(p.Policy.Audience.Accept)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 100, 100_000} {
		b.Run(strconv.Itoa(n)+"rules", func(b *testing.B) {
			s := many(b, n)
			q := &trust.Query{Assertion: sub("alice"), Audience: []string{own}}
			b.ReportAllocs()
			for b.Loop() {
				i, _ := s.Issuer(b.Context(), idp)
				if _, err := i.Match(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPartyAudience(t *testing.T) {
	server := []string{own, own + "/oauth/token"}
	tests := []struct {
		name   string
		issuer trust.Issuer
		want   []string
	}{
		{"the server's", trust.Issuer{}, server},
		{"the issuer's instead", trust.Issuer{Audience: []string{"urn:us"}}, []string{"urn:us"}},
		{"a rule's beside", trust.Issuer{Rules: []trust.Rule{{Subject: "a"}, {Subject: "b", Audience: []string{"urn:b"}}}}, append(server[:2:2], "urn:b")},
		{"every rule its own", trust.Issuer{Rules: []trust.Rule{{Subject: "a", Audience: []string{"urn:b"}}, {Subject: "b", Audience: []string{"urn:b"}}}}, []string{"urn:b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.issuer.Issuer, tt.issuer.Keys = idp, anyKeys
			for kind, source := range sources(t, tt.issuer) {
				i, _ := source.Issuer(t.Context(), idp)
				for range 2 { // what is appended must not stay in anybody's list
					if got := i.Party(server).Policy.Audience.Accept; !slices.Equal(got, tt.want) {
						t.Errorf("%s: %q, want %q", kind, got, tt.want)
					}
				}
			}
		})
	}
	if !slices.Equal(server, []string{own, own + "/oauth/token"}) {
		t.Errorf("the server's own values are now %q", server)
	}
}
