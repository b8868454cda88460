package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/keys"
)

// expiresSoon is how long before its end a key is told of: time enough for the next one to reach wherever it is used.
const expiresSoon = 30 * 24 * time.Hour

// keyAdvice is what is worth knowing about the keys of a client: that one is about to end, that one costs the server
// more than it need, that one can sign nothing the client may use.
func keyAdvice(c *admin.Client, now time.Time) []string {
	advice := endingKeys(c, now)
	for _, k := range c.Keys {
		if ended(k, now) {
			continue
		}
		if text := keyCost(k); text != "" {
			advice = append(advice, text)
		}
		if algs := algorithmsOf(k); !mayUse(c, algs) {
			advice = append(advice, fmt.Sprintf("key %s signs with %s, which assertions of %s may not use: avouch client update %[3]s --assertion-alg %s",
				k.ID, algs[0], c.ID, strings.Join(append(allowedAlgorithms(c), algs[0]), ",")))
		}
	}
	return advice
}

// keysLeft is what is worth knowing when a key has changed its state: that the client is about to have none, or has none.
func keysLeft(c *admin.Client, now time.Time) []string {
	if len(c.Keys) > 0 && !slices.ContainsFunc(c.Keys, func(k admin.ClientKey) bool { return !ended(k, now) }) {
		return []string{fmt.Sprintf("no key of %s works any more: avouch client key add %[1]s --keys 1", c.ID)}
	}
	return endingKeys(c, now)
}

// endingKeys tells of keys that end soon, unless that is the plan.
func endingKeys(c *admin.Client, now time.Time) (advice []string) {
	goesOn := slices.ContainsFunc(c.Keys, func(k admin.ClientKey) bool {
		return k.State != admin.KeyRevoked && (k.Expires.IsZero() || k.Expires.Sub(now) > expiresSoon)
	})
	for _, k := range c.Keys {
		left := k.Expires.Sub(now)
		if ended(k, now) || k.Expires.IsZero() || left > expiresSoon || k.State == admin.KeyRetiring && goesOn {
			continue
		}
		text := fmt.Sprintf("key %s of %s expires in %s", k.ID, c.ID, days(left))
		if !goesOn {
			text += fmt.Sprintf(", and no other goes on after it: avouch client key add %s --keys 1", c.ID)
		}
		advice = append(advice, text)
	}
	return advice
}

func ended(k admin.ClientKey, now time.Time) bool {
	return k.State == admin.KeyRevoked || !k.Expires.IsZero() && !now.Before(k.Expires)
}

// keyCost tells of keys whose signatures are dear to verify: whoever has one can keep the server busy. The ratios are
// those of Go's crypto packages, which have fast paths for RSA 2048 and for P-256.
func keyCost(k admin.ClientKey) string {
	var cost string
	switch bits, isRSA := rsaBits(k); {
	case isRSA && bits > 3072:
		cost = "12 times what RSA 2048 costs, and 5 times what ES256 does"
	case isRSA && bits > 2048:
		cost = "6 times what RSA 2048 costs, and twice what ES256 does, which is as strong"
	case k.Type == "EC P-384":
		cost = "10 times what ES256 costs"
	case k.Type == "EC P-521":
		cost = "36 times what ES256 costs"
	default:
		return ""
	}
	return fmt.Sprintf("key %s is %s: to verify one assertion of it costs the server about %s", k.ID, k.Type, cost)
}

func rsaBits(k admin.ClientKey) (bits int, isRSA bool) {
	text, isRSA := strings.CutPrefix(k.Type, "RSA ")
	if !isRSA {
		return 0, false
	}
	bits, err := strconv.Atoi(text)
	return bits, err == nil
}

// algorithmsOf are the algorithms that a key can sign with, the usual one first.
func algorithmsOf(k admin.ClientKey) []string {
	switch k.Type {
	case "EC P-256":
		return []string{"ES256"}
	case "EC P-384":
		return []string{"ES384"}
	case "EC P-521":
		return []string{"ES512"}
	case "Ed25519":
		return []string{"EdDSA"}
	}
	if _, isRSA := rsaBits(k); isRSA {
		return []string{"RS256", "PS256", "RS384", "PS384", "RS512", "PS512"}
	}
	return nil
}

// allowedAlgorithms are those that assertions of a client may be signed with.
func allowedAlgorithms(c *admin.Client) []string {
	if c.AuthAlgorithm != "" && !slices.Contains(c.GrantTypes, grantJWTBearer) {
		return []string{c.AuthAlgorithm}
	}
	if list := c.Assertions.Algorithms; len(list) > 0 {
		return slices.Clone(list)
	}
	var list []string
	for _, alg := range keys.DefaultAlgorithms() {
		list = append(list, string(alg))
	}
	return list
}

// mayUse reports whether one of some algorithms may sign for a client. A type of key that is not known here may.
func mayUse(c *admin.Client, algs []string) bool {
	allowed := allowedAlgorithms(c)
	return len(algs) == 0 || slices.ContainsFunc(algs, func(alg string) bool { return slices.Contains(allowed, alg) })
}

// days is a duration as people say it.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

// notes are advice as the lines below a table.
func notes(advice []string) string {
	text := ""
	for _, line := range advice {
		text += "\nnote: " + line
	}
	return text
}
