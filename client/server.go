package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/internal/metadata"
)

// metadataLife is how long metadata is relied on. The token endpoint hardly ever moves; a token lives for minutes.
const metadataLife = time.Hour

// server is an authorization server as it was configured, and what it says of itself.
type server struct {
	issuer   string
	tokenURL string // "" where metadata says it

	mu      sync.Mutex
	known   endpoint
	askedAt time.Time
}

func newServer(issuer, tokenURL string) *server {
	return &server{issuer: issuer, tokenURL: tokenURL}
}

// check refuses what could never be a server, or would send credentials over an open network.
func (s *server) check() error {
	var faults []error
	if s.issuer == "" && s.tokenURL == "" {
		faults = append(faults, errors.New("neither Issuer nor TokenURL: name the authorization server"))
	}
	if s.issuer != "" {
		if err := metadata.CheckIssuer(s.issuer); err != nil {
			faults = append(faults, fmt.Errorf("the Issuer: %w", err))
		}
	}
	if s.tokenURL != "" {
		if err := metadata.CheckURL(s.tokenURL); err != nil {
			faults = append(faults, fmt.Errorf("the TokenURL: %w", err))
		}
	}
	return errors.Join(faults...)
}

// endpoint returns where token requests go.
func (s *server) endpoint(ctx context.Context) (endpoint, error) {
	if s.tokenURL != "" {
		return endpoint{issuer: s.issuer, tokenURL: s.tokenURL}, nil
	}
	now := time.Now()
	s.mu.Lock()
	known, askedAt := s.known, s.askedAt
	s.mu.Unlock()
	if known.tokenURL != "" && now.Before(askedAt.Add(metadataLife)) {
		return known, nil
	}
	document, err := metadata.Fetch(ctx, contextClient(ctx), s.issuer)
	if err != nil {
		return endpoint{}, err
	}
	if document.TokenEndpoint == "" {
		return endpoint{}, fmt.Errorf("the metadata of %s has no token_endpoint", s.issuer)
	}
	found := endpoint{issuer: document.Issuer, tokenURL: document.TokenEndpoint}
	s.mu.Lock()
	s.known, s.askedAt = found, now
	s.mu.Unlock()
	return found, nil
}
