-- +goose Up

-- Logs: entries by kind and number, which never change. Times are milliseconds of Unix time. entry is the rowid, so that
-- data, which may be long, is appended and moves no other row.
CREATE TABLE log (
    entry  INTEGER PRIMARY KEY,
    kind   TEXT NOT NULL,
    number INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    label0 TEXT NOT NULL,
    label1 TEXT NOT NULL,
    label2 TEXT NOT NULL,
    data   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_number ON log (kind, number);

-- By time, to drop what is old and to list a span; by each label, in the order of numbers, with the time beside it so that
-- a bound of time is judged without reading the row.
CREATE INDEX log_time ON log (kind, time, number);
CREATE INDEX log_label0 ON log (kind, label0, number, time);
CREATE INDEX log_label1 ON log (kind, label1, number, time);
CREATE INDEX log_label2 ON log (kind, label2, number, time);

-- The last number of each kind, which outlives its entry.
CREATE TABLE log_numbers (
    kind TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
