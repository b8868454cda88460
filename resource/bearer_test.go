package resource

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzHasParameter compares the search for a parameter with net/url, which gives up on the pairs it cannot decode and
// never finds more than we do.
func FuzzHasParameter(f *testing.F) {
	for _, form := range []string{
		"", "access_token", "access_token=", "a=1&access_token=x", "%61ccess_token=x", "access%5Ftoken=x", "a=access_token",
		"Access_Token=x", "access_token%00=x", "a=%zz&access_token=x", "&&access_token", "access+token=x", "access_token;a=1",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		values, err := url.ParseQuery(form)
		theirs, ours := values.Has("access_token"), hasParameter(form, "access_token")
		if theirs && !ours || err == nil && theirs != ours {
			t.Errorf("%q: net/url says %v (%v), we say %v", form, theirs, err, ours)
		}
	})
}

// FuzzBearer: whatever stands in the header, a token that comes out of it is one word.
func FuzzBearer(f *testing.F) {
	for _, header := range []string{"", "Bearer", "Bearer x", "bearer  x ", "Bearer x y", "Bearer x,y", "Basic eDp5", "Bearer\tx", "Bearer \tx"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}, URL: &url.URL{}}
		raw, fault := bearer(r)
		switch {
		case fault != nil && raw != "":
			t.Error("a token and a fault")
		case raw != "" && (strings.ContainsAny(raw, " \t,") || !strings.EqualFold(header[:7], "bearer ")):
			t.Errorf("%q gives %q", header, raw)
		}
	})
}
