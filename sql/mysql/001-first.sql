-- Everything of version 1. Times are UTC. Text compares byte by byte: /data is not /Data.

CREATE TABLE runs (
  id            VARCHAR(36)  NOT NULL PRIMARY KEY,
  program       VARCHAR(16)  NOT NULL,
  outcome       VARCHAR(16)  NOT NULL,
  collector_id  VARCHAR(64)  NOT NULL,
  host          VARCHAR(255) NOT NULL,
  scope         VARCHAR(16)  NOT NULL,
  config_digest VARCHAR(64)  NOT NULL,
  started_at    DATETIME(3)  NOT NULL,
  finished_at   DATETIME(3)  NULL,
  clients       INT          NULL,
  succeeded     INT          NULL,
  failed        INT          NULL,
  skipped       INT          NULL,
  cpu_ms        BIGINT       NULL,
  max_rss_bytes BIGINT       NULL,
  KEY runs_program (program, started_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE clients (
  name                 VARCHAR(128) NOT NULL PRIMARY KEY,
  address              VARCHAR(255) NULL,
  first_seen           DATETIME(3)  NOT NULL,
  last_visit_at        DATETIME(3)  NULL,
  last_report_at       DATETIME(3)  NULL,
  consecutive_failures INT          NOT NULL DEFAULT 0,
  next_attempt_at      DATETIME(3)  NULL,
  reader               VARCHAR(16)  NULL,
  boot_id              VARCHAR(64)  NULL,
  inventory_at         DATETIME(3)  NULL,
  KEY clients_address (address)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE visits (
  id           BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  run_id       VARCHAR(36)   NOT NULL,
  client       VARCHAR(128)  NOT NULL,
  started_at   DATETIME(3)   NOT NULL,
  duration_ms  BIGINT        NOT NULL,
  ok           TINYINT       NOT NULL,
  stage        VARCHAR(32)   NULL,
  code         VARCHAR(64)   NULL,
  message      VARCHAR(1000) NULL,
  connect_ms   BIGINT        NULL,
  bytes_in     BIGINT        NOT NULL,
  bytes_out    BIGINT        NOT NULL,
  uploaded     TINYINT       NOT NULL,
  processed_at DATETIME(3)   NULL,
  UNIQUE KEY visits_name (run_id, client),
  KEY visits_client (client, started_at),
  KEY visits_unprocessed (processed_at),
  KEY visits_started (started_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE stats (
  id                  BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client              VARCHAR(128) NOT NULL,
  report_id           VARCHAR(36)  NOT NULL,
  run_id              VARCHAR(36)  NOT NULL,
  observed_at         DATETIME(3)  NOT NULL,
  collected_at        DATETIME(3)  NOT NULL,
  received_at         DATETIME(3)  NOT NULL,
  clock_offset_ms     BIGINT       NULL,
  boot_id             VARCHAR(64)  NULL,
  hostname            VARCHAR(255) NULL,
  os                  VARCHAR(255) NULL,
  uptime_s            BIGINT       NULL,
  cpu_percent         DOUBLE       NULL,
  memory_percent      DOUBLE       NULL,
  swap_percent        DOUBLE       NULL,
  load1               DOUBLE       NULL,
  load5               DOUBLE       NULL,
  load15              DOUBLE       NULL,
  disk_percent        DOUBLE       NULL,
  processes           INT          NULL,
  cpus                INT          NULL,
  failed_units        INT          NULL,
  probe_errors        INT          NULL,
  unresponsive_mounts INT          NULL,
  reboot_required     TINYINT      NULL,
  processed_at        DATETIME(3)  NULL,
  UNIQUE KEY stats_report (report_id),
  KEY stats_client (client, observed_at),
  KEY stats_unprocessed (processed_at),
  KEY stats_observed (observed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE reports (
  stat_id     BIGINT      NOT NULL PRIMARY KEY,
  observed_at DATETIME(3) NOT NULL,
  report      JSON        NOT NULL,
  KEY reports_observed (observed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE disk_stats (
  stat_id         BIGINT       NOT NULL,
  ordinal         SMALLINT     NOT NULL,
  client          VARCHAR(128) NOT NULL,
  observed_at     DATETIME(3)  NOT NULL,
  mount           VARCHAR(255) NOT NULL,
  fstype          VARCHAR(255) NULL,
  source          VARCHAR(255) NULL,
  scope           VARCHAR(255) NULL,
  mode            VARCHAR(255) NULL,
  size_bytes      BIGINT       NULL,
  used_bytes      BIGINT       NULL,
  available_bytes BIGINT       NULL,
  used_percent    DOUBLE       NULL,
  inodes_percent  DOUBLE       NULL,
  unresponsive    TINYINT      NULL,
  PRIMARY KEY (stat_id, ordinal),
  KEY disk_stats_client (client, observed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE network_stats (
  stat_id          BIGINT       NOT NULL,
  ordinal          SMALLINT     NOT NULL,
  client           VARCHAR(128) NOT NULL,
  observed_at      DATETIME(3)  NOT NULL,
  interface        VARCHAR(255) NOT NULL,
  rx_bytes_per_s   DOUBLE       NULL,
  tx_bytes_per_s   DOUBLE       NULL,
  rx_packets_per_s DOUBLE       NULL,
  tx_packets_per_s DOUBLE       NULL,
  rx_errors_per_s  DOUBLE       NULL,
  tx_errors_per_s  DOUBLE       NULL,
  rx_drops_per_s   DOUBLE       NULL,
  tx_drops_per_s   DOUBLE       NULL,
  link_up          TINYINT      NULL,
  speed_bits_per_s DOUBLE       NULL,
  PRIMARY KEY (stat_id, ordinal),
  KEY network_stats_client (client, observed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE inventory (
  id             BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client         VARCHAR(128) NOT NULL,
  observed_at    DATETIME(3)  NOT NULL,
  report_id      VARCHAR(36)  NOT NULL,
  facts_digest   VARCHAR(64)  NOT NULL,
  manufacturer   VARCHAR(255) NULL,
  model          VARCHAR(255) NULL,
  serial         VARCHAR(255) NULL,
  hostname       VARCHAR(255) NULL,
  os             VARCHAR(255) NULL,
  os_version     VARCHAR(255) NULL,
  kernel         VARCHAR(255) NULL,
  architecture   VARCHAR(255) NULL,
  virtualisation VARCHAR(255) NULL,
  cpu_model      VARCHAR(255) NULL,
  cpus           INT          NULL,
  memory_bytes   BIGINT       NULL,
  facts          JSON         NOT NULL,
  KEY inventory_client (client, observed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Inventory reports that came in, those included that changed nothing: so that one sent twice is known.
CREATE TABLE inventory_reports (
  report_id   VARCHAR(36)  NOT NULL PRIMARY KEY,
  client      VARCHAR(128) NOT NULL,
  observed_at DATETIME(3)  NOT NULL,
  KEY inventory_reports_observed (observed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- open_key is alert_key until the alert ends, then NULL: one open alert of a client, rule and subject at most.
CREATE TABLE alerts (
  id                 BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client             VARCHAR(128) NOT NULL,
  rule               VARCHAR(255) NOT NULL,
  subject            VARCHAR(512) NOT NULL,
  alert_key          VARCHAR(64)  NOT NULL,
  open_key           VARCHAR(64)  NULL,
  severity           VARCHAR(16)  NOT NULL,
  state              VARCHAR(16)  NOT NULL,
  value              DOUBLE       NULL,
  limit_text         VARCHAR(255) NULL,
  pending_since      DATETIME(3)  NULL,
  firing_since       DATETIME(3)  NULL,
  resolved_at        DATETIME(3)  NULL,
  closed_reason      VARCHAR(32)  NULL,
  acknowledged_by    VARCHAR(255) NULL,
  acknowledged_until DATETIME(3)  NULL,
  UNIQUE KEY alerts_open (open_key),
  KEY alerts_key (alert_key, id),
  KEY alerts_client (client, id),
  KEY alerts_state (state, client)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE told (
  alert_id  BIGINT       NOT NULL,
  recipient VARCHAR(320) NOT NULL,
  state     VARCHAR(16)  NOT NULL,
  severity  VARCHAR(16)  NOT NULL,
  told_at   DATETIME(3)  NOT NULL,
  PRIMARY KEY (alert_id, recipient)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE mails (
  id              BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  recipient       VARCHAR(320) NOT NULL,
  message_id      VARCHAR(255) NOT NULL,
  content         LONGTEXT     NOT NULL,
  created_at      DATETIME(3)  NOT NULL,
  claimed_by      VARCHAR(64)  NULL,
  claimed_until   DATETIME(3)  NULL,
  attempts        INT          NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3)  NULL,
  sent_at         DATETIME(3)  NULL,
  failed_at       DATETIME(3)  NULL,
  error           VARCHAR(1000) NULL,
  UNIQUE KEY mails_message (message_id),
  KEY mails_due (sent_at, failed_at, next_attempt_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE notifications (
  id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alert_id   BIGINT       NOT NULL,
  sequence   INT          NOT NULL,
  recipient  VARCHAR(320) NOT NULL,
  transition VARCHAR(32)  NOT NULL,
  mail_id    BIGINT       NULL,
  UNIQUE KEY notifications_name (alert_id, sequence, recipient),
  KEY notifications_mail (mail_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- client, rule and subject are patterns.
CREATE TABLE silences (
  id              BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client          VARCHAR(512)  NOT NULL,
  rule            VARCHAR(512)  NOT NULL,
  subject         VARCHAR(512)  NOT NULL,
  starts_at       DATETIME(3)   NOT NULL,
  ends_at         DATETIME(3)   NOT NULL,
  author          VARCHAR(255)  NOT NULL,
  comment         VARCHAR(1000) NOT NULL,
  KEY silences_ends (ends_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE leases (
  name       VARCHAR(64)  NOT NULL PRIMARY KEY,
  epoch      BIGINT       NOT NULL,
  holder     VARCHAR(255) NOT NULL,
  touched    BIGINT       NOT NULL,
  touched_at DATETIME(3)  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The newest row of every client.
CREATE SQL SECURITY INVOKER VIEW latest_stats AS
  SELECT s.id, s.client, c.address, s.report_id, s.run_id, s.observed_at, s.collected_at, s.received_at,
         s.clock_offset_ms, s.boot_id, s.hostname, s.os, s.uptime_s, s.cpu_percent, s.memory_percent, s.swap_percent,
         s.load1, s.load5, s.load15, s.disk_percent, s.processes, s.cpus, s.failed_units, s.probe_errors,
         s.unresponsive_mounts, s.reboot_required, s.processed_at
    FROM clients c
    JOIN stats s
      ON s.id = (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1);

CREATE SQL SECURITY INVOKER VIEW alert_history AS
  SELECT a.id, a.client, a.rule, a.subject, a.severity, a.state, a.value, a.limit_text, a.pending_since, a.firing_since,
         a.resolved_at, TIMESTAMPDIFF(MICROSECOND, a.firing_since, a.resolved_at) DIV 1000000 AS firing_s,
         a.closed_reason, a.acknowledged_by, a.acknowledged_until
    FROM alerts a;

-- The one table of the program this one succeeds.
CREATE SQL SECURITY INVOKER VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime, CAST(NULL AS CHAR) AS event_logs, s.observed_at AS collection_date,
         CASE WHEN s.processed_at IS NULL THEN 0 ELSE 1 END AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;
