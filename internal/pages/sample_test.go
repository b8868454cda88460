package pages

import "net/http"

const longText = "https://a-very-long-resource-name-without-any-place-to-break-it.internal.services.example.com/api/v2/orders/and/more"

// samples are pages of every kind, as they are used, some with texts of people who mean no good.
func samples() map[string]*Page {
	return map[string]*Page{
		"handoff": {
			Site: "as.example.com", Title: "Sign in to go on",
			Text:  []string{"Orders App asks for access to your account. To decide, sign in first.", "You will be sent to login.example.com. Your password is typed in there and nowhere else."},
			Links: []Link{{Text: "Sign in at login.example.com", URL: "/signin?return_to=/x", Button: true}},
		},
		"consent": {
			Site: "as.example.com", Title: "Allow access?", Client: "Orders App",
			Text:        []string{"asks for access to your account. If you allow it, it can do what is listed here, in your name, until you take it back."},
			Scopes:      []string{"orders:read", "orders:write", "profile"},
			ScopeTexts:  map[string]string{"orders:read": "See your orders", "orders:write": "Make and change orders in your name"},
			ScopesTitle: "It wants to",
			Facts:       []Fact{{Name: "Client", Value: "orders-app"}, {Name: "Code", Value: "WDJB-MJHT", Code: true}, {Name: "For", Value: longText}, {Name: "Signed in as", Value: "Alice Example (login/248289761001)"}},
			Warning:     "If you did not just start this in Orders App yourself, deny it.",
			Form: &Form{
				Hidden:  []Hidden{{"csrf", "x"}},
				Buttons: []Button{{Text: "Allow", Name: "decision", Value: "allow"}, {Text: "Deny", Name: "decision", Value: "deny", Quiet: true}},
			},
			Links: []Link{{Text: "Not you? Sign in as someone else", URL: "/signin?switch=1"}},
		},
		"device": {
			Site: "as.example.com", Title: "Connect a device",
			Text: []string{"Type in the code that the device shows."},
			Form: &Form{
				Inputs:  []Input{{Name: "user_code", Label: "Code", Hint: "Eight letters, such as WDJB-MJHT. Dashes and capitals do not matter.", Code: true, Autocomplete: "off"}},
				Buttons: []Button{{Text: "Go on", Name: "step", Value: "code"}},
			},
		},
		"device-problem": {
			Site: "as.example.com", Title: "Connect a device", Status: http.StatusBadRequest,
			Text: []string{"Type in the code that the device shows."},
			Form: &Form{
				Problem: "There is no device with this code, or its time is over. Look at the device again.",
				Inputs:  []Input{{Name: "user_code", Label: "Code", Hint: "Eight letters, such as WDJB-MJHT.", Value: "WDJB-MJHX", Code: true}, {Name: "note", Label: "Name of the device"}},
				Buttons: []Button{{Text: "Go on", Name: "step", Value: "code"}, {Text: "Cancel", Name: "step", Value: "cancel", Quiet: true}},
			},
		},
		"success": {
			Site: "as.example.com", Title: "The device is connected", Done: true,
			Text: []string{"Living Room TV can now see your orders. Go back to the device: it goes on by itself.", "You can close this page."},
		},
		"error": {
			Site: "as.example.com", Title: "This link does not work", Status: http.StatusBadRequest, RefusalID: "k7q2m4x9w1zd",
			Text:  []string{"The program that sent you here asked for something that is not allowed. Nothing was given to it.", "Go back to it and try again. If it happens again, tell the people who make it."},
			Links: []Link{{Text: "Sign in again", URL: "/signin"}},
		},
		"hostile": hostilePage(),
	}
}
