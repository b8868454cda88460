-- +goose Up

-- What the sweep of handles and revocations remembers. Times are milliseconds of Unix time.
CREATE TABLE handle_memory (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    dropped INTEGER, -- the latest end of a revocation that was dropped; NULL if none was
    swept   INTEGER, -- the time of the last sweep
    steady  INTEGER  -- since when the clock has not jumped
) STRICT;
INSERT INTO handle_memory (one) VALUES (1);
