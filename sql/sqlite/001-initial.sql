-- The schema. Times are UTC, as text: YYYY-MM-DD HH:MM:SS.sss.

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
  inventory_at         TEXT,
  sealed_to            TEXT
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
CREATE INDEX visits_started ON visits (started_at);
CREATE INDEX visits_unprocessed ON visits (started_at, id) WHERE processed_at IS NULL;

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
  interval_s          REAL,
  failed_units        INTEGER,
  probe_errors        INTEGER,
  unresponsive_mounts INTEGER,
  reboot_required     INTEGER,
  processed_at        TEXT
) STRICT;
CREATE UNIQUE INDEX stats_report ON stats (report_id);
CREATE INDEX stats_client ON stats (client, observed_at);
CREATE INDEX stats_observed ON stats (observed_at);
CREATE INDEX stats_unprocessed ON stats (observed_at, id) WHERE processed_at IS NULL;

-- The whole of each report, as JSON.
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
  interval_s       REAL,
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

-- The inventory reports that came in, those that changed nothing included: a report sent twice is known.
CREATE TABLE inventory_reports (
  report_id   TEXT NOT NULL PRIMARY KEY,
  client      TEXT NOT NULL,
  observed_at TEXT NOT NULL
) STRICT;
CREATE INDEX inventory_reports_observed ON inventory_reports (observed_at);

-- Reports that a collector without the private key stored, until `ingest` opens them. stored_at is by the database's clock.
-- code and message: why a report waits although an `ingest` has seen it.
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

