package admin

import "context"

// Progress is how far a long operation has come.
type Progress struct {
	Done  int    `json:"done"`
	Total int    `json:"total"`
	What  string `json:"what,omitempty"` // what was just done, such as "client billing"
}

// ReencryptResult says what [Admin.Reencrypt] did.
type ReencryptResult struct {
	SigningKeys   int `json:"signing_keys"`   // sealed anew
	ClientSecrets int `json:"client_secrets"` // sealed anew
	Unchanged     int `json:"unchanged"`      // sealed with the current key already
}

// Reencrypt seals everything with the current seal key that is still sealed with the previous one, in portions. It may
// be stopped and started again. When it has returned without an error, the previous key is no longer needed.
func (a *Admin) Reencrypt(ctx context.Context, progress func(Progress)) (*ReencryptResult, error) {
	panic("not built")
}
