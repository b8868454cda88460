package sqlite

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// A document is a record as JSON. Its members are named as the fields of the record, so that a new field needs no change
// here; a field that is renamed needs a migration, of which TestOldDocuments reminds. What encoding/json would not give
// back as it was stands in the outer struct, where it hides the field of the same name in the record.

type clientDocument struct {
	storage.Client
	Keys     []keyDocument
	Extra    map[string]text
	Revision omitted `json:",omitempty"` // a column
}

type keyDocument struct {
	storage.ClientKey
	JWK      text
	LastUsed omitted `json:",omitempty"` // in key_uses
}

type issuerDocument struct {
	storage.Issuer
	JWKS     text
	Revision omitted `json:",omitempty"`
}

type ruleDocument struct {
	storage.Rule
	Revision omitted `json:",omitempty"`
}

type signingKeyDocument struct {
	storage.SigningKey
	Public   text
	Revision omitted `json:",omitempty"`
}

type subjectDocument struct {
	storage.Subject
	Revision omitted `json:",omitempty"`
}

type initialTokenDocument struct {
	storage.InitialToken
	Revision omitted `json:",omitempty"`
}

// omitted is a field of a record that is not in its document.
type omitted []struct{}

// text is raw JSON kept as it came, as a JSON string: as JSON it would be written without its spaces.
type text json.RawMessage

func (t text) MarshalJSON() ([]byte, error) {
	if t == nil {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

func (t *text) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = nil
	if s != nil {
		*t = text(*s)
	}
	return nil
}

func encodeClient(c *storage.Client) *clientDocument {
	d := &clientDocument{Client: *c}
	stamps(&d.Created, &d.Updated)
	d.Secrets = slices.Clone(c.Secrets)
	for i := range d.Secrets {
		stamps(&d.Secrets[i].Expires, &d.Secrets[i].Created)
	}
	if c.Keys != nil {
		d.Keys = make([]keyDocument, len(c.Keys))
	}
	for i, k := range c.Keys {
		stamps(&k.NotBefore, &k.Expires, &k.Limit, &k.Created, &k.Revoked)
		d.Keys[i] = keyDocument{ClientKey: k, JWK: text(k.JWK)}
	}
	if c.Extra != nil {
		d.Extra = make(map[string]text, len(c.Extra))
	}
	for name, value := range c.Extra {
		d.Extra[name] = text(value)
	}
	return d
}

// decodeClient makes a client of its document and of when its keys were used, a JSON object of milliseconds by key id.
func decodeClient(document, uses string) (*storage.Client, error) {
	var d clientDocument
	if err := decode(document, &d); err != nil {
		return nil, err
	}
	var used map[string]int64
	if err := decode(uses, &used); err != nil {
		return nil, err
	}
	c := &d.Client
	if d.Keys != nil {
		c.Keys = make([]storage.ClientKey, len(d.Keys))
	}
	for i, k := range d.Keys {
		c.Keys[i] = k.ClientKey
		c.Keys[i].JWK = json.RawMessage(k.JWK)
		if ms, ok := used[k.ID]; ok {
			c.Keys[i].LastUsed = time.UnixMilli(ms).UTC()
		}
	}
	if d.Extra != nil {
		c.Extra = make(map[string]json.RawMessage, len(d.Extra))
	}
	for name, value := range d.Extra {
		c.Extra[name] = json.RawMessage(value)
	}
	return c, nil
}

func encodeIssuer(i *storage.Issuer) *issuerDocument {
	d := &issuerDocument{Issuer: *i, JWKS: text(i.JWKS)}
	stamps(&d.JWKSUpdated, &d.Created, &d.Updated)
	return d
}

func decodeIssuer(document string, revision int64) (*storage.Issuer, error) {
	var d issuerDocument
	err := decode(document, &d)
	d.Issuer.JWKS, d.Issuer.Revision = json.RawMessage(d.JWKS), revision
	return &d.Issuer, err
}

func encodeRule(r *storage.Rule) *ruleDocument {
	d := &ruleDocument{Rule: *r}
	stamps(&d.Created, &d.Updated)
	return d
}

func decodeRule(document string, revision int64) (*storage.Rule, error) {
	var d ruleDocument
	err := decode(document, &d)
	d.Rule.Revision = revision
	return &d.Rule, err
}

func encodeSigningKey(k *storage.SigningKey) *signingKeyDocument {
	d := &signingKeyDocument{SigningKey: *k, Public: text(k.Public)}
	stamps(&d.Created, &d.NotBefore, &d.NotAfter, &d.Remove)
	return d
}

func decodeSigningKey(document string, revision int64) (*storage.SigningKey, error) {
	var d signingKeyDocument
	err := decode(document, &d)
	d.SigningKey.Public, d.SigningKey.Revision = json.RawMessage(d.Public), revision
	return &d.SigningKey, err
}

func encodeSubject(s *storage.Subject) *subjectDocument {
	d := &subjectDocument{Subject: *s}
	stamps(&d.Created, &d.Updated)
	return d
}

func decodeSubject(document string, revision int64) (*storage.Subject, error) {
	var d subjectDocument
	err := decode(document, &d)
	d.Subject.Revision = revision
	return &d.Subject, err
}

func encodeInitialToken(t *storage.InitialToken) *initialTokenDocument {
	d := &initialTokenDocument{InitialToken: *t}
	stamps(&d.Expires, &d.Created)
	return d
}

func decodeInitialToken(document string, revision int64) (*storage.InitialToken, error) {
	var d initialTokenDocument
	err := decode(document, &d)
	d.InitialToken.Revision = revision
	return &d.InitialToken, err
}

// stamps rounds times down to what a store keeps.
func stamps(times ...*time.Time) {
	for _, t := range times {
		if !t.IsZero() {
			*t = t.UTC().Truncate(time.Millisecond)
		} else {
			*t = time.Time{}
		}
	}
}

// decode refuses members it does not know: they come from a newer avouch, and to pass over a condition, or to lose it at
// the next Put, would be worse than to stop.
func decode(document string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(document)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the document")
	}
	return nil
}
