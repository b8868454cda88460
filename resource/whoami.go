package resource

import (
	"encoding/json"
	"net/http"
	"strings"
)

// WhoAmI is a guarded handler that tells callers who their access token speaks for, with the names of RFC 9068 §2.2:
// iss, sub, client_id, scope, aud, exp. It is the smallest API there is: serve it for people who set up a client.
func (g *Guard) WhoAmI() http.Handler {
	return g.Require()(http.HandlerFunc(whoAmI))
}

func whoAmI(w http.ResponseWriter, r *http.Request) {
	caller, ok := FromContext(r.Context())
	if !ok {
		http.Error(w, "no guard stands in front of this handler", http.StatusInternalServerError)
		return
	}
	answer, err := json.Marshal(struct {
		Issuer   string   `json:"iss"`
		Subject  string   `json:"sub"`
		ClientID string   `json:"client_id"`
		Scope    string   `json:"scope,omitempty"`
		Audience []string `json:"aud"`
		Expires  int64    `json:"exp"`
	}{caller.Issuer, caller.Subject, caller.ClientID, strings.Join(caller.Scopes, " "), caller.Audience, caller.Expires.Unix()})
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(answer, '\n')) // the caller has gone: nobody is left to tell
}
