-- Everything of version 1. Times are UTC, as text: YYYY-MM-DD HH:MM:SS.sss.

CREATE TABLE runs (
  id            TEXT    NOT NULL PRIMARY KEY,
  program       TEXT    NOT NULL,
  outcome       TEXT    NOT NULL,
  collector_id  TEXT    NOT NULL,
  host          TEXT    NOT NULL,
  scope         TEXT    NOT NULL,
  config_digest TEXT    NOT NULL,
  started_at    TEXT    NOT NULL,
  finished_at   TEXT,
  clients       INTEGER,
  succeeded     INTEGER,
  failed        INTEGER,
  skipped       INTEGER,
  cpu_ms        INTEGER,
  max_rss_bytes INTEGER
) STRICT;
CREATE INDEX runs_program ON runs (program, started_at);

CREATE TABLE clients (
  name                 TEXT    NOT NULL PRIMARY KEY,
  address              TEXT,
  first_seen           TEXT    NOT NULL,
  last_visit_at        TEXT,
  last_report_at       TEXT,
  consecutive_failures INTEGER NOT NULL DEFAULT 0,
  next_attempt_at      TEXT,
  reader               TEXT,
  boot_id              TEXT,
  inventory_at         TEXT
) STRICT;
CREATE INDEX clients_address ON clients (address);

CREATE TABLE visits (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id       TEXT    NOT NULL,
  client       TEXT    NOT NULL,
  started_at   TEXT    NOT NULL,
  duration_ms  INTEGER NOT NULL,
  ok           INTEGER NOT NULL,
  stage        TEXT,
  code         TEXT,
  message      TEXT,
  connect_ms   INTEGER,
  bytes_in     INTEGER NOT NULL,
  bytes_out    INTEGER NOT NULL,
  uploaded     INTEGER NOT NULL,
  processed_at TEXT
) STRICT;
CREATE UNIQUE INDEX visits_name ON visits (run_id, client);
CREATE INDEX visits_client ON visits (client, started_at);
CREATE INDEX visits_unprocessed ON visits (id) WHERE processed_at IS NULL;
CREATE INDEX visits_started ON visits (started_at);

CREATE TABLE stats (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,
  client              TEXT    NOT NULL,
  report_id           TEXT    NOT NULL,
  run_id              TEXT    NOT NULL,
  observed_at         TEXT    NOT NULL,
  collected_at        TEXT    NOT NULL,
  received_at         TEXT    NOT NULL,
  clock_offset_ms     INTEGER,
  boot_id             TEXT,
  hostname            TEXT,
  os                  TEXT,
  uptime_s            INTEGER,
  cpu_percent         REAL,
  memory_percent      REAL,
  swap_percent        REAL,
  load1               REAL,
  load5               REAL,
  load15              REAL,
  disk_percent        REAL,
  processes           INTEGER,
  cpus                INTEGER,
  failed_units        INTEGER,
  probe_errors        INTEGER,
  unresponsive_mounts INTEGER,
  reboot_required     INTEGER,
  processed_at        TEXT
) STRICT;
CREATE UNIQUE INDEX stats_report ON stats (report_id);
CREATE INDEX stats_client ON stats (client, observed_at);
CREATE INDEX stats_unprocessed ON stats (id) WHERE processed_at IS NULL;
CREATE INDEX stats_observed ON stats (observed_at);

CREATE TABLE reports (
  stat_id     INTEGER NOT NULL PRIMARY KEY,
  observed_at TEXT    NOT NULL,
  report      TEXT    NOT NULL
) STRICT;
CREATE INDEX reports_observed ON reports (observed_at);