-- open_key is alert_key until the alert ends, then NULL: at most one alert of a client, rule and subject is open. closed_out:
-- nobody has to be notified any more. progress: JSON, the alerter's own.
CREATE TABLE alerts (
  id                    INTEGER PRIMARY KEY AUTOINCREMENT,
  client                TEXT    NOT NULL,
  rule                  TEXT    NOT NULL,
  subject               TEXT    NOT NULL,
  alert_key             TEXT    NOT NULL,
  open_key              TEXT,
  severity              TEXT    NOT NULL,
  state                 TEXT    NOT NULL,
  value                 REAL,
  value_text            TEXT,
  limit_text            TEXT,
  pending_since         TEXT,
  firing_since          TEXT,
  resolved_at           TEXT,
  closed_reason         TEXT,
  first_evidence        TEXT,
  changed_by_run        TEXT,
  sequence              INTEGER NOT NULL DEFAULT 0,
  flapping              INTEGER NOT NULL DEFAULT 0,
  past                  INTEGER NOT NULL DEFAULT 0,
  closed_out            INTEGER NOT NULL DEFAULT 0,
  acknowledged_by       TEXT,
  acknowledged_until    TEXT,
  acknowledged_severity TEXT,
  acknowledged_comment  TEXT,
  progress              TEXT
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts (open_key);
CREATE INDEX alerts_key ON alerts (alert_key, id);
CREATE INDEX alerts_client ON alerts (client, id);
CREATE INDEX alerts_state ON alerts (state, client);
CREATE INDEX alerts_closed_out ON alerts (closed_out, resolved_at);

-- What each recipient was last notified of.
CREATE TABLE last_notified (
  alert_id    INTEGER NOT NULL,
  recipient   TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  severity    TEXT    NOT NULL,
  sequence    INTEGER NOT NULL DEFAULT 0,
  notified_at TEXT    NOT NULL,
  PRIMARY KEY (alert_id, recipient)
) STRICT, WITHOUT ROWID;

-- replaced_by: the mail that carries this mail's news; this mail is never sent then. data_at: it may have been delivered.
CREATE TABLE mails (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient       TEXT    NOT NULL,
  message_id      TEXT    NOT NULL,
  severity        TEXT    NOT NULL DEFAULT 'critical',
  ordinary        INTEGER NOT NULL DEFAULT 0,
  content         TEXT    NOT NULL,
  created_at      TEXT    NOT NULL,
  claimed_by      TEXT,
  claimed_until   TEXT,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT,
  data_at         TEXT,
  sent_at         TEXT,
  failed_at       TEXT,
  replaced_by     INTEGER,
  error           TEXT
) STRICT;
CREATE UNIQUE INDEX mails_message ON mails (message_id);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX mails_created ON mails (created_at);
CREATE INDEX mails_ordinary ON mails (ordinary, recipient, created_at);

-- A reminder repeats a notification, and a replacement repeats that of the mail before it: the mail is part of the key.
CREATE TABLE notifications (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id           INTEGER NOT NULL,
  sequence           INTEGER NOT NULL,
  recipient          TEXT    NOT NULL,
  transition         TEXT    NOT NULL,
  mail_id            INTEGER,
  before_state       TEXT,
  before_severity    TEXT,
  before_sequence    INTEGER,
  before_notified_at TEXT
) STRICT;
CREATE INDEX notifications_mail ON notifications (mail_id);
CREATE UNIQUE INDEX notifications_item ON notifications (mail_id, alert_id, sequence, transition);
CREATE INDEX notifications_alert ON notifications (alert_id, sequence, recipient);

-- client, rule and subject are patterns.
CREATE TABLE silences (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  client    TEXT    NOT NULL,
  rule      TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  starts_at TEXT    NOT NULL,
  ends_at   TEXT    NOT NULL,
  author    TEXT    NOT NULL,
  comment   TEXT    NOT NULL
) STRICT;
CREATE INDEX silences_ends ON silences (ends_at);

-- What the alerter remembers of each client beside its alerts, as JSON.
CREATE TABLE rule_state (
  client     TEXT NOT NULL PRIMARY KEY,
  state      TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

-- The alerters at work.
CREATE TABLE leases (
  name       TEXT    NOT NULL PRIMARY KEY,
  epoch      INTEGER NOT NULL,
  holder     TEXT    NOT NULL,
  touched    INTEGER NOT NULL,
  touched_at TEXT    NOT NULL
) STRICT;

-- The space of the programs' own file systems: the state folder's, and that of an SQLite database.
CREATE TABLE state_disks (
  host            TEXT    NOT NULL,
  path            TEXT    NOT NULL,
  collector_id    TEXT    NOT NULL,
  size_bytes      INTEGER NOT NULL,
  available_bytes INTEGER NOT NULL,
  free_percent    REAL    NOT NULL,
  observed_at     TEXT    NOT NULL,
  PRIMARY KEY (host, path)
) STRICT, WITHOUT ROWID;

-- What is kept of rows that were removed: least, mean and greatest of each figure in an hour or a day (UTC), and how many rows
-- knew it. samples: rows in all. hour is YYYY-MM-DD HH:00:00, day is YYYY-MM-DD.

CREATE TABLE stats_hourly (
  client TEXT NOT NULL,
  hour TEXT NOT NULL,
  samples INTEGER NOT NULL,
  uptime_s_min INTEGER, uptime_s_mean REAL, uptime_s_max INTEGER, uptime_s_count INTEGER NOT NULL,
  cpu_percent_min REAL, cpu_percent_mean REAL, cpu_percent_max REAL, cpu_percent_count INTEGER NOT NULL,
  memory_percent_min REAL, memory_percent_mean REAL, memory_percent_max REAL, memory_percent_count INTEGER NOT NULL,
  swap_percent_min REAL, swap_percent_mean REAL, swap_percent_max REAL, swap_percent_count INTEGER NOT NULL,
  load1_min REAL, load1_mean REAL, load1_max REAL, load1_count INTEGER NOT NULL,
  load5_min REAL, load5_mean REAL, load5_max REAL, load5_count INTEGER NOT NULL,
  load15_min REAL, load15_mean REAL, load15_max REAL, load15_count INTEGER NOT NULL,
  disk_percent_min REAL, disk_percent_mean REAL, disk_percent_max REAL, disk_percent_count INTEGER NOT NULL,
  processes_min INTEGER, processes_mean REAL, processes_max INTEGER, processes_count INTEGER NOT NULL,
  cpus_min INTEGER, cpus_mean REAL, cpus_max INTEGER, cpus_count INTEGER NOT NULL,
  interval_s_min REAL, interval_s_mean REAL, interval_s_max REAL, interval_s_count INTEGER NOT NULL,
  failed_units_min INTEGER, failed_units_mean REAL, failed_units_max INTEGER, failed_units_count INTEGER NOT NULL,
  probe_errors_min INTEGER, probe_errors_mean REAL, probe_errors_max INTEGER, probe_errors_count INTEGER NOT NULL,
  unresponsive_mounts_min INTEGER, unresponsive_mounts_mean REAL,
  unresponsive_mounts_max INTEGER, unresponsive_mounts_count INTEGER NOT NULL,
  reboot_required_min INTEGER, reboot_required_mean REAL,
  reboot_required_max INTEGER, reboot_required_count INTEGER NOT NULL,
  PRIMARY KEY (client, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE stats_daily (
  client TEXT NOT NULL,
  day TEXT NOT NULL,
  samples INTEGER NOT NULL,
  uptime_s_min INTEGER, uptime_s_mean REAL, uptime_s_max INTEGER, uptime_s_count INTEGER NOT NULL,
  cpu_percent_min REAL, cpu_percent_mean REAL, cpu_percent_max REAL, cpu_percent_count INTEGER NOT NULL,
  memory_percent_min REAL, memory_percent_mean REAL, memory_percent_max REAL, memory_percent_count INTEGER NOT NULL,
  swap_percent_min REAL, swap_percent_mean REAL, swap_percent_max REAL, swap_percent_count INTEGER NOT NULL,
  load1_min REAL, load1_mean REAL, load1_max REAL, load1_count INTEGER NOT NULL,
  load5_min REAL, load5_mean REAL, load5_max REAL, load5_count INTEGER NOT NULL,
  load15_min REAL, load15_mean REAL, load15_max REAL, load15_count INTEGER NOT NULL,
  disk_percent_min REAL, disk_percent_mean REAL, disk_percent_max REAL, disk_percent_count INTEGER NOT NULL,
  processes_min INTEGER, processes_mean REAL, processes_max INTEGER, processes_count INTEGER NOT NULL,
  cpus_min INTEGER, cpus_mean REAL, cpus_max INTEGER, cpus_count INTEGER NOT NULL,
  interval_s_min REAL, interval_s_mean REAL, interval_s_max REAL, interval_s_count INTEGER NOT NULL,
  failed_units_min INTEGER, failed_units_mean REAL, failed_units_max INTEGER, failed_units_count INTEGER NOT NULL,
  probe_errors_min INTEGER, probe_errors_mean REAL, probe_errors_max INTEGER, probe_errors_count INTEGER NOT NULL,
  unresponsive_mounts_min INTEGER, unresponsive_mounts_mean REAL,
  unresponsive_mounts_max INTEGER, unresponsive_mounts_count INTEGER NOT NULL,
  reboot_required_min INTEGER, reboot_required_mean REAL,
  reboot_required_max INTEGER, reboot_required_count INTEGER NOT NULL,
  PRIMARY KEY (client, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE disk_stats_hourly (
  client TEXT NOT NULL,
  hour TEXT NOT NULL,
  mount TEXT NOT NULL,
  samples INTEGER NOT NULL,
  size_bytes_min INTEGER, size_bytes_mean REAL, size_bytes_max INTEGER, size_bytes_count INTEGER NOT NULL,
  used_bytes_min INTEGER, used_bytes_mean REAL, used_bytes_max INTEGER, used_bytes_count INTEGER NOT NULL,
  available_bytes_min INTEGER, available_bytes_mean REAL,
  available_bytes_max INTEGER, available_bytes_count INTEGER NOT NULL,
  used_percent_min REAL, used_percent_mean REAL, used_percent_max REAL, used_percent_count INTEGER NOT NULL,
  inodes_percent_min REAL, inodes_percent_mean REAL, inodes_percent_max REAL, inodes_percent_count INTEGER NOT NULL,
  unresponsive_min INTEGER, unresponsive_mean REAL, unresponsive_max INTEGER, unresponsive_count INTEGER NOT NULL,
  PRIMARY KEY (client, hour, mount)
) STRICT, WITHOUT ROWID;

CREATE TABLE disk_stats_daily (
  client TEXT NOT NULL,
  day TEXT NOT NULL,
  mount TEXT NOT NULL,
  samples INTEGER NOT NULL,
  size_bytes_min INTEGER, size_bytes_mean REAL, size_bytes_max INTEGER, size_bytes_count INTEGER NOT NULL,
  used_bytes_min INTEGER, used_bytes_mean REAL, used_bytes_max INTEGER, used_bytes_count INTEGER NOT NULL,
  available_bytes_min INTEGER, available_bytes_mean REAL,
  available_bytes_max INTEGER, available_bytes_count INTEGER NOT NULL,
  used_percent_min REAL, used_percent_mean REAL, used_percent_max REAL, used_percent_count INTEGER NOT NULL,
  inodes_percent_min REAL, inodes_percent_mean REAL, inodes_percent_max REAL, inodes_percent_count INTEGER NOT NULL,
  unresponsive_min INTEGER, unresponsive_mean REAL, unresponsive_max INTEGER, unresponsive_count INTEGER NOT NULL,
  PRIMARY KEY (client, day, mount)
) STRICT, WITHOUT ROWID;

CREATE TABLE network_stats_hourly (
  client TEXT NOT NULL,
  hour TEXT NOT NULL,
  interface TEXT NOT NULL,
  samples INTEGER NOT NULL,
  rx_bytes_per_s_min REAL, rx_bytes_per_s_mean REAL, rx_bytes_per_s_max REAL, rx_bytes_per_s_count INTEGER NOT NULL,
  tx_bytes_per_s_min REAL, tx_bytes_per_s_mean REAL, tx_bytes_per_s_max REAL, tx_bytes_per_s_count INTEGER NOT NULL,
  rx_packets_per_s_min REAL, rx_packets_per_s_mean REAL,
  rx_packets_per_s_max REAL, rx_packets_per_s_count INTEGER NOT NULL,
  tx_packets_per_s_min REAL, tx_packets_per_s_mean REAL,
  tx_packets_per_s_max REAL, tx_packets_per_s_count INTEGER NOT NULL,
  rx_errors_per_s_min REAL, rx_errors_per_s_mean REAL, rx_errors_per_s_max REAL, rx_errors_per_s_count INTEGER NOT NULL,
  tx_errors_per_s_min REAL, tx_errors_per_s_mean REAL, tx_errors_per_s_max REAL, tx_errors_per_s_count INTEGER NOT NULL,
  rx_drops_per_s_min REAL, rx_drops_per_s_mean REAL, rx_drops_per_s_max REAL, rx_drops_per_s_count INTEGER NOT NULL,
  tx_drops_per_s_min REAL, tx_drops_per_s_mean REAL, tx_drops_per_s_max REAL, tx_drops_per_s_count INTEGER NOT NULL,
  link_up_min INTEGER, link_up_mean REAL, link_up_max INTEGER, link_up_count INTEGER NOT NULL,
  speed_bits_per_s_min REAL, speed_bits_per_s_mean REAL,
  speed_bits_per_s_max REAL, speed_bits_per_s_count INTEGER NOT NULL,
  interval_s_min REAL, interval_s_mean REAL, interval_s_max REAL, interval_s_count INTEGER NOT NULL,
  PRIMARY KEY (client, hour, interface)
) STRICT, WITHOUT ROWID;

CREATE TABLE network_stats_daily (
  client TEXT NOT NULL,
  day TEXT NOT NULL,
  interface TEXT NOT NULL,
  samples INTEGER NOT NULL,
  rx_bytes_per_s_min REAL, rx_bytes_per_s_mean REAL, rx_bytes_per_s_max REAL, rx_bytes_per_s_count INTEGER NOT NULL,
  tx_bytes_per_s_min REAL, tx_bytes_per_s_mean REAL, tx_bytes_per_s_max REAL, tx_bytes_per_s_count INTEGER NOT NULL,
  rx_packets_per_s_min REAL, rx_packets_per_s_mean REAL,
  rx_packets_per_s_max REAL, rx_packets_per_s_count INTEGER NOT NULL,
  tx_packets_per_s_min REAL, tx_packets_per_s_mean REAL,
  tx_packets_per_s_max REAL, tx_packets_per_s_count INTEGER NOT NULL,
  rx_errors_per_s_min REAL, rx_errors_per_s_mean REAL, rx_errors_per_s_max REAL, rx_errors_per_s_count INTEGER NOT NULL,
  tx_errors_per_s_min REAL, tx_errors_per_s_mean REAL, tx_errors_per_s_max REAL, tx_errors_per_s_count INTEGER NOT NULL,
  rx_drops_per_s_min REAL, rx_drops_per_s_mean REAL, rx_drops_per_s_max REAL, rx_drops_per_s_count INTEGER NOT NULL,
  tx_drops_per_s_min REAL, tx_drops_per_s_mean REAL, tx_drops_per_s_max REAL, tx_drops_per_s_count INTEGER NOT NULL,
  link_up_min INTEGER, link_up_mean REAL, link_up_max INTEGER, link_up_count INTEGER NOT NULL,
  speed_bits_per_s_min REAL, speed_bits_per_s_mean REAL,
  speed_bits_per_s_max REAL, speed_bits_per_s_count INTEGER NOT NULL,
  interval_s_min REAL, interval_s_mean REAL, interval_s_max REAL, interval_s_count INTEGER NOT NULL,
  PRIMARY KEY (client, day, interface)
) STRICT, WITHOUT ROWID;

-- The newest row of every client. A row more than an hour ahead of the database's clock was stored under a wrong clock: it is
-- the newest only of a client that has no other.
CREATE VIEW latest_stats AS
  SELECT s.*, c.address
    FROM clients c
    JOIN stats s
      ON s.id = COALESCE(
           (SELECT n.id FROM stats n
             WHERE n.client = c.name AND n.observed_at <= strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')
             ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
           (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1));

-- latest_stats without the clients that nobody has visited for a day, as of the newest visit of any client: they were removed
-- from config.xml. A visit more than an hour ahead of the database's clock counts for its own client alone.
CREATE VIEW present_stats AS
  SELECT l.*
    FROM latest_stats l
    JOIN clients c ON c.name = l.client
   WHERE c.last_visit_at >= (SELECT strftime('%Y-%m-%d %H:%M:%f', MAX(v.last_visit_at), '-1 day') FROM clients v
                              WHERE v.last_visit_at <= strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour'));

CREATE VIEW alert_history AS
  SELECT id, client, rule, subject, severity, state, value, limit_text, pending_since, firing_since, resolved_at,
         unixepoch(resolved_at) - unixepoch(firing_since) AS firing_s,
         closed_reason, acknowledged_by, acknowledged_until
    FROM alerts;

-- The one table of the program that this one succeeds.
CREATE VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime, CAST(NULL AS TEXT) AS event_logs, s.observed_at AS collection_date,
         s.processed_at IS NOT NULL AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;

-- All that is known, by the hour and by the day: what was kept of rows that were removed, and each row that is there as a part
-- of its hour or day. The columns are those of the rollups: each figure is its own least, mean and greatest.

CREATE VIEW stats_by_hour AS
  SELECT * FROM stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00', 1,
         uptime_s, uptime_s, uptime_s, uptime_s IS NOT NULL,
         cpu_percent, cpu_percent, cpu_percent, cpu_percent IS NOT NULL,
         memory_percent, memory_percent, memory_percent, memory_percent IS NOT NULL,
         swap_percent, swap_percent, swap_percent, swap_percent IS NOT NULL,
         load1, load1, load1, load1 IS NOT NULL,
         load5, load5, load5, load5 IS NOT NULL,
         load15, load15, load15, load15 IS NOT NULL,
         disk_percent, disk_percent, disk_percent, disk_percent IS NOT NULL,
         processes, processes, processes, processes IS NOT NULL,
         cpus, cpus, cpus, cpus IS NOT NULL,
         interval_s, interval_s, interval_s, interval_s IS NOT NULL,
         failed_units, failed_units, failed_units, failed_units IS NOT NULL,
         probe_errors, probe_errors, probe_errors, probe_errors IS NOT NULL,
         unresponsive_mounts, unresponsive_mounts, unresponsive_mounts, unresponsive_mounts IS NOT NULL,
         reboot_required, reboot_required, reboot_required, reboot_required IS NOT NULL
    FROM stats;

CREATE VIEW stats_by_day AS
  SELECT * FROM stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10), 1,
         uptime_s, uptime_s, uptime_s, uptime_s IS NOT NULL,
         cpu_percent, cpu_percent, cpu_percent, cpu_percent IS NOT NULL,
         memory_percent, memory_percent, memory_percent, memory_percent IS NOT NULL,
         swap_percent, swap_percent, swap_percent, swap_percent IS NOT NULL,
         load1, load1, load1, load1 IS NOT NULL,
         load5, load5, load5, load5 IS NOT NULL,
         load15, load15, load15, load15 IS NOT NULL,
         disk_percent, disk_percent, disk_percent, disk_percent IS NOT NULL,
         processes, processes, processes, processes IS NOT NULL,
         cpus, cpus, cpus, cpus IS NOT NULL,
         interval_s, interval_s, interval_s, interval_s IS NOT NULL,
         failed_units, failed_units, failed_units, failed_units IS NOT NULL,
         probe_errors, probe_errors, probe_errors, probe_errors IS NOT NULL,
         unresponsive_mounts, unresponsive_mounts, unresponsive_mounts, unresponsive_mounts IS NOT NULL,
         reboot_required, reboot_required, reboot_required, reboot_required IS NOT NULL
    FROM stats;

CREATE VIEW disk_stats_by_hour AS
  SELECT * FROM disk_stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00', mount, 1,
         size_bytes, size_bytes, size_bytes, size_bytes IS NOT NULL,
         used_bytes, used_bytes, used_bytes, used_bytes IS NOT NULL,
         available_bytes, available_bytes, available_bytes, available_bytes IS NOT NULL,
         used_percent, used_percent, used_percent, used_percent IS NOT NULL,
         inodes_percent, inodes_percent, inodes_percent, inodes_percent IS NOT NULL,
         unresponsive, unresponsive, unresponsive, unresponsive IS NOT NULL
    FROM disk_stats;

CREATE VIEW disk_stats_by_day AS
  SELECT * FROM disk_stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10), mount, 1,
         size_bytes, size_bytes, size_bytes, size_bytes IS NOT NULL,
         used_bytes, used_bytes, used_bytes, used_bytes IS NOT NULL,
         available_bytes, available_bytes, available_bytes, available_bytes IS NOT NULL,
         used_percent, used_percent, used_percent, used_percent IS NOT NULL,
         inodes_percent, inodes_percent, inodes_percent, inodes_percent IS NOT NULL,
         unresponsive, unresponsive, unresponsive, unresponsive IS NOT NULL
    FROM disk_stats;

CREATE VIEW network_stats_by_hour AS
  SELECT * FROM network_stats_hourly
  UNION ALL
  SELECT client, substr(observed_at, 1, 13) || ':00:00', interface, 1,
         rx_bytes_per_s, rx_bytes_per_s, rx_bytes_per_s, rx_bytes_per_s IS NOT NULL,
         tx_bytes_per_s, tx_bytes_per_s, tx_bytes_per_s, tx_bytes_per_s IS NOT NULL,
         rx_packets_per_s, rx_packets_per_s, rx_packets_per_s, rx_packets_per_s IS NOT NULL,
         tx_packets_per_s, tx_packets_per_s, tx_packets_per_s, tx_packets_per_s IS NOT NULL,
         rx_errors_per_s, rx_errors_per_s, rx_errors_per_s, rx_errors_per_s IS NOT NULL,
         tx_errors_per_s, tx_errors_per_s, tx_errors_per_s, tx_errors_per_s IS NOT NULL,
         rx_drops_per_s, rx_drops_per_s, rx_drops_per_s, rx_drops_per_s IS NOT NULL,
         tx_drops_per_s, tx_drops_per_s, tx_drops_per_s, tx_drops_per_s IS NOT NULL,
         link_up, link_up, link_up, link_up IS NOT NULL,
         speed_bits_per_s, speed_bits_per_s, speed_bits_per_s, speed_bits_per_s IS NOT NULL,
         interval_s, interval_s, interval_s, interval_s IS NOT NULL
    FROM network_stats;

CREATE VIEW network_stats_by_day AS
  SELECT * FROM network_stats_daily
  UNION ALL
  SELECT client, substr(observed_at, 1, 10), interface, 1,
         rx_bytes_per_s, rx_bytes_per_s, rx_bytes_per_s, rx_bytes_per_s IS NOT NULL,
         tx_bytes_per_s, tx_bytes_per_s, tx_bytes_per_s, tx_bytes_per_s IS NOT NULL,
         rx_packets_per_s, rx_packets_per_s, rx_packets_per_s, rx_packets_per_s IS NOT NULL,
         tx_packets_per_s, tx_packets_per_s, tx_packets_per_s, tx_packets_per_s IS NOT NULL,
         rx_errors_per_s, rx_errors_per_s, rx_errors_per_s, rx_errors_per_s IS NOT NULL,
         tx_errors_per_s, tx_errors_per_s, tx_errors_per_s, tx_errors_per_s IS NOT NULL,
         rx_drops_per_s, rx_drops_per_s, rx_drops_per_s, rx_drops_per_s IS NOT NULL,
         tx_drops_per_s, tx_drops_per_s, tx_drops_per_s, tx_drops_per_s IS NOT NULL,
         link_up, link_up, link_up, link_up IS NOT NULL,
         speed_bits_per_s, speed_bits_per_s, speed_bits_per_s, speed_bits_per_s IS NOT NULL,
         interval_s, interval_s, interval_s, interval_s IS NOT NULL
    FROM network_stats;
