-- Reports that a collector without the private key has brought home, until `ingest` opens them. stored_at is by the
-- database's clock. code and message: why a report waits although an `ingest` has seen it.

CREATE TABLE sealed_reports (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  report_id         TEXT    NOT NULL,
  client            TEXT    NOT NULL,
  key_id            TEXT    NOT NULL,
  run_id            TEXT    NOT NULL,
  received_at       TEXT    NOT NULL,
  clock_offset_ms   INTEGER,
  monotonic_zero_ms INTEGER,
  boot_id           TEXT,
  stored_at         TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  sealed_bytes      INTEGER NOT NULL,
  sealed            BLOB    NOT NULL,
  code              TEXT,
  message           TEXT
) STRICT;
CREATE UNIQUE INDEX sealed_reports_report ON sealed_reports (report_id);
CREATE INDEX sealed_reports_order ON sealed_reports (code, received_at, id, sealed_bytes);
CREATE INDEX sealed_reports_key ON sealed_reports (key_id, code, client, stored_at);
CREATE INDEX sealed_reports_client ON sealed_reports (client, received_at);

-- The ids of the keys that the newest good visit's reports were sealed to: that there may be more of on the client.
ALTER TABLE clients ADD COLUMN sealed_to TEXT;
