package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/avouch-oauth/avouch/storage"
)

// touchAtOnce is how many keys are written in one transaction: others wait meanwhile.
const touchAtOnce = 500

// TouchKeys implements [storage.Store].
func (s *Store) TouchKeys(ctx context.Context, uses []storage.KeyUse) error {
	type key struct{ client, id string }
	latest := make(map[key]int64, len(uses))
	var order []key
	for _, u := range uses {
		k := key{u.Client, u.Key}
		at, known := latest[k]
		if !known {
			order = append(order, k)
		}
		if ms := u.At.Truncate(time.Millisecond).UnixMilli(); !known || ms > at {
			latest[k] = ms
		}
	}
	for portion := range slices.Chunk(order, touchAtOnce) {
		err := s.transaction(ctx, func(tx *transaction) error {
			for _, k := range portion {
				if err := tx.touch(k.client, k.id, latest[k]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// touch records that a key was used, where the client has such a key and no later use is known.
func (tx *transaction) touch(client, key string, ms int64) error {
	_, err := tx.exec(`INSERT INTO key_uses (client, key, used)
		SELECT ?1, ?2, ?3 WHERE EXISTS (
			SELECT 1 FROM clients c, json_each(c.document, '$.Keys') k WHERE c.id = ?1 AND k.value ->> 'ID' = ?2)
		ON CONFLICT DO UPDATE SET used = max(used, excluded.used)`, client, key, ms)
	return wrap(err)
}
