package grant

import (
	"encoding/json"
	"fmt"
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
