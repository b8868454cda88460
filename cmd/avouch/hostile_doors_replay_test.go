package main

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// TestHostileDoorsReplay: a client assertion is good once, wherever it is shown: whoever has seen it at one endpoint cannot
// use it at another.
func TestHostileDoorsReplay(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	everywhere := append(doors(), door{"token", tokenPath, clientCredentials(), granted, false})
	for _, first := range everywhere {
		for _, second := range everywhere {
			t.Run(first.name+" then "+second.name, func(t *testing.T) {
				credentials := h.credentials(t)
				h.want(t, h.enter(t, first, credentials...), first.good)
				got := h.enter(t, second, credentials...)
				h.want(t, got, invalidClient)
				for _, member := range []string{"access_token", "request_uri", "device_code", "active"} {
					if got.body[member] != nil {
						t.Errorf("the second one gets %s", got.text)
					}
				}
			})
		}
	}
	t.Run("all at once", func(t *testing.T) {
		for range 20 {
			credentials := h.credentials(t)
			var mu sync.Mutex
			var through []string
			var all sync.WaitGroup
			for _, d := range slices.Concat(everywhere, everywhere) {
				all.Go(func() {
					got := h.enter(t, d, credentials...)
					if got.status < 300 {
						mu.Lock()
						defer mu.Unlock()
						through = append(through, d.name)
					} else if got.body["error"] != "invalid_client" {
						t.Errorf("%s: %s", d.name, got.text)
					}
				})
			}
			all.Wait()
			if len(through) != 1 {
				t.Errorf("one assertion went through %d doors: %v", len(through), through)
			}
		}
	})
}

// TestHostileDoorsInjection: what strangers write at any endpoint stays text in answers, log and metrics; the log is judged
// at the end of this test as of every other.
func TestHostileDoorsInjection(t *testing.T) {
	t.Parallel()
	management, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := newHostileDoors(t, func(c *config.Config) { c.Management.Listen = management })
	for _, text := range injections {
		for _, d := range doors() {
			name := text[:min(len(text), 2000)]
			for _, a := range []attack{
				{form: with(d.form, "client_id", text)},
				{form: with(d.form, asserting("hidden "+text)...)},
				{form: with(d.form, asserting(h.forger("both").name("kid", name))...)},
				{form: with(d.form, asserting(h.forger("both").say("aud", name))...)},
				{form: with(with(d.form, h.credentials(t)...), name, "1", strings.ToUpper(name), "2")},
				{form: with(with(d.form, "scope", "", "token", "", "redirect_uri", ""), slices.Concat(h.credentials(t), []string{"scope", text, "token", text, "token_type_hint", text, "redirect_uri", text, "resource", text, "state", text})...)},
			} {
				got := h.knock(t, h.at(t, d.path, a.form), "")
				if strings.Contains(got.text, "marker") && !strings.Contains(got.told(), "there more than once") {
					t.Errorf("%s repeats the request: %s", d.name, got.text)
				}
			}
		}
	}
	h.checkMetrics(t, "http://"+management+"/metrics")
}
