-- +goose Up

-- What handles refer to: codes, pushed requests, device codes, refresh tokens. Times are milliseconds of Unix time. Not
-- WITHOUT ROWID: the data may be long, and the digests lie anywhere, so that every page of data would be written anew.
CREATE TABLE handles (
    kind     TEXT NOT NULL,
    digest   BLOB NOT NULL,
    revision INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    data     BLOB NOT NULL,
    PRIMARY KEY (kind, digest)
) STRICT;
CREATE INDEX handles_expires ON handles (expires);

-- What was revoked before it had expired, by the SHA-256 of its id.
CREATE TABLE revocations (
    digest BLOB PRIMARY KEY,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_until ON revocations (until);

CREATE TABLE subjects (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE initial_tokens (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

-- The documents of clients have new members: RedirectURIs, RequirePushed, Introspects, RegistrationSHA256.
