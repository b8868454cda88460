package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/internal/near"
)

// formOf reads the body of a token request; nil where text is no such thing. An assertion has no = in it.
func formOf(text string) (url.Values, error) {
	text = strings.Trim(text, "\r\n") // of the file it was kept in
	if !strings.Contains(text, "grant_type=") && !strings.Contains(text, "assertion=") {
		return nil, nil
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, usagef("it looks like the body of a token request, and is not application/x-www-form-urlencoded: %w", err)
	}
	return form, nil
}

// parsePast reads a moment that is not ahead: an RFC 3339 time, or how long ago. "" is now.
func parsePast(text string) (time.Time, error) {
	now := time.Now()
	if text == "" {
		return now, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usagef("%q is neither a time such as 2026-11-24T03:12:00Z nor how long ago, such as 20m", text)
	}
	return t, nil
}

// hintUnknown says of an issuer that is unknown who may have been meant.
func hintUnknown(ctx context.Context, a *admin.Admin, reports []*assertion.Report) {
	for _, r := range reports {
		for i, f := range r.Findings {
			if f.Reason == assertion.UnknownIssuer && f.Hint == "" {
				r.Findings[i].Hint = whoIsMeant(ctx, a, r)
			}
		}
	}
}

// whoIsMeant looks for a client or issuer of nearly that name. It is a hint: where the store cannot tell, there is none.
func whoIsMeant(ctx context.Context, a *admin.Admin, r *assertion.Report) string {
	iss := r.Says.Issuer
	if c, err := a.Client(ctx, iss); err == nil {
		if r.Purpose == assertion.Grant && !slices.Contains(c.GrantTypes, grantJWTBearer) {
			return fmt.Sprintf("there is a client %s, and it may not use this grant: avouch client update %[1]s --grant %s",
				c.ID, strings.Join(append(c.GrantTypes, "jwt-bearer"), ","))
		}
		return ""
	}
	if i, err := a.Issuer(ctx, iss); err == nil {
		return fmt.Sprintf("%s is the name of an issuer here, whose iss is %s", i.Name, i.URL)
	}
	page, err := a.Clients(ctx, "", 1000)
	if err != nil {
		return ""
	}
	names := namesOf(page.Clients, func(c admin.Client) string { return c.ID })
	if list, err := a.Issuers(ctx); err == nil {
		names = append(names, namesOf(list, func(i admin.Issuer) string { return i.URL })...)
	}
	if name, how := near.Nearest(iss, names); how != "" {
		return "near " + name + ": " + how
	}
	return "\"avouch client list\" and \"avouch issuer list\" tell who is known"
}
