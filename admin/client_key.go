package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// The states of a client's key. It verifies assertions while it is active or retiring, from NotBefore until Expires; a
// next key verifies from its NotBefore on, and one without NotBefore not until it is activated; a revoked key never.
const (
	KeyNext     = "next"
	KeyActive   = "active"
	KeyRetiring = "retiring"
	KeyRevoked  = "revoked"
)

// overlap is how long a retiring key verifies where nobody says otherwise.
const overlap = 24 * time.Hour

// maxKeys is how many keys a client has at the most, revoked ones included: they stay, so that nobody brings them back.
const maxKeys = 100

// ClientKey is one public key of a client.
type ClientKey struct {
	ID         string          `json:"kid"`
	Label      string          `json:"label,omitempty"`
	State      string          `json:"state"`
	Verifies   bool            `json:"verifies"` // an assertion signed by it is accepted now
	Type       string          `json:"type"`     // "EC P-256", "RSA 2048", "Ed25519"
	JWK        json.RawMessage `json:"jwk"`
	Thumbprint string          `json:"thumbprint"` // RFC 7638
	NotBefore  time.Time       `json:"not_before,omitzero"`
	Expires    time.Time       `json:"expires,omitzero"`
	LastUsed   time.Time       `json:"last_used,omitzero"`
	Created    time.Time       `json:"created"`
	Revoked    time.Time       `json:"revoked,omitzero"`
}

// AddKeysInput is public keys to add to a client.
type AddKeysInput struct {
	Keys      []byte // JWK, JWK set, PEM public keys or certificates; private ones are refused with an explanation
	Label     string
	State     string    // active (default) or next
	NotBefore time.Time // zero: at once, or for a next key when it is activated
	Expires   time.Time // zero: when the certificate ends it came in, else never
}

// AddClientKeys adds public keys to a client. A key that the client has already, under any id and in any state, is
// refused: a revoked key does not come back under another name.
func (a *Admin) AddClientKeys(ctx context.Context, client string, in AddKeysInput) ([]ClientKey, error) {
	if err := a.may("client_key.add"); err != nil {
		return nil, err
	}
	var added []storage.ClientKey
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.client(ctx, client)
		if err != nil {
			return err
		}
		var found faults
		f := field{&found, ""}
		added = t.addKeys(f.in("keys"), c, in)
		t.checkCredentials(f, c)
		if err := found.err("client", client); err != nil {
			return err
		}
		kid := ""
		if len(added) == 1 {
			kid = added[0].ID
		}
		return t.putClient(ctx, "client_key.add", kid, c)
	})
	if err != nil {
		return nil, err
	}
	at := now()
	views := make([]ClientKey, 0, len(added))
	for i := range added {
		views = append(views, keyView(&added[i], at))
	}
	return views, nil
}

// addKeys parses keys and appends them to a client that is about to be put.
func (t *tx) addKeys(f field, c *storage.Client, in AddKeysInput) []storage.ClientKey {
	parsed, err := parseKeys(in.Keys)
	switch {
	case err != nil:
		f.fault("%v", err)
		return nil
	case len(parsed) == 0:
		f.fault("there is no key in it")
		return nil
	}
	state := in.State
	switch state {
	case "":
		state = KeyActive
	case KeyActive, KeyNext:
	default:
		f.in("state").fault("%q is not active or next: a key begins as one of them", clip(state))
	}
	f.in("label").text(in.Label, 200)
	var added []storage.ClientKey
	for i := range parsed {
		k, err := newClientKey(&parsed[i])
		if err != nil {
			f.at(i).fault("%v", err)
			continue
		}
		k.Label, k.State, k.Created = in.Label, state, t.now
		k.NotBefore, k.Expires = kept(later(in.NotBefore, k.NotBefore)), kept(earlier(in.Expires, k.Expires))
		f.at(i).unexpired(k, t.now)
		f.at(i).newKey(c, k)
		c.Keys = append(c.Keys, *k)
		added = append(added, *k)
	}
	return added
}

// unexpired refuses a key whose time is over, or never comes. In a document such keys are history and welcome.
func (f field) unexpired(k *storage.ClientKey, at time.Time) {
	switch {
	case expired(k.Expires, at):
		f.in("expires").fault("%s is past: the key would never verify anything", k.Expires.Format(time.RFC3339))
	case !k.Expires.IsZero() && !k.Expires.After(k.NotBefore):
		f.in("expires").fault("it is not after not_before")
	}
}

// newKey checks a key against those the client has.
func (f field) newKey(c *storage.Client, k *storage.ClientKey) {
	f.in("kid").visible(k.ID, 256)
	if len(c.Keys) >= maxKeys {
		f.fault("the client has %d keys already, revoked ones included, which is the most", maxKeys)
	}
	print := thumbprint(k.JWK)
	for i := range c.Keys {
		other := &c.Keys[i]
		switch {
		case thumbprint(other.JWK) == print && other.State == KeyRevoked:
			f.fault("the client has this key already, as %q, and it was revoked: it does not come back; make a new pair", other.ID)
		case thumbprint(other.JWK) == print:
			f.fault("the client has this key already, as %q (%s)", other.ID, other.State)
		case other.ID == k.ID:
			f.in("kid").fault("the client has another key with the kid %q; give this one another kid, or none: its thumbprint then serves", clip(k.ID))
		}
	}
}

