-- The schema. Times are UTC. Text compares byte by byte: /data is not /Data.

CREATE TABLE runs (
  id            VARCHAR(36)  NOT NULL PRIMARY KEY,
  program       VARCHAR(16)  NOT NULL,
  outcome       VARCHAR(16)  NOT NULL,
  collector_id  VARCHAR(64)  NOT NULL,
  host          VARCHAR(255) NOT NULL,
  scope         VARCHAR(16)  NOT NULL,
  config_digest VARCHAR(64)  NOT NULL,
  started_at    DATETIME(3)  NOT NULL,
  finished_at   DATETIME(3),
  clients       INT,
  succeeded     INT,
  failed        INT,
  skipped       INT,
  cpu_ms        BIGINT,
  max_rss_bytes BIGINT
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX runs_program ON runs (program, started_at);

CREATE TABLE clients (
  name                 VARCHAR(128) NOT NULL PRIMARY KEY,
  address              VARCHAR(255),
  first_seen           DATETIME(3)  NOT NULL,
  last_visit_at        DATETIME(3),
  last_report_at       DATETIME(3),
  consecutive_failures INT          NOT NULL DEFAULT 0,
  next_attempt_at      DATETIME(3),
  reader               VARCHAR(16),
  boot_id              VARCHAR(64),
  inventory_at         DATETIME(3),
  sealed_to            VARCHAR(255)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX clients_address ON clients (address);

CREATE TABLE visits (
  id           BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  run_id       VARCHAR(36)   NOT NULL,
  client       VARCHAR(128)  NOT NULL,
  started_at   DATETIME(3)   NOT NULL,
  duration_ms  BIGINT        NOT NULL,
  ok           TINYINT       NOT NULL,
  stage        VARCHAR(32),
  code         VARCHAR(64),
  message      VARCHAR(1000),
  connect_ms   BIGINT,
  bytes_in     BIGINT        NOT NULL,
  bytes_out    BIGINT        NOT NULL,
  uploaded     TINYINT       NOT NULL,
  processed_at DATETIME(3)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX visits_name ON visits (run_id, client);
CREATE INDEX visits_client ON visits (client, started_at);
CREATE INDEX visits_started ON visits (started_at);
CREATE INDEX visits_unprocessed ON visits (processed_at, started_at);

CREATE TABLE stats (
  id                  BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client              VARCHAR(128) NOT NULL,
  report_id           VARCHAR(36)  NOT NULL,
  run_id              VARCHAR(36)  NOT NULL,
  observed_at         DATETIME(3)  NOT NULL,
  collected_at        DATETIME(3)  NOT NULL,
  received_at         DATETIME(3)  NOT NULL,
  clock_offset_ms     BIGINT,
  boot_id             VARCHAR(64),
  hostname            VARCHAR(255),
  os                  VARCHAR(255),
  uptime_s            BIGINT,
  cpu_percent         DOUBLE,
  memory_percent      DOUBLE,
  swap_percent        DOUBLE,
  load1               DOUBLE,
  load5               DOUBLE,
  load15              DOUBLE,
  disk_percent        DOUBLE,
  processes           INT,
  cpus                INT,
  interval_s          DOUBLE,
  failed_units        INT,
  probe_errors        INT,
  unresponsive_mounts INT,
  reboot_required     TINYINT,
  processed_at        DATETIME(3)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX stats_report ON stats (report_id);
CREATE INDEX stats_client ON stats (client, observed_at);
CREATE INDEX stats_observed ON stats (observed_at);
CREATE INDEX stats_unprocessed ON stats (processed_at, observed_at);

-- The whole of each report, as JSON.
CREATE TABLE reports (
  stat_id     BIGINT      NOT NULL PRIMARY KEY,
  observed_at DATETIME(3) NOT NULL,
  report      JSON        NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX reports_observed ON reports (observed_at);

CREATE TABLE disk_stats (
  stat_id         BIGINT       NOT NULL,
  ordinal         SMALLINT     NOT NULL,
  client          VARCHAR(128) NOT NULL,
  observed_at     DATETIME(3)  NOT NULL,
  mount           VARCHAR(255) NOT NULL,
  fstype          VARCHAR(255),
  source          VARCHAR(255),
  scope           VARCHAR(255),
  mode            VARCHAR(255),
  size_bytes      BIGINT,
  used_bytes      BIGINT,
  available_bytes BIGINT,
  used_percent    DOUBLE,
  inodes_percent  DOUBLE,
  unresponsive    TINYINT,
  PRIMARY KEY (stat_id, ordinal)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX disk_stats_client ON disk_stats (client, observed_at);

CREATE TABLE network_stats (
  stat_id          BIGINT       NOT NULL,
  ordinal          SMALLINT     NOT NULL,
  client           VARCHAR(128) NOT NULL,
  observed_at      DATETIME(3)  NOT NULL,
  interface        VARCHAR(255) NOT NULL,
  rx_bytes_per_s   DOUBLE,
  tx_bytes_per_s   DOUBLE,
  rx_packets_per_s DOUBLE,
  tx_packets_per_s DOUBLE,
  rx_errors_per_s  DOUBLE,
  tx_errors_per_s  DOUBLE,
  rx_drops_per_s   DOUBLE,
  tx_drops_per_s   DOUBLE,
  link_up          TINYINT,
  speed_bits_per_s DOUBLE,
  interval_s       DOUBLE,
  PRIMARY KEY (stat_id, ordinal)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX network_stats_client ON network_stats (client, observed_at);

CREATE TABLE inventory (
  id             BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client         VARCHAR(128) NOT NULL,
  observed_at    DATETIME(3)  NOT NULL,
  report_id      VARCHAR(36)  NOT NULL,
  facts_digest   VARCHAR(64)  NOT NULL,
  manufacturer   VARCHAR(255),
  model          VARCHAR(255),
  serial         VARCHAR(255),
  hostname       VARCHAR(255),
  os             VARCHAR(255),
  os_version     VARCHAR(255),
  kernel         VARCHAR(255),
  architecture   VARCHAR(255),
  virtualisation VARCHAR(255),
  cpu_model      VARCHAR(255),
  cpus           INT,
  memory_bytes   BIGINT,
  facts          JSON         NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX inventory_client ON inventory (client, observed_at);

-- The inventory reports that came in, those that changed nothing included: a report sent twice is known.
CREATE TABLE inventory_reports (
  report_id   VARCHAR(36)  NOT NULL PRIMARY KEY,
  client      VARCHAR(128) NOT NULL,
  observed_at DATETIME(3)  NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX inventory_reports_observed ON inventory_reports (observed_at);

-- Reports that a collector without the private key stored, until `ingest` opens them. stored_at is by the database's clock.
-- code and message: why a report waits although an `ingest` has seen it.
CREATE TABLE sealed_reports (
  id                BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  report_id         VARCHAR(36)   NOT NULL,
  client            VARCHAR(128)  NOT NULL,
  key_id            VARCHAR(16)   NOT NULL,
  run_id            VARCHAR(36)   NOT NULL,
  received_at       DATETIME(3)   NOT NULL,
  clock_offset_ms   BIGINT,
  monotonic_zero_ms BIGINT,
  boot_id           VARCHAR(64),
  stored_at         DATETIME(3)   NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  sealed_bytes      INT           NOT NULL,
  sealed            MEDIUMBLOB    NOT NULL,
  code              VARCHAR(64),
  message           VARCHAR(1000)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX sealed_reports_report ON sealed_reports (report_id);
CREATE INDEX sealed_reports_order ON sealed_reports (code, received_at, id, sealed_bytes);
CREATE INDEX sealed_reports_key ON sealed_reports (key_id, code, client, stored_at);
CREATE INDEX sealed_reports_client ON sealed_reports (client, received_at);

-- open_key is alert_key until the alert ends, then NULL: at most one alert of a client, rule and subject is open. closed_out:
-- nobody has to be notified any more. progress: JSON, the alerter's own.
CREATE TABLE alerts (
  id                    BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client                VARCHAR(128)  NOT NULL,
  rule                  VARCHAR(255)  NOT NULL,
  subject               VARCHAR(2000) NOT NULL,
  alert_key             VARCHAR(64)   NOT NULL,
  open_key              VARCHAR(64),
  severity              VARCHAR(16)   NOT NULL,
  state                 VARCHAR(16)   NOT NULL,
  value                 DOUBLE,
  value_text            VARCHAR(1000),
  limit_text            VARCHAR(255),
  pending_since         DATETIME(3),
  firing_since          DATETIME(3),
  resolved_at           DATETIME(3),
  closed_reason         VARCHAR(32),
  first_evidence        VARCHAR(255),
  changed_by_run        VARCHAR(36),
  sequence              INT           NOT NULL DEFAULT 0,
  flapping              TINYINT       NOT NULL DEFAULT 0,
  past                  TINYINT       NOT NULL DEFAULT 0,
  closed_out            TINYINT       NOT NULL DEFAULT 0,
  acknowledged_by       VARCHAR(255),
  acknowledged_until    DATETIME(3),
  acknowledged_severity VARCHAR(16),
  acknowledged_comment  VARCHAR(1000),
  progress              TEXT
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX alerts_open ON alerts (open_key);
CREATE INDEX alerts_key ON alerts (alert_key, id);
CREATE INDEX alerts_client ON alerts (client, id);
CREATE INDEX alerts_state ON alerts (state, client);
CREATE INDEX alerts_closed_out ON alerts (closed_out, resolved_at);

-- What each recipient was last notified of.
CREATE TABLE last_notified (
  alert_id    BIGINT       NOT NULL,
  recipient   VARCHAR(320) NOT NULL,
  state       VARCHAR(16)  NOT NULL,
  severity    VARCHAR(16)  NOT NULL,
  sequence    INT          NOT NULL DEFAULT 0,
  notified_at DATETIME(3)  NOT NULL,
  PRIMARY KEY (alert_id, recipient)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- replaced_by: the mail that carries this mail's news; this mail is never sent then. data_at: it may have been delivered.
CREATE TABLE mails (
  id              BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  recipient       VARCHAR(320)  NOT NULL,
  message_id      VARCHAR(255)  NOT NULL,
  severity        VARCHAR(16)   NOT NULL DEFAULT 'critical',
  ordinary        TINYINT       NOT NULL DEFAULT 0,
  content         LONGTEXT      NOT NULL,
  created_at      DATETIME(3)   NOT NULL,
  claimed_by      VARCHAR(64),
  claimed_until   DATETIME(3),
  attempts        INT           NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3),
  data_at         DATETIME(3),
  sent_at         DATETIME(3),
  failed_at       DATETIME(3),
  replaced_by     BIGINT,
  error           VARCHAR(1000)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX mails_message ON mails (message_id);
CREATE INDEX mails_due ON mails (sent_at, failed_at, next_attempt_at);
CREATE INDEX mails_created ON mails (created_at);
CREATE INDEX mails_ordinary ON mails (ordinary, recipient, created_at);

-- A reminder repeats a notification, and a replacement repeats that of the mail before it: the mail is part of the key.
CREATE TABLE notifications (
  id                 BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alert_id           BIGINT       NOT NULL,
  sequence           INT          NOT NULL,
  recipient          VARCHAR(320) NOT NULL,
  transition         VARCHAR(32)  NOT NULL,
  mail_id            BIGINT,
  before_state       VARCHAR(16),
  before_severity    VARCHAR(16),
  before_sequence    INT,
  before_notified_at DATETIME(3)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX notifications_mail ON notifications (mail_id);
CREATE UNIQUE INDEX notifications_item ON notifications (mail_id, alert_id, sequence, transition);
CREATE INDEX notifications_alert ON notifications (alert_id, sequence, recipient);

-- client, rule and subject are patterns.
CREATE TABLE silences (
  id        BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client    VARCHAR(512)  NOT NULL,
  rule      VARCHAR(512)  NOT NULL,
  subject   VARCHAR(512)  NOT NULL,
  starts_at DATETIME(3)   NOT NULL,
  ends_at   DATETIME(3)   NOT NULL,
  author    VARCHAR(255)  NOT NULL,
  comment   VARCHAR(1000) NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX silences_ends ON silences (ends_at);

-- What the alerter remembers of each client beside its alerts, as JSON.
CREATE TABLE rule_state (
  client     VARCHAR(128) NOT NULL PRIMARY KEY,
  state      MEDIUMTEXT   NOT NULL,
  updated_at DATETIME(3)  NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The alerters at work.
CREATE TABLE leases (
  name       VARCHAR(64)  NOT NULL PRIMARY KEY,
  epoch      BIGINT       NOT NULL,
  holder     VARCHAR(255) NOT NULL,
  touched    BIGINT       NOT NULL,
  touched_at DATETIME(3)  NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The space of the programs' own file systems: the state folder's, and that of an SQLite database.
CREATE TABLE state_disks (
  host            VARCHAR(255) NOT NULL,
  path            VARCHAR(255) NOT NULL,
  collector_id    VARCHAR(64)  NOT NULL,
  size_bytes      BIGINT       NOT NULL,
  available_bytes BIGINT       NOT NULL,
  free_percent    DOUBLE       NOT NULL,
  observed_at     DATETIME(3)  NOT NULL,
  PRIMARY KEY (host, path)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What is kept of rows that were removed: least, mean and greatest of each figure in an hour or a day (UTC), and how many rows
-- knew it. samples: rows in all.

CREATE TABLE stats_hourly (
  client VARCHAR(128) NOT NULL,
  hour DATETIME NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  uptime_s_min BIGINT, uptime_s_mean DOUBLE, uptime_s_max BIGINT, uptime_s_count MEDIUMINT UNSIGNED NOT NULL,
  cpu_percent_min DOUBLE, cpu_percent_mean DOUBLE,
  cpu_percent_max DOUBLE, cpu_percent_count MEDIUMINT UNSIGNED NOT NULL,
  memory_percent_min DOUBLE, memory_percent_mean DOUBLE,
  memory_percent_max DOUBLE, memory_percent_count MEDIUMINT UNSIGNED NOT NULL,
  swap_percent_min DOUBLE, swap_percent_mean DOUBLE,
  swap_percent_max DOUBLE, swap_percent_count MEDIUMINT UNSIGNED NOT NULL,
  load1_min DOUBLE, load1_mean DOUBLE, load1_max DOUBLE, load1_count MEDIUMINT UNSIGNED NOT NULL,
  load5_min DOUBLE, load5_mean DOUBLE, load5_max DOUBLE, load5_count MEDIUMINT UNSIGNED NOT NULL,
  load15_min DOUBLE, load15_mean DOUBLE, load15_max DOUBLE, load15_count MEDIUMINT UNSIGNED NOT NULL,
  disk_percent_min DOUBLE, disk_percent_mean DOUBLE,
  disk_percent_max DOUBLE, disk_percent_count MEDIUMINT UNSIGNED NOT NULL,
  processes_min INT, processes_mean DOUBLE, processes_max INT, processes_count MEDIUMINT UNSIGNED NOT NULL,
  cpus_min INT, cpus_mean DOUBLE, cpus_max INT, cpus_count MEDIUMINT UNSIGNED NOT NULL,
  interval_s_min DOUBLE, interval_s_mean DOUBLE, interval_s_max DOUBLE, interval_s_count MEDIUMINT UNSIGNED NOT NULL,
  failed_units_min INT, failed_units_mean DOUBLE, failed_units_max INT, failed_units_count MEDIUMINT UNSIGNED NOT NULL,
  probe_errors_min INT, probe_errors_mean DOUBLE, probe_errors_max INT, probe_errors_count MEDIUMINT UNSIGNED NOT NULL,
  unresponsive_mounts_min INT, unresponsive_mounts_mean DOUBLE,
  unresponsive_mounts_max INT, unresponsive_mounts_count MEDIUMINT UNSIGNED NOT NULL,
  reboot_required_min TINYINT, reboot_required_mean DOUBLE,
  reboot_required_max TINYINT, reboot_required_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, hour)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE stats_daily (
  client VARCHAR(128) NOT NULL,
  day DATE NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  uptime_s_min BIGINT, uptime_s_mean DOUBLE, uptime_s_max BIGINT, uptime_s_count MEDIUMINT UNSIGNED NOT NULL,
  cpu_percent_min DOUBLE, cpu_percent_mean DOUBLE,
  cpu_percent_max DOUBLE, cpu_percent_count MEDIUMINT UNSIGNED NOT NULL,
  memory_percent_min DOUBLE, memory_percent_mean DOUBLE,
  memory_percent_max DOUBLE, memory_percent_count MEDIUMINT UNSIGNED NOT NULL,
  swap_percent_min DOUBLE, swap_percent_mean DOUBLE,
  swap_percent_max DOUBLE, swap_percent_count MEDIUMINT UNSIGNED NOT NULL,
  load1_min DOUBLE, load1_mean DOUBLE, load1_max DOUBLE, load1_count MEDIUMINT UNSIGNED NOT NULL,
  load5_min DOUBLE, load5_mean DOUBLE, load5_max DOUBLE, load5_count MEDIUMINT UNSIGNED NOT NULL,
  load15_min DOUBLE, load15_mean DOUBLE, load15_max DOUBLE, load15_count MEDIUMINT UNSIGNED NOT NULL,
  disk_percent_min DOUBLE, disk_percent_mean DOUBLE,
  disk_percent_max DOUBLE, disk_percent_count MEDIUMINT UNSIGNED NOT NULL,
  processes_min INT, processes_mean DOUBLE, processes_max INT, processes_count MEDIUMINT UNSIGNED NOT NULL,
  cpus_min INT, cpus_mean DOUBLE, cpus_max INT, cpus_count MEDIUMINT UNSIGNED NOT NULL,
  interval_s_min DOUBLE, interval_s_mean DOUBLE, interval_s_max DOUBLE, interval_s_count MEDIUMINT UNSIGNED NOT NULL,
  failed_units_min INT, failed_units_mean DOUBLE, failed_units_max INT, failed_units_count MEDIUMINT UNSIGNED NOT NULL,
  probe_errors_min INT, probe_errors_mean DOUBLE, probe_errors_max INT, probe_errors_count MEDIUMINT UNSIGNED NOT NULL,
  unresponsive_mounts_min INT, unresponsive_mounts_mean DOUBLE,
  unresponsive_mounts_max INT, unresponsive_mounts_count MEDIUMINT UNSIGNED NOT NULL,
  reboot_required_min TINYINT, reboot_required_mean DOUBLE,
  reboot_required_max TINYINT, reboot_required_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE disk_stats_hourly (
  client VARCHAR(128) NOT NULL,
  hour DATETIME NOT NULL,
  mount VARCHAR(255) NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  size_bytes_min BIGINT, size_bytes_mean DOUBLE, size_bytes_max BIGINT, size_bytes_count MEDIUMINT UNSIGNED NOT NULL,
  used_bytes_min BIGINT, used_bytes_mean DOUBLE, used_bytes_max BIGINT, used_bytes_count MEDIUMINT UNSIGNED NOT NULL,
  available_bytes_min BIGINT, available_bytes_mean DOUBLE,
  available_bytes_max BIGINT, available_bytes_count MEDIUMINT UNSIGNED NOT NULL,
  used_percent_min DOUBLE, used_percent_mean DOUBLE,
  used_percent_max DOUBLE, used_percent_count MEDIUMINT UNSIGNED NOT NULL,
  inodes_percent_min DOUBLE, inodes_percent_mean DOUBLE,
  inodes_percent_max DOUBLE, inodes_percent_count MEDIUMINT UNSIGNED NOT NULL,
  unresponsive_min TINYINT, unresponsive_mean DOUBLE,
  unresponsive_max TINYINT, unresponsive_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, hour, mount)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE disk_stats_daily (
  client VARCHAR(128) NOT NULL,
  day DATE NOT NULL,
  mount VARCHAR(255) NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  size_bytes_min BIGINT, size_bytes_mean DOUBLE, size_bytes_max BIGINT, size_bytes_count MEDIUMINT UNSIGNED NOT NULL,
  used_bytes_min BIGINT, used_bytes_mean DOUBLE, used_bytes_max BIGINT, used_bytes_count MEDIUMINT UNSIGNED NOT NULL,
  available_bytes_min BIGINT, available_bytes_mean DOUBLE,
  available_bytes_max BIGINT, available_bytes_count MEDIUMINT UNSIGNED NOT NULL,
  used_percent_min DOUBLE, used_percent_mean DOUBLE,
  used_percent_max DOUBLE, used_percent_count MEDIUMINT UNSIGNED NOT NULL,
  inodes_percent_min DOUBLE, inodes_percent_mean DOUBLE,
  inodes_percent_max DOUBLE, inodes_percent_count MEDIUMINT UNSIGNED NOT NULL,
  unresponsive_min TINYINT, unresponsive_mean DOUBLE,
  unresponsive_max TINYINT, unresponsive_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, day, mount)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE network_stats_hourly (
  client VARCHAR(128) NOT NULL,
  hour DATETIME NOT NULL,
  interface VARCHAR(255) NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  rx_bytes_per_s_min DOUBLE, rx_bytes_per_s_mean DOUBLE,
  rx_bytes_per_s_max DOUBLE, rx_bytes_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_bytes_per_s_min DOUBLE, tx_bytes_per_s_mean DOUBLE,
  tx_bytes_per_s_max DOUBLE, tx_bytes_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  rx_packets_per_s_min DOUBLE, rx_packets_per_s_mean DOUBLE,
  rx_packets_per_s_max DOUBLE, rx_packets_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_packets_per_s_min DOUBLE, tx_packets_per_s_mean DOUBLE,
  tx_packets_per_s_max DOUBLE, tx_packets_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  rx_errors_per_s_min DOUBLE, rx_errors_per_s_mean DOUBLE,
  rx_errors_per_s_max DOUBLE, rx_errors_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_errors_per_s_min DOUBLE, tx_errors_per_s_mean DOUBLE,
  tx_errors_per_s_max DOUBLE, tx_errors_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  rx_drops_per_s_min DOUBLE, rx_drops_per_s_mean DOUBLE,
  rx_drops_per_s_max DOUBLE, rx_drops_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_drops_per_s_min DOUBLE, tx_drops_per_s_mean DOUBLE,
  tx_drops_per_s_max DOUBLE, tx_drops_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  link_up_min TINYINT, link_up_mean DOUBLE, link_up_max TINYINT, link_up_count MEDIUMINT UNSIGNED NOT NULL,
  speed_bits_per_s_min DOUBLE, speed_bits_per_s_mean DOUBLE,
  speed_bits_per_s_max DOUBLE, speed_bits_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  interval_s_min DOUBLE, interval_s_mean DOUBLE, interval_s_max DOUBLE, interval_s_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, hour, interface)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE network_stats_daily (
  client VARCHAR(128) NOT NULL,
  day DATE NOT NULL,
  interface VARCHAR(255) NOT NULL,
  samples MEDIUMINT UNSIGNED NOT NULL,
  rx_bytes_per_s_min DOUBLE, rx_bytes_per_s_mean DOUBLE,
  rx_bytes_per_s_max DOUBLE, rx_bytes_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_bytes_per_s_min DOUBLE, tx_bytes_per_s_mean DOUBLE,
  tx_bytes_per_s_max DOUBLE, tx_bytes_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  rx_packets_per_s_min DOUBLE, rx_packets_per_s_mean DOUBLE,
  rx_packets_per_s_max DOUBLE, rx_packets_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_packets_per_s_min DOUBLE, tx_packets_per_s_mean DOUBLE,
  tx_packets_per_s_max DOUBLE, tx_packets_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  rx_errors_per_s_min DOUBLE, rx_errors_per_s_mean DOUBLE,
  rx_errors_per_s_max DOUBLE, rx_errors_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_errors_per_s_min DOUBLE, tx_errors_per_s_mean DOUBLE,
  tx_errors_per_s_max DOUBLE, tx_errors_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  rx_drops_per_s_min DOUBLE, rx_drops_per_s_mean DOUBLE,
  rx_drops_per_s_max DOUBLE, rx_drops_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  tx_drops_per_s_min DOUBLE, tx_drops_per_s_mean DOUBLE,
  tx_drops_per_s_max DOUBLE, tx_drops_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  link_up_min TINYINT, link_up_mean DOUBLE, link_up_max TINYINT, link_up_count MEDIUMINT UNSIGNED NOT NULL,
  speed_bits_per_s_min DOUBLE, speed_bits_per_s_mean DOUBLE,
  speed_bits_per_s_max DOUBLE, speed_bits_per_s_count MEDIUMINT UNSIGNED NOT NULL,
  interval_s_min DOUBLE, interval_s_mean DOUBLE, interval_s_max DOUBLE, interval_s_count MEDIUMINT UNSIGNED NOT NULL,
  PRIMARY KEY (client, day, interface)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The newest row of every client. A row more than an hour ahead of the database's clock was stored under a wrong clock: it is
-- the newest only of a client that has no other.
CREATE SQL SECURITY INVOKER VIEW latest_stats AS
  SELECT s.*, c.address
    FROM clients c
    JOIN stats s
      ON s.id = COALESCE(
           (SELECT n.id FROM stats n
             WHERE n.client = c.name AND n.observed_at <= UTC_TIMESTAMP(3) + INTERVAL 1 HOUR
             ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
           (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1));

-- latest_stats without the clients that nobody has visited for a day, as of the newest visit of any client: they were removed
-- from config.xml. A visit more than an hour ahead of the database's clock counts for its own client alone.
CREATE SQL SECURITY INVOKER VIEW present_stats AS
  SELECT l.*
    FROM latest_stats l
    JOIN clients c ON c.name = l.client
   WHERE c.last_visit_at >= (SELECT MAX(v.last_visit_at) - INTERVAL 1 DAY FROM clients v
                              WHERE v.last_visit_at <= UTC_TIMESTAMP(3) + INTERVAL 1 HOUR);

CREATE SQL SECURITY INVOKER VIEW alert_history AS
  SELECT id, client, rule, subject, severity, state, value, limit_text, pending_since, firing_since, resolved_at,
         TIMESTAMPDIFF(MICROSECOND, firing_since, resolved_at) DIV 1000000 AS firing_s,
         closed_reason, acknowledged_by, acknowledged_until
    FROM alerts;

-- The one table of the program that this one succeeds.
CREATE SQL SECURITY INVOKER VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime, CAST(NULL AS CHAR) AS event_logs, s.observed_at AS collection_date,
         s.processed_at IS NOT NULL AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;

-- All that is known, by the hour and by the day: what was kept of rows that were removed, and each row that is there as a part
-- of its hour or day. The columns are those of the rollups: each figure is its own least, mean and greatest.

CREATE SQL SECURITY INVOKER VIEW stats_by_hour AS
  SELECT * FROM stats_hourly
  UNION ALL
  SELECT client, CAST(DATE(observed_at) AS DATETIME) + INTERVAL HOUR(observed_at) HOUR, 1,
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

CREATE SQL SECURITY INVOKER VIEW stats_by_day AS
  SELECT * FROM stats_daily
  UNION ALL
  SELECT client, DATE(observed_at), 1,
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

CREATE SQL SECURITY INVOKER VIEW disk_stats_by_hour AS
  SELECT * FROM disk_stats_hourly
  UNION ALL
  SELECT client, CAST(DATE(observed_at) AS DATETIME) + INTERVAL HOUR(observed_at) HOUR, mount, 1,
         size_bytes, size_bytes, size_bytes, size_bytes IS NOT NULL,
         used_bytes, used_bytes, used_bytes, used_bytes IS NOT NULL,
         available_bytes, available_bytes, available_bytes, available_bytes IS NOT NULL,
         used_percent, used_percent, used_percent, used_percent IS NOT NULL,
         inodes_percent, inodes_percent, inodes_percent, inodes_percent IS NOT NULL,
         unresponsive, unresponsive, unresponsive, unresponsive IS NOT NULL
    FROM disk_stats;

CREATE SQL SECURITY INVOKER VIEW disk_stats_by_day AS
  SELECT * FROM disk_stats_daily
  UNION ALL
  SELECT client, DATE(observed_at), mount, 1,
         size_bytes, size_bytes, size_bytes, size_bytes IS NOT NULL,
         used_bytes, used_bytes, used_bytes, used_bytes IS NOT NULL,
         available_bytes, available_bytes, available_bytes, available_bytes IS NOT NULL,
         used_percent, used_percent, used_percent, used_percent IS NOT NULL,
         inodes_percent, inodes_percent, inodes_percent, inodes_percent IS NOT NULL,
         unresponsive, unresponsive, unresponsive, unresponsive IS NOT NULL
    FROM disk_stats;

CREATE SQL SECURITY INVOKER VIEW network_stats_by_hour AS
  SELECT * FROM network_stats_hourly
  UNION ALL
  SELECT client, CAST(DATE(observed_at) AS DATETIME) + INTERVAL HOUR(observed_at) HOUR, interface, 1,
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

CREATE SQL SECURITY INVOKER VIEW network_stats_by_day AS
  SELECT * FROM network_stats_daily
  UNION ALL
  SELECT client, DATE(observed_at), interface, 1,
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
