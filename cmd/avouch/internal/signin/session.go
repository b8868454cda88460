package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/avouch-oauth/avouch/handle"
)

// kindSession is the kind of the records of sessions.
const kindSession = "session"

// touchEvery is how exactly it is known when a session was last used.
const touchEvery = time.Minute

// freshFor is how long a sign-in counts for the page that it was asked for by.
const freshFor = 10 * time.Minute

// session is that somebody is signed in. Its text is in a cookie, and its record is found by the hash of it.
type session struct {
	Subject string    `json:"sub"` // "" has ended
	Via     string    `json:"via"` // where he signed in: see SignIn.via
	Name    string    `json:"name,omitempty"`
	At      time.Time `json:"at"`            // of the sign-in
	For     string    `json:"for,omitempty"` // the hash of the page that asked for it; "" when that has its answer

	text   string
	record *handle.Record
}

// session returns the session that a request is of, nil where there is none.
func (s *SignIn) session(r *http.Request, now time.Time) (*session, error) {
	text := s.readCookie(r, sessionCookie)
	if text == "" {
		return nil, nil
	}
	return s.load(r.Context(), now, text)
}

func (s *SignIn) load(ctx context.Context, now time.Time, text string) (*session, error) {
	record, err := s.conf.Handles.Handle(ctx, now, kindSession, handle.Digest(text))
	if err != nil || record == nil {
		return nil, err
	}
	ses := &session{text: text, record: record}
	if err := json.Unmarshal(record.Data, ses); err != nil {
		return nil, err
	}
	if ses.Subject == "" || ses.Via != s.via() || !now.Before(ses.At.Add(s.conf.Lifetime)) {
		return nil, nil
	}
	return ses, nil
}

// open begins a session: always one with a new text, so that nobody can have known it before (session fixation). The one
// that the browser had ends.
func (s *SignIn) open(w http.ResponseWriter, r *http.Request, now time.Time, subject, name, place string) error {
	if old, err := s.session(r, now); err != nil {
		return err
	} else if old != nil {
		if err := s.end(r.Context(), now, old); err != nil {
			return err
		}
	}
	text, digest := handle.New()
	ses := &session{Subject: subject, Via: s.via(), Name: cut(name, 200), At: now, For: hash(place), text: text, record: &handle.Record{Kind: kindSession, Digest: digest}}
	if err := s.save(r.Context(), now, ses); err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, text, s.conf.Lifetime)
	return nil
}

// save keeps a session, used at now.
func (s *SignIn) save(ctx context.Context, now time.Time, ses *session) error {
	data, err := json.Marshal(ses)
	if err != nil {
		return err
	}
	ses.record.Data = data
	ses.record.Expires = now.Add(s.conf.Idle)
	if last := ses.At.Add(s.conf.Lifetime); ses.record.Expires.After(last) {
		ses.record.Expires = last
	}
	return s.conf.Handles.PutHandle(ctx, now, ses.record)
}

// touch notes that a session is used. Where somebody else changes it at the same time, he has noted it.
func (s *SignIn) touch(ctx context.Context, now time.Time, ses *session) error {
	if now.Add(s.conf.Idle).Sub(ses.record.Expires) < touchEvery || !ses.record.Expires.Before(ses.At.Add(s.conf.Lifetime)) {
		return nil
	}
	if err := s.save(ctx, now, ses); !errors.Is(err, handle.ErrConflict) {
		return err
	}
	return nil
}

// answered notes that the page that had asked for the sign-in has its answer: the next one that wants somebody to sign in
// anew gets that.
func (s *SignIn) answered(ctx context.Context, now time.Time, ses *session) error {
	return s.change(ctx, now, ses, func(ses *session) bool {
		changes := ses.For != ""
		ses.For = ""
		return changes
	})
}

// end ends a session, wherever its cookie still is.
func (s *SignIn) end(ctx context.Context, now time.Time, ses *session) error {
	return s.change(ctx, now, ses, func(ses *session) bool {
		ses.Subject, ses.Name, ses.For = "", "", ""
		return true
	})
}

// change makes a change that must not be lost where others change the session at the same time.
func (s *SignIn) change(ctx context.Context, now time.Time, ses *session, f func(*session) bool) error {
	for range 10 {
		if !f(ses) {
			return nil
		}
		err := s.save(ctx, now, ses)
		if !errors.Is(err, handle.ErrConflict) {
			return err
		}
		if ses, err = s.load(ctx, now, ses.text); err != nil || ses == nil {
			return err // gone: nothing is left to be changed
		}
	}
	return errors.New("signin: the session is changed by too many at once")
}

// fresh reports whether somebody has signed in because this page asked for it, and the page still waits.
func (ses *session) fresh(now time.Time, place string) bool {
	return ses.For != "" && ses.For == hash(place) && now.Sub(ses.At) < freshFor
}

// proof is a text that only a page of ours can know, made for this session: it says that what is posted was seen. what is
// everything that was seen.
func (ses *session) proof(what string) string { return mac(ses.text, what) }

// mac is an HMAC under a text that only one browser and we know, and that we do not keep.
func mac(secret, what string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(what))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// equal compares two texts in a time that does not depend on them.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
