package admin

import "time"

// Change is one committed change, for the audit trail. It never holds a secret or a private key.
type Change struct {
	Time   time.Time     `json:"time"`
	Actor  string        `json:"actor"`            // who; "" where nobody was named, see [Admin.As]
	Action string        `json:"action"`           // "client.add", "client_key.revoke", "signing_key.rotate", ...
	ID     string        `json:"id"`               // of the client, issuer, rule or signing key
	Key    string        `json:"key,omitempty"`    // kid, or id of the secret, for changes of one key or secret of a client
	Fields []FieldChange `json:"fields,omitempty"` // what is different; secrets are told as "(hidden)"
}

// FieldChange is one field before and after, as JSON text or, for secrets, "(hidden)".
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}
