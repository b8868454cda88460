-- +goose Up

-- It says that this is a database of avouch.
PRAGMA application_id = 1096176456;

-- The number of the last change. Every process reads it four times a second.
CREATE TABLE change (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO change VALUES (1, 0);

-- Records are documents: nobody looks for them by anything but their id, and all of one is read and written at once.
-- What must be unique besides is a column made of the document.
CREATE TABLE clients (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE issuers (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    url      TEXT GENERATED ALWAYS AS (document ->> 'URL') VIRTUAL UNIQUE
) STRICT;

CREATE TABLE rules (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE signing_keys (
    id       TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

-- When the keys of clients were last used, in milliseconds of Unix time.
CREATE TABLE key_uses (
    client TEXT NOT NULL,
    key    TEXT NOT NULL,
    used   INTEGER NOT NULL,
    PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;

-- What was used is in tables of their own, one for each span of expiry, made when it is needed and dropped when it is
-- over: uses_1700000000 holds the digests that must be remembered until that second. Here are those that exist.
CREATE TABLE use_spans (
    ends INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE use_memory (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    secret  BLOB NOT NULL, -- keys the digests; 32 bytes, filled in when the database is made
    dropped INTEGER        -- the latest end of a table that was dropped; what would have been in it is unknown
) STRICT;
INSERT INTO use_memory VALUES (1, x'', NULL);
