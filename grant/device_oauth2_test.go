package grant_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// TestDeviceOfOAuth2: the device half of golang.org/x/oauth2 gets its token, wherever it puts its client id. Where it
// does not know yet where to put it, it asks every question twice; that must not make it slower and slower.
func TestDeviceOfOAuth2(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{
		"finding out": oauth2.AuthStyleAutoDetect, "in the form": oauth2.AuthStyleInParams, "in the header": oauth2.AuthStyleInHeader,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newDeviceSite().startInBubble(t)
				ctx := context.WithValue(t.Context(), oauth2.HTTPClient, s.http)
				config := &oauth2.Config{ClientID: "tv", Scopes: []string{"read"}, Endpoint: oauth2.Endpoint{
					DeviceAuthURL: s.issuer + "/oauth/device_authorization", TokenURL: s.issuer + "/oauth/token", AuthStyle: style,
				}}
				codes, err := config.DeviceAuth(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if codes.VerificationURI != s.issuer+"/device" || codes.VerificationURIComplete == "" || time.Until(codes.Expiry) != 10*time.Minute {
					t.Errorf("%+v", codes)
				}
				began := time.Now()
				go func() {
					time.Sleep(62 * time.Second)
					s.approve(t, codes.UserCode)
				}()
				tok, err := config.DeviceAccessToken(ctx, codes)
				if err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(began); waited != 65*time.Second { // the next question after 62 s
					t.Errorf("the token came after %v", waited)
				}
				if !tok.Valid() || tok.RefreshToken == "" || tok.Extra("scope") != "read" {
					t.Errorf("%+v", tok)
				}
				// and what it does with a refresh token that rotates
				tok.Expiry = time.Now().Add(-time.Minute)
				renewed, err := config.TokenSource(ctx, tok).Token()
				if err != nil || renewed.AccessToken == tok.AccessToken || renewed.RefreshToken == tok.RefreshToken {
					t.Errorf("%+v %v", renewed, err)
				}
			})
		})
	}
	t.Run("denied", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newDeviceSite().startInBubble(t)
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: s.http.Transport})
			config := &oauth2.Config{ClientID: "tv", Endpoint: oauth2.Endpoint{
				DeviceAuthURL: s.issuer + "/oauth/device_authorization", TokenURL: s.issuer + "/oauth/token",
			}}
			codes, err := config.DeviceAuth(ctx)
			if err != nil {
				t.Fatal(err)
			}
			s.decide(t, codes.UserCode, "deny")
			_, err = config.DeviceAccessToken(ctx, codes)
			if e, ok := err.(*oauth2.RetrieveError); !ok || e.ErrorCode != "access_denied" {
				t.Errorf("%v", err)
			}
		})
	})
}
