package admin

import (
	"errors"
	"strconv"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// reconcileKeys gives a client the keys of the document and revokes the others.
func (d *resolvedClient) reconcileKeys(t *tx, f field, c *storage.Client) []FieldChange {
	had := keyLives(c)
	listed := map[string]bool{}
	switch {
	case d.JWKS != nil:
		d.reconcileSet(t, f.in("jwks"), c, listed)
	case d.Keys != nil:
		for i := range d.Keys {
			d.reconcileKey(t, f.in("keys").at(i), c, &d.Keys[i], d.keys[i], listed)
		}
	case d.JWKSURL == "":
		return nil
	}
	for i := range c.Keys {
		if k := &c.Keys[i]; !listed[k.ID] && k.State != KeyRevoked {
			k.State, k.Revoked = KeyRevoked, t.now
		}
	}
	return diff(had, keyLives(c))
}

func keyLives(c *storage.Client) map[string]any {
	lives := map[string]any{}
	for i := range c.Keys {
		lives["keys "+c.Keys[i].ID] = keyLife(&c.Keys[i])
	}
	return lives
}

// reconcileSet makes the keys of a JWK set active. Their labels and bounds stay as they are.
func (d *resolvedClient) reconcileSet(t *tx, f field, c *storage.Client, listed map[string]bool) {
	parsed, err := parseKeys(d.JWKS)
	if err != nil {
		f.fault("%v", err)
		return
	}
	for i := range parsed {
		k, err := newClientKey(&parsed[i])
		if err != nil {
			f.at(i).fault("%v", err)
			continue
		}
		listed[k.ID] = true
		if old := sameKey(c, k); old != nil {
			switch old.State {
			case KeyRevoked:
				f.at(i).fault("key %q was revoked, which cannot be undone: make a new pair", clip(k.ID))
			case KeyRetiring:
				old.State, old.Expires, old.Limit = KeyActive, earlier(old.Limit, k.Expires), time.Time{}
			case KeyNext:
				old.State, old.NotBefore = KeyActive, k.NotBefore
			}
			continue
		}
		k.State, k.Created = KeyActive, t.now
		f.at(i).newKey(c, k)
		c.Keys = append(c.Keys, *k)
	}
}

// reconcileKey gives one key the life that the document says.
func (d *resolvedClient) reconcileKey(t *tx, f field, c *storage.Client, want *KeyDocument, content []byte, listed map[string]bool) {
	f.in("label").text(want.Label, 200)
	f.in("state").oneOf(want.State, KeyNext, KeyActive, KeyRetiring, KeyRevoked)
	parsed, err := parseKeys(content)
	if err == nil && len(parsed) != 1 {
		err = errors.New("there are " + strconv.Itoa(len(parsed)) + " keys in it where one is wanted")
	}
	if err != nil {
		f.fault("%v", err)
		return
	}
	k, err := newClientKey(&parsed[0])
	if err != nil {
		f.fault("%v", err)
		return
	}
	k.Label, k.State, k.Created = want.Label, want.State, t.now
	k.NotBefore, k.Expires = kept(later(want.NotBefore, k.NotBefore)), kept(earlier(want.Expires, k.Expires))
	if k.State == "" {
		k.State = KeyActive
	}
	if k.State == KeyRetiring && k.Expires.IsZero() {
		f.in("expires").fault("a retiring key needs an end")
	}
	if listed[k.ID] {
		f.fault("the key %q is there twice", clip(k.ID))
	}
	listed[k.ID] = true
	old := sameKey(c, k)
	switch {
	case old == nil:
		if k.State == KeyRevoked {
			k.Revoked = t.now
		}
		f.newKey(c, k)
		c.Keys = append(c.Keys, *k)
	case old.State == KeyRevoked && k.State != KeyRevoked:
		f.in("state").fault("the key was revoked, which cannot be undone: make a new pair")
	default:
		if k.State == KeyRevoked && old.State != KeyRevoked {
			old.Revoked = t.now
		}
		switch {
		case k.State != KeyRetiring:
			old.Limit = time.Time{}
		case old.State != KeyRetiring:
			old.Limit = old.Expires
		}
		old.Label, old.State, old.NotBefore, old.Expires = k.Label, k.State, k.NotBefore, k.Expires
	}
}

// sameKey finds a key of the same id and the same material.
func sameKey(c *storage.Client, k *storage.ClientKey) *storage.ClientKey {
	if old := findKey(c, k.ID); old != nil && thumbprint(old.JWK) == thumbprint(k.JWK) {
		return old
	}
	return nil
}
