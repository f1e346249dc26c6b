-- Collectors that share a fleet, and which of them has which part of it. Empty where one collector visits all clients.

CREATE TABLE collectors (
  id       TEXT    NOT NULL PRIMARY KEY,
  site     TEXT    NOT NULL,
  host     TEXT    NOT NULL,
  key_id   TEXT    NOT NULL,
  capacity INTEGER NOT NULL,
  seen_at  TEXT    NOT NULL
) STRICT;

CREATE TABLE cycles (
  site     TEXT    NOT NULL PRIMARY KEY,
  cycle    INTEGER NOT NULL,
  began_at TEXT    NOT NULL
) STRICT;

CREATE TABLE slices (
  site     TEXT    NOT NULL,
  slice    INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  holder   TEXT    NOT NULL,
  cycle    INTEGER NOT NULL,
  until_at TEXT    NOT NULL,
  done_at  TEXT,
  PRIMARY KEY (site, slice)
) STRICT;
