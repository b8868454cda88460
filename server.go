package avouch

import "net/http"

// Server is an authorization server. It is safe for concurrent use.
type Server struct{}

// New makes a server. It refuses a configuration that would be unsafe or could never work, telling all faults at once.
func New(c Config) (*Server, error) { panic("not built") }

// TokenEndpoint is the token endpoint (RFC 6749 §3.2).
func (s *Server) TokenEndpoint() http.Handler { panic("not built") }

// JWKS serves the public halves of the signing keys (RFC 7517 §5).
func (s *Server) JWKS() http.Handler { panic("not built") }

// Metadata serves the server's metadata (RFC 8414 §3); MetadataPath says where.
func (s *Server) Metadata() http.Handler { panic("not built") }
