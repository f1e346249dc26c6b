-- The newest lines of logs of each report. priority: 0 (emerg) to 7 (debug). logged_at: when the line was written, where it says so
-- with its zone. times: how often it stood in a row.

CREATE TABLE log_lines (
  stat_id     INTEGER NOT NULL,
  ordinal     INTEGER NOT NULL,
  client      TEXT    NOT NULL,
  observed_at TEXT    NOT NULL,
  logged_at   TEXT,
  priority    INTEGER,
  unit        TEXT,
  text        TEXT    NOT NULL,
  times       INTEGER NOT NULL,
  PRIMARY KEY (stat_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_lines_client ON log_lines (client, observed_at);
CREATE INDEX log_lines_observed_at ON log_lines (observed_at);

DROP VIEW IF EXISTS collected_stats;
CREATE VIEW collected_stats AS
  SELECT s.id, c.address AS ip_addr, s.os, s.cpu_percent AS cpu_usage, s.memory_percent AS mem_usage,
         s.uptime_s AS uptime,
         (SELECT GROUP_CONCAT(text, char(10)) FROM log_lines WHERE stat_id = s.id) AS event_logs,
         s.observed_at AS collection_date, s.processed_at IS NOT NULL AS consulted_for_alerts
    FROM stats s
    JOIN clients c ON c.name = s.client;
