package grant

import (
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/internal/rate"
	"github.com/avouch-oauth/avouch/internal/remote"
)

// defaultPerAddress is what everybody behind a proxy can do with, which makes one address of all, and what one attacker
// can have kept for a while in a few hundred megabytes.
const defaultPerAddress = 10_000

// publicRate bounds what is kept for clients that do not authenticate: anybody can say that he is one.
type publicRate struct{ limit rate.Limit }

// take takes one request of a public client, or refuses it (RFC 9126 §2.3).
func (p *publicRate) take(req *avouch.Request, perAddress int) error {
	if req.Client.AuthMethod != "none" {
		return nil
	}
	if perAddress == 0 {
		perAddress = defaultPerAddress
	}
	address := ""
	if req.HTTP != nil {
		address = remote.Network(req.HTTP.RemoteAddr)
	}
	if wait := p.limit.Take(req.Now, address, perAddress); wait > 0 {
		return &avouch.Error{
			Code: avouch.InvalidRequest, Status: http.StatusTooManyRequests, RetryAfter: max(wait, time.Second),
			Description: "too many requests have come from this address; come again later",
		}
	}
	return nil
}
