package admin

import (
	"net/http"
	"testing"
)

// TestAnyAudienceIsTheOperators: a client that registers itself cannot say it, and does not lose it when it changes its
// registration. A running server knows it.
func TestAnyAudienceIsTheOperators(t *testing.T) {
	s, ctx := newRegistration(t, true), t.Context()
	me := s.register(t, "", `{"grant_types":["client_credentials"],"any_audience":true,"audiences":["https://orders.example.com"]}`)
	id, address, bearer := me["client_id"].(string), me["registration_client_uri"].(string), me["registration_access_token"].(string)
	is := func(want bool) {
		t.Helper()
		shown, err := s.Client(ctx, id)
		if err != nil || shown.AnyAudience != want || len(shown.Audiences) > 0 {
			t.Errorf("the operator sees %+v, %v; want any_audience %t", shown, err, want)
		}
		s.live.changed(ctx)
		if c, err := s.live.Client(ctx, id); err != nil || c.AnyAudience != want || len(c.Audiences) > 0 {
			t.Errorf("the server sees %+v, %v; want AnyAudience %t", c, err, want)
		}
	}
	is(false)
	put := func() {
		t.Helper()
		status, answer := s.ask(t, http.MethodPut, address, bearer, `{"client_id":"`+id+`","grant_types":["client_credentials"],"any_audience":true}`)
		if status != http.StatusOK || answer["any_audience"] != nil {
			t.Errorf("PUT: %d %v", status, answer)
		}
	}
	put()
	is(false)
	shown, err := s.Client(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	shown.AnyAudience = true
	if _, err := s.UpdateClient(ctx, id, 0, shown.ClientMetadata); err != nil {
		t.Fatal(err)
	}
	is(true)
	put()
	is(true)
}
