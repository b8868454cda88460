package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

func Test(t *testing.T) {
	server, err := newServer("http://127.0.0.1", &kioskPIN{pins: map[string]pin{"271828": {"lobby", time.Now().Add(time.Minute)}}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.TokenEndpoint())
	defer s.Close()
	for _, try := range []struct {
		pin    string
		status int
	}{{"000000", 400}, {"271828", 200}, {"271828", 400}} {
		resp, err := http.PostForm(s.URL, url.Values{"grant_type": {(*kioskPIN)(nil).Type()}, "pin": {try.pin}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != try.status {
			t.Errorf("PIN %s: %s, want %d", try.pin, resp.Status, try.status)
		}
	}
}
