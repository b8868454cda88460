package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
)

// reconcile makes an issuer as the document says. It is a [work].
func (d *IssuerDocument) reconcile(ctx context.Context, t *tx, f field) (outcome, error) {
	i, err := t.Issuer(ctx, d.Name)
	if errors.Is(err, storage.ErrNotFound) {
		i = &storage.Issuer{Name: d.Name, Created: t.now}
		d.record(f, i, t.now)
		set(&i.Disabled, d.Disabled)
		return created(f, issuerState(i), func() error { return t.createIssuer(ctx, f, i) })
	}
	if err != nil {
		return outcome{}, err
	}
	before, revision := issuerState(i), i.Revision
	d.record(f, i, t.now)
	set(&i.Disabled, d.Disabled)
	return updated(f, revision, diff(before, issuerState(i)), func() error { return t.saveIssuer(ctx, f, "issuer.update", before, i) })
}

// reconcile makes a rule as the document says. It is a [work].
func (d *RuleDocument) reconcile(ctx context.Context, t *tx, f field) (outcome, error) {
	r, err := t.Rule(ctx, d.Name)
	if errors.Is(err, storage.ErrNotFound) {
		r = &storage.Rule{Name: d.Name, Created: t.now}
		d.record(f, r)
		set(&r.Disabled, d.Disabled)
		return created(f, ruleState(r), func() error { return t.createRule(ctx, f, r) })
	}
	if err != nil {
		return outcome{}, err
	}
	before, revision := ruleState(r), r.Revision
	d.record(f, r)
	set(&r.Disabled, d.Disabled)
	return updated(f, revision, diff(before, ruleState(r)), func() error { return t.saveRule(ctx, f, "rule.update", before, r) })
}

// reconcile makes a client as the document says, with its keys and secrets. It is a [work].
func (d *resolvedClient) reconcile(ctx context.Context, t *tx, f field) (outcome, error) {
	c, err := t.Client(ctx, d.ID)
	fresh := errors.Is(err, storage.ErrNotFound)
	if fresh {
		c, err = &storage.Client{ID: d.ID, Created: t.now}, t.clientID(ctx, f.in("client_id"), d.ID)
	}
	if err != nil {
		return outcome{}, err
	}
	before, revision := clientState(c), c.Revision
	d.record(f, c)
	set(&c.Disabled, d.Disabled)
	credentials := d.reconcileKeys(t, f, c)
	secrets, err := d.reconcileSecrets(ctx, t, f, c)
	if err != nil {
		return outcome{}, err
	}
	credentials = append(credentials, secrets...)
	if fresh {
		o, err := created(f, clientState(c), func() error { return t.createClient(ctx, f, c) })
		o.fields = append(o.fields, credentials...)
		return o, err
	}
	fields := append(diff(before, clientState(c)), credentials...)
	return updated(f, revision, fields, func() error { return t.saveClient(ctx, f, "client.update", before, c) })
}

func set(to *bool, want *bool) {
	if want != nil {
		*to = *want
	}
}

func created(f field, state any, create func() error) (outcome, error) {
	return outcome{"create", diff(nil, state), 0}, told(f, create())
}

func updated(f field, revision int64, fields []FieldChange, save func() error) (outcome, error) {
	if len(fields) == 0 {
		return outcome{}, nil
	}
	return outcome{"update", fields, revision}, told(f, save())
}

// told leaves out an error that says no more than the faults which f has already.
func told(f field, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == Invalid {
		return nil
	}
	return err
}

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
				old.State, old.Expires = KeyActive, k.Expires
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
		old.Label, old.State, old.NotBefore, old.Expires = k.Label, k.State, k.NotBefore, k.Expires
	}
}

// parseKeys reads public keys, and says it in words where one is private.
func parseKeys(content []byte) ([]keys.Public, error) {
	parsed, err := keys.ParsePublic(content)
	if errors.Is(err, keys.ErrPrivate) {
		return nil, errPrivateKey
	}
	return parsed, err
}

