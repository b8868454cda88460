package grant

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/pages"
)

// withCode is the request by which Ask is called first: a GET of the page with the code in its address, as the browser
// would come back to it. What was posted was a code and no answer to anything that Ask has asked.
func withCode(r *http.Request, typed []string) *http.Request {
	first := r.Clone(r.Context())
	first.Method, first.Body, first.ContentLength, first.TransferEncoding = http.MethodGet, http.NoBody, 0, nil
	first.Form, first.PostForm, first.MultipartForm = nil, nil, nil
	first.Header.Del("Content-Type")
	first.Header.Del("Content-Length")
	if code := oneUserCode(typed); code != "" {
		first.URL.RawQuery = url.Values{"user_code": {shownUserCode(code)}}.Encode()
	}
	if path, _, _ := strings.Cut(r.RequestURI, "?"); path != "" {
		first.RequestURI = path + "?" + first.URL.RawQuery
	}
	return first
}

// entryPage is where a code is typed in.
func (v *verification) entryPage(problem string) *pages.Page {
	return &pages.Page{
		Title: "Connect a device",
		Text:  []string{"Type in the code that your device shows."},
		Form: &pages.Form{
			Action: "?", // the page itself, without the query of its address
			Inputs: []pages.Input{{
				Name: "user_code", Label: "Code", Hint: "Such as BCDF-GHJK; the dash may be left out.", Autocomplete: "off", Code: true, MaxLength: 32,
			}},
			Buttons: []pages.Button{{Text: "Continue"}},
			Problem: problem,
		},
		FormTarget: v.SignInOrigin,
	}
}

// comparePage shows the code of the address, which somebody else may have sent: only the user can tell whether it is the
// one on his device (RFC 8628 §3.3.1, §5.4). Whether there is such a code it does not say.
func (v *verification) comparePage(code string) *pages.Page {
	return &pages.Page{
		Title: "Connect a device",
		Text: []string{
			"Does your device show this very code?",
			"Continue only if you hold the device in your hands, or see it before you. If somebody has sent you here by a message or on the phone, close this page: whoever has the device would get into your account.",
		},
		Facts: []pages.Fact{{Name: "Code", Value: shownUserCode(code), Code: true}},
		Form: &pages.Form{
			Action:  "?",
			Hidden:  []pages.Hidden{{Name: "user_code", Value: shownUserCode(code)}},
			Buttons: []pages.Button{{Text: "Yes, my device shows this code"}},
		},
		Links:      []pages.Link{{Text: "It shows another code", URL: "?"}},
		FormTarget: v.SignInOrigin,
	}
}

func approvedPage(client *avouch.Client) *pages.Page {
	return &pages.Page{
		Title: "Your device is connected", Client: nameOf(client), Done: true,
		Text: []string{"You can go back to your device now, and close this page."},
	}
}

func deniedPage(client *avouch.Client) *pages.Page {
	return &pages.Page{
		Title: "Your device is not connected", Client: nameOf(client),
		Text: []string{"It gets no access. You can go back to your device now, and close this page."},
	}
}

// siteOf is whose pages these are: the host that the user should see in the address.
func siteOf(server *avouch.Server) string {
	u, err := url.Parse(server.Issuer())
	if err != nil {
		return "" // a Server has checked its issuer
	}
	return u.Host
}

func nameOf(client *avouch.Client) string {
	if client.Name != "" {
		return client.Name
	}
	return client.ID
}

// wrongCode is the answer to every code that is none: one text for the user, the reason for the operator.
func (v *verification) wrongCode(reason string) (*pages.Page, error) {
	page := v.entryPage("This code is not accepted. Compare it with your device, which may show a new one by now.")
	page.Status = http.StatusBadRequest
	return page, &avouch.Error{Code: avouch.InvalidRequest, Description: "the user code is not accepted", Err: errors.New(reason)}
}

// refusedPage says why there is nothing else to see.
func refusedPage(e *avouch.Error) *pages.Page {
	page := refusalPage(e, "This did not work", "The request is refused: "+e.Description+".")
	page.Links = []pages.Link{{Text: "Type in a code", URL: "?"}}
	return page
}

func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}
