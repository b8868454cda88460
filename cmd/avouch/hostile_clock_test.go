package main

import (
	"net/url"
	"testing"
	"time"
)

// TestHostileClockAhead: the database is swept while the clock is ahead, and the clock is set back. What was revoked is never
// active again; if the store has forgotten it, every answer is an outage.
func TestHostileClockAhead(t *testing.T) {
	t.Parallel()
	h := newHostileDoors(t, nil)
	revoke := func(client, token string) {
		t.Helper()
		h.want(t, h.knock(t, h.at(t, "/oauth/revoke", with(url.Values{"token": {token}}, h.proof(t, client)...)), ""), verdict{200, ""})
	}
	sweep := func(ahead time.Duration) {
		t.Helper()
		if err := h.store.Sweep(t.Context(), time.Now().Add(ahead)); err != nil {
			t.Fatal(err)
		}
	}
	token, consent, other := h.consent(t, "post", "alice"), h.consent(t, "post", "bob"), h.consent(t, "post", "carol")
	revoke("post", token.access)
	revoke("post", consent.refresh)
	for _, ahead := range []time.Duration{time.Hour, 12 * time.Hour, 20 * 365 * 24 * time.Hour, 0} {
		sweep(ahead)
		if h.active(t, token.access) || h.active(t, consent.access) || h.refreshes(t, consent) {
			t.Errorf("swept %s ahead: what was revoked is good again", ahead)
		}
		if !h.active(t, other.access) || !h.refreshes(t, other) {
			t.Errorf("swept %s ahead: what was not revoked is not good", ahead)
		}
	}

	// The clock is wrong for days.
	h.outage = true
	for day := range 4 {
		sweep(time.Duration(day) * 24 * time.Hour)
	}
	for _, access := range []string{token.access, other.access} {
		h.want(t, h.knock(t, h.at(t, "/oauth/introspect", url.Values{"token": {access}, "client_id": {"api"}, "client_secret": {h.secret["api"]}}), ""), unavailable)
	}
	h.want(t, h.knock(t, h.at(t, tokenPath, with(url.Values{"grant_type": {grantRefresh}, "refresh_token": {other.refresh}}, h.proof(t, "post")...)), ""), unavailable)
	if h.active(t, consent.access) { // the end of a consent is remembered for longer
		t.Error("what was revoked is good again")
	}
}
