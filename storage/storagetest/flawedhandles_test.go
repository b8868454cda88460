package storagetest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/avouch-oauth/avouch/handle"
)

// handles is a store of handles as one writes it in ten minutes, with maps. Without a flaw it is right.
type handles struct {
	flaw    string
	mu      sync.Mutex
	last    int64
	records map[handleKey]handle.Record
	revoked map[string]time.Time
	dropped time.Time
}

type handleKey struct {
	kind   string
	digest [32]byte
}

func newHandles(flaw string) *handles {
	return &handles{flaw: flaw, records: map[handleKey]handle.Record{}, revoked: map[string]time.Time{}}
}

func (h *handles) key(kind string, digest [32]byte) handleKey {
	switch h.flaw {
	case "forgets the kind of a handle":
		kind = ""
	case "folds the case of kinds":
		kind = strings.ToLower(kind)
	case "compares half a digest":
		clear(digest[16:])
	case "takes a digest for text": // which ends at the first NUL
		if i := bytes.IndexByte(digest[:], 0); i >= 0 {
			clear(digest[i:])
		}
	}
	return handleKey{kind, digest}
}

func (h *handles) now(now time.Time) time.Time {
	switch h.flaw {
	case "looks at its own clock":
		return time.Now()
	case "rounds now to seconds":
		return now.Truncate(time.Second)
	}
	return now
}

// gap lets others in where nobody should come.
func (h *handles) gap(flaw string) {
	if h.flaw == flaw {
		h.mu.Unlock()
		runtime.Gosched()
		h.mu.Lock()
	}
}

func (h *handles) PutHandle(ctx context.Context, now time.Time, r *handle.Record) error {
	if ctx.Err() != nil && h.flaw != "goes on when the context has ended" {
		return ctx.Err()
	}
	if err := r.Check(h.now(now)); err != nil && h.flaw != "keeps whatever it is given" {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	key := h.key(r.Kind, r.Digest)
	there, ok := h.records[key]
	h.gap("asks before it puts")
	switch {
	case h.flaw == "overwrites":
	case r.Revision == 0 && ok:
		return handle.ErrExists
	case r.Revision != 0 && !ok && h.flaw == "makes what it is to replace":
	case r.Revision != 0 && (!ok || there.Revision != r.Revision) && h.flaw != "ignores revisions":
		if h.flaw == "confuses its errors" {
			return handle.ErrExists
		}
		return handle.ErrConflict
	}
	if h.flaw != "keeps the revision" || r.Revision == 0 {
		h.last++
		r.Revision = h.last
	}
	own := *r
	if h.flaw != "shares memory" {
		own.Data = bytes.Clone(r.Data)
	}
	switch h.flaw {
	case "takes data for text":
		own.Data = bytes.ToValidUTF8(own.Data, []byte("?"))
	case "cuts long data":
		own.Data = own.Data[:min(len(own.Data), handle.MaxData-1)]
	case "keeps the first end":
		if ok {
			own.Expires = there.Expires
		}
	}
	h.records[key] = own
	return nil
}

func (h *handles) Handle(ctx context.Context, now time.Time, kind string, digest [32]byte) (*handle.Record, error) {
	if ctx.Err() != nil && h.flaw != "goes on when the context has ended" {
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.records[h.key(kind, digest)]
	over := !r.Expires.After(h.now(now))
	if h.flaw == "gives what expires now" {
		over = r.Expires.Before(now)
	}
	switch {
	case !ok && h.flaw == "says an error for nothing":
		return nil, errors.New("none")
	case !ok || over && h.flaw != "gives what has expired":
		return nil, nil
	}
	r.Kind = kind
	r.Digest = digest
	if h.flaw != "shares memory" {
		r.Data = bytes.Clone(r.Data)
	}
	return &r, nil
}

func (h *handles) id(id string) string {
	switch h.flaw {
	case "folds the case of ids":
		return strings.ToLower(id)
	case "cuts long ids":
		return id[:min(len(id), 255)]
	case "takes ids for C strings":
		id, _, _ = strings.Cut(id, "\x00")
	}
	return id
}

func (h *handles) Revoke(ctx context.Context, now, until time.Time, ids ...string) error {
	if ctx.Err() != nil && h.flaw != "goes on when the context has ended" {
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !until.After(now) && h.flaw == "ignores what has passed" {
		return nil
	}
	for i, id := range ids {
		old := h.revoked[h.id(id)]
		h.gap("lets others in while it revokes")
		switch {
		case h.flaw == "revokes the first only" && i > 0:
		case until.After(old) && (h.flaw != "keeps the first revocation" || old.IsZero()), h.flaw == "keeps the last revocation":
			h.revoked[h.id(id)] = until
		}
	}
	return nil
}

func (h *handles) Revoked(ctx context.Context, now time.Time, ids ...string) (bool, error) {
	if ctx.Err() != nil && h.flaw != "goes on when the context has ended" {
		return false, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := len(ids) > 0
	for _, id := range ids {
		until, ok := h.revoked[h.id(id)]
		is := until.After(h.now(now)) || ok && h.flaw == "revokes for ever"
		if is && h.flaw != "wants all to be revoked" {
			return true, nil
		}
		all = all && is
	}
	switch {
	case all || len(ids) == 0 || h.flaw == "forgets what it has dropped":
	case h.dropped.After(h.now(now)), !h.dropped.IsZero() && h.flaw == "is in doubt for ever":
		return false, handle.ErrForgotten
	}
	return all, nil
}

func (h *handles) Sweep(_ context.Context, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flaw == "sweeps too much" {
		now = now.Add(time.Second)
	}
	for key, r := range h.records {
		if !r.Expires.After(now) {
			delete(h.records, key)
		}
	}
	if h.flaw == "sweeps all revocations" && len(h.records) < 1000 {
		clear(h.revoked)
	}
	keep := handle.KeepRevoked
	switch h.flaw {
	case "drops what has ended":
		keep = 0
	case "drops what ends soon":
		keep -= time.Minute
	case "takes each sweep for a loss":
		h.dropped = now
	}
	for id, until := range h.revoked {
		if until.After(now.Add(-keep)) {
			continue
		}
		delete(h.revoked, id)
		if until.After(h.dropped) {
			h.dropped = until
		}
	}
	return nil
}