// ClientKeys lists the keys of a client, revoked ones included.
func (a *Admin) ClientKeys(ctx context.Context, client string) ([]ClientKey, error) {
	if err := a.may("client_key.list"); err != nil {
		return nil, err
	}
	c, err := a.store.Client(ctx, client)
	if err != nil {
		return nil, said(err, "client", client)
	}
	at := now()
	views := make([]ClientKey, 0, len(c.Keys))
	for i := range c.Keys {
		views = append(views, keyView(&c.Keys[i], at))
	}
	return views, nil
}

// ActivateClientKey makes a next or retiring key active, from now on. It expires when it did before it was retired: when
// its certificate does, or what was said when it was added, else never.
func (a *Admin) ActivateClientKey(ctx context.Context, client, kid string) (*ClientKey, error) {
	return a.changeKey(ctx, client, kid, "client_key.activate", func(k *storage.ClientKey, at time.Time) error {
		switch k.State {
		case KeyRevoked:
			return errRevokedKey(client, kid)
		case KeyRetiring:
			k.Expires, k.Limit = k.Limit, time.Time{}
		}
		if !k.Expires.IsZero() && !k.Expires.After(at) {
			return &Error{Code: Conflict, Kind: "client key", ID: kid, Reason: "it expired at " + k.Expires.Format(time.RFC3339) + "; add a new key"}
		}
		if k.NotBefore.After(at) {
			k.NotBefore = time.Time{}
		}
		k.State = KeyActive
		return nil
	})
}

// RetireClientKey lets a key verify until a time, for the overlap of a rotation. A zero time means 24 h from now. A
// key that expires earlier does so all the same.
func (a *Admin) RetireClientKey(ctx context.Context, client, kid string, until time.Time) (*ClientKey, error) {
	return a.changeKey(ctx, client, kid, "client_key.retire", func(k *storage.ClientKey, at time.Time) error {
		end := kept(until)
		if end.IsZero() {
			end = at.Add(overlap)
		}
		switch {
		case k.State == KeyRevoked:
			return errRevokedKey(client, kid)
		case !end.After(at):
			return faults{{"until", "it is past; to end a key at once, revoke it"}}.err("client key", kid)
		}
		if k.State != KeyRetiring {
			k.Limit = k.Expires
		}
		k.State, k.Expires = KeyRetiring, earlier(end, k.Limit)
		return nil
	})
}

// RevokeClientKey ends a key at once and for good. It stays listed.
func (a *Admin) RevokeClientKey(ctx context.Context, client, kid string) (*ClientKey, error) {
	return a.changeKey(ctx, client, kid, "client_key.revoke", func(k *storage.ClientKey, at time.Time) error {
		if k.State != KeyRevoked {
			k.State, k.Revoked = KeyRevoked, at
		}
		return nil
	})
}

func errRevokedKey(client, kid string) error {
	return &Error{Code: Conflict, Kind: "client key", ID: kid, Reason: fmt.Sprintf("it was revoked, which cannot be undone; add a new key to client %q", client)}
}

// changeKey changes one key of a client.
func (a *Admin) changeKey(ctx context.Context, client, kid, action string, change func(k *storage.ClientKey, at time.Time) error) (*ClientKey, error) {
	if err := a.may(action); err != nil {
		return nil, err
	}
	var view ClientKey
	err := a.write(ctx, func(ctx context.Context, t *tx) error {
		c, err := t.client(ctx, client)
		if err != nil {
			return err
		}
		k := findKey(c, kid)
		if k == nil {
			return &Error{Code: NotFound, Kind: "client key", ID: kid, Reason: fmt.Sprintf("client %q has no key of this kid", client)}
		}
		if err := change(k, t.now); err != nil {
			return err
		}
		view = keyView(k, t.now)
		return t.putClient(ctx, action, kid, c)
	})
	if err != nil {
		return nil, err
	}
	return &view, nil
}

func findKey(c *storage.Client, kid string) *storage.ClientKey {
	for i := range c.Keys {
		if c.Keys[i].ID == kid {
			return &c.Keys[i]
		}
	}
	return nil
}

// verifies reports whether an assertion signed by a key is accepted at a time. The bounds are those that
// [keys.Public.Fits] keeps; this is for showing them.
func verifies(k *storage.ClientKey, at time.Time) bool {
	return mayVerify(k) && !at.Before(k.NotBefore) && (k.Expires.IsZero() || !at.After(k.Expires))
}

// mayVerify reports whether a key verifies at any time as things are. It is the one place where states are judged.
func mayVerify(k *storage.ClientKey) bool {
	switch k.State {
	case KeyActive, KeyRetiring:
		return true
	case KeyNext:
		return !k.NotBefore.IsZero()
	}
	return false
}

func keyView(k *storage.ClientKey, at time.Time) ClientKey {
	v := ClientKey{
		ID: k.ID, Label: k.Label, State: k.State, Verifies: verifies(k, at), JWK: k.JWK,
		NotBefore: k.NotBefore, Expires: k.Expires, LastUsed: k.LastUsed, Created: k.Created, Revoked: k.Revoked,
	}
	if p, err := parseJWK(k.JWK); err == nil {
		v.Type, v.Thumbprint = keyType(p), p.Thumbprint()
	}
	return v
}

// keyLife is what changes record of a key, besides its kid.
func keyLife(k *storage.ClientKey) any {
	return struct {
		State     string    `json:"state"`
		Label     string    `json:"label,omitempty"`
		NotBefore time.Time `json:"not_before,omitzero"`
		Expires   time.Time `json:"expires,omitzero"`
	}{k.State, k.Label, k.NotBefore, k.Expires}
}

// earlier is the earlier of two ends, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// later is the later of two beginnings.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
