// Command mcp-server is an MCP server whose tools are for those only who bring an access token of Avouch. A client that
// knows nothing but its URL finds out by itself where tokens come from.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/avouch-oauth/avouch/resource"
)

func main() {
	issuer := flag.String("issuer", "https://as.example.com", "issuer of the tokens")
	base := flag.String("url", "http://127.0.0.1:8082", "where this server is reachable; tokens name it so, with /mcp, in aud")
	listen := flag.String("listen", "127.0.0.1:8082", "address to listen on")
	flag.Parse()
	mux, err := newMux(*issuer, *base)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("MCP server: %s/mcp", *base)
	log.Fatal(http.ListenAndServe(*listen, mux))
}

func newMux(issuer, base string) (*http.ServeMux, error) {
	guard, err := resource.New(resource.Config{Issuer: issuer, Audience: base + "/mcp", Scopes: []string{"notes:read"}})
	if err != nil {
		return nil, err
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "my_notes", Description: "The notes of whoever asks."}, myNotes)
	tools := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)

	mux := http.NewServeMux()
	mux.Handle("/mcp", auth.RequireBearerToken(verifier(guard), &auth.RequireBearerTokenOptions{
		ResourceMetadataURL: base + guard.MetadataPath(),
		Scopes:              []string{"notes:read"},
	})(tools))
	mux.Handle("GET "+guard.MetadataPath(), guard.Metadata()) // RFC 9728: the way from here to the authorization server
	return mux, nil
}

// verifier lets the guard judge the tokens that the SDK's middleware finds. The SDK shows its errors to the caller, so
// they say nothing of ours.
func verifier(guard *resource.Guard) auth.TokenVerifier {
	return func(ctx context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
		caller, err := guard.Verify(ctx, raw)
		switch {
		case errors.Is(err, resource.ErrInvalidToken):
			return nil, auth.ErrInvalidToken // 401
		case err != nil:
			return nil, errors.New("access tokens cannot be verified at the moment") // 500: our outage, nobody gets in
		}
		return &auth.TokenInfo{
			UserID:     caller.Subject, // a session stays with the user who began it
			Scopes:     caller.Scopes,
			Expiration: caller.Expires, // without one the SDK refuses
		}, nil
	}
}

// myNotes is a tool. Whoever called it is in the request.
func myNotes(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	who := req.Extra.TokenInfo.UserID
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "the notes of " + who}}}, nil, nil
}
