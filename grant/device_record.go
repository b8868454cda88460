package grant

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/handle"
)

// deviceGrace is how long the record of a device code is kept after the code has expired, so that the device is told
// expired_token and does not have to guess.
const deviceGrace = 10 * time.Minute

// deviceRecord is what is kept of a device code, as JSON: what the device asks for, and what the user has decided.
type deviceRecord struct {
	Client    string     `json:"client"`
	Scopes    []string   `json:"scopes"`
	Resources []string   `json:"resources,omitempty"`
	Expires   time.Time  `json:"expires"` // of the code; the record is kept for longer
	Denied    bool       `json:"denied,omitempty"`
	Consent   *consented `json:"consent,omitempty"` // nil until the user has consented
}

func readDevice(record *handle.Record) (*deviceRecord, error) {
	d := new(deviceRecord)
	if err := json.Unmarshal(record.Data, d); err != nil {
		return nil, fmt.Errorf("the record of a device code: %w", err)
	}
	return d, nil
}

// decide puts a user's decision into the record. An error is a fault of Ask.
func (d *deviceRecord) decide(now time.Time, asked []string, c *Consent) error {
	if c.Denied {
		d.Denied = true
		return nil
	}
	if c.Subject == "" {
		return errors.New("Ask returned a Consent without a Subject")
	}
	scopes := asked
	if c.Scopes != nil {
		scopes = c.Scopes
	}
	for _, scope := range scopes {
		if !slices.Contains(asked, scope) {
			return fmt.Errorf("Ask returned a Consent with the scope %q, which was not asked for", scope)
		}
	}
	family := rand.Text()
	d.Consent = &consented{
		Client: d.Client, Subject: c.Subject, Scopes: scopes, Resources: d.Resources, Family: family, At: now,
	}
	for name, value := range c.Claims {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("the claim %q of a Consent: %w", name, err)
		}
		if d.Consent.Claims == nil {
			d.Consent.Claims = make(map[string]json.RawMessage, len(c.Claims))
		}
		d.Consent.Claims[name] = raw
	}
	return nil
}
