package main

import (
	"crypto"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// TestHostileGuess: who guesses secrets is slowed down, and nobody else (RFC 6749 §2.3.1, §10.10).
func TestHostileGuess(t *testing.T) {
	t.Parallel()
	h := newHostileTown(t, nil)
	next := addresses(4)
	post := func(id, secret string) url.Values { return clientCredentials("client_id", id, "client_secret", secret) }
	right := func(id string) url.Values { return post(id, h.secret[id]) }
	h.shared("neighbour", "client_secret_post")
	mac := func(secret string) url.Values {
		f := h.forger("jwt")
		return asClient(f.mac(object("alg", "HS256", "typ", "JWT"), f.claims(), crypto.SHA256.HashFunc, []byte(secret)))
	}
	ways := map[string]struct {
		id           string
		wrong, right func() attack
	}{
		"post":  {"post", func() attack { return attack{form: post("post", "wrong")} }, func() attack { return attack{form: right("post")} }},
		"basic": {"basic", func() attack { return attack{form: clientCredentials(), with: basicAuth("basic", "wrong")} }, func() attack { return attack{form: clientCredentials(), with: basicAuth("basic", h.secret["basic"])} }},
		"jwt":   {"jwt", func() attack { return attack{form: mac("wrong")} }, func() attack { return attack{form: mac(h.secret["jwt"])} }},
	}
	send := func(a attack, from string, want verdict) answer {
		a.from, a.want = from, want
		return h.attack(t, a)
	}

	// held sends a request from where guesses have run out, and wants it refused. On a slow machine a guess has come back
	// meanwhile: then it is used up, and the request sent again.
	held := func(t *testing.T, a attack, wrong func() attack, from string) answer {
		t.Helper()
		a.from = from
		got := h.attackAny(t, a)
		for range 30 {
			if got.status == http.StatusTooManyRequests {
				break
			}
			for range 30 {
				another := wrong()
				another.from = from
				if h.attackAny(t, another).status == http.StatusTooManyRequests {
					break
				}
			}
			got = h.attackAny(t, a)
		}
		h.want(t, got, tooMany)
		return got
	}

	for name, way := range ways {
		t.Run("one client by "+name, func(t *testing.T) {
			here, there := next(), next()
			for range 10 {
				send(way.wrong(), here, invalidClient)
			}
			for range 3 {
				got := held(t, way.wrong(), way.wrong, here)
				if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 60 {
					t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
				}
			}
			held(t, way.right(), way.wrong, here) // unseen: who guesses learns nothing from being right now
			// A header that anybody can write does not make another address.
			for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
				a := way.wrong()
				inner := a.with
				a.with = func(r *http.Request) {
					if inner != nil {
						inner(r)
					}
					r.Header.Set(header, "for=192.0.2.1, 192.0.2.1")
				}
				held(t, a, way.wrong, here)
			}
			send(way.right(), there, granted)                        // the same client elsewhere
			send(attack{form: right("neighbour")}, here, granted)    // another client here
			send(attack{form: h.vouching(t, "both")}, here, granted) // and one that has no secret to guess
			send(attack{form: asGrant(h.assertion(t, "both", "alice", nil))}, here, granted)
		})
	}

	t.Run("many clients", func(t *testing.T) {
		here := next()
		send(attack{form: right("neighbour")}, here, granted) // known here
		n, refused := 0, 0
		for refused == 0 && n < 300 {
			n++
			got := h.attackAny(t, attack{form: post(fmt.Sprint("client ", n), "wrong"), from: here})
			switch got.status {
			case http.StatusTooManyRequests:
				refused++
			case http.StatusUnauthorized:
			default:
				t.Fatalf("guess %d: %s", n, got.text)
			}
		}
		if n < 90 || n > 200 {
			t.Errorf("%d guesses were taken from one address", n)
		}
		guesses := 0
		wrong := func() attack {
			guesses++
			return attack{form: post(fmt.Sprint("client x", guesses), "wrong")}
		}
		held(t, wrong(), wrong, here)
		held(t, attack{form: right("post")}, wrong, here)        // not known here
		send(attack{form: right("neighbour")}, here, granted)    // who was here before is let in
		send(attack{form: right("post")}, next(), granted)       // nor does it hold elsewhere
		send(attack{form: h.vouching(t, "both")}, here, granted) // keys cannot be guessed
	})

	t.Run("at once", func(t *testing.T) {
		here := next()
		var tried, refused atomic.Int64
		var ended sync.WaitGroup
		for range 8 {
			ended.Go(func() {
				for range 50 {
					switch got := h.attackAny(t, attack{form: post("post", "wrong"), from: here}); got.status {
					case http.StatusUnauthorized:
						tried.Add(1)
					case http.StatusTooManyRequests:
						refused.Add(1)
					default:
						t.Errorf("%d %s", got.status, got.text)
					}
				}
			})
		}
		ended.Wait()
		if tried.Load() < 10 || tried.Load() > 14 {
			t.Errorf("%d of 400 guesses were looked at", tried.Load())
		}
	})
}

// attackAny sends a request whose answer the caller judges.
func (h *hostile) attackAny(t testing.TB, a attack) answer {
	req := h.request(t, a.form)
	if a.with != nil {
		a.with(req)
	}
	return h.send(t, req, a.from)
}