var errPrivateKey = errors.New("this is a private key, or holds one. Only the public half belongs here, and nothing of it was kept; " +
	"but a private key that was handed on is better replaced: make a new pair, and register the public key")

// sameKey finds a key of the same id and the same material.
func sameKey(c *storage.Client, k *storage.ClientKey) *storage.ClientKey {
	if old := findKey(c, k.ID); old != nil && thumbprint(old.JWK) == thumbprint(k.JWK) {
		return old
	}
	return nil
}

// reconcileSecrets gives a client the secrets of the document and removes the others.
func (d *resolvedClient) reconcileSecrets(ctx context.Context, t *tx, f field, c *storage.Client) ([]FieldChange, error) {
	if d.Secrets == nil {
		return nil, nil
	}
	var changes []FieldChange
	old := slices.Clone(c.Secrets)
	c.Secrets = nil
	for i := range d.secrets {
		want := &d.secrets[i]
		at := f.in("secrets").at(i)
		k, err := want.find(t, c, old)
		if err != nil {
			return nil, err
		}
		if k < 0 {
			if err := want.add(ctx, t, at, c); err != nil {
				return nil, err
			}
			changes = append(changes, FieldChange{Field: "secrets[" + strconv.Itoa(i) + "]", New: hidden})
			continue
		}
		s := old[k]
		old = slices.Delete(old, k, k+1)
		before := secretView(&s)
		s.Label, s.Expires = want.Label, kept(want.Expires)
		at.in("label").text(s.Label, 200)
		c.Secrets = append(c.Secrets, s)
		changes = append(changes, diff(map[string]any{"secrets " + s.ID: before}, map[string]any{"secrets " + s.ID: secretView(&s)})...)
	}
	for i := range old {
		changes = append(changes, FieldChange{Field: "secrets " + old[i].ID, Old: hidden})
	}
	return changes, nil
}

// find returns which of the secrets that a client has is the one that is wanted, -1 for none.
func (s *resolvedSecret) find(t *tx, c *storage.Client, old []storage.ClientSecret) (int, error) {
	hash := s.hash
	if s.value != nil {
		sum := sha256.Sum256(s.value)
		hash = sum[:]
	}
	for i := range old {
		switch {
		case len(old[i].Sealed) == 0:
			if hash != nil && subtle.ConstantTimeCompare(old[i].SHA256, hash) == 1 {
				return i, nil
			}
		case s.sealed != nil:
			if old[i].ID == s.ID && subtle.ConstantTimeCompare(old[i].Sealed, s.sealed) == 1 {
				return i, nil
			}
		case s.value != nil:
			plain, _, err := t.sealer.open(place{tableClientSecret, c.ID, old[i].ID}, old[i].Sealed)
			if err != nil {
				return -1, err
			}
			same := subtle.ConstantTimeCompare(plain, s.value) == 1
			clear(plain)
			if same {
				return i, nil
			}
		}
	}
	return -1, nil
}

// add gives a client a secret that it does not have.
func (s *resolvedSecret) add(ctx context.Context, t *tx, f field, c *storage.Client) error {
	switch {
	case s.value != nil:
		return t.addSecret(ctx, f, c, SecretInput{Value: s.value}, s.Label, s.Expires)
	case s.hash == nil && s.sealed == nil:
		return nil // a fault already
	}
	f.in("label").text(s.Label, 200)
	if len(c.Secrets) >= maxSecrets {
		f.fault("the client has %d secrets, which is the most; remove one", maxSecrets)
	}
	added := storage.ClientSecret{ID: s.ID, Label: s.Label, SHA256: s.hash, Sealed: s.sealed, Expires: kept(s.Expires), Created: t.now}
	if s.sealed != nil {
		if !isName(s.ID, 64) {
			f.in("id").fault("it is not the id of a secret")
		}
		if _, _, err := t.sealer.open(place{tableClientSecret, c.ID, s.ID}, s.sealed); err != nil {
			return err
		}
	} else {
		added.ID = strings.ToLower(rand.Text()[:12])
	}
	c.Secrets = append(c.Secrets, added)
	return nil
}
