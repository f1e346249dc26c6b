-- Events that machines and programs send. Empty texts: not said. `raw`: JSON of another form than that of an event.

CREATE TABLE events (
  id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  event_id     TEXT    NOT NULL UNIQUE,
  received_at  TEXT    NOT NULL,
  host         TEXT    NOT NULL,
  service      TEXT    NOT NULL,
  instance     TEXT    NOT NULL,
  status       TEXT,
  description  TEXT    NOT NULL,
  tags         TEXT    NOT NULL,
  value        REAL,
  ttl          INTEGER,
  raw          TEXT,
  processed_at TEXT
) STRICT;
CREATE INDEX events_received ON events (received_at, id);
CREATE INDEX events_service ON events (service, host, instance, id);
CREATE INDEX events_unprocessed ON events (id) WHERE processed_at IS NULL;
