package resource

import (
	"encoding/json"
	"net/http"
)

// describe writes the protected-resource metadata (RFC 9728 §2), or nil where the API has none.
func describe(c *Config) ([]byte, error) {
	if location, _ := wellKnown(c.Audience); location == "" {
		return nil, nil
	}
	document, err := json.Marshal(struct {
		Resource      string   `json:"resource"`
		Servers       []string `json:"authorization_servers"`
		Scopes        []string `json:"scopes_supported,omitempty"`
		Methods       []string `json:"bearer_methods_supported"`
		Name          string   `json:"resource_name,omitempty"`
		Documentation string   `json:"resource_documentation,omitempty"`
	}{c.Audience, []string{c.Issuer}, c.Scopes, []string{"header"}, c.Name, c.Documentation})
	if err != nil {
		return nil, err
	}
	return append(document, '\n'), nil
}

// MetadataPath is the path at which clients look for the API's metadata (RFC 9728 §3.1): the well-known path, with
// the path of the Audience behind it. It is "" where the Audience is no URL that can be served
// (https, or http of a loopback host, without a query), and then there is no metadata.
func (g *Guard) MetadataPath() string { return g.metadataPath }

// Metadata serves the API's metadata: which authorization server gives tokens for it, and with which scopes (RFC 9728
// §3.2). Clients that know nothing but the API's URL find everything from there, as MCP asks of them. It belongs at
// [Guard.MetadataPath], in front of no guard.
func (g *Guard) Metadata() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch {
		case g.metadata == nil:
			http.NotFound(w, r)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "metadata is fetched by GET", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Access-Control-Allow-Origin", "*") // public by nature, and clients in browsers need it
		_, _ = w.Write(g.metadata)                // the client has gone: nobody is left to tell
	})
}