CREATE TABLE disk_stats (
  stat_id         INTEGER NOT NULL,
  ordinal         INTEGER NOT NULL,
  client          TEXT    NOT NULL,
  observed_at     TEXT    NOT NULL,
  mount           TEXT    NOT NULL,
  fstype          TEXT,
  source          TEXT,
  scope           TEXT,
  mode            TEXT,
  size_bytes      INTEGER,
  used_bytes      INTEGER,
  available_bytes INTEGER,
  used_percent    REAL,
  inodes_percent  REAL,
  unresponsive    INTEGER,
  PRIMARY KEY (stat_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX disk_stats_client ON disk_stats (client, observed_at);

CREATE TABLE network_stats (
  stat_id          INTEGER NOT NULL,
  ordinal          INTEGER NOT NULL,
  client           TEXT    NOT NULL,
  observed_at      TEXT    NOT NULL,
  interface        TEXT    NOT NULL,
  rx_bytes_per_s   REAL,
  tx_bytes_per_s   REAL,
  rx_packets_per_s REAL,
  tx_packets_per_s REAL,
  rx_errors_per_s  REAL,
  tx_errors_per_s  REAL,
  rx_drops_per_s   REAL,
  tx_drops_per_s   REAL,
  link_up          INTEGER,
  speed_bits_per_s REAL,
  PRIMARY KEY (stat_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX network_stats_client ON network_stats (client, observed_at);

CREATE TABLE inventory (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  client         TEXT    NOT NULL,
  observed_at    TEXT    NOT NULL,
  report_id      TEXT    NOT NULL,
  facts_digest   TEXT    NOT NULL,
  manufacturer   TEXT,
  model          TEXT,
  serial         TEXT,
  hostname       TEXT,
  os             TEXT,
  os_version     TEXT,
  kernel         TEXT,
  architecture   TEXT,
  virtualisation TEXT,
  cpu_model      TEXT,
  cpus           INTEGER,
  memory_bytes   INTEGER,
  facts          TEXT    NOT NULL
) STRICT;
CREATE INDEX inventory_client ON inventory (client, observed_at);

-- Inventory reports that came in, those included that changed nothing: so that one sent twice is known.
CREATE TABLE inventory_reports (
  report_id   TEXT NOT NULL PRIMARY KEY,
  client      TEXT NOT NULL,
  observed_at TEXT NOT NULL
) STRICT;
CREATE INDEX inventory_reports_observed ON inventory_reports (observed_at);

-- open_key is alert_key until the alert ends, then NULL: one open alert of a client, rule and subject at most.
CREATE TABLE alerts (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  client             TEXT    NOT NULL,
  rule               TEXT    NOT NULL,
  subject            TEXT    NOT NULL,
  alert_key          TEXT    NOT NULL,
  open_key           TEXT,
  severity           TEXT    NOT NULL,
  state              TEXT    NOT NULL,
  value              REAL,
  limit_text         TEXT,
  pending_since      TEXT,
  firing_since       TEXT,
  resolved_at        TEXT,
  closed_reason      TEXT,
  acknowledged_by    TEXT,
  acknowledged_until TEXT
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts (open_key);
CREATE INDEX alerts_key ON alerts (alert_key, id);
CREATE INDEX alerts_client ON alerts (client, id);
CREATE INDEX alerts_state ON alerts (state, client);

CREATE TABLE told (
  alert_id  INTEGER NOT NULL,
  recipient TEXT    NOT NULL,
  state     TEXT    NOT NULL,
  severity  TEXT    NOT NULL,
  told_at   TEXT    NOT NULL,
  PRIMARY KEY (alert_id, recipient)
) STRICT;

CREATE TABLE mails (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient       TEXT    NOT NULL,
  message_id      TEXT    NOT NULL,
  content         TEXT    NOT NULL,
  created_at      TEXT    NOT NULL,
  claimed_by      TEXT,
  claimed_until   TEXT,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT,
  sent_at         TEXT,
  failed_at       TEXT,
  error           TEXT
) STRICT;
CREATE UNIQUE INDEX mails_message ON mails (message_id);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE sent_at IS NULL AND failed_at IS NULL;

CREATE TABLE notifications (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id   INTEGER NOT NULL,
  sequence   INTEGER NOT NULL,
  recipient  TEXT    NOT NULL,
  transition TEXT    NOT NULL,
  mail_id    INTEGER
) STRICT;
CREATE UNIQUE INDEX notifications_name ON notifications (alert_id, sequence, recipient);
CREATE INDEX notifications_mail ON notifications (mail_id);

-- client, rule and subject are patterns.
CREATE TABLE silences (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  client          TEXT    NOT NULL,
  rule            TEXT    NOT NULL,
  subject         TEXT    NOT NULL,
  starts_at       TEXT    NOT NULL,
  ends_at         TEXT    NOT NULL,
  author          TEXT    NOT NULL,
  comment         TEXT    NOT NULL
) STRICT;
CREATE INDEX silences_ends ON silences (ends_at);

CREATE TABLE leases (
  name       TEXT    NOT NULL PRIMARY KEY,
  epoch      INTEGER NOT NULL,
  holder     TEXT    NOT NULL,
  touched    INTEGER NOT NULL,
  touched_at TEXT    NOT NULL
) STRICT;

-- The newest row of every client.
CREATE VIEW latest_stats AS
  SELECT s.id, s.client, c.address, s.report_id, s.run_id, s.observed_at, s.collected_at, s.received_at,
         s.clock_offset_ms, s.boot_id, s.hostname, s.os, s.uptime_s, s.cpu_percent, s.memory_percent, s.swap_percent,
         s.load1, s.load5, s.load15, s.disk_percent, s.processes, s.cpus, s.failed_units, s.probe_errors,
         s.unresponsive_mounts, s.reboot_required, s.processed_at
    FROM clients c
    JOIN stats s
      ON s.id = (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1);

CREATE VIEW alert_history AS
  SELECT a.id, a.client, a.rule, a.subject, a.severity, a.state, a.value, a.limit_text, a.pending_since, a.firing_since,
         a.resolved_at, unixepoch(a.resolved_at) - unixepoch(a.firing_since) AS firing_s,
         a.closed_reason, a.acknowledged_by, a.acknowledged_until
    FROM alerts a;

-- The one table of the program this one succeeds.
CREATE VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime, CAST(NULL AS TEXT) AS event_logs, s.observed_at AS collection_date,
         CASE WHEN s.processed_at IS NULL THEN 0 ELSE 1 END AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;
